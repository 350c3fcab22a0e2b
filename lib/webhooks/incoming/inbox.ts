import { IntegrationError } from '../../model/errors';
import type {
  Delivery,
  DeliveryConsumer,
  Identity,
  IncomingWebhookState,
  KeptDelivery,
  KeptFilter,
  WebhookInbox,
} from '../../model/incoming-webhook';
import { phrase } from '../../model/phrase';
import type { Page, PageRequest } from '../../model/services';
import { Outage } from '../../outage';
import { FlowHands, type Hook } from './flow-hands';
import { doneWith, InboxRows, type InboxRowsOptions } from './inbox-rows';
import { KeptDeliveries } from './kept';
import type { RunStarter } from './run-starter';

/** Deliveries of one webhook that may wait; more would only fill the disk. */
const MOST_WAITING = 100_000;
/** Reports that one run is started for. */
const REPORTS_AT_ONCE = 500;
const UNTAKEN_MS = 600_000;

export interface InboxOptions extends InboxRowsOptions {
  runs: Pick<RunStarter, 'start'>;
  /** Before the second attempt; each further pause is twice as long. */
  firstPauseMs?: number;
  /** After so long it is said that nobody takes what waits. */
  untakenMs?: number;
  log(level: 'info' | 'warn' | 'debug', message: string): void;
}

interface Attached extends Hook {
  readonly name: string;
  isOpen: boolean;
  /** Looks for what waits; there may be more to look for by now. */
  looking: Promise<void> | null;
  lookAgain: boolean;
  trouble: Outage;
}

/** Deliveries in the store, until they are handed on. Several processes may share it: each delivery is in one hand at a time. */
export class Inbox implements WebhookInbox {
  private readonly rows: InboxRows;
  private readonly kept: KeptDeliveries;
  private readonly hands: FlowHands;
  private readonly attached = new Map<string, Attached>();
  private readonly storeAway: Outage;
  /** Deliveries of each webhook that waited at the last look. */
  private waiting = new Map<string, number>();
  /** Since when something waits that no node here takes; null once it was said. */
  private readonly untaken = new Map<string, number | null>();
  /** What came again since the last look. */
  private repeats = new Map<string, number>();
  private isStopped = false;
  private looking: Promise<void> | null = null;

  constructor(private readonly options: InboxOptions) {
    this.storeAway = new Outage('Incoming webhooks', options.log);
    this.rows = new InboxRows(options);
    this.kept = new KeptDeliveries(options.database);
    this.hands = new FlowHands({
      rows: this.rows,
      firstPauseMs: options.firstPauseMs,
      hook: (id) => this.attached.get(id),
      lookFor: (id) => this.lookFor(this.attached.get(id)),
      storeAway: this.storeAway,
    });
  }

  async keep(webhookId: string, identity: Identity, delivery: Delivery): Promise<boolean> {
    if ((this.waiting.get(webhookId) ?? 0) >= MOST_WAITING) throw full();
    const hook = this.attached.get(webhookId);
    const isTaken = hook !== undefined && this.hands.hasRoomFor(hook);
    const became = await this.rows.insert(webhookId, identity, delivery, isTaken);
    if (became === 'repeat') {
      this.repeats.set(webhookId, (this.repeats.get(webhookId) ?? 0) + 1);
      return false;
    }
    // Its node may have been deployed anew meanwhile.
    const now = this.attached.get(webhookId);
    if (now?.isOpen && isTaken && became === 'new') void this.hands.hand(now, identity.key, 1, () => delivery);
    else this.lookFor(now);
    return true;
  }

  attach(webhookId: string, consumer: DeliveryConsumer, name: string): () => void {
    const hook: Attached = {
      id: webhookId,
      name,
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

  async states(): Promise<IncomingWebhookState[]> {
    await this.countRepeats();
    const [found, repeats] = await Promise.all([this.kept.states(), this.kept.repeats()]);
    const idle = [...this.attached.keys()].filter((id) => !found.some(({ webhook }) => webhook === id));
    const empty = idle.map((webhook) => ({ webhook, waiting: 0, failed: 0, oldest_at: null }));
    return [...found, ...empty].map((state) => ({
      ...state,
      repeated: repeats.get(state.webhook) ?? 0,
      name: this.attached.get(state.webhook)?.name ?? null,
    }));
  }

  list(filter: KeptFilter & PageRequest): Promise<Page<KeptDelivery>> {
    return this.kept.list(filter);
  }

  async redeliver(id: number): Promise<KeptDelivery> {
    const delivery = await this.kept.redeliver(id);
    this.lookFor(this.attached.get(delivery.webhook));
    return delivery;
  }

  async redeliverFailed(since: string, webhook?: string): Promise<number> {
    const count = await this.kept.redeliverFailed(Date.parse(since), webhook);
    for (const hook of this.attached.values()) this.lookFor(hook);
    return count;
  }

  discard(webhook: string): Promise<number> {
    return this.kept.discard(webhook);
  }

  /** Every few seconds: says what is in hand, takes what was left by others, forgets what is old. Never throws, and never twice at the same time. */
  look(): Promise<void> {
    this.looking ??= this.lookAtAll().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  /** What is in hand is free for other processes at once. */
  async stop(): Promise<void> {
    this.isStopped = true;
    const hooks = [...this.attached.values()];
    for (const hook of hooks) hook.isOpen = false;
    await this.looking;
    await Promise.all([...hooks.map(({ looking }) => looking), this.hands.stop()]);
    await Promise.all([this.rows.releaseAll(), this.countRepeats()]).catch(() => undefined);
  }

  private async lookAtAll(): Promise<void> {
    try {
      await this.hands.tellLate();
      for (const hook of this.attached.values()) {
        await this.rows.renew(hook.id, [...hook.inHand]);
        this.lookFor(hook);
      }
      await this.rows.forget(() => !this.isStopped);
      await this.countRepeats();
      this.waiting = await this.rows.countWaiting();
      this.warnOfUntaken();
      this.storeAway.succeeded();
    } catch (error) {
      this.storeAway.failed(IntegrationError.from(error));
    }
  }

  private async countRepeats(): Promise<void> {
    const { repeats } = this;
    this.repeats = new Map();
    await this.rows.countRepeats(repeats);
  }

  /** Their node may be gone: the senders were told that nothing is lost. */
  private warnOfUntaken(): void {
    const { untakenMs = UNTAKEN_MS, log } = this.options;
    const now = performance.now();
    for (const id of this.untaken.keys()) if (!this.waiting.has(id) || this.attached.has(id)) this.untaken.delete(id);
    for (const [id, count] of this.waiting) {
      if (this.attached.has(id)) continue;
      const known = this.untaken.get(id);
      if (known === undefined) this.untaken.set(id, now);
      if (known === null || now - (known ?? now) < untakenMs) continue;
      log('warn', `${count} deliveries to the webhook of the node ${id} wait, and no such node is deployed here.`);
      this.untaken.set(id, null);
    }
  }

  private lookFor(hook: Attached | undefined): void {
    if (hook === undefined || !hook.isOpen) return;
    if (hook.looking !== null) {
      hook.lookAgain = true;
      return;
    }
    const { consumer } = hook;
    hook.looking = (consumer.to === 'mapping' ? this.startRuns(hook.id, consumer.mappingId) : this.hands.take(hook))
      .then(
        () => hook.trouble.succeeded(),
        (error: unknown) => hook.trouble.failed(IntegrationError.from(error)),
      )
      .then(() => {
        hook.looking = null;
        if (!hook.lookAgain) return;
        hook.lookAgain = false;
        this.lookFor(hook);
      });
  }

  /** One run for all that wait: it reads what they tell of. */
  private async startRuns(webhookId: string, mappingId: number): Promise<void> {
    for (;;) {
      const keys = await this.rows.waitingKeys(webhookId, REPORTS_AT_ONCE);
      if (keys.length === 0) return;
      await this.options.runs.start(
        mappingId,
        async (transaction) => (await doneWith(transaction, webhookId, keys)) > 0,
      );
      if (keys.length < REPORTS_AT_ONCE) return;
    }
  }
}

function full(): IntegrationError {
  return new IntegrationError('transient', 'PCP_WEBHOOK_FULL', phrase`${MOST_WAITING} deliveries wait already.`);
}
