import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KnownEdgeNodes } from '../../../lib/connectors/iot/mqtt/known-edge-nodes';
import { temporaryDirectory } from '../../support/hub';
import { type Broker, mosquitto } from '../../support/mosquitto';
import { PythonProtobuf } from '../../support/protobuf';
import { metric, Sender } from '../sparkplug/edge-node-messages';
import { Connectors, connectionTo, Listener, signal } from './connections';
import { Plant, short } from './plant';

describe('Sparkplug host over Mosquitto', () => {
  let broker: Broker;
  const connectors = new Connectors();
  before(async function () {
    broker = await mosquitto(this);
  });
  afterEach(() => connectors.close());
  after(() => broker?.release());

  const host = (role: string, config: Record<string, unknown> = {}) =>
    connectors.open(connectionTo(broker.plain, { sparkplug_role: role, ...config }));

  it('an active host asks for the birth of an edge node that was there before, and gives its values', async () => {
    const plant = await Plant.open(broker);
    await plant.listen('spBv1.0/g/NCMD/#');
    const sender = new Sender();
    sender.birth();
    const listener = await new Listener(host('active'), { entity: 'sparkplug' }).connected();
    await plant.publish(sender.data(metric('speed', 'Int32', -1)));
    assert.deepEqual(short(await listener.take(1)), [['g/n/speed', -1, 'uncertain']]);
    const [command] = await plant.message('spBv1.0/g/NCMD/n');
    assert.equal(command?.name, 'Node Control/Rebirth');
    await plant.publish(
      sender.birth([metric('speed', 'Int32', -2, { alias: 3 })]),
      sender.data({ alias: 3, int_value: 4294967293 }),
    );
    assert.deepEqual(short(await listener.take(2)), [
      ['g/n/speed', -2, 'good'],
      ['g/n/speed', -3, 'good'],
    ]);
    await listener.stop();
    await plant.connection.close();
  });

  it('a primary host is online while it listens, and offline when it is closed', async () => {
    const watcher = await Plant.open(broker);
    await watcher.listen('spBv1.0/STATE/hub');
    const state = async () => JSON.parse((await watcher.message('spBv1.0/STATE/hub'))[0]?.string_value ?? '');
    const connector = host('primary', { sparkplug_host_id: 'hub' });
    const listener = await new Listener(connector, { entity: 'sparkplug' }).connected();
    const birth = await state();
    assert.equal(birth.online, true);
    await connectors.close();
    const death = await state();
    assert.deepEqual([death.online, death.timestamp >= birth.timestamp], [false, true]);
    await listener.stop();
    await watcher.connection.close();
  });

  it('values are stale when the broker goes, and good after it is back and births were asked for', async () => {
    const connector = host('active');
    const plant = await Plant.open(broker);
    const sender = new Sender();
    const listener = await new Listener(connector, { entity: 'sparkplug' }).connected();
    await plant.publish(sender.birth([metric('a', 'Int32', 1)]));
    assert.deepEqual(short(await listener.take(1)), [['g/n/a', 1, 'good']]);
    await broker.stop('SIGKILL');
    assert.deepEqual(short(await listener.take(1)), [['g/n/a', 1, 'bad']]);
    assert.equal(((await listener.failure()) as { class: string }).class, 'transient');
    await broker.start();
    const plantBack = await Plant.open(broker);
    await plantBack.listen('spBv1.0/g/NCMD/n');
    const again = await new Listener(connector, { entity: 'sparkplug' }).connected();
    assert.deepEqual(short(await again.take(1)), [['g/n/a', 1, 'bad']]);
    assert.equal((await plantBack.message('spBv1.0/g/NCMD/n'))[0]?.boolean_value, true);
    await plantBack.publish(sender.birth([metric('a', 'Int32', 2)]));
    assert.deepEqual(short(await again.take(1)), [['g/n/a', 2, 'good']]);
    await again.stop();
    await plantBack.connection.close();
  });

  it("reads an edge node of other hands: Python's protobuf, published by mosquitto_pub", async function () {
    const python = new PythonProtobuf(this);
    const [birth] = python.encode([
      {
        timestamp: '1700000000000',
        seq: '0',
        metrics: [
          { name: 'bdSeq', datatype: 4, long_value: '7' },
          { name: 'Oven/P', timestamp: '1700000000001', datatype: 9, float_value: 1.5 },
          { name: 'Oven/T', timestamp: '1700000000001', datatype: 9, float_value: 21.5 },
        ],
      },
    ]);
    python.close();
    const listener = await new Listener(host('passive'), { items: [{ tag: 'p/q/Oven/T' }] }).connected();
    execFileSync('mosquitto_pub', ['-p', String(broker.open), '-t', 'spBv1.0/p/NBIRTH/q', '-s'], { input: birth });
    const [value] = await listener.take(1);
    assert.deepEqual(
      [value?.tag, value?.value, value?.source_timestamp],
      ['p/q/Oven/T', 21.5, '2023-11-14T22:13:20.001Z'],
    );
    await listener.stop();
  });

  it('reads and browses what was born, and says what was not', async () => {
    const connector = host('active', { sparkplug_groups: ['g'] });
    const plant = await Plant.open(broker);
    const sender = new Sender();
    const listener = await new Listener(connector, { entity: 'sparkplug' }).connected();
    const unit = { keys: ['engUnit'], values: [{ type: 12, string_value: 'rpm' }] };
    await plant.publish(
      sender.birth(),
      sender.device('DBIRTH', 'd', metric('Motor/speed', 'Int32', 5, { properties: unit })),
    );
    await listener.take(1);
    const [known, unknown] = await connector.readTags!(['g/n/d/Motor/speed', 'g/n/none'], signal());
    assert.deepEqual([known?.value, known?.unit, unknown?.quality, unknown?.status], [5, 'rpm', 'bad', 'no value']);
    assert.deepEqual(
      (await connector.browse!(null, signal())).map(({ address, kind }) => [address, kind]),
      [['g', 'folder']],
    );
    assert.deepEqual(await connector.browse!('g/n/d/Motor', signal()), [
      {
        address: 'g/n/d/Motor/speed',
        name: 'speed',
        kind: 'tag',
        has_children: false,
        data_type: 'Int32',
        writable: true,
        unit: 'rpm',
      },
    ]);
    await listener.stop();
    await plant.connection.close();
  });

  it('commands a device only where that is allowed, and reads back what it did', async () => {
    const tag = 'g/n/d/set point';
    const bounded = { filter: tag, min: 2, max: 3 };
    const allowed = { writes_enabled: true, writable: [bounded, 'g/n/d/none'] };
    for (const config of [
      { writable: allowed.writable },
      { writes_enabled: true },
      { ...allowed, writable: ['g/n/d/other'] },
      allowed,
      {
        ...allowed,
        writable: [
          { filter: 'g/n/d/#', max: 0 },
          { filter: '#', min: 1.5 },
        ],
      },
    ]) {
      await assert.rejects(host('active', config).writeTags!([{ tag, value: 1 }], signal()), {
        class: 'permission',
        code: 'PCP_WRITE_REFUSED',
      });
    }
    const connector = host('active', allowed);
    for (const value of ['3.1', 'NaN', null, true, [2.5], Number.NaN]) {
      await assert.rejects(connector.writeTags!([{ tag, value }], signal()), { code: 'PCP_WRITE_REFUSED' });
    }
    const plant = await Plant.open(broker);
    await plant.listen('spBv1.0/g/DCMD/#');
    const sender = new Sender();
    const listener = await new Listener(connector, { entity: 'sparkplug' }).connected();
    await plant.publish(sender.birth(), sender.device('DBIRTH', 'd', metric('set point', 'Double', 1)));
    await listener.take(1);
    const writing = connector.writeTags!([{ tag, value: 2.5 }], signal());
    assert.equal((await plant.message('spBv1.0/g/DCMD/n/d'))[0]?.double_value, 2.5);
    await plant.publish(sender.device('DDATA', 'd', metric('set point', 'Double', 2.5)));
    assert.deepEqual(await writing, [{ tag, outcome: 'written', verified: true, value: 2.5 }]);

    const deadline = new AbortController();
    const unanswered = connector.writeTags!([{ tag, value: 3 }], deadline.signal);
    await plant.message('spBv1.0/g/DCMD/n/d');
    deadline.abort();
    assert.deepEqual(await unanswered, [{ tag, outcome: 'written', verified: false, value: 2.5 }]);

    const late = await connector.writeTags!(
      [
        { tag, value: 3 },
        { tag: 'g/n/d/none', value: 4 },
      ],
      AbortSignal.timeout(50),
    );
    assert.deepEqual(
      late.map((result) => result.outcome === 'failed' && result.error.code),
      ['PCP_WRITE_EXPIRED', 'PCP_SPARKPLUG_TAG'],
    );
    await listener.stop();
    await plant.connection.close();
  });

  it('asks for the birth of an edge node that it is to read or to command', async () => {
    const plant = await Plant.open(broker);
    await plant.listen('spBv1.0/g/NCMD/quiet');
    const sender = new Sender('quiet');
    const answer = async () => {
      await plant.message('spBv1.0/g/NCMD/quiet');
      await plant.publish(sender.birth([metric('a', 'Int32', 6)]));
    };
    const [[value]] = await Promise.all([host('active').readTags!(['g/quiet/a'], signal()), answer()]);
    assert.equal(value?.value, 6);
    const writer = host('active', { writes_enabled: true, writable: ['g/#'] });
    const [[written]] = await Promise.all([writer.writeTags!([{ tag: 'g/quiet/a', value: 6 }], signal()), answer()]);
    assert.equal(written?.outcome, 'written');
    const [failed] = await writer.writeTags!([{ tag: 'g/quiet/none', value: 6 }], signal());
    assert.equal(failed?.outcome === 'failed' && failed.error.code, 'PCP_SPARKPLUG_TAG');
    await plant.connection.close();
  });

  it('asks edge nodes that it knows from before a restart, which else say nothing until something changes', async () => {
    const { path: directory, remove } = await temporaryDirectory();
    const plant = await Plant.open(broker);
    await plant.listen('spBv1.0/g/NCMD/silent');
    const sender = new Sender('silent');
    const open = () => connectors.open(connectionTo(broker.plain, { sparkplug_role: 'active' }), directory);
    const first = await new Listener(open(), { entity: 'sparkplug' }).connected();
    await plant.publish(sender.birth([metric('a', 'Int32', 6)]));
    await first.take(1);
    await connectors.close();
    await first.stop();
    const second = await new Listener(open(), { entity: 'sparkplug' }).connected();
    assert.equal((await plant.message('spBv1.0/g/NCMD/silent'))[0]?.boolean_value, true);
    writeFileSync(join(directory, 'sparkplug-7.json'), '{"damaged":');
    const third = await new Listener(open(), { items: [] }).connected();
    for (const listener of [second, third]) await listener.stop();
    await plant.connection.close();
    await remove();
  });

  it('tells after a restart that what it knew from before is stale, until the edge node says otherwise', async () => {
    const { path: directory, remove } = await temporaryDirectory();
    const plant = await Plant.open(broker);
    const sender = new Sender('dead');
    const open = () => connectors.open(connectionTo(broker.plain, { sparkplug_role: 'passive' }), directory);
    const first = await new Listener(open(), { entity: 'sparkplug' }).connected();
    await plant.publish(sender.birth([metric('a', 'Int32', 6)]), sender.device('DBIRTH', 'd', metric('b', 'Int32', 7)));
    await first.take(2);
    await connectors.close();
    await first.stop();
    const second = await new Listener(open(), { entity: 'sparkplug' }).connected();
    const stale = await second.take(2);
    assert.deepEqual(
      stale.map(({ tag, value, status }) => [tag, value, status]),
      [
        ['g/dead/a', null, 'stale'],
        ['g/dead/d/b', null, 'stale'],
      ],
    );
    await plant.publish(new Sender('dead').birth([metric('a', 'Int32', 8)]));
    assert.deepEqual(
      (await second.take(1)).map(({ tag, value, quality }) => [tag, value, quality]),
      [['g/dead/a', 8, 'good']],
    );
    await second.stop();
    await plant.connection.close();
    await remove();
  });

  it('keeps the edge nodes of a whole plant in one write', async () => {
    const { path: directory, remove } = await temporaryDirectory();
    const file = join(directory, 'sparkplug-7.json');
    const known = new KnownEdgeNodes(file, () => assert.fail());
    const names = Array.from({ length: 1000 }, (_, index) => ({ group: 'g', edgeNode: `n${index}` }));
    for (const name of names) known.add(name);
    assert.equal(existsSync(file), false);
    known.close();
    assert.deepEqual([...new KnownEdgeNodes(file, () => assert.fail())], names);
    await remove();
  });

  it('names its entity and its fields, and the topics in the connection test', async () => {
    const connector = host('primary', { sparkplug_host_id: 'hub', sparkplug_groups: ['g'] });
    const [info] = await connector.discover!(signal());
    assert.deepEqual([info?.name, info?.readable, info?.writable], ['sparkplug', true, false]);
    const { schema } = await connector.describe!('sparkplug', signal());
    assert.ok((schema.properties as object | undefined) && 'edge_node_id' in (schema.properties as object));
    const { ok, steps } = await connector.test(signal());
    assert.deepEqual([ok, (steps.at(-1)!.detail as { 'en-US': string })['en-US']], [true, '2 topics granted']);
    await assert.rejects(connectors.open(connectionTo(broker.plain)).readTags!(['a'], signal()), {
      class: 'config',
      code: 'PCP_SETTING_MISSING',
    });
  });
});
