import assert from 'node:assert/strict';
import { create } from '../../../lib/connectors/iot/mqtt/connector';
import { descriptor } from '../../../lib/connectors/iot/mqtt/descriptor';
import { SharedConnection } from '../../../lib/stream/shared-connection';
import { type Fault, FaultProxy } from '../../support/fault-proxy';
import { temporaryDirectory } from '../../support/hub';
import { type Broker, mosquitto } from '../../support/mosquitto';
import { Connectors, connectionTo, signal } from './connections';
import { Watcher } from './watcher';

const CYCLES = 100;
const FAULTS: Fault[] = ['refuse', 'reset', 'cut'];

describe('Sparkplug: outages of a host, as the hub survives them', () => {
  const connectors = new Connectors();
  let broker: Broker;
  let proxy: FaultProxy;
  let remove: () => Promise<void>;

  before(async function () {
    broker = await mosquitto(this);
    proxy = await FaultProxy.start(broker.open);
  });
  after(async () => {
    await connectors.close();
    await proxy?.stop();
    await broker?.release();
    await remove?.();
  });

  it(`${CYCLES} faults on the way: what changed meanwhile is known again each time, though nobody says it again`, async () => {
    const temporary = await temporaryDirectory();
    ({ remove } = temporary);
    const edgeNode = { writes_enabled: true, sparkplug_group_id: 'g', sparkplug_edge_node_id: 'n' };
    const publisher = connectors.open(connectionTo(broker.plain, edgeNode));
    const target = { entity: 'sparkplug', keyFields: [], fields: [], resume: null, runId: 1, mappingId: 1 };
    const writer = await publisher.openWriter!(target, signal());
    const publish = (n: number) => writer.write([{ data: { n }, key: '[]', hash: '', sourceKey: '[]' }], signal());

    const watcher = new Watcher();
    const stop = new AbortController();
    const config = { sparkplug_role: 'active', timeout_ms: 500 };
    const shared = new SharedConnection(connectionTo(proxy.port, config), {
      load: async () => ({ descriptor, create }),
      environment: { directory: temporary.path, log: () => undefined },
      backoff: { firstMs: 5, longestMs: 20 },
    });
    const following = shared.follow({ entity: 'sparkplug' }, watcher, stop.signal);
    await watcher.until(() => watcher.states.includes('connected'));
    await publish(-1);
    await watcher.until(() => watcher.values.includes(-1));
    for (let n = 0; n < CYCLES; n++) {
      watcher.states = [];
      await proxy.turn(FAULTS[n % FAULTS.length]!);
      await watcher.until(() => watcher.states.includes('interrupted'));
      await publish(n);
      await proxy.turn('none');
      await watcher.until(() => watcher.states.at(-1) === 'connected' && watcher.values.includes(n));
    }
    assert.equal(proxy.open, 1);
    stop.abort();
    await following;
    await shared.close();
  });
});
