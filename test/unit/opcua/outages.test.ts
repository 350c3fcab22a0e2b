import assert from 'node:assert/strict';
import type { SourceRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/iot/opcua/connector';
import { descriptor } from '../../../lib/connectors/iot/opcua/descriptor';
import { type Follower, SharedConnection } from '../../../lib/stream/shared-connection';
import { type Fault, FaultProxy } from '../../support/fault-proxy';
import { Connections, LINE } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

/** 100 with PCP_TEST_FAULTS. */
const CYCLES = Number(process.env.PCP_TEST_FAULTS ?? 5);
const FAULTS: Fault[] = ['refuse', 'reset', 'silence', 'cut'];

class Watcher implements Follower {
  values: unknown[] = [];
  states: string[] = [];
  #changed = Promise.withResolvers<void>();

  async records(records: SourceRecord[]): Promise<void> {
    this.values.push(...records.map(({ value }) => value));
    this.#notice();
  }

  state(state: string): void {
    this.states.push(state);
    this.#notice();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  #notice(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

describe('OPC UA: outages, as the hub survives them', function () {
  this.timeout(180_000 + CYCLES * 30_000);
  const server = new PlantServer();
  const connections = new Connections();
  const unhandled: unknown[] = [];
  const note = (thrown: unknown) => unhandled.push(thrown);

  before(async () => {
    await server.start();
    process.on('unhandledRejection', note);
  });
  after(async () => {
    process.off('unhandledRejection', note);
    await connections.remove();
    await server.stop();
  });

  it(`${CYCLES} faults on the way: values go on, one session and one monitored item, one line for each outage`, async () => {
    const proxy = await FaultProxy.start(server.port);
    const logged: string[] = [];
    const config = {
      tags: { temperature: { node_id: `${LINE}Temperature` } },
      ...{ publishing_interval_ms: 50, timeout_ms: 1000, session_timeout_ms: 30_000 },
    };
    const shared = new SharedConnection(connections.connection(`opc.tcp://127.0.0.1:${proxy.port}`, config), {
      load: async () => ({ descriptor, create }),
      environment: {
        directory: connections.directory,
        log: (level, message) => void logged.push(`${level}: ${message}`),
      },
      backoff: { firstMs: 5, longestMs: 20 },
    });
    const watcher = new Watcher();
    const stop = new AbortController();
    const following = shared.follow({ entity: 'values' }, watcher, stop.signal);
    await watcher.until(() => watcher.values.length > 0);
    for (let n = 0; n < CYCLES; n++) {
      watcher.states = [];
      await proxy.turn(FAULTS[n % FAULTS.length] as Fault);
      await watcher.until(() => watcher.states.includes('interrupted'));
      await proxy.turn('none');
      await server.ask({ do: 'set', name: 'Temperature', value: 100 + n });
      await watcher.until(() => watcher.values.includes(100 + n) && watcher.states.at(-1) === 'connected');
      assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 1, monitoredItems: 1 }, `after ${n}`);
    }
    assert.equal(proxy.open, 1);
    const lines = ['warn', 'info'].map((level) => logged.filter((line) => line.startsWith(level)).length);
    assert.deepEqual(lines, [CYCLES, CYCLES], logged.slice(-6).join('\n'));
    stop.abort();
    await following;
    await shared.close();
    await proxy.stop();
    assert.deepEqual(unhandled, []);
  });
});
