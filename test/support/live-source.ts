import type { Connector, SourceRecord } from '../../lib/connectors/contract';
import type { ConnectorDescriptor } from '../../lib/connectors/descriptor';
import type { LiveEvent, Subscription, TagValue, TagWrite } from '../../lib/connectors/live';
import type { LoadedConnector } from '../../lib/connectors/registry';
import { IntegrationError } from '../../lib/model/errors';

interface Subscriber {
  subscription: Subscription;
  push(event: LiveEvent): void;
  fail(error: unknown): void;
}

/** A shop-floor system in this process: what a test pushes arrives at its subscribers, and it breaks when a test says so. */
export class LiveSource {
  static readonly type = 'iot.test';
  /** Connectors that are open now, and ever were. */
  open = 0;
  opened = 0;
  /** Thrown by whoever connects while it is set. */
  refusal: IntegrationError | null = null;
  /** Batches that were acknowledged, in order. */
  readonly acknowledged: SourceRecord[][] = [];
  readonly written: TagWrite[] = [];
  readonly subscribers = new Set<Subscriber>();
  private readonly waiting = new Set<() => void>();

  readonly loaded: LoadedConnector = { descriptor, create: () => this.connect() };

  /** Sends records to all who subscribe. */
  push(...records: SourceRecord[]): void {
    const event: LiveEvent = { kind: 'records', records, acknowledge: () => this.acknowledged.push(records) };
    for (const { push } of this.subscribers) push(event);
  }

  state(state: 'connected' | 'interrupted', error?: IntegrationError): void {
    for (const { push } of this.subscribers) push({ kind: 'state', state, ...(error && { error }) });
  }

  break(error: unknown = new IntegrationError('transient', 'PCP_CONNECT_RESET', 'The connection was reset.')): void {
    for (const { fail } of [...this.subscribers]) fail(error);
  }

  /** Resolves once so many subscribe. */
  async subscribed(count = 1): Promise<void> {
    while (this.subscribers.size !== count) {
      await new Promise<void>((resolve) => {
        this.waiting.add(resolve);
      });
    }
  }

  private notice(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private connect(): Connector {
    this.open++;
    this.opened++;
    const refuse = (): void => {
      if (this.refusal !== null) throw this.refusal;
    };
    return {
      test: async () => ({ ok: true, steps: [], duration_ms: 0 }),
      subscribe: (subscription, signal) => this.subscribe(subscription, signal),
      readTags: async (tags) => {
        refuse();
        return tags.map((tag) => tagValue(tag));
      },
      writeTags: async (writes, signal) => {
        refuse();
        signal.throwIfAborted();
        this.written.push(...writes);
        return writes.map(({ tag, value }) => ({ tag, outcome: 'written', verified: true, value }));
      },
      browse: async (parent) => {
        refuse();
        return parent === null
          ? [{ address: 'Line', name: 'Line', kind: 'folder', has_children: true }]
          : [
              {
                address: 'Line.speed',
                name: 'speed',
                kind: 'tag',
                data_type: 'Float',
                unit: 'rpm',
                has_children: false,
              },
            ];
      },
      close: async () => {
        this.open--;
      },
    };
  }

  private async *subscribe(subscription: Subscription, signal: AbortSignal): AsyncIterable<LiveEvent> {
    if (this.refusal !== null) throw this.refusal;
    const queue: LiveEvent[] = [];
    let wake = (): void => undefined;
    let failure: unknown = null;
    const subscriber: Subscriber = {
      subscription,
      push: (event) => {
        queue.push(event);
        wake();
      },
      fail: (error) => {
        failure = error;
        wake();
      },
    };
    const end = (): void => subscriber.fail(signal.reason);
    signal.addEventListener('abort', end);
    this.subscribers.add(subscriber);
    this.notice();
    try {
      yield { kind: 'state', state: 'connected' };
      for (;;) {
        if (failure !== null) throw failure;
        const event = queue.shift();
        if (event !== undefined) {
          yield event;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', end);
      this.subscribers.delete(subscriber);
      this.notice();
    }
  }
}

export function tagValue(tag: string, value: unknown = 1, at = new Date().toISOString()): TagValue {
  return { tag, value, quality: 'good', source_timestamp: at, received_at: at };
}

const descriptor: ConnectorDescriptor = {
  type: LiveSource.type,
  title: { 'en-US': 'Test source', 'pt-BR': 'Fonte de teste' },
  description: { 'en-US': 'Of the tests.', 'pt-BR': 'Dos testes.' },
  node: null,
  icon: 'none.svg',
  color: '#cccccc',
  since: '0.1.0',
  capabilities: ['test', 'subscribe'],
  batchSize: { default: 1000, maximum: 20_000 },
  drivers: [],
  settings: {},
  operations: [],
};
