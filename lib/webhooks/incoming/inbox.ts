import { randomUUID } from 'node:crypto';
import { IntegrationError } from '../../model/errors';
import type { Delivery, DeliveryConsumer, WebhookInbox } from '../../model/incoming-webhook';
import { Outage } from '../../outage';
import type { SqlDatabase, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { isDeadlock, isUniqueViolation } from '../../store/rows';
import { Batched } from './batched';
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
/** Of one look; the next one goes on. */
const MOST_REMOVALS = 100;
const WRITTEN_AT_ONCE = 50;
/** So much of a sealed delivery weighs as much as another row: databases take statements of a few MiB. */
const LIGHT = 65_536;
/** Deliveries of one webhook that may wait; more would only fill the disk. */
const MOST_WAITING = 100_000;

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

/** A delivery on its way into the store. */
interface NewRow {
  webhookId: string;
  key: string;
  isTaken: boolean;
  sealed: string;
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
  /** Deliveries of each webhook that waited at the last look. */
  private waiting = new Map<string, number>();
  /** What the store is being told of what was handed on. */
  private readonly telling = new Set<Promise<void>>();
  private isStopped = false;
  private looking: Promise<void> | null = null;
  private readonly inserts: Batched<NewRow, boolean>;
  private readonly ends: Batched<[webhookId: string, key: string], undefined>;
  /** What nobody has in hand, or its holder is gone. */
  private readonly free: string;

  constructor(private readonly options: InboxOptions) {
    const { database, log } = options;
    this.storeAway = new Outage('Incoming webhooks', log);
    const weigh = ({ sealed }: NewRow) => 1 + sealed.length / LIGHT;
    this.inserts = new Batched((rows) => this.insertAll(rows), WRITTEN_AT_ONCE, weigh);
    this.ends = new Batched((rows) => this.endAll(rows), WRITTEN_AT_ONCE);
    // A file has one process: what another one holds, it held before it ended.
    const left = database.dialect === 'sqlite' ? ` OR holder <> '${this.self}'` : '';
    this.free = `state = 'waiting' AND (lease_until <= ${database.epochMs}${left})`;
  }

  async keep(webhookId: string, key: string, delivery: Delivery): Promise<boolean> {
    if ((this.waiting.get(webhookId) ?? 0) >= MOST_WAITING) throw full();
    const hook = this.attached.get(webhookId);
    const isTaken = hook?.consumer.to === 'flow' && hook.isOpen && hook.inHand.size < MOST_IN_HAND;
    const sealed = this.options.vault.encrypt(delivery, contextOf(webhookId, key));
    if (!(await this.inserts.do({ webhookId, key, isTaken, sealed }))) return false;
    // Its node may have been deployed anew meanwhile.
    const now = this.attached.get(webhookId);
    if (now?.isOpen && isTaken) void this.hand(now, key, 1, () => delivery);
    else if (now?.isOpen) this.lookFor(now);
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

  /** Every few seconds: says what is in hand, takes what was left by others, forgets what is old. Never throws, and never twice at the same time. */
  look(): Promise<void> {
    this.looking ??= this.lookAtAll().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async lookAtAll(): Promise<void> {
    try {
      for (const [key, [webhookId, messageKey]] of this.untold) {
        await this.end(webhookId, [messageKey], 'done');
        this.untold.delete(key);
      }
      for (const hook of this.attached.values()) {
        await this.renew(hook);
        this.lookFor(hook);
      }
      await this.forget();
      await this.countWaiting();
      this.storeAway.succeeded();
    } catch (error) {
      this.storeAway.failed(IntegrationError.from(error));
    }
  }

  /** What is in hand is free for other processes at once. */
  async stop(): Promise<void> {
    this.isStopped = true;
    const hooks = [...this.attached.values()];
    for (const hook of hooks) hook.isOpen = false;
    await this.looking;
    await Promise.all([...hooks.map(({ looking }) => looking), ...this.telling]);
    await this.options.database
      .execute(`UPDATE ${TABLE} SET holder = NULL, lease_until = 0 WHERE holder = ? AND state = 'waiting'`, [this.self])
      .catch(() => undefined);
  }

  /** @returns of each whether it is new */
  private async insertAll(rows: readonly NewRow[]): Promise<boolean[]> {
    const { database } = this.options;
    const now = database.epochMs;
    const values = rows.map(() => `(?, ?, ${now}, 'waiting', ?, ${now} + ?, ?, ?)`).join(', ');
    try {
      await database.execute(
        `INSERT INTO ${TABLE} (webhook, message_key, received_at, state, holder, lease_until, attempts, delivery)
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
    const keysOf = Map.groupBy(rows, ([webhookId]) => webhookId);
    for (const [webhookId, some] of keysOf)
      await this.end(
        webhookId,
        some.map(([, key]) => key),
        'done',
      );
    return rows.map(() => undefined);
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
    while (hook.isOpen) {
      const room = Math.min(CLAIMED_AT_ONCE, MOST_IN_HAND - hook.inHand.size);
      if (room <= 0) return;
      const rows = await database.query(
        `SELECT message_key FROM ${TABLE} WHERE webhook = ? AND ${this.free} ORDER BY id LIMIT ${room}`,
        [hook.id],
      );
      let claimed = 0;
      for (const { message_key } of rows) claimed += await this.claim(hook, String(message_key));
      if (rows.length < room || claimed === 0) return;
    }
  }

  /** @returns how many: none, when another has it */
  private async claim(hook: Attached, key: string): Promise<number> {
    if (hook.inHand.has(key) || this.untold.has(`${hook.id} ${key}`)) return 0;
    const { database, vault } = this.options;
    const claimed = await database.execute(
      `UPDATE ${TABLE} SET holder = ?, lease_until = ${database.epochMs} + ${LEASE_MS}, attempts = attempts + 1
       WHERE webhook = ? AND message_key = ? AND ${this.free}`,
      [this.self, hook.id, key],
    );
    if (claimed === 0) return 0;
    const [row] = await database.query(
      `SELECT delivery, attempts FROM ${TABLE} WHERE webhook = ? AND message_key = ?`,
      [hook.id, key],
    );
    const open = () => vault.decrypt(String(row?.delivery), contextOf(hook.id, key)) as Delivery;
    void this.hand(hook, key, Number(row?.attempts), open);
    return 1;
  }

  /** Never throws. */
  private async hand(hook: Attached, key: string, attempt: number, open: () => Delivery): Promise<void> {
    const { consumer } = hook;
    if (consumer.to !== 'flow') return;
    hook.inHand.add(key);
    const handing = async () => consumer.deliver(open(), attempt);
    const failure = await handing().then(() => null, IntegrationError.from);
    const told = this.tell(hook, key, attempt, failure);
    this.telling.add(told);
    await told;
    this.telling.delete(told);
    hook.inHand.delete(key);
    // Some may wait because so many were in hand.
    if (hook.isOpen && hook.inHand.size === MOST_IN_HAND - 1) this.lookFor(hook);
  }

  /** Tells the store what became of a delivery. Never throws. */
  private async tell({ id }: Attached, key: string, attempt: number, failure: IntegrationError | null): Promise<void> {
    try {
      if (failure === null) await this.ends.do([id, key]);
      else if (!this.isStopped) await this.notDelivered(id, key, attempt, failure);
    } catch (error) {
      this.storeAway.failed(IntegrationError.from(error));
      if (failure === null) this.untold.set(`${id} ${key}`, [id, key]);
    }
  }

  private async notDelivered(id: string, key: string, attempt: number, failure: IntegrationError): Promise<void> {
    const { database, firstPauseMs = FIRST_PAUSE_MS } = this.options;
    // Its node is deployed anew.
    const isClosed = failure.class === 'cancelled';
    if (!isClosed && attempt >= MOST_ATTEMPTS) {
      await this.end(id, [key], 'failed');
      const consumer = this.attached.get(id)?.consumer;
      if (consumer?.to === 'flow') consumer.onGivenUp(givenUp(key, attempt, failure));
      return;
    }
    const pause = isClosed ? 0 : Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** (attempt - 1));
    await database.execute(
      `UPDATE ${TABLE} SET holder = NULL, lease_until = ${database.epochMs} + ${pause}
       WHERE webhook = ? AND message_key = ? AND holder = ? AND state = 'waiting'`,
      [id, key, this.self],
    );
    const next = this.attached.get(id);
    if (isClosed && next !== undefined) this.lookFor(next);
  }

  private async end(webhookId: string, keys: readonly string[], state: 'done' | 'failed'): Promise<void> {
    // The flow has it: nothing of it is needed but its key. What failed stays to be looked at.
    const rest = state === 'done' ? ', delivery = NULL' : '';
    await this.options.database.execute(
      `UPDATE ${TABLE} SET state = '${state}', holder = NULL${rest}
       WHERE webhook = ? AND holder = ? AND message_key IN (${placesOf(keys)})`,
      [webhookId, this.self, ...keys],
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

  private async countWaiting(): Promise<void> {
    const rows = await this.options.database.query(
      `SELECT webhook, COUNT(*) AS n FROM ${TABLE} WHERE state = 'waiting' GROUP BY webhook`,
    );
    this.waiting = new Map(rows.map(({ webhook, n }) => [String(webhook), Number(n)]));
  }

  /** What waits stays, however old it is: its sender was told that it is not lost. */
  private async forget(): Promise<void> {
    const { database, days } = this.options;
    for (let removals = 0; removals < MOST_REMOVALS && !this.isStopped; removals++) {
      const rows = await database.query(
        `SELECT id FROM ${TABLE} WHERE state <> 'waiting' AND received_at < ${database.epochMs} - ${days * DAY_MS}
         ORDER BY received_at LIMIT ${REMOVED_AT_ONCE}`,
      );
      if (rows.length === 0) return;
      const ids: SqlValue[] = rows.map(({ id }) => Number(id));
      await database.execute(`DELETE FROM ${TABLE} WHERE id IN (${placesOf(ids)})`, ids);
      if (rows.length < REMOVED_AT_ONCE) return;
    }
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

function full(): IntegrationError {
  return new IntegrationError('transient', 'PCP_WEBHOOK_FULL', `${MOST_WAITING} deliveries wait already.`);
}

function givenUp(key: string, attempts: number, { class: kind, message }: IntegrationError): IntegrationError {
  return new IntegrationError(
    kind,
    'PCP_WEBHOOK_GIVEN_UP',
    `Delivery ${key} was given up after ${attempts} attempts: ${message}`,
  );
}
