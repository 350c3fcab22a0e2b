import type { IntegrationError } from '../../model/errors';
import type { SqlDatabase } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { SignInLeases } from './leases';
import { digestOf, digestOfEntity, mayLock, type Refusals, type SignIn, signInRefused } from './refusals';

/** Where no account can be locked, one try is made again after so long. */
const TRY_AGAIN_MS = 3_600_000;
/** A refusal comes sooner: a process that takes longer has signed in, or died on another host. */
const LONGEST_WAIT_MS = 15_000;
/** What a connection signed in with before it was changed elsewhere is of no use to anybody. */
const KEPT_MS = 90 * 24 * 3_600_000;

/**
 * Sign-ins that were refused, so that no account is locked by trying them again. Each is known by what it was tried with: other
 * settings or another password are another sign-in, whoever changed them and wherever they are kept. Instances may have
 * different secrets for one connection: what one signs in with says nothing about the other's.
 */
export class RefusedSignIns implements Refusals {
  private readonly leases: SignInLeases;

  constructor(
    private readonly database: SqlDatabase,
    private readonly vault: Vault,
  ) {
    this.leases = new SignInLeases(database);
  }

  digestOf(connection: SignIn): string {
    return digestOf(this.vault, connection);
  }

  /** Of some connections those whose sign-in was refused, with the reason. */
  async among(ids: readonly number[], open: (id: number) => Promise<SignIn>): Promise<Map<number, string>> {
    const rows = await this.database.query('SELECT digest, reason FROM integration_refused_sign_ins');
    const reasons = new Map(rows.map(({ digest, reason }) => [String(digest), String(reason)]));
    const found = new Map<number, string>();
    for (const id of reasons.size === 0 ? [] : ids) {
      // Of a flow that is not deployed nobody knows what it would sign in with.
      const connection = await open(id).catch(() => undefined);
      const reason = connection && reasons.get(this.digestOf(connection));
      if (reason !== undefined) found.set(id, reason);
    }
    return found;
  }

  /** @returns null: it was not refused */
  async reason(digest: string): Promise<string | null> {
    const sql = 'SELECT reason FROM integration_refused_sign_ins WHERE digest = ?';
    const [row] = await this.database.query(sql, [digest]);
    return row === undefined ? null : String(row.reason);
  }

  async check(connection: SignIn, digest: string, entity?: string): Promise<'fine' | 'trial'> {
    const reasons = await this.reasons(digest);
    const own = entity === undefined ? undefined : digestOfEntity(digest, entity);
    const refused = [digest, own].find((known) => known !== undefined && reasons.has(known));
    // What others were refused says something to whoever is answered.
    if (refused === undefined) return reasons.size === 0 ? 'fine' : 'trial';
    if (!mayLock(connection) && (await this.mayTryAgain(refused))) return 'trial';
    throw signInRefused(connection, reasons.get(refused) ?? '', refused === own ? entity : undefined);
  }

  /** Two entities that are refused, with no answer in between, are refused for the sign-in that they share. */
  async note(
    { id }: Pick<SignIn, 'id'>,
    digest: string,
    { message }: Pick<IntegrationError, 'message'>,
    entity?: string,
  ): Promise<void> {
    const { epochMs } = this.database;
    const own = entity === undefined ? digest : digestOfEntity(digest, entity);
    const others = [...(await this.reasons(digest)).keys()].filter((known) => known !== own);
    const refused = others.length === 0 ? own : digest;
    await this.database.transaction(async (transaction) => {
      await transaction.execute(
        `DELETE FROM integration_refused_sign_ins WHERE digest = ? OR refused_at < ${epochMs} - ${KEPT_MS}`,
        [refused],
      );
      await transaction.execute(
        `INSERT INTO integration_refused_sign_ins (digest, connection_id, reason, refused_at) VALUES (?, ?, ?, ${epochMs})`,
        [refused, id, message],
      );
    });
    await this.database.flush();
  }

  async forget(digest: string): Promise<void> {
    await this.database.execute(`DELETE FROM integration_refused_sign_ins WHERE ${ofDigest(digest)}`, [digest]);
  }

  alone(digest: string): Promise<() => Promise<void>> {
    return this.leases.acquire(digest, AbortSignal.timeout(LONGEST_WAIT_MS));
  }

  /** Of a sign-in and of its entities, by digest. */
  private async reasons(digest: string): Promise<Map<string, string>> {
    const sql = `SELECT digest, reason FROM integration_refused_sign_ins WHERE ${ofDigest(digest)}`;
    const rows = await this.database.query(sql, [digest]);
    return new Map(rows.map((row) => [String(row.digest), String(row.reason)]));
  }

  /** Of all that ask, one may. */
  private async mayTryAgain(digest: string): Promise<boolean> {
    const { epochMs } = this.database;
    const sql = `UPDATE integration_refused_sign_ins SET refused_at = ${epochMs}
      WHERE digest = ? AND refused_at < ${epochMs} - ${TRY_AGAIN_MS}`;
    return (await this.database.execute(sql, [digest])) === 1;
  }
}

function ofDigest({ length }: string): string {
  return `SUBSTR(digest, 1, ${length}) = ?`;
}
