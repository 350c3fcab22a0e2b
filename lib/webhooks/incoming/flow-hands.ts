import { IntegrationError } from '../../model/errors';
import type { Delivery, DeliveryConsumer } from '../../model/incoming-webhook';
import type { Outage } from '../../outage';
import type { InboxRows } from './inbox-rows';

/** Deliveries of one webhook that are in hand at the same time; the others wait in the store. */
const MOST_IN_HAND = 200;
const CLAIMED_AT_ONCE = 20;
const MOST_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

/** A node as it is deployed now. */
export interface Hook {
  readonly id: string;
  readonly consumer: DeliveryConsumer;
  /** Keys of what is in hand. */
  readonly inHand: Set<string>;
  readonly isOpen: boolean;
}

export interface FlowHandsOptions {
  rows: InboxRows;
  /** Before the second attempt; each further pause is twice as long. */
  firstPauseMs?: number | undefined;
  /** The node of a webhook that is deployed by now. */
  hook(id: string): Hook | undefined;
  /** Something may wait for it. */
  lookFor(id: string): void;
  storeAway: Outage;
}

/** Hands deliveries to flows, and tells the store what became of them. */
export class FlowHands {
  /** Handed on, but the store could not be told. */
  private readonly untold = new Map<string, [webhookId: string, key: string]>();
  /** What the store is being told of what was handed on. */
  private readonly telling = new Set<Promise<void>>();
  private isStopped = false;

  constructor(private readonly options: FlowHandsOptions) {}

  hasRoomFor({ consumer, isOpen, inHand }: Hook): boolean {
    return consumer.to === 'flow' && isOpen && inHand.size < MOST_IN_HAND;
  }

  /** Takes what waits, as much as there is room for. */
  async take(hook: Hook): Promise<void> {
    const { rows } = this.options;
    while (hook.isOpen) {
      const room = Math.min(CLAIMED_AT_ONCE, MOST_IN_HAND - hook.inHand.size);
      if (room <= 0) return;
      const keys = await rows.freeKeys(hook.id, room);
      let claimed = 0;
      for (const key of keys) {
        if (hook.inHand.has(key) || this.untold.has(`${hook.id} ${key}`)) continue;
        const delivery = await rows.claim(hook.id, key);
        if (delivery === null) continue;
        claimed += 1;
        void this.hand(hook, key, delivery.attempt, delivery.open);
      }
      if (keys.length < room || claimed === 0) return;
    }
  }

  /** Never throws. */
  async hand(hook: Hook, key: string, attempt: number, open: () => Delivery): Promise<void> {
    const { consumer } = hook;
    if (consumer.to !== 'flow') return;
    hook.inHand.add(key);
    const handing = async () => consumer.deliver(open(), attempt);
    const failure = await handing().then(() => null, IntegrationError.from);
    const told = this.tell(hook.id, key, attempt, failure);
    this.telling.add(told);
    await told;
    this.telling.delete(told);
    hook.inHand.delete(key);
    // Some may wait because so many were in hand.
    if (hook.isOpen && hook.inHand.size === MOST_IN_HAND - 1) this.options.lookFor(hook.id);
  }

  /** The store is told now what it could not be told before. */
  async tellLate(): Promise<void> {
    for (const [name, [webhookId, key]] of this.untold) {
      await this.options.rows.done(webhookId, key);
      this.untold.delete(name);
    }
  }

  /** What fails from now on is left to others. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.telling);
  }

  /** Tells the store what became of a delivery. Never throws. */
  private async tell(id: string, key: string, attempt: number, failure: IntegrationError | null): Promise<void> {
    try {
      if (failure === null) await this.options.rows.done(id, key);
      else if (!this.isStopped) await this.notDelivered(id, key, attempt, failure);
    } catch (error) {
      this.options.storeAway.failed(IntegrationError.from(error));
      if (failure === null) this.untold.set(`${id} ${key}`, [id, key]);
    }
  }

  private async notDelivered(id: string, key: string, attempt: number, failure: IntegrationError): Promise<void> {
    const { rows, firstPauseMs = FIRST_PAUSE_MS, hook, lookFor } = this.options;
    // Its node is deployed anew.
    const isClosed = failure.class === 'cancelled';
    if (!isClosed && attempt >= MOST_ATTEMPTS) {
      await rows.failed(id, key, failure);
      const consumer = hook(id)?.consumer;
      if (consumer?.to === 'flow') consumer.onGivenUp(givenUp(key, attempt, failure));
      return;
    }
    if (!isClosed) return rows.release(id, key, Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** (attempt - 1)));
    await rows.release(id, key, 0, false);
    lookFor(id);
  }
}

function givenUp(key: string, attempts: number, { class: kind, message }: IntegrationError): IntegrationError {
  return new IntegrationError(
    kind,
    'PCP_WEBHOOK_GIVEN_UP',
    `Delivery ${key} was given up after ${attempts} attempts: ${message}`,
  );
}
