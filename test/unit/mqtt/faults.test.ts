import assert from 'node:assert/strict';
import { create } from '../../../lib/connectors/iot/mqtt/connector';
import { descriptor } from '../../../lib/connectors/iot/mqtt/descriptor';
import { SharedConnection } from '../../../lib/stream/shared-connection';
import { type Fault, FaultProxy } from '../../support/fault-proxy';
import { type Broker, mosquitto, publishBy } from '../../support/mosquitto';
import { connectionTo } from './connections';
import { Watcher } from './watcher';

const CYCLES = 90;
/** Found by the keep-alive alone, a second and a half later. */
const SILENCES = 10;
const RESTARTS = 50;
const FAULTS: Fault[] = ['refuse', 'reset', 'cut', 'drip'];

describe('mqtt: outages, as the hub survives them', () => {
  let broker: Broker;
  let proxy: FaultProxy;
  let shared: SharedConnection;
  let watcher: Watcher;
  let following: Promise<void>;
  let stop: AbortController;
  let logged: string[];
  const unhandled: unknown[] = [];
  const note = (thrown: unknown) => unhandled.push(thrown);

  before(async function () {
    broker = await mosquitto(this, { keepsSessions: true });
    process.on('unhandledRejection', note);
  });
  after(async () => {
    process.off('unhandledRejection', note);
    await broker?.release();
  });
  const follow = async (keepalive_s: number) => {
    watcher = new Watcher();
    stop = new AbortController();
    logged = [];
    const config = { client_id: 'outages', session_expiry_s: 600, keepalive_s, timeout_ms: 500 };
    shared = new SharedConnection(connectionTo(proxy.port, config), {
      load: async () => ({ descriptor, create }),
      environment: { log: (level, message) => void logged.push(`${level}: ${message}`) },
      backoff: { firstMs: 5, longestMs: 20 },
    });
    following = shared.follow({ items: [{ tag: 'outage/#' }] }, watcher, stop.signal);
    await watcher.until(() => watcher.states.includes('connected'));
  };
  const leave = async () => {
    stop.abort();
    await following;
    await shared.close();
  };

  beforeEach(async () => {
    proxy = await FaultProxy.start(broker.open);
    await follow(60);
  });
  afterEach(async () => {
    await leave();
    await proxy.stop();
    assert.deepEqual(unhandled, []);
  });

  /** What was published while nobody listened arrives with the rest. */
  const goesOn = async (n: number) => {
    publishBy(broker.open, 'outage/x', String(n), '-q', '1');
    await watcher.until(() => watcher.values.includes(n) && watcher.states.at(-1) === 'connected');
  };
  const outage = async (fault: Fault, n: number) => {
    watcher.states = [];
    await proxy.turn(fault);
    if (fault === 'drip') {
      // A slow way is no outage; it breaks in the middle of a message.
      publishBy(broker.open, 'outage/x', String(n), '-q', '1');
      await proxy.turn('reset');
    }
    await watcher.until(() => watcher.states.includes('interrupted'));
    publishBy(broker.open, 'outage/x', String(n), '-q', '1');
    await proxy.turn('none');
    await watcher.until(() => watcher.states.at(-1) === 'connected' && watcher.values.includes(n));
  };
  const outagesLogged = () => ['warn', 'info'].map((level) => logged.filter((line) => line.startsWith(level)).length);

  it(`${CYCLES} faults on the way: nothing is missing, one connection is left, one line for each outage and its end`, async () => {
    for (let n = 0; n < CYCLES; n++) await outage(FAULTS[n % FAULTS.length]!, n);
    assert.deepEqual(
      [...new Set(watcher.values)].sort((a, b) => Number(a) - Number(b)),
      Array.from({ length: CYCLES }, (_, n) => n),
    );
    assert.equal(proxy.open, 1);
    assert.deepEqual(outagesLogged(), [CYCLES, CYCLES], logged.slice(-6).join('\n'));
  });

  it('a connection on which nothing comes any more is found dead, and a slow one is not', async () => {
    await proxy.turn('drip');
    await goesOn(1000);
    assert.deepEqual(outagesLogged(), [0, 0]);
    await leave();
    await proxy.turn('none');
    await follow(1);
    for (let n = 1001; n <= 1000 + SILENCES; n++) await outage('silence', n);
    await goesOn(1500);
    assert.equal(proxy.open, 1);
    // More than those where this process stood still for longer than the broker waits for its signs of life.
    const [gone, back] = outagesLogged();
    assert.equal(gone, back, logged.join('\n'));
    assert.ok(Number(gone) >= SILENCES, logged.join('\n'));
    assert.match(logged[0]!, /PCP_CONNECT_LOST/);
  });

  it(`${RESTARTS} restarts of the broker: the subscription is there again, once`, async () => {
    for (let n = 2000; n < 2000 + RESTARTS; n++) {
      watcher.states = [];
      await broker.stop(n % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
      await broker.start();
      await watcher.until(() => watcher.states.at(-1) === 'connected');
      await goesOn(n);
    }
    for (const n of [3000, 3001]) await goesOn(n);
    assert.deepEqual(
      watcher.values.filter((value) => value === 3000),
      [3000],
    );
    assert.equal(proxy.open, 1);
  });
});
