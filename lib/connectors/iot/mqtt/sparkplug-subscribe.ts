import type { IntegrationError } from '../../../model/errors';
import type { SparkplugHost } from '../../../protocols/sparkplug/host/host';
import type { MetricValue } from '../../../protocols/sparkplug/host/metric-values';
import { Queue } from '../../../queue';
import type { ConnectorEnvironment } from '../../contract';
import type { LiveEvent, Subscription } from '../../live';
import type { HostConnection, ValueListener } from './sparkplug-host';

const MOST_RECORDS = 500;
/** Values that wait for a slow receiver. Brokers do not send them again: those above are lost. */
const MOST_WAITING = 100_000;

/** Values of all edge nodes, or of some tags, from what is known of them on. */
export async function* subscribeToSparkplug(
  { entity, items = [] }: Subscription,
  host: SparkplugHost,
  open: (signal: AbortSignal) => Promise<HostConnection>,
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): AsyncGenerator<LiveEvent> {
  const tags = entity === undefined ? new Set(items.map(({ tag }) => tag)) : undefined;
  const queue = new ValueQueue(tags, (count) =>
    log('warn', `${count} Sparkplug values were left out: they come faster than they are taken.`),
  );
  const stop = () => queue.end(null);
  signal.addEventListener('abort', stop, { once: true });
  let connection: HostConnection | undefined;
  try {
    connection = await open(signal);
    connection.add(queue);
    queue.values([...host.lastValues()]);
    yield { kind: 'state', state: 'connected' };
    for (;;) {
      yield { kind: 'records', records: await queue.take() };
    }
  } catch (thrown) {
    if (!signal.aborted && thrown !== null) throw thrown;
  } finally {
    signal.removeEventListener('abort', stop);
    connection?.remove(queue);
  }
}

class ValueQueue implements ValueListener {
  readonly #queue = new Queue<MetricValue>();
  #leftOut = 0;

  constructor(
    private readonly tags: ReadonlySet<string> | undefined,
    private readonly onLeftOut: (count: number) => void,
  ) {}

  values(values: readonly MetricValue[]): void {
    for (const value of values) {
      if (this.tags !== undefined && !this.tags.has(value.tag)) continue;
      if (this.#queue.size < MOST_WAITING) this.#queue.push(value);
      else this.#leftOut += 1;
    }
  }

  /** What came before is still given. */
  end(error: IntegrationError | null): void {
    this.#queue.fail(error);
  }

  /** At least one value. @throws what ended it: null when that was wanted */
  async take(): Promise<MetricValue[]> {
    const values = await this.#queue.take(MOST_RECORDS);
    if (this.#leftOut > 0) this.onLeftOut(this.#leftOut);
    this.#leftOut = 0;
    return values;
  }
}
