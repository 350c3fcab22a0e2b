import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { IntegrationError } from '../../model/errors';
import type { SignIn, SignIns, Tokens } from '../../protocols/http/auth/oauth2';
import type { SqlDatabase } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { signInContext } from '../../store/connections';
import { isUniqueViolation } from '../../store/rows';
import { WORKER, workerIsGone } from '../../store/worker-name';

/** Longer than a token endpoint may take to answer. */
const LEASE_MS = 60_000;
const LOOK_AGAIN_MS = 100;
/** What nobody signed in with for a year goes. */
const UNUSED_MS = 366 * 24 * 60 * 60_000;

let leases = 0;

/**
 * The tokens of OAuth 2.0 sign-ins, sealed in the store. A sign-in is named by a hash of the settings that it began with, so
 * it is found again by a connection that is saved after its test, and begins anew with other settings.
 */
export class SignInStore implements SignIns {
  constructor(
    private readonly database: SqlDatabase,
    private readonly vault: Vault,
    private readonly log: (level: 'warn', message: string) => void,
  ) {}

  async renewed(signIn: SignIn, renew: (kept: Tokens | undefined) => Promise<Tokens>): Promise<Tokens> {
    const id = idOf(signIn);
    const holder = `${WORKER}:${++leases}`;
    await this.acquire(id, holder);
    try {
      const { kept, version } = await this.read(id);
      const tokens = await renew(kept);
      if (tokens === kept || (await this.save(id, tokens, version))) return tokens;
      // The lease was over before the server answered, and somebody else has signed in since.
      return (await this.read(id)).kept ?? tokens;
    } finally {
      await this.free(id, holder);
    }
  }

  private async acquire(id: string, holder: string): Promise<void> {
    const { epochMs } = this.database;
    for (;;) {
      const acquired = await this.database.execute(
        `UPDATE integration_sign_ins SET holder = ?, lease_until = ${epochMs} + ${LEASE_MS}, used_at = ${epochMs}
         WHERE id = ? AND (holder IS NULL OR lease_until < ${epochMs})`,
        [holder, id],
      );
      if (acquired === 1) return;
      const [row] = await this.database.query('SELECT holder FROM integration_sign_ins WHERE id = ?', [id]);
      if (row === undefined) await this.create(id);
      else if (typeof row.holder === 'string' && workerIsGone(row.holder)) await this.free(id, row.holder);
      else await delay(LOOK_AGAIN_MS);
    }
  }

  private async create(id: string): Promise<void> {
    const { epochMs } = this.database;
    await this.database.execute(`DELETE FROM integration_sign_ins WHERE used_at < ${epochMs} - ${UNUSED_MS}`);
    try {
      await this.database.execute(
        `INSERT INTO integration_sign_ins (id, tokens, version, holder, lease_until, used_at)
         VALUES (?, NULL, 0, NULL, 0, ${epochMs})`,
        [id],
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }

  private async free(id: string, holder: string): Promise<void> {
    await this.database.execute('UPDATE integration_sign_ins SET holder = NULL WHERE id = ? AND holder = ?', [
      id,
      holder,
    ]);
  }

  private async read(id: string): Promise<{ kept: Tokens | undefined; version: number }> {
    const [row] = await this.database.query('SELECT tokens, version FROM integration_sign_ins WHERE id = ?', [id]);
    const version = Number(row?.version);
    if (typeof row?.tokens !== 'string') return { kept: undefined, version };
    try {
      return { kept: this.vault.decrypt(row.tokens, signInContext(id)) as Tokens, version };
    } catch (error) {
      // The refresh token of the settings may still be good.
      this.log('warn', `A kept sign-in is lost: ${IntegrationError.from(error).message}`);
      return { kept: undefined, version };
    }
  }

  /** False when somebody else has saved since. */
  private async save(id: string, tokens: Tokens, version: number): Promise<boolean> {
    const saved = await this.database.execute(
      'UPDATE integration_sign_ins SET tokens = ?, version = version + 1 WHERE id = ? AND version = ?',
      [this.vault.encrypt(tokens, signInContext(id)), id, version],
    );
    await this.database.flush();
    return saved === 1;
  }
}

function idOf({ tokenUrl, clientId, refreshToken }: SignIn): string {
  return createHash('sha256')
    .update(JSON.stringify(['pcp-sign-in-1', tokenUrl, clientId, refreshToken]))
    .digest('hex');
}
