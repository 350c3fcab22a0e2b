import { randomUUID } from 'node:crypto';
import type { IntegrationError } from '../../model/errors';
import type { Delivery, Identity } from '../../model/incoming-webhook';
import type { SqlDatabase, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { isDeadlock, isUniqueViolation } from '../../store/rows';
import { Batched } from './batched';

export const INBOX = 'integration_webhook_inbox';
/** What makes a delivery that was given up wait once more. */
export const AGAIN =
  "state = 'waiting', attempts = 0, holder = NULL, lease_until = 0, error_code = NULL, error_message = NULL";
/** Whoever has a delivery in hand says so again in each look; after so long without it another takes it. */
const LEASE_MS = 60_000;
const DAY_MS = 86_400_000;
const REMOVED_AT_ONCE = 500;
/** Of one look; the next one goes on. */
const MOST_REMOVALS = 100;
const WRITTEN_AT_ONCE = 50;
/** So much of a sealed delivery weighs as much as another row: databases take statements of a few MiB. */
const LIGHT = 65_536;

export interface InboxRowsOptions {
  database: SqlDatabase;
  vault: Pick<Vault, 'encrypt' | 'decrypt'>;
  /** Ids of deliveries are kept for so long. */
  days: number;
}

/** A delivery on its way into the store. */
interface NewRow {
  webhookId: string;
  key: string;
  isTaken: boolean;
  sealed: string;
}

/** A delivery that this process has in hand. */
export interface Claimed {
  attempt: number;
  open(): Delivery;
}

/** Deliveries as the store has them: each in one hand at a time, its key for long after. */
export class InboxRows {
  private readonly self = randomUUID();
  private readonly inserts: Batched<NewRow, boolean>;
  private readonly ends: Batched<[webhookId: string, key: string], undefined>;
  /** What nobody has in hand, or its holder is gone. */
  private readonly free: string;

  constructor(private readonly options: InboxRowsOptions) {
    const { database } = options;
    const weigh = ({ sealed }: NewRow) => 1 + sealed.length / LIGHT;
    this.inserts = new Batched((rows) => this.insertAll(rows), WRITTEN_AT_ONCE, weigh);
    this.ends = new Batched((rows) => this.endAll(rows), WRITTEN_AT_ONCE);
    // A file has one process: what another one holds, it held before it ended.
    const left = database.dialect === 'sqlite' ? ` OR holder <> '${this.self}'` : '';
    this.free = `state = 'waiting' AND (lease_until <= ${database.epochMs}${left})`;
  }

  /**
   * @param isTaken it is in hand at once
   * @returns `again`: it was given up and waits once more, since its sender sends it once more
   */
  async insert(
    webhookId: string,
    { key, alike }: Identity,
    delivery: Delivery,
    isTaken: boolean,
  ): Promise<'new' | 'again' | 'repeat'> {
    if (alike !== undefined && (await this.isThere(webhookId, alike))) return this.again(webhookId, alike.key);
    const sealed = this.options.vault.encrypt(delivery, contextOf(webhookId, key));
    const isNew = await this.inserts.do({ webhookId, key, isTaken, sealed });
    return isNew ? 'new' : this.again(webhookId, key);
  }

  /** Adds up what was here before. */
  async countRepeats(repeats: ReadonlyMap<string, number>): Promise<void> {
    for (const [webhookId, count] of repeats) {
      const add = () =>
        this.options.database.execute(
          'UPDATE integration_webhook_repeats SET repeated = repeated + ? WHERE webhook = ?',
          [count, webhookId],
        );
      if ((await add()) > 0) continue;
      try {
        const sql = 'INSERT INTO integration_webhook_repeats (webhook, repeated) VALUES (?, ?)';
        await this.options.database.execute(sql, [webhookId, count]);
      } catch (error) {
        // Another process was first.
        if (!isUniqueViolation(error)) throw error;
        await add();
      }
    }
  }

  /** Keys of those that can be taken, the oldest first. */
  freeKeys(webhookId: string, limit: number): Promise<string[]> {
    return this.keys(`webhook = ? AND ${this.free}`, webhookId, limit);
  }

  /** Keys of all that wait, the oldest first. */
  waitingKeys(webhookId: string, limit: number): Promise<string[]> {
    return this.keys("webhook = ? AND state = 'waiting'", webhookId, limit);
  }

  /** @returns null when another has it */
  async claim(webhookId: string, key: string): Promise<Claimed | null> {
    const { database, vault } = this.options;
    const claimed = await database.execute(
      `UPDATE ${INBOX} SET holder = ?, lease_until = ${database.epochMs} + ${LEASE_MS}, attempts = attempts + 1
       WHERE webhook = ? AND message_key = ? AND ${this.free}`,
      [this.self, webhookId, key],
    );
    if (claimed === 0) return null;
    const [row] = await database.query(
      `SELECT delivery, attempts FROM ${INBOX} WHERE webhook = ? AND message_key = ?`,
      [webhookId, key],
    );
    const open = () => vault.decrypt(String(row?.delivery), contextOf(webhookId, key)) as Delivery;
    return { attempt: Number(row?.attempts), open };
  }

  /** The flow has it: nothing of it is needed but its key. */
  async done(webhookId: string, key: string): Promise<void> {
    await this.ends.do([webhookId, key]);
  }

  /** It is given up, and stays to be looked at. */
  async failed(webhookId: string, key: string, { code, message }: IntegrationError): Promise<void> {
    await this.options.database.execute(
      `UPDATE ${INBOX} SET state = 'failed', holder = NULL, error_code = ?, error_message = ?
       WHERE webhook = ? AND holder = ? AND message_key = ?`,
      [code, message, webhookId, this.self, key],
    );
  }

  /**
   * Others may take it after a pause.
   * @param isCounted false: nothing failed, but the first attempt stays known, since the flow may have it from there
   */
  async release(webhookId: string, key: string, pauseMs: number, isCounted = true): Promise<void> {
    const { database } = this.options;
    const attempts = isCounted ? '' : ', attempts = CASE WHEN attempts > 1 THEN attempts - 1 ELSE attempts END';
    await database.execute(
      `UPDATE ${INBOX} SET holder = NULL, lease_until = ${database.epochMs} + ${pauseMs}${attempts}
       WHERE webhook = ? AND message_key = ? AND holder = ? AND state = 'waiting'`,
      [webhookId, key, this.self],
    );
  }

  async releaseAll(): Promise<void> {
    await this.options.database.execute(
      `UPDATE ${INBOX} SET holder = NULL, lease_until = 0 WHERE holder = ? AND state = 'waiting'`,
      [this.self],
    );
  }

  async renew(webhookId: string, keys: readonly string[]): Promise<void> {
    const { database } = this.options;
    if (keys.length === 0) return;
    await database.execute(
      `UPDATE ${INBOX} SET lease_until = ${database.epochMs} + ${LEASE_MS}
       WHERE webhook = ? AND holder = ? AND state = 'waiting' AND message_key IN (${placesOf(keys)})`,
      [webhookId, this.self, ...keys],
    );
  }

  /** How many wait, by webhook. */
  async countWaiting(): Promise<Map<string, number>> {
    const rows = await this.options.database.query(
      `SELECT webhook, COUNT(*) AS n FROM ${INBOX} WHERE state = 'waiting' GROUP BY webhook`,
    );
    return new Map(rows.map(({ webhook, n }) => [String(webhook), Number(n)]));
  }

  /** What waits stays, however old it is: its sender was told that it is not lost. */
  async forget(goesOn: () => boolean): Promise<void> {
    const { database, days } = this.options;
    for (let removals = 0; removals < MOST_REMOVALS && goesOn(); removals++) {
      const rows = await database.query(
        `SELECT id FROM ${INBOX} WHERE state <> 'waiting' AND received_at < ${database.epochMs} - ${days * DAY_MS}
         ORDER BY received_at LIMIT ${REMOVED_AT_ONCE}`,
      );
      if (rows.length === 0) return;
      const ids: SqlValue[] = rows.map(({ id }) => Number(id));
      await database.execute(`DELETE FROM ${INBOX} WHERE id IN (${placesOf(ids)})`, ids);
      if (rows.length < REMOVED_AT_ONCE) return;
    }
  }

  private async isThere(webhookId: string, { key, withinMs }: NonNullable<Identity['alike']>): Promise<boolean> {
    const { database } = this.options;
    const rows = await database.query(
      `SELECT id FROM ${INBOX} WHERE webhook = ? AND message_key = ? AND received_at > ${database.epochMs} - ?`,
      [webhookId, key, withinMs],
    );
    return rows.length > 0;
  }

  /** What was given up was never processed: its sender is right to send it again. */
  private async again(webhookId: string, key: string): Promise<'again' | 'repeat'> {
    const sql = `UPDATE ${INBOX} SET ${AGAIN} WHERE webhook = ? AND message_key = ? AND state = 'failed'`;
    return (await this.options.database.execute(sql, [webhookId, key])) === 1 ? 'again' : 'repeat';
  }

  private async keys(condition: string, webhookId: string, limit: number): Promise<string[]> {
    const rows = await this.options.database.query(
      `SELECT message_key FROM ${INBOX} WHERE ${condition} ORDER BY id LIMIT ${limit}`,
      [webhookId],
    );
    return rows.map(({ message_key }) => String(message_key));
  }

  /** @returns of each whether it is new */
  private async insertAll(rows: readonly NewRow[]): Promise<boolean[]> {
    const { database } = this.options;
    const now = database.epochMs;
    const values = rows.map(() => `(?, ?, ${now}, 'waiting', ?, ${now} + ?, ?, ?)`).join(', ');
    try {
      await database.execute(
        `INSERT INTO ${INBOX} (webhook, message_key, received_at, state, holder, lease_until, attempts, delivery)
         VALUES ${values}`,
        rows.flatMap(({ webhookId, key, isTaken, sealed }) => {
          const held = isTaken ? [this.self, LEASE_MS, 1] : [null, 0, 0];
          return [webhookId, key, ...held, sealed];
        }),
      );
      return rows.map(() => true);
    } catch (error) {
      if (rows.length === 1 && isUniqueViolation(error)) return [false];
      // One of them was here before, or comes to another process as well.
      if (rows.length === 1 || !(isUniqueViolation(error) || isDeadlock(error))) throw error;
      const each: boolean[] = [];
      for (const row of rows) each.push(...(await this.insertAll([row])));
      return each;
    }
  }

  private async endAll(rows: readonly [webhookId: string, key: string][]): Promise<undefined[]> {
    for (const [webhookId, some] of Map.groupBy(rows, ([webhookId]) => webhookId)) {
      const keys = some.map(([, key]) => key);
      await this.options.database.execute(
        `UPDATE ${INBOX} SET state = 'done', holder = NULL, delivery = NULL
         WHERE webhook = ? AND holder = ? AND message_key IN (${placesOf(keys)})`,
        [webhookId, this.self, ...keys],
      );
    }
    return rows.map(() => undefined);
  }
}

/** What was reported is done with, whoever had it. @returns of how much that is new */
export async function doneWith(
  transaction: SqlTransaction,
  webhookId: string,
  keys: readonly string[],
): Promise<number> {
  return transaction.execute(
    `UPDATE ${INBOX} SET state = 'done', delivery = NULL
     WHERE webhook = ? AND state = 'waiting' AND message_key IN (${placesOf(keys)})`,
    [webhookId, ...keys],
  );
}

function placesOf(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

function contextOf(webhookId: string, key: string): string {
  return `webhook-delivery:${webhookId}:${key}`;
}
