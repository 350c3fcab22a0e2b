import { randomUUID } from 'node:crypto';
import { IntegrationError } from '../../model/errors';
import type { Delivery, DeliveryConsumer, WebhookInbox } from '../../model/incoming-webhook';
import { Outage } from '../../outage';
import type { SqlDatabase, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { isUniqueViolation } from '../../store/rows';
import type { RunStarter } from './run-starter';

const TABLE = 'integration_webhook_inbox';
/** Whoever has a delivery in hand says so again in each look; after so long without it another takes it. */
const LEASE_MS = 60_000;
/** Deliveries of one webhook that are in hand at the same time; the others wait in the store. */
const MOST_IN_HAND = 200;
const CLAIMED_AT_ONCE = 20;
const MOST_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;
const DAY_MS = 86_400_000;
const REMOVED_AT_ONCE = 500;

export interface InboxOptions {
  database: SqlDatabase;
  vault: Pick<Vault, 'encrypt' | 'decrypt'>;
  runs: Pick<RunStarter, 'start'>;
  /** Ids of deliveries are kept for so long. */
  days: number;
  /** Before the second attempt; each further pause is twice as long. */
  firstPauseMs?: number;
  log(level: 'info' | 'warn' | 'debug', message: string): void;
}

interface Attached {
  id: string;
  consumer: DeliveryConsumer;
  /** Keys of what is in hand. */
  inHand: Set<string>;
  /** Looks for what waits; there may be more to look for by now. */
  looking: Promise<void> | null;
  lookAgain: boolean;
  isOpen: boolean;
  trouble: Outage;
}

/** Deliveries in the store, until they are handed on. Several processes may share it: each delivery is in one hand at a time. */
export class Inbox implements WebhookInbox {
  private readonly self = randomUUID();
  private readonly attached = new Map<string, Attached>();
  /** Handed on, but the store could not be told. */
  private readonly untold = new Map<string, [webhookId: string, key: string]>();
  private readonly storeAway: Outage;
  /** What nobody has in hand, or its holder is gone. */
  private readonly free: string;

  constructor(private readonly options: InboxOptions) {
    const { database, log } = options;
    this.storeAway = new Outage('Incoming webhooks', log);
    // A file has one process: what another one holds, it held before it ended.
    const left = database.dialect === 'sqlite' ? ` OR holder <> '${this.self}'` : '';
    this.free = `state = 'waiting' AND (lease_until <= ${database.epochMs}${left})`;
  }

  async keep(webhookId: string, key: string, delivery: Delivery): Promise<boolean> {
    const { database, vault } = this.options;
    const hook = this.attached.get(webhookId);
    const isTaken = hook?.consumer.to === 'flow' && hook.isOpen && hook.inHand.size < MOST_IN_HAND;
    try {
      const lease = isTaken ? `${database.epochMs} + ${LEASE_MS}` : '0';
      await database.execute(
        `INSERT INTO ${TABLE} (webhook, message_key, received_at, state, holder, lease_until, attempts, delivery)
         VALUES (?, ?, ${database.epochMs}, 'waiting', ?, ${lease}, ?, ?)`,
        [
          webhookId,
          key,
          isTaken ? this.self : null,
          isTaken ? 1 : 0,
          vault.encrypt(delivery, contextOf(webhookId, key)),
        ],
      );
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
    if (isTaken) void this.hand(hook, key, 1, () => delivery);
    else if (hook !== undefined) this.lookFor(hook);
    return true;
  }

  attach(webhookId: string, consumer: DeliveryConsumer): () => void {
    const hook: Attached = {
      id: webhookId,
      consumer,
      inHand: new Set(),
      looking: null,
      lookAgain: false,
      isOpen: true,
      trouble: new Outage(`Webhook ${webhookId}`, this.options.log),
    };
    this.attached.set(webhookId, hook);
    this.lookFor(hook);
    return () => {
      hook.isOpen = false;
      if (this.attached.get(webhookId) === hook) this.attached.delete(webhookId);
    };
  }

  /** Every few seconds: says what is in hand, takes what was left by others, forgets what is old. Never throws. */
  async look(): Promise<void> {
    try {
      for (const [key, [webhookId, messageKey]] of this.untold) {
        await this.end(webhookId, messageKey, 'done');
        this.untold.delete(key);
      }
      for (const hook of this.attached.values()) {
        await this.renew(hook);
        this.lookFor(hook);
      }
      await this.forget();
      this.storeAway.succeeded();
    } catch (error) {
      this.storeAway.failed(IntegrationError.from(error));
    }
  }

  private lookFor(hook: Attached): void {
    if (hook.looking !== null) {
      hook.lookAgain = true;
      return;
    }
    const { consumer } = hook;
    hook.looking = (consumer.to === 'mapping' ? this.startRuns(hook.id, consumer.mappingId) : this.takeWaiting(hook))
      .then(
        () => hook.trouble.succeeded(),
        (error: unknown) => hook.trouble.failed(IntegrationError.from(error)),
      )
      .then(() => {
        hook.looking = null;
        if (!hook.lookAgain) return;
        hook.lookAgain = false;
        if (hook.isOpen) this.lookFor(hook);
      });
  }

  private async takeWaiting(hook: Attached): Promise<void> {
    const { database } = this.options;
    while (hook.isOpen && hook.inHand.size < MOST_IN_HAND) {
      const rows = await database.query(
        `SELECT message_key FROM ${TABLE} WHERE webhook = ? AND ${this.free} ORDER BY id LIMIT ${CLAIMED_AT_ONCE}`,
        [hook.id],
      );
      for (const { message_key } of rows) await this.claim(hook, String(message_key));
      if (rows.length < CLAIMED_AT_ONCE) return;
    }
  }

  private async claim(hook: Attached, key: string): Promise<void> {
    if (hook.inHand.has(key) || this.untold.has(`${hook.id} ${key}`)) return;
    const { database, vault } = this.options;
    const claimed = await database.execute(
      `UPDATE ${TABLE} SET holder = ?, lease_until = ${database.epochMs} + ${LEASE_MS}, attempts = attempts + 1
       WHERE webhook = ? AND message_key = ? AND ${this.free}`,
      [this.self, hook.id, key],
    );
    if (claimed === 0) return;
    const [row] = await database.query(
      `SELECT delivery, attempts FROM ${TABLE} WHERE webhook = ? AND message_key = ?`,
      [hook.id, key],
    );
    const open = () => vault.decrypt(String(row?.delivery), contextOf(hook.id, key)) as Delivery;
    void this.hand(hook, key, Number(row?.attempts), open);
  }

  /** Never throws. */
  private async hand(hook: Attached, key: string, attempt: number, open: () => Delivery): Promise<void> {
    const { consumer, id } = hook;
    if (consumer.to !== 'flow') return;
    hook.inHand.add(key);
    try {
      await consumer.deliver(open(), attempt);
      await this.end(id, key, 'done').catch((error: unknown) => {
        this.storeAway.failed(IntegrationError.from(error));
        this.untold.set(`${id} ${key}`, [id, key]);
      });
    } catch (error) {
      await this.notDelivered(hook, key, attempt, error).catch((cause: unknown) =>
        this.storeAway.failed(IntegrationError.from(cause)),
      );
    } finally {
      hook.inHand.delete(key);
      // Some may wait because so many were in hand.
      if (hook.inHand.size === MOST_IN_HAND - 1) this.lookFor(hook);
    }
  }

  private async notDelivered(hook: Attached, key: string, attempt: number, error: unknown): Promise<void> {
    const { database, firstPauseMs = FIRST_PAUSE_MS } = this.options;
    const isClosed = IntegrationError.from(error).class === 'cancelled';
    if (!isClosed && attempt >= MOST_ATTEMPTS) {
      await this.end(hook.id, key, 'failed');
      if (hook.consumer.to === 'flow') hook.consumer.onGivenUp(error);
      return;
    }
    const pause = isClosed ? 0 : Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** (attempt - 1));
    await database.execute(
      `UPDATE ${TABLE} SET holder = NULL, lease_until = ${database.epochMs} + ${pause}, attempts = ?
       WHERE webhook = ? AND message_key = ? AND holder = ? AND state = 'waiting'`,
      [isClosed ? attempt - 1 : attempt, hook.id, key, this.self],
    );
    const next = this.attached.get(hook.id);
    if (isClosed && next !== undefined) this.lookFor(next);
  }

  private async end(webhookId: string, key: string, state: 'done' | 'failed'): Promise<void> {
    // The flow has it: nothing of it is needed but its key. What failed stays to be looked at.
    const rest = state === 'done' ? ', delivery = NULL' : '';
    await this.options.database.execute(
      `UPDATE ${TABLE} SET state = '${state}', holder = NULL${rest} WHERE webhook = ? AND message_key = ? AND holder = ?`,
      [webhookId, key, this.self],
    );
  }

  /** One run for all that wait: it reads what they tell of. */
  private async startRuns(webhookId: string, mappingId: number): Promise<void> {
    const { database, runs } = this.options;
    for (;;) {
      const rows = await database.query(
        `SELECT message_key FROM ${TABLE} WHERE webhook = ? AND state = 'waiting' ORDER BY id LIMIT ${REMOVED_AT_ONCE}`,
        [webhookId],
      );
      if (rows.length === 0) return;
      const keys = rows.map(({ message_key }) => String(message_key));
      await runs.start(mappingId, async (transaction) => (await doneWith(transaction, webhookId, keys)) > 0);
      if (rows.length < REMOVED_AT_ONCE) return;
    }
  }

  private async renew({ id, inHand }: Attached): Promise<void> {
    const { database } = this.options;
    if (inHand.size === 0) return;
    const keys = [...inHand];
    await database.execute(
      `UPDATE ${TABLE} SET lease_until = ${database.epochMs} + ${LEASE_MS}
       WHERE webhook = ? AND holder = ? AND state = 'waiting' AND message_key IN (${placesOf(keys)})`,
      [id, this.self, ...keys],
    );
  }

  /** Also what nobody came for: its node is gone for good. */
  private async forget(): Promise<void> {
    const { database, days } = this.options;
    const rows = await database.query(
      `SELECT id FROM ${TABLE} WHERE received_at < ${database.epochMs} - ${days * DAY_MS} ORDER BY received_at LIMIT ${REMOVED_AT_ONCE}`,
    );
    if (rows.length === 0) return;
    const ids: SqlValue[] = rows.map(({ id }) => Number(id));
    await database.execute(`DELETE FROM ${TABLE} WHERE id IN (${placesOf(ids)})`, ids);
  }
}

async function doneWith(transaction: SqlTransaction, webhookId: string, keys: readonly string[]): Promise<number> {
  return transaction.execute(
    `UPDATE ${TABLE} SET state = 'done', delivery = NULL
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
