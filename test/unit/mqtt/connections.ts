import assert from 'node:assert/strict';
import type { Connector, ConnectorEnvironment } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/iot/mqtt/connector';
import type { LiveEvent, Subscription } from '../../../lib/connectors/live';
import type { OpenConnection } from '../../../lib/model/connection';
import { USER } from '../../support/mosquitto';

export const signal = (): AbortSignal => new AbortController().signal;

/** A connection with the user of the test broker. */
export function connectionTo(port: number, config: Record<string, unknown> = {}): OpenConnection {
  return {
    id: 7,
    name: 'broker',
    connector_type: 'iot.mqtt',
    config: { url: `mqtt://127.0.0.1:${port}`, username: USER.username, session_expiry_s: 0, ...config },
    credentials: { password: USER.password },
  };
}

type Records = Extract<LiveEvent, { kind: 'records' }>;
type State = Extract<LiveEvent, { kind: 'state' }>;

/** A subscription as the hub runs it: its events are taken one after the other. */
export class Listener {
  readonly #abort = new AbortController();
  readonly #events: AsyncIterator<LiveEvent>;

  constructor(connector: Connector, subscription: Subscription) {
    assert.ok(connector.subscribe);
    this.#events = connector.subscribe(subscription, this.#abort.signal)[Symbol.asyncIterator]();
  }

  async connected(): Promise<this> {
    assert.deepEqual(await this.#events.next(), { done: false, value: { kind: 'state', state: 'connected' } });
    return this;
  }

  async state(): Promise<State> {
    const { value } = await this.#events.next();
    assert.equal(value?.kind, 'state', JSON.stringify(value));
    return value as State;
  }

  async next(): Promise<Records> {
    const { value } = await this.#events.next();
    assert.equal(value?.kind, 'records', JSON.stringify(value));
    return value as Records;
  }

  /** Records until there are so many, acknowledged as they come. */
  async take(count: number): Promise<Record<string, unknown>[]> {
    const records: Record<string, unknown>[] = [];
    while (records.length < count) {
      const event = await this.next();
      event.acknowledge?.();
      records.push(...event.records);
    }
    return records;
  }

  /** What it throws. */
  async failure(): Promise<unknown> {
    for (;;) {
      try {
        const { done } = await this.#events.next();
        assert.ok(!done, 'it ended without an error');
      } catch (thrown) {
        return thrown;
      }
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#events.return?.();
  }
}

/** Opens connectors and closes them all. */
export class Connectors {
  readonly logged: string[] = [];
  readonly #opened: Connector[] = [];

  /** @param directory the hub's own */
  open(connection: OpenConnection, directory?: string): Connector {
    const environment: ConnectorEnvironment = {
      log: (_level, message) => this.logged.push(message),
      ...(directory !== undefined && { directory }),
    };
    const connector = create(structuredClone(connection), environment);
    this.#opened.push(connector);
    return connector;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((connector) => connector.close()));
  }
}
