import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import type { SqlDatabase } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { canonicalJson } from '../hash';

/** What a connection signs in with. */
type SignIn = Pick<OpenConnection, 'id' | 'name' | 'connector_type' | 'config' | 'credentials'>;

export interface RefusedSignIn {
  connectionId: number;
  digest: string;
  reason: string;
  /** Epoch milliseconds. */
  refusedAt: number;
}

/**
 * Sign-ins that were refused, so that no account is locked by trying them again. Each is known by what it was tried with: other
 * settings or another password are another sign-in, whoever changed them and wherever they are kept.
 */
export class RefusedSignIns {
  constructor(
    private readonly database: SqlDatabase,
    private readonly vault: Vault,
  ) {}

  digestOf({ connector_type, config, credentials }: SignIn): string {
    return this.vault.digest(canonicalJson([connector_type, config, credentials]), 'refused-sign-in');
  }

  async all(): Promise<RefusedSignIn[]> {
    const rows = await this.database.query(
      'SELECT connection_id, digest, reason, refused_at FROM integration_refused_sign_ins',
    );
    return rows.map((row) => ({
      connectionId: Number(row.connection_id),
      digest: String(row.digest),
      reason: String(row.reason),
      refusedAt: Number(row.refused_at),
    }));
  }

  /** Forgets what was refused of the same connection before it was changed. @throws auth PCP_SIGN_IN_REFUSED */
  async check({ id, name }: SignIn, digest: string): Promise<void> {
    const rows = await this.database.query(
      'SELECT digest, reason FROM integration_refused_sign_ins WHERE digest = ? OR connection_id = ?',
      [digest, id],
    );
    const row = rows.find((candidate) => candidate.digest === digest);
    if (row === undefined) {
      for (const earlier of rows) await this.forget(String(earlier.digest));
      return;
    }
    throw new IntegrationError(
      'auth',
      'PCP_SIGN_IN_REFUSED',
      `Connection "${name}" is paused, since its sign-in was refused: ${row.reason}`,
      { hint: 'Correct its settings or its password, or test it: a successful test ends the pause.' },
    );
  }

  async note({ id }: SignIn, digest: string, { message }: IntegrationError): Promise<void> {
    const { epochMs } = this.database;
    await this.database.transaction(async (transaction) => {
      await transaction.execute('DELETE FROM integration_refused_sign_ins WHERE connection_id = ? OR digest = ?', [
        id,
        digest,
      ]);
      await transaction.execute(
        `INSERT INTO integration_refused_sign_ins (digest, connection_id, reason, refused_at) VALUES (?, ?, ?, ${epochMs})`,
        [digest, id, message],
      );
    });
    await this.database.flush();
  }

  async forget(digest: string): Promise<void> {
    await this.database.execute('DELETE FROM integration_refused_sign_ins WHERE digest = ?', [digest]);
  }
}
