import assert from 'node:assert/strict';
import type { WriteRecord } from '../../../lib/connectors/contract';
import { IntegrationError } from '../../../lib/model/errors';
import { type Broker, mosquitto, publishBy } from '../../support/mosquitto';
import { Published } from '../../support/mqtt-subscriber';
import { Connectors, connectionTo, Listener, signal } from './connections';

const record = (data: Record<string, unknown>): WriteRecord => {
  const key = JSON.stringify([data.line]);
  return { data, key, sourceKey: key, hash: '', idempotencyKey: 'change-1' };
};

describe('mqtt: publishing', () => {
  let broker: Broker;
  let published: Published;
  const connectors = new Connectors();

  before(async function () {
    broker = await mosquitto(this);
    published = await Published.of(broker.open, 'out/#');
  });
  afterEach(async () => {
    published.clear();
    await connectors.close();
  });
  after(async () => {
    await published?.close();
    await broker?.release();
  });

  const open = (topics: Record<string, unknown>, config: Record<string, unknown> = {}) =>
    connectors.open(connectionTo(broker.plain, { topics, writes_enabled: true, ...config }));
  const writer = (connector: ReturnType<typeof open>, entity: string) => {
    assert.ok(connector.openWriter);
    return connector.openWriter(
      { entity, keyFields: ['line'], fields: ['line'], resume: null, runId: 1, mappingId: 1 },
      signal(),
    );
  };
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => assert.fail('it is not refused'),
      (thrown: unknown) => IntegrationError.from(thrown),
    );

  it('sends the properties of MQTT 5 and numbers digit by digit, to the topic that the record says', async () => {
    const publish = {
      retain: true,
      numbers: ['quantity', 'id'],
      expiry_s: 600,
      content_type: 'application/json',
      response_topic: 'out/{line}/answer',
      correlation_data: '{id}',
      user_properties: { plant: 'p-{line}' },
      idempotency_property: 'change',
    };
    const connector = open({ orders: { topic: 'out/{line}/order', publish } });
    const target = await writer(connector, 'orders');
    const results = await target.write(
      [record({ line: 'l1', quantity: '12.50', id: '9007199254740993', _topic: 'elsewhere' })],
      signal(),
    );
    assert.deepEqual(results, [{ outcome: 'created' }]);
    const [message] = await published.count(1);
    assert.equal(message?.topic, 'out/l1/order');
    assert.equal(message?.payload, '{"line":"l1","quantity":12.50,"id":9007199254740993}');
    assert.equal(message?.qos, 1);
    const { properties } = message!;
    assert.equal(properties?.['content-type'], 'application/json');
    assert.equal(properties?.['response-topic'], 'out/l1/answer');
    assert.equal(properties?.['correlation-data'], '9007199254740993');
    assert.ok(Number(properties?.['message-expiry-interval']) > 590);
    assert.deepEqual(properties?.['user-properties'], { plant: 'p-l1', change: 'change-1' });
  });

  it('gives the properties of MQTT 5 of what it receives', async () => {
    const publish = { content_type: 'text/plain', user_properties: { a: '1' }, correlation_data: 'c7', expiry_s: 60 };
    const connector = open({ notes: { topic: 'out/{line}/note', format: 'text', publish } });
    const listener = await new Listener(connector, { entity: 'notes' }).connected();
    await (await writer(connector, 'notes')).write([record({ line: 'l1', value: 'ação' })], signal());
    const [got] = await listener.take(1);
    assert.equal(got?.value, 'ação');
    assert.equal(got?._content_type, 'text/plain');
    assert.deepEqual({ ...(got?._user_properties as object) }, { a: '1' });
    assert.equal(Buffer.from(String(got?._correlation_data), 'base64').toString(), 'c7');
    // Less the whole seconds that it waited at the broker.
    assert.ok(Number(got?._expiry_s) > 0 && Number(got?._expiry_s) <= 60, String(got?._expiry_s));
  });

  for (const format of ['json', 'text', 'buffer', 'cbor']) {
    it(`takes back as ${format} what it sent`, async () => {
      const connector = open({ echo: { topic: `out/{line}/${format}`, format, qos: 2, publish: { qos: 2 } } });
      const listener = await new Listener(connector, { entity: 'echo' }).connected();
      const value = format === 'buffer' ? Buffer.from([0, 255, 7]).toString('base64') : 'çã 1';
      await (await writer(connector, 'echo')).write([record({ line: 'l1', value })], signal());
      const [got] = await listener.take(1);
      assert.deepEqual([got?.line, got?.value, got?._qos], ['l1', value, 2]);
    });
  }

  it('publishes many with several under way, in the order of the records', async () => {
    const connector = open({ many: { topic: 'out/many', publish: {} } });
    const records = Array.from({ length: 2000 }, (_, n) => record({ n }));
    const results = await (await writer(connector, 'many')).write(records, signal());
    assert.ok(results.every(({ outcome }) => outcome === 'created'));
    const messages = await published.count(2000);
    assert.deepEqual(
      messages.map(({ payload }) => (JSON.parse(payload) as { n: number }).n),
      records.map((_, n) => n),
    );
  });

  it('refuses what the connection does not allow, before anything is dialled', async () => {
    const topics = { orders: { topic: 'out/{line}/order' }, any: { topic: 'out/+/order' } };
    for (const [config, entity, code, path] of [
      [{ writes_enabled: false }, 'orders', 'PCP_WRITE_REFUSED', '/config/writes_enabled'],
      [{}, 'out/l1/other', 'PCP_WRITE_REFUSED', '/config/writable'],
      [{ writable: ['out/l2/#'] }, 'orders', 'PCP_WRITE_REFUSED', '/config/writable'],
      [{}, 'any', 'PCP_NOT_WRITABLE', '/config/topics'],
    ] as const) {
      const error = await refusal(writer(open(topics, { url: 'mqtt://broker.invalid', ...config }), entity));
      assert.deepEqual([error.code, error.path], [code, path], JSON.stringify(config));
    }
    const target = await writer(open({}, { writable: ['out/+/other'] }), 'out/l1/other');
    await target.write([record({ line: 'l1' })], signal());
    assert.equal((await published.count(1))[0]?.topic, 'out/l1/other');
  });

  it('never lets a value lead to another topic: such records fail, the others are sent', async () => {
    const target = await writer(open({ orders: { topic: 'out/{line}/order' } }), 'orders');
    const lines = ['l1/../x', '+', '#', '', null, 'l2'];
    const results = await target.write(
      lines.map((line) => record({ line })),
      signal(),
    );
    assert.deepEqual(
      results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome)),
      [...Array.from({ length: 5 }, () => 'PCP_MQTT_TOPIC_VALUE'), 'created'],
    );
    const [message] = await published.count(1);
    assert.equal(message?.topic, 'out/l2/order');
  });

  it('says what the access list of the broker refuses (MQTT 5)', async () => {
    const target = await writer(open({ secret: { topic: 'secret/{line}' } }), 'secret');
    const error = await refusal(target.write([record({ line: 'l1' })], signal()));
    assert.deepEqual([error.class, error.code], ['permission', 'PCP_MQTT_FORBIDDEN']);
  });

  it('refuses a message above the limit, and sends the others', async () => {
    const target = await writer(open({ big: { topic: 'out/{line}' } }, { max_message_bytes: 1024 }), 'big');
    const results = await target.write([record({ line: 'l1', x: 'x'.repeat(2000) }), record({ line: 'l2' })], signal());
    assert.deepEqual(
      results.map((result) => (result.outcome === 'failed' ? result.error.code : result.outcome)),
      ['PCP_MQTT_TOO_LARGE', 'created'],
    );
  });

  it('fails at once while the broker is away, and queues nothing', async () => {
    const connector = open({ orders: { topic: 'away/{line}' } });
    const target = await writer(connector, 'orders');
    await target.write([record({ line: 'l1' })], signal());
    await broker.stop();
    const error = await refusal(target.write([record({ line: 'l2' })], signal()));
    assert.equal(error.class, 'transient');
    await broker.start();
    const away = await Published.of(broker.open, 'away/#');
    await target.write([record({ line: 'l3' })], signal());
    const messages = await away.count(1);
    await away.close();
    assert.deepEqual(
      messages.map(({ topic }) => topic),
      ['away/l3'],
    );
  });

  it('describes an entity by the messages that come, and lists those of the connection', async () => {
    const connector = open({ state: { topic: 'out/{line}/state', key: ['line'], publish: { retain: true } } });
    await (await writer(connector, 'state')).write([record({ line: 'l1', good: 3 })], signal());
    const description = await connector.describe?.('state', signal());
    assert.deepEqual(description?.info, (await connector.discover?.(signal()))?.[0]);
    assert.deepEqual(description?.info.key, ['line']);
    assert.equal(description?.schema.properties?.good?.type, 'number');
  });

  it('shows the tree of topics by the messages that come', async () => {
    for (const [topic, value] of [
      ['tree/l10/state', 'running'],
      ['tree/l2/power', '21.5'],
      ['tree/l2', 'on'],
      ['tree', 'x'],
    ] as const) {
      publishBy(broker.open, topic, value, '-r', '-q', '1');
    }
    const connector = open({});
    assert.deepEqual(await connector.browse?.('tree', signal()), [
      { address: 'tree/l2', name: 'l2', kind: 'tag', data_type: 'string', has_children: true },
      { address: 'tree/l10', name: 'l10', kind: 'folder', has_children: true },
    ]);
    assert.deepEqual(await connector.browse?.('tree/l2', signal()), [
      { address: 'tree/l2/power', name: 'power', kind: 'tag', data_type: 'number', has_children: false },
    ]);
    const roots = await connector.browse?.(null, signal());
    assert.ok(roots?.some(({ address, kind }) => address === 'tree' && kind === 'tag'));
  });
});
