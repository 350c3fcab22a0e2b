import { createHash, createHmac } from 'node:crypto';
import { phrase } from '../model/phrase';
import type { Hub } from '../model/services';
import { Problem } from './problem';

/** How long an answer is kept for repeats, in milliseconds. */
const KEEP_MS = 24 * 60 * 60 * 1000;

/** A request that has not ended after this time belonged to a process that died. */
const ABANDONED_MS = 5 * 60 * 1000;

const PRUNE_INTERVAL_MS = 60 * 60 * 1000;

export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  /** JSON text, null when the answer had no body. */
  body: string | null;
}

export type Claim =
  | { outcome: 'new' }
  | { outcome: 'replay'; answer: StoredAnswer }
  /** The first request with this key has not been answered yet. */
  | { outcome: 'in_progress' }
  /** The key was used for another body. */
  | { outcome: 'mismatch' };

/** Remembers answers by Idempotency-Key. Keys are digests: the store never sees what the client sent. */
export interface IdempotencyStore {
  /** Takes the key for this request, or tells what became of the request that took it. Only one of many gets "new". */
  claim(key: string, requestHash: string): Promise<Claim>;
  complete(key: string, answer: StoredAnswer): Promise<void>;
  /** The request failed in a way that a repeat may cure: the key is free again. */
  release(key: string): Promise<void>;
}

export interface IdempotentRequest {
  header: string;
  user: string | undefined;
  method: string;
  path: string;
  body: unknown;
}

/**
 * What the store keeps of a request. The body's digest is keyed with the header, which is kept nowhere, so that a secret
 * in the body cannot be guessed from it.
 * @throws Problem 400 for a header that is not 1 to 255 visible characters
 */
export function idempotencyKeys(request: IdempotentRequest): { key: string; requestHash: string } {
  if (!/^[\x21-\x7e]{1,255}$/.test(request.header)) {
    throw new Problem(
      400,
      'PCP_IDEMPOTENCY_KEY_INVALID',
      phrase`Idempotency-Key must be 1 to 255 visible ASCII characters.`,
    );
  }
  const key = JSON.stringify([request.header, request.method, request.path, request.user ?? null]);
  return {
    key: createHash('sha256').update(key).digest('hex'),
    requestHash: createHmac('sha256', request.header)
      .update(JSON.stringify(request.body) ?? '')
      .digest('hex'),
  };
}

/**
 * Keeps the answers in `integration_idempotency_keys`, where status 0 stands for a request that still runs; the database
 * is asked for when the first key arrives. Bodies are sealed: an answer may hold what is sealed elsewhere, as a dead letter does.
 */
export function createIdempotencyStore(
  hub: () => Promise<Pick<Hub, 'database' | 'vault'>>,
  now = Date.now,
): IdempotencyStore {
  let prunedAt = Number.NEGATIVE_INFINITY;

  const open = async () => {
    const { database: sql, vault } = await hub();
    const name = (column: string) => sql.quote(column);
    return { sql, vault, name, table: sql.tableName({ name: 'integration_idempotency_keys' }) };
  };

  const prune = async () => {
    if (now() - prunedAt < PRUNE_INTERVAL_MS) return;
    prunedAt = now();
    const { sql, name, table } = await open();
    await sql.execute(`DELETE FROM ${table} WHERE ${name('created_at')} < ?`, [now() - KEEP_MS]);
  };

  /** Also takes over what is too old to count. */
  const insert = async (key: string, requestHash: string): Promise<boolean> => {
    const { sql, name, table } = await open();
    const keyIs = `${name('key')} = ?`;
    await sql.execute(
      `DELETE FROM ${table} WHERE ${keyIs} AND (${name('created_at')} < ? OR (${name('status')} = 0 AND ${name('created_at')} < ?))`,
      [key, now() - KEEP_MS, now() - ABANDONED_MS],
    );
    const columns = ['key', 'request_hash', 'status', 'created_at'].map(name).join(', ');
    try {
      await sql.execute(`INSERT INTO ${table} (${columns}) VALUES (?, ?, 0, ?)`, [key, requestHash, now()]);
      return true;
    } catch (error) {
      const rows = await sql.query(`SELECT ${name('key')} FROM ${table} WHERE ${keyIs}`, [key]);
      if (rows.length === 0) throw error;
      return false;
    }
  };

  return {
    async claim(key, requestHash) {
      await prune();
      if (await insert(key, requestHash)) return { outcome: 'new' };
      const { sql, vault, name, table } = await open();
      const columns = ['request_hash', 'status', 'headers', 'body'].map(name).join(', ');
      const [row] = await sql.query(`SELECT ${columns} FROM ${table} WHERE ${name('key')} = ?`, [key]);
      if (row === undefined) return { outcome: 'in_progress' };
      if (row.request_hash !== requestHash) return { outcome: 'mismatch' };
      if (Number(row.status) === 0) return { outcome: 'in_progress' };
      const kept = row.body === null ? null : String(row.body);
      // Earlier versions kept answers in clear.
      const body = kept !== null && vault.isSealed(kept) ? (vault.decrypt(kept, `answer:${key}`) as string) : kept;
      return {
        outcome: 'replay',
        answer: { status: Number(row.status), headers: JSON.parse(String(row.headers ?? '{}')), body },
      };
    },

    async complete(key, answer) {
      const { sql, vault, name, table } = await open();
      const body = answer.body === null ? null : vault.encrypt(answer.body, `answer:${key}`);
      await sql.execute(
        `UPDATE ${table} SET ${name('status')} = ?, ${name('headers')} = ?, ${name('body')} = ? WHERE ${name('key')} = ?`,
        [answer.status, JSON.stringify(answer.headers), body, key],
      );
    },

    async release(key) {
      const { sql, name, table } = await open();
      await sql.execute(`DELETE FROM ${table} WHERE ${name('key')} = ? AND ${name('status')} = 0`, [key]);
    },
  };
}
