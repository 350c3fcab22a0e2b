import assert from 'node:assert/strict';
import { create } from '../../../lib/connectors/iot/modbus/connector';
import { descriptor } from '../../../lib/connectors/iot/modbus/descriptor';
import { type Follower, SharedConnection } from '../../../lib/stream/shared-connection';
import { type Fault, FaultProxy } from '../../support/fault-proxy';
import { libmodbusTcp, type ModbusPeer } from '../../support/modbus-peers';
import { connectionOf, OpenConnectors } from './support';

const CYCLES = 100;
const RESTARTS = 50;
const FAULTS: Fault[] = ['refuse', 'reset', 'cut'];

/** What a stream or a node sees of its subscription. */
class Watcher implements Follower {
  values = new Map<unknown, unknown>();
  states: string[] = [];
  #changed = Promise.withResolvers<void>();

  async records(records: Record<string, unknown>[]): Promise<void> {
    for (const { tag, value } of records) this.values.set(tag, value);
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

describe('Modbus: outages, as the hub survives them', () => {
  const writers = new OpenConnectors();
  let peer: ModbusPeer;
  let proxy: FaultProxy;
  let shared: SharedConnection;
  let watcher: Watcher;
  let following: Promise<void>;
  let stop: AbortController;
  let logged: string[];
  const unhandled: unknown[] = [];
  const note = (thrown: unknown) => unhandled.push(thrown);

  before(async function () {
    peer = await libmodbusTcp(this);
    process.on('unhandledRejection', note);
  });
  after(async () => {
    process.off('unhandledRejection', note);
    await peer?.stop();
  });
  beforeEach(async () => {
    proxy = await FaultProxy.start(peer.port);
    watcher = new Watcher();
    stop = new AbortController();
    logged = [];
    const tags = { moving: { address: 5 }, still: { address: 6 } };
    const config = { port: proxy.port, poll_interval_ms: 10, timeout_ms: 300, tags };
    shared = new SharedConnection(connectionOf(config), {
      load: async () => ({ descriptor, create }),
      environment: { log: (level, message) => void logged.push(`${level}: ${message}`) },
      backoff: { firstMs: 5, longestMs: 20 },
    });
    following = shared.follow({ entity: 'values' }, watcher, stop.signal);
    await watcher.until(() => watcher.values.size === 2);
  });
  afterEach(async () => {
    stop.abort();
    await following;
    await shared.close();
    await proxy.stop();
    await writers.close();
    assert.deepEqual(unhandled, []);
  });

  /** What changes at the device, past the proxy, is seen. */
  const goesOn = async (value: number) => {
    const writable = [{ functions: [6], from: 5, to: 5, max_per_minute: 6000 }];
    const config = { port: peer.port, writes_enabled: true, writable };
    const [result] = await writers.open(config).writeTags!([{ tag: 'holding/5', value }], stop.signal);
    assert.equal(result?.outcome, 'written');
    await watcher.until(() => watcher.values.get('moving') === value && watcher.states.at(-1) === 'connected');
    await writers.close();
  };
  const outage = async (fault: Fault, value: number) => {
    watcher.states = [];
    await proxy.turn(fault);
    await watcher.until(() => watcher.states.includes('interrupted'));
    await proxy.turn('none');
    await goesOn(value);
  };
  const outagesLogged = () => ['warn', 'info'].map((level) => logged.filter((line) => line.startsWith(level)).length);

  it(`${CYCLES} faults on the way: values go on, one connection is left, one line for each outage and its end`, async () => {
    for (let n = 0; n < CYCLES; n++) await outage(FAULTS[n % FAULTS.length]!, 1000 + n);
    assert.equal(proxy.open, 1);
    assert.deepEqual(outagesLogged(), [CYCLES, CYCLES], logged.slice(-6).join('\n'));
  });

  it('a line on which nothing comes any more is found dead and stays so until a device answers; a slow one is not', async () => {
    await proxy.turn('drip');
    await goesOn(2000);
    assert.deepEqual(outagesLogged(), [0, 0], logged.join('\n'));
    watcher.states = [];
    await proxy.turn('silence');
    await watcher.until(() => watcher.states.filter((state) => state === 'interrupted').length === 3);
    assert.ok(!watcher.states.includes('connected'), watcher.states.join(' '));
    assert.deepEqual([watcher.values.get('moving'), watcher.values.get('still')], [null, null]);
    await proxy.turn('none');
    await goesOn(2001);
    assert.equal(proxy.open, 1);
    assert.deepEqual(outagesLogged(), [1, 1], logged.join('\n'));
  });

  it(`${RESTARTS} restarts of the device: its values are there again`, async () => {
    for (let n = 0; n < RESTARTS; n++) {
      watcher.states = [];
      await peer.stop();
      await peer.restart();
      await goesOn(3000 + n);
    }
    assert.equal(proxy.open, 1);
    assert.equal(watcher.values.get('still'), 6);
  });
});
