import type { IntegrationError } from '../../../model/errors';
import type { SparkplugHost } from '../../../protocols/sparkplug/host/host';
import type { TagValue } from '../../../protocols/sparkplug/host/tag-values';
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
      const records = await queue.take();
      if (records === null) return;
      yield { kind: 'records', records };
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener('abort', stop);
    connection?.remove(queue);
  }
}

class ValueQueue implements ValueListener {
  #waiting: TagValue[] = [];
  #leftOut = 0;
  #wake: (() => void) | undefined;
  #end: { error: IntegrationError | null } | undefined;

  constructor(
    private readonly tags: ReadonlySet<string> | undefined,
    private readonly onLeftOut: (count: number) => void,
  ) {}

  values(values: readonly TagValue[]): void {
    for (const value of values) {
      if (this.tags !== undefined && !this.tags.has(value.tag)) continue;
      if (this.#waiting.length < MOST_WAITING) this.#waiting.push(value);
      else this.#leftOut += 1;
    }
    this.#wake?.();
  }

  /** What came before is still given. */
  end(error: IntegrationError | null): void {
    this.#end ??= { error };
    this.#wake?.();
  }

  /** At least one value; null at the end. @throws what ended it */
  async take(): Promise<TagValue[] | null> {
    while (this.#waiting.length === 0 && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#waiting.length === 0 || this.#end?.error === null) {
      if (this.#end?.error) throw this.#end.error;
      return null;
    }
    if (this.#leftOut > 0) this.onLeftOut(this.#leftOut);
    this.#leftOut = 0;
    return this.#waiting.splice(0, MOST_RECORDS);
  }
}
