import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { create } from '../../../lib/connectors/iot/opcua/connector';
import { descriptor } from '../../../lib/connectors/iot/opcua/descriptor';
import { SharedConnection } from '../../../lib/stream/shared-connection';
import { type Fault, FaultProxy } from '../../support/fault-proxy';
import { Connections, LINE } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';
import { Watcher } from '../../support/watcher';

/** 100 with PCP_TEST_FAULTS. */
const CYCLES = Number(process.env.PCP_TEST_FAULTS ?? 5);
const FAULTS: Fault[] = ['refuse', 'reset', 'cut'];
/** The library may lose its way back: after five of these a session is given up, and another one opened. */
const TIMEOUT_MS = 20_000;

const ONE = { sessions: 1, subscriptions: 1, monitoredItems: 1 };

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

  /** Follows a temperature over a way that can be out of order, as a stream does. */
  async function following(
    timeoutMs: number,
    work: (parts: { proxy: FaultProxy; watcher: Watcher; logged: string[] }) => Promise<void>,
  ): Promise<void> {
    const proxy = await FaultProxy.start(server.port);
    const logged: string[] = [];
    const config = {
      tags: { temperature: { node_id: `${LINE}Temperature` } },
      ...{ publishing_interval_ms: 50, timeout_ms: timeoutMs, session_timeout_ms: 30_000 },
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
    const done = shared.follow({ entity: 'values' }, watcher, stop.signal);
    await watcher.until(() => watcher.seen.length > 0);
    await work({ proxy, watcher, logged });
    assert.equal(proxy.open, 1);
    stop.abort();
    await done;
    await shared.close();
    await proxy.stop();
    assert.deepEqual(unhandled, []);
  }

  const outages = (logged: string[]) =>
    ['warn', 'info'].map((level) => logged.filter((line) => line.startsWith(`${level}: Connection "`)).length);
  /** More outages than faults where this process stood still for longer than an answer may take. */
  const assertOneLineEach = ({ states }: Watcher, logged: string[]) => {
    const seen = states.filter((state) => state === 'connected').length;
    assert.deepEqual(outages(logged), [seen, seen], logged.join('\n'));
  };
  /** A session that had to be given up without a word is ended by the server. */
  const nothingDoubled = async () => {
    while (!isDeepStrictEqual(await server.counts(), ONE));
  };
  const set = (value: number) => server.ask({ do: 'set', name: 'Temperature', value });

  it(`${CYCLES} faults on the way: values go on, one session and one monitored item, one line for each outage`, async () => {
    await following(TIMEOUT_MS, async ({ proxy, watcher, logged }) => {
      watcher.states = [];
      for (let n = 0; n < CYCLES; n++) {
        const before = watcher.states.length;
        await proxy.turn(FAULTS[n % FAULTS.length] as Fault);
        await watcher.until(() => watcher.states.slice(before).includes('interrupted'));
        await proxy.turn('none');
        await set(100 + n);
        await watcher.until(() => watcher.value('temperature') === 100 + n && watcher.states.at(-1) === 'connected');
        await nothingDoubled();
      }
      assertOneLineEach(watcher, logged);
    });
  });

  it('a way back that breaks as well, at each of its steps, leads back in the end', async () => {
    await following(TIMEOUT_MS, async ({ proxy, watcher }) => {
      proxy.resets.push(1, 2, 3, 4, 5, 6, 7, 8);
      await proxy.turn('reset');
      await watcher.until(() => watcher.states.includes('interrupted'));
      await proxy.turn('none');
      while (proxy.resets.length > 0) await new Promise((resolve) => setImmediate(resolve));
      await set(71);
      await watcher.until(() => watcher.value('temperature') === 71 && watcher.states.at(-1) === 'connected');
      await nothingDoubled();
    });
  });

  it('a way on which nothing comes any more is found dead, again and again', async () => {
    await following(1000, async ({ proxy, watcher, logged }) => {
      watcher.states = [];
      for (let n = 0; n < CYCLES / 5; n++) {
        const before = watcher.states.length;
        await proxy.turn('silence');
        await watcher.until(() => watcher.states.slice(before).includes('interrupted'));
        await proxy.turn('none');
        await set(200 + n);
        await watcher.until(() => watcher.value('temperature') === 200 + n && watcher.states.at(-1) === 'connected');
      }
      assertOneLineEach(watcher, logged);
      await nothingDoubled();
    });
  });

  it('a way that is slow is no outage, byte by byte', async () => {
    await following(600_000, async ({ proxy, watcher, logged }) => {
      await proxy.turn('drip');
      for (const value of [51, 52, 53]) {
        await set(value);
        await watcher.until(() => watcher.value('temperature') === value);
      }
      assert.deepEqual(outages(logged), [0, 0], logged.join('\n'));
      await proxy.turn('none');
    });
  });
});
