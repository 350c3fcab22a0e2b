import assert from 'node:assert/strict';
import type { WriteRecord } from '../../../lib/connectors/contract';
import { type Broker, mosquitto } from '../../support/mosquitto';
import { Connectors, connectionTo, Listener, signal } from './connections';
import { ACCEPTED, FakeBroker, publishHead } from './fake-broker';
import { cable, Plant, short } from './plant';

const target = (keyFields: string[]) => ({
  entity: 'sparkplug',
  keyFields,
  fields: [],
  resume: null,
  runId: 1,
  mappingId: 1,
});
const record = (data: Record<string, unknown>): WriteRecord => ({ data, key: '[]', hash: '', sourceKey: '[]' });

describe('Sparkplug edge node over Mosquitto', () => {
  let broker: Broker;
  const connectors = new Connectors();
  before(async function () {
    broker = await mosquitto(this);
  });
  afterEach(() => connectors.close());
  after(() => broker?.release());

  const host = (role: string, config: Record<string, unknown> = {}) =>
    connectors.open(connectionTo(broker.plain, { sparkplug_role: role, ...config }));

  it('the broker tells that a primary host and an edge node are gone when their cable is cut', async () => {
    const watcher = await Plant.open(broker);
    for (const filter of ['spBv1.0/STATE/cut', 'spBv1.0/PCP/+/cut']) await watcher.listen(filter);
    const { port, cut } = await cable(broker);
    const config = { writes_enabled: true, sparkplug_group_id: 'PCP', sparkplug_edge_node_id: 'cut' };
    const connector = connectors.open(
      connectionTo(port, { ...config, sparkplug_role: 'primary', sparkplug_host_id: 'cut' }),
    );
    const listener = await new Listener(connector, { entity: 'sparkplug' }).connected();
    await (await connector.openWriter!(target([]), signal())).write([record({ a: 1 })], signal());
    const [bdSeq] = await watcher.message('spBv1.0/PCP/NBIRTH/cut');
    await watcher.message('spBv1.0/STATE/cut');
    cut();
    const [state] = await watcher.message('spBv1.0/STATE/cut');
    assert.equal(JSON.parse(state?.string_value ?? '').online, false);
    assert.equal((await watcher.message('spBv1.0/PCP/NDEATH/cut'))[0]?.long_value, bdSeq?.long_value);
    await listener.stop();
    await watcher.connection.close();
  });

  for (const [version, deaths] of [
    ['5', 2],
    ['3.1.1', 1],
  ] as const) {
    it(`tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50, -mqtt311: says goodbye by ${version}`, async () => {
      const id = `bye-${deaths}`;
      const watcher = await Plant.open(broker);
      await watcher.listen(`spBv1.0/PCP/+/${id}`);
      const publisher = connectors.open(
        connectionTo(broker.plain, {
          protocol_version: version,
          writes_enabled: true,
          sparkplug_group_id: 'PCP',
          sparkplug_edge_node_id: id,
        }),
      );
      await (await publisher.openWriter!(target([]), signal())).write([record({ a: 1 })], signal());
      await watcher.message(`spBv1.0/PCP/NBIRTH/${id}`);
      await publisher.close();
      // What a broker gets from one client it passes on in order.
      const marker = `spBv1.0/PCP/NDATA/${id}`;
      await watcher.message(`spBv1.0/PCP/NDEATH/${id}`);
      await watcher.publish([marker, Buffer.alloc(0)]);
      await watcher.message(marker);
      const more = watcher.received.filter(({ topic }) => topic.includes('/NDEATH/')).length;
      assert.equal(1 + more, deaths);
      await watcher.connection.close();
    });
  }

  it('publishes records as an edge node that a host sees come, change and go', async () => {
    const values = await new Listener(host('active'), { entity: 'sparkplug' }).connected();
    const config = { sparkplug_group_id: 'PCP', sparkplug_edge_node_id: 'hub' };
    await assert.rejects(
      connectors.open(connectionTo(broker.plain, config)).openWriter!(target(['order_number']), signal()),
      {
        code: 'PCP_WRITE_REFUSED',
      },
    );
    const metrics = { quantity: { data_type: 'Int32', unit: 'pcs' }, due: { data_type: 'DateTime' } };
    const publisher = connectors.open(
      connectionTo(broker.plain, { ...config, writes_enabled: true, sparkplug_metrics: metrics }),
    );
    const writer = await publisher.openWriter!(target(['order_number']), signal());
    const order = {
      order_number: 'A/1',
      quantity: '10',
      due: '2026-03-01T00:00:00.000Z',
      rush: false,
      ratio: 0.5,
      note: null,
    };
    assert.deepEqual(await writer.write([record(order)], signal()), [{ outcome: 'updated' }]);
    assert.deepEqual(short(await values.take(5)), [
      ['PCP/hub/A%2F1/order_number', 'A/1', 'good'],
      ['PCP/hub/A%2F1/quantity', 10, 'good'],
      ['PCP/hub/A%2F1/due', '2026-03-01T00:00:00.000Z', 'good'],
      ['PCP/hub/A%2F1/rush', false, 'good'],
      ['PCP/hub/A%2F1/ratio', 0.5, 'good'],
    ]);
    const results = await writer.write(
      [record({ ...order, quantity: 'ten' }), record({ ...order, quantity: 11 })],
      signal(),
    );
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['failed', 'updated'],
    );
    const changed = await values.take(5);
    assert.deepEqual([changed[1]?.value, changed[1]?.unit], [11, 'pcs']);
    await publisher.close();
    assert.deepEqual(
      (await values.take(5)).map(({ quality, status }) => [quality, status]),
      Array(5).fill(['bad', 'stale']),
    );
    await values.stop();
  });

  it('waits with an edge node for its primary host', async () => {
    const config = {
      sparkplug_group_id: 'PCP',
      sparkplug_edge_node_id: 'waiting',
      sparkplug_primary_host_id: 'scada',
      writes_enabled: true,
    };
    const publisher = connectors.open(connectionTo(broker.plain, { ...config, timeout_ms: 2000 }));
    const writer = await publisher.openWriter!(target([]), signal());
    await assert.rejects(writer.write([record({ a: 1 })], signal()), {
      class: 'transient',
      code: 'PCP_SPARKPLUG_HOST_OFFLINE',
    });
    const values = await new Listener(host('primary', { sparkplug_host_id: 'scada' }), {
      entity: 'sparkplug',
    }).connected();
    assert.deepEqual(await writer.write([record({ a: 2 })], signal()), [{ outcome: 'updated' }]);
    assert.deepEqual(short(await values.take(1)), [['PCP/waiting/a', 2, 'good']]);
    await values.stop();
  });

  const tell = (plant: Plant, online: boolean, timestamp: number) =>
    plant.connection.publish(
      { topic: 'spBv1.0/STATE/mes', payload: Buffer.from(JSON.stringify({ online, timestamp })), qos: 1, retain: true },
      signal(),
    );

  it('is born at once where its primary host has long been online', async () => {
    const scada = await Plant.open(broker);
    await tell(scada, true, 5);
    const publisher = connectors.open(
      connectionTo(broker.plain, {
        sparkplug_group_id: 'PCP',
        sparkplug_edge_node_id: 'late',
        timeout_ms: 60_000,
        sparkplug_primary_host_id: 'mes',
        writes_enabled: true,
      }),
    );
    const writer = await publisher.openWriter!(target([]), signal());
    assert.deepEqual(await writer.write([record({ a: 1 })], signal()), [{ outcome: 'updated' }]);
    await scada.connection.close();
  });

  it('is born by a state that comes together with the grant of its subscription', async () => {
    const topic = 'spBv1.0/STATE/mes';
    const state = Buffer.from('{"online":true,"timestamp":5}');
    const scada = await FakeBroker.start((socket, chunk, index) => {
      if (index === 0) socket.write(ACCEPTED[4]);
      if (chunk[0] !== 0x82) return;
      const granted = Buffer.from([0x90, 3, chunk[2]!, chunk[3]!, 1]);
      socket.write(
        chunk.includes(topic) ? Buffer.concat([granted, publishHead(topic, 1, state.length), state]) : granted,
      );
    });
    try {
      const publisher = connectors.open(
        connectionTo(scada.port, {
          protocol_version: '3.1.1',
          sparkplug_group_id: 'PCP',
          sparkplug_edge_node_id: 'early',
          timeout_ms: 60_000,
          sparkplug_primary_host_id: 'mes',
          writes_enabled: true,
        }),
      );
      const writer = await publisher.openWriter!(target([]), signal());
      assert.deepEqual(await writer.write([record({ a: 1 })], signal()), [{ outcome: 'updated' }]);
      await publisher.close();
    } finally {
      await scada.stop();
    }
  });

  it('tck-id-operational-behavior-primary-application-state-with-multiple-servers-walk; tck-id-operational-behavior-edge-node-termination-host-offline-reconnect: goes where its primary host is', async function () {
    const other = await mosquitto(this);
    try {
      const plants = [await Plant.open(broker), await Plant.open(other)] as const;
      for (const plant of plants) await plant.listen('spBv1.0/PCP/+/walker');
      const [here, there] = plants;
      await tell(here, false, 20);
      // Connected to this one long before.
      await tell(there, true, 10);
      const publisher = connectors.open(
        connectionTo(broker.plain, {
          url: `mqtt://127.0.0.1:${broker.plain},mqtt://127.0.0.1:${other.plain}`,
          sparkplug_group_id: 'PCP',
          sparkplug_edge_node_id: 'walker',
          timeout_ms: 60_000,
          sparkplug_primary_host_id: 'mes',
          sparkplug_aliases: false,
          writes_enabled: true,
        }),
      );
      const writer = await publisher.openWriter!(target([]), signal());
      await assert.rejects(writer.write([record({ a: 1 })], signal()), { code: 'PCP_SPARKPLUG_HOST_OFFLINE' });
      await there.message('spBv1.0/PCP/NBIRTH/walker');
      assert.deepEqual(await writer.write([record({ a: 2 })], signal()), [{ outcome: 'updated' }]);
      await tell(here, true, 30);
      await tell(there, false, 40);
      await there.message('spBv1.0/PCP/NDEATH/walker');
      const births = await here.message('spBv1.0/PCP/NBIRTH/walker');
      assert.equal(births.find(({ name }) => name === 'a')?.double_value, 2);
      for (const plant of plants) await plant.connection.close();
    } finally {
      await other.release();
    }
  });
});
