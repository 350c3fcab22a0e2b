import { Bell } from '../bell';
import type { SourceRecord } from '../connectors/contract';
import type { Subscription } from '../connectors/live';
import type { OpenConnection } from '../model/connection';
import type { IntegrationError } from '../model/errors';
import type { LiveBatch } from '../model/processes';
import type { Follower } from './shared-connection';
import type { SharedConnections } from './shared-connections';

const BATCH_RECORDS = 1_000;
/** Records for a flow that does not keep up: sources that do not wait for it lose the oldest, and that is counted. */
const MOST_WAITING = 10_000;

interface Waiting {
  records: SourceRecord[];
  acknowledge: (() => void) | undefined;
  done(): void;
}

/** What a flow subscribed to, pulled batch by batch: asking for the next one says that the flow is done with the one before. */
export class FlowSubscription implements Follower {
  private readonly stopped = new AbortController();
  private readonly following: Promise<void>;
  private readonly release: () => void;
  private waiting: Waiting[] = [];
  private count = 0;
  private dropped = 0;
  private news: Extract<LiveBatch, { kind: 'state' }> | null = null;
  private inHand: Waiting[] = [];
  private readonly bell = new Bell();

  constructor(connections: SharedConnections, connection: OpenConnection, subscription: Subscription) {
    const { shared, release } = connections.acquire(connection);
    this.release = release;
    this.following = shared.follow(subscription, this, this.stopped.signal);
  }

  records(records: SourceRecord[], acknowledge: (() => void) | undefined, over: AbortSignal): Promise<void> {
    return new Promise((done) => {
      const waiting = { records, acknowledge, done };
      this.waiting.push(waiting);
      this.count += records.length;
      if (acknowledge === undefined) {
        // Nobody waits for these at the source: keeping it waiting would only move the loss there, uncounted.
        done();
        this.dropOldest();
      } else {
        over.addEventListener('abort', () => this.withdraw(waiting), { once: true });
      }
      this.bell.ring();
    });
  }

  state(state: 'connecting' | 'connected' | 'interrupted' | 'failed', error?: IntegrationError): void {
    this.news = { kind: 'state', state, ...(error && { error: error.toJSON() }) };
    this.bell.ring();
  }

  /** @returns null when the subscription has been stopped */
  async next(): Promise<LiveBatch | null> {
    for (const { acknowledge, done } of this.inHand.splice(0)) {
      acknowledge?.();
      done();
    }
    for (;;) {
      if (this.stopped.signal.aborted) return null;
      const { news } = this;
      this.news = null;
      if (news !== null) return news;
      if (this.waiting.length > 0) return this.takeRecords();
      await this.bell.rung();
    }
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    this.bell.ring();
    await this.following;
    this.release();
  }

  /** Its source sends it again. */
  private withdraw(waiting: Waiting): void {
    const at = this.waiting.indexOf(waiting);
    if (at < 0) return;
    this.waiting.splice(at, 1);
    this.count -= waiting.records.length;
    waiting.done();
  }

  private takeRecords(): LiveBatch {
    const records: SourceRecord[] = [];
    while (this.waiting.length > 0 && (records.length === 0 || records.length + this.nextSize <= BATCH_RECORDS)) {
      const next = this.waiting.shift() as Waiting;
      records.push(...next.records);
      this.inHand.push(next);
    }
    this.count -= records.length;
    const { dropped } = this;
    this.dropped = 0;
    return { kind: 'records', records, dropped };
  }

  private get nextSize(): number {
    return this.waiting[0]?.records.length ?? 0;
  }

  private dropOldest(): void {
    while (this.count > MOST_WAITING && this.waiting.length > 1) {
      const oldest = this.waiting.findIndex(({ acknowledge }) => acknowledge === undefined);
      if (oldest < 0) return;
      const [lost] = this.waiting.splice(oldest, 1) as [Waiting];
      this.count -= lost.records.length;
      this.dropped += lost.records.length;
    }
  }
}
