import { IntegrationError } from '../model/errors';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';

const FLUSH_EVERY_MS = 10_000;

/** Upper ends of the buckets of times, in seconds. */
export const BUCKETS = {
  batch_write_seconds: [0.01, 0.05, 0.1, 0.5, 1, 5, 30],
  webhook_latency_seconds: [0.05, 0.1, 0.25, 0.5, 1, 5, 15],
} as const;

export type Times = keyof typeof BUCKETS;
export type Counter = 'http_requests_total' | 'webhook_deliveries_total' | 'lease_lost_total';
/** The label under which the seconds of all observations add up. */
export const SUM = 'sum';

interface Count {
  name: Counter | Times;
  objectId: number;
  label: string;
  value: number;
}

/**
 * Counts what happens in this process, and adds it to what the store holds from time to time: whoever is asked for the
 * figures need not be where things happen. A process that is killed takes some seconds of its counts along.
 */
export class Tally {
  private counts = new Map<string, Count>();
  private flushing: Promise<void> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly database: SqlDatabase,
    private readonly log: (level: 'debug', message: string) => void,
  ) {
    this.timer = setInterval(() => void this.flush(), FLUSH_EVERY_MS).unref();
  }

  count(name: Counter, objectId: number, label = ''): void {
    this.add({ name, objectId, label, value: 1 });
  }

  time(name: Times, objectId: number, seconds: number): void {
    const end = BUCKETS[name].find((bucket) => seconds <= bucket) ?? '+Inf';
    this.add({ name, objectId, label: String(end), value: 1 });
    this.add({ name, objectId, label: SUM, value: seconds });
  }

  /** Never throws: what could not be added is added the next time. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(async () => {
      const counts = [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
      if (counts.length === 0) return;
      this.counts = new Map();
      try {
        await this.database.transaction(async (transaction) => {
          for (const count of counts) await addTo(transaction, count);
        });
      } catch (error) {
        for (const count of counts) this.add(count);
        this.log('debug', `Counts could not be kept: ${IntegrationError.from(error).message}`);
      }
    });
    return this.flushing;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  private add(count: Count): void {
    const key = `${count.name} ${count.objectId} ${count.label}`;
    const known = this.counts.get(key);
    if (known === undefined) this.counts.set(key, { ...count });
    else known.value += count.value;
  }
}

/** All processes add in the same order, so that none waits for another that waits for it. */
async function addTo(transaction: SqlTransaction, { name, objectId, label, value }: Count): Promise<void> {
  const key = [name, objectId, label];
  const changed = await transaction.execute(
    'UPDATE integration_tallies SET value = value + ? WHERE name = ? AND object_id = ? AND label = ?',
    [value, ...key],
  );
  if (changed === 1) return;
  const sql = 'INSERT INTO integration_tallies (name, object_id, label, value) VALUES (?, ?, ?, ?)';
  await transaction.execute(sql, [...key, value]);
}
