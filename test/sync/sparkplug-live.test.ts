import assert from 'node:assert/strict';
import type { Writer } from '../../lib/connectors/contract';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { type Broker, mosquitto } from '../support/mosquitto';
import { Connectors, connectionTo, signal } from '../unit/mqtt/connections';

describe('live mappings of Sparkplug', () => {
  let broker: Broker;
  let hub: Hub;
  let remove: () => Promise<void>;
  const connectors = new Connectors();

  before(async function () {
    broker = await mosquitto(this);
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
  });
  after(async () => {
    await connectors.close();
    await hub?.close();
    await broker?.release();
    await remove?.();
  });

  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  /** Measurements of a tag as "value quality unit". */
  async function measured(tag: string): Promise<Set<string>> {
    const { items } = await hub.records.list('measurement', { limit: 1000, filter: { tag } });
    return new Set(items.map(({ value_number, quality, unit }) => `${Number(value_number)} ${quality} ${unit}`));
  }

  async function publish(writer: Writer, speed: number, online = true): Promise<void> {
    const data = { machine: 'M1', speed, online };
    await writer.write([{ data, key: '["M1"]', hash: '', sourceKey: '["M1"]' }], signal());
  }

  it('arrive with quality and unit, and go stale with the broker and with their edge node', async () => {
    const { id } = await hub.connections.create({
      name: 'plant',
      connector_type: 'iot.mqtt',
      config: {
        url: `mqtt://127.0.0.1:${broker.open}`,
        sparkplug_role: 'active',
        writes_enabled: true,
        writable: ['Plant/#'],
      },
    });
    const mapping = await hub.mappings.create({
      connection_id: id,
      name: 'values',
      direction: 'import',
      sync_mode: 'live',
      source_entity: 'sparkplug',
      entity_type: 'measurement',
      target_entity: 'measurement',
      field_mappings: [
        { source: 'group_id', target: 'source' },
        { source: 'tag', target: 'tag', required: true },
        { source: '_time', target: 'source_timestamp' },
        { source: '_id', target: 'record_id' },
        { source: '_number', target: 'value_number' },
        { source: '_text', target: 'value_text' },
        { source: 'quality', target: 'quality' },
        { source: 'status', target: 'status' },
        { source: 'unit', target: 'unit' },
      ],
    });
    const connected = async () => (await hub.live.status(mapping.id))?.state === 'connected';
    await until(connected);

    const publisher = connectors.open(
      connectionTo(broker.plain, {
        writes_enabled: true,
        sparkplug_group_id: 'Plant',
        sparkplug_edge_node_id: 'Line',
        sparkplug_online_field: 'online',
        sparkplug_metrics: { speed: { data_type: 'Int32', unit: 'rpm' } },
      }),
    );
    const target = { entity: 'sparkplug', keyFields: ['machine'], fields: [], resume: null, runId: 1, mappingId: 1 };
    const writer = await publisher.openWriter!(target, signal());
    const has = async (value: string) => (await measured('Plant/Line/M1/speed')).has(value);
    await publish(writer, -5);
    await until(() => has('-5 good rpm'));

    // Whoever else listens over the connection may be the first to notice that it is gone.
    const opened = await hub.connections.open(id);
    const flows = [{ entity: 'sparkplug' }, { items: [{ tag: 'Plant/Line/M1/speed' }] }].map((subscription) =>
      hub.live.subscribe(opened, subscription)[Symbol.asyncIterator](),
    );
    // A flow whose subscription has not begun when the broker ends has nothing to lose.
    await Promise.all(flows.map((flow) => flow.next()));
    const heard = flows.map(async (flow) => {
      for (;;) {
        const { value, done } = await flow.next();
        if (done) return;
        if (value.kind !== 'records') continue;
        if (value.records.some(({ tag, quality }) => tag === 'Plant/Line/M1/speed' && quality === 'bad')) return;
      }
    });

    await broker.stop('SIGKILL');
    await Promise.all(heard);
    await until(() => has('-5 bad rpm'));
    await broker.start();
    await until(connected);
    await publish(writer, 7);
    await until(() => has('7 good rpm'));

    await Promise.all(flows.map((flow) => flow.return?.()));
    const tag = 'Plant/Line/M1/speed';
    const [node] = await hub.live.browse(opened, 'Plant/Line/M1');
    assert.deepEqual([node?.address, node?.data_type], ['Plant/Line/M1/machine', 'String']);
    assert.equal((await hub.live.readTags(opened, [tag]))[0]?.value, 7);
    const by = { id: 'node:1', name: null, origin: null };
    // The hub's own edge node obeys nobody.
    assert.deepEqual(await hub.live.writeTags(opened, [{ tag, value: 8 }], { by, validForMs: 4000 }), [
      { tag, outcome: 'written', verified: false, value: 7 },
    ]);

    await publish(writer, 7, false);
    await until(() => has('7 bad rpm'));
    await publish(writer, 9);
    await until(() => has('9 good rpm'));
    // The field that said so is no metric.
    assert.equal((await hub.live.browse(opened, 'Plant/Line/M1')).length, 2);

    await publisher.close();
    await until(() => has('9 bad rpm'));
    assert.equal((await hub.sync.deadLetters({})).total, 0);
  });
});
