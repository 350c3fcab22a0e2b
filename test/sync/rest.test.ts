import assert from 'node:assert/strict';
import type { SourceRecord } from '../../lib/connectors/contract';
import { spokenLog } from '../../lib/locales/runs';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { TestApi } from '../unit/rest/server';

const FIELDS = [
  { source: 'number', target: 'order_number' },
  { source: 'quantity', target: 'quantity', type: 'decimal' as const },
];

/** Runs over HTTP: interrupted, changed and cut off, with the real hub and its runner. */
describe('synchronising with an API', () => {
  const api = new TestApi();
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;

  before(async () => {
    await api.start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    await hub.entityTypes.create({
      type: 'shop_order',
      title: 'Shop order',
      key: ['order_number'],
      schema: {
        type: 'object',
        required: ['order_number'],
        properties: { order_number: { type: 'string' }, quantity: { type: ['string', 'null'], format: 'decimal' } },
      },
    });
    const connection = await hub.connections.create({
      name: 'api',
      connector_type: 'generic.rest',
      config: {
        base_url: api.url,
        entities: {
          orders: {
            path: '/orders',
            items: '/data',
            key: ['number'],
            paging: { type: 'page', size_parameter: 'size', size: 5 },
            incremental: { parameter: 'since', field: 'updatedAt' },
          },
          released: {
            create: { path: '/released', id: '/id' },
            update: { path: '/released/{id}' },
            lookup: { path: '/released?number={external_id}' },
            numbers: ['quantity'],
          },
          keyed: { create: { path: '/keyed', id: '/id' }, idempotency_header: 'Idempotency-Key' },
          blind: { create: { path: '/blind', id: '/id' } },
          unpaged: { path: '/unpaged', items: '/data', key: ['code'] },
          measured: { path: '/measured', key: ['code'] },
          told: { create: { path: '/told', id: '/id' }, numbers: ['wide', 'exact', 'huge', 'amount'] },
          once: {
            create: { path: '/once', id: '/id' },
            update: { path: '/once/{id}' },
            idempotency_header: 'Idempotency-Key',
          },
          changed: { create: { path: '/changed', id: '/id' }, update: { path: '/changed/{id}' } },
        },
      },
    });
    connectionId = connection.id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await api.stop();
  });

  const mappingOf = (changes: Partial<MappingInput>): Promise<{ id: number }> =>
    hub.mappings.create({
      connection_id: connectionId,
      name: 'orders',
      entity_type: 'shop_order',
      direction: 'import',
      source_entity: 'orders',
      target_entity: 'shop_order',
      field_mappings: FIELDS,
      ...changes,
    });

  it('an import that is cut off goes on at the page in hand, and the next one asks for what changed', async () => {
    const all = Array.from({ length: 23 }, (_, n) => `{"number":"${1000 + n}","quantity":${n}.0000000000000000001}`);
    let cuts = 1;
    api.handler = ({ query }) => {
      const page = Number(query.get('page'));
      if (page === 3 && cuts-- > 0) return { cut: true };
      const data = query.has('since') ? [] : all.slice((page - 1) * 5, page * 5);
      return { headers: { 'content-type': 'application/json' }, body: `{"data":[${data.join(',')}]}` };
    };
    const mapping = await mappingOf({ sync_mode: 'incremental', cursor_field: 'updatedAt' });
    const { logs, status } = await runToEnd(hub, connectionId, { mapping_id: mapping.id });
    assert.equal(status, 'success', JSON.stringify(logs));
    assert.deepEqual([logs[0]?.details.created, logs[0]?.details.attempts], [23, 2]);
    assert.deepEqual(
      api.asked.map(({ query }) => query.get('page')),
      ['1', '2', '3', '3', '4', '5', '6'],
    );
    assert.equal((await hub.records.get('shop_order', ['1022'])).quantity, '22.0000000000000000001');
    await runToEnd(hub, connectionId, { mapping_id: mapping.id });
    assert.ok(api.asked.at(-1)?.query.has('since'));
  });

  it('an export whose answers are lost creates every record once', async () => {
    const held = new Map<string, SourceRecord>();
    let made = 0;
    api.handler = ({ method, path, query, body }) => {
      if (method === 'GET') return { body: [...held.values()].filter(({ number }) => number === query.get('number')) };
      assert.match(body, /"quantity":\d+\.0000000000000000001/);
      const id = method === 'POST' ? String(++made) : path.split('/').at(-1)!;
      held.set(id, { ...(JSON.parse(body) as SourceRecord), id });
      const isLost = method === 'POST' && (made === 4 || made === 9);
      return isLost ? { cut: true } : { status: method === 'POST' ? 201 : 200, body: { id } };
    };
    const mapping = await mappingOf({ name: 'released', direction: 'export', source_entity: 'released' });
    const { logs } = await runToEnd(hub, connectionId, { mapping_id: mapping.id });
    assert.equal(logs[0]?.error_message, null);
    assert.equal(held.size, 23);
    assert.equal(new Set([...held.values()].map(({ number }) => number)).size, 23);
  });

  it('an export under idempotency keys creates every record once, whatever answers are lost', async () => {
    const answers = new Map<string, string>();
    let asked = 0;
    api.handler = ({ headers }) => {
      const key = String(headers['idempotency-key']);
      const id = answers.get(key) ?? String(answers.size + 1);
      answers.set(key, id);
      return ++asked % 5 === 0 ? { cut: true } : { status: 201, body: { id } };
    };
    const mapping = await mappingOf({ name: 'keyed', direction: 'export', source_entity: 'keyed' });
    const { logs } = await runToEnd(hub, connectionId, { mapping_id: mapping.id });
    assert.equal(logs[0]?.error_message, null);
    assert.deepEqual([logs[0]?.records_success, answers.size], [23, 23]);
  });

  it('what was changed since its answer was lost does not go under another idempotency key', async () => {
    const keys = new Set<string>();
    let isCut = true;
    api.handler = ({ headers, body }) => {
      const isOne = body.includes('"1007"');
      if (isOne) keys.add(String(headers['idempotency-key']));
      return isOne && isCut ? { cut: true } : { status: 201, body: { id: keys.size } };
    };
    const mapping = await mappingOf({ name: 'keyed once more', direction: 'export', source_entity: 'keyed' });
    const run = () => runToEnd(hub, connectionId, { mapping_id: mapping.id });
    assert.equal((await run()).status, 'error');
    const order = await hub.records.get('shop_order', ['1007']);
    await hub.records.replace('shop_order', ['1007'], { order_number: '1007', quantity: '5' });
    isCut = false;
    await run();
    await hub.records.replace('shop_order', ['1007'], { order_number: '1007', quantity: order.quantity });
    assert.equal(keys.size, 1);
    const { items } = await hub.sync.deadLetters({ mapping_id: mapping.id });
    assert.deepEqual(
      items.map(({ code }) => code),
      ['PCP_UNKNOWN_OUTCOME'],
    );
  });

  it('a change that is made once more goes under another idempotency key', async () => {
    const answers = new Map<string, { body: { id: string } }>();
    const held = new Map<string, SourceRecord>();
    api.handler = ({ method, path, headers, body }) => {
      const key = String(headers['idempotency-key']);
      const id = method === 'POST' ? String(held.size) : path.split('/').at(-1)!;
      if (!answers.has(key)) held.set(id, JSON.parse(body) as SourceRecord);
      answers.set(key, answers.get(key) ?? { body: { id } });
      return answers.get(key);
    };
    const mapping = await mappingOf({ name: 'once', direction: 'export', source_entity: 'once' });
    const { quantity: first } = await hub.records.get('shop_order', ['1003']);
    for (const quantity of [first, '5', first, '5', first]) {
      await hub.records.replace('shop_order', ['1003'], { order_number: '1003', quantity });
      await runToEnd(hub, connectionId, { mapping_id: mapping.id });
      assert.equal([...held.values()].find(({ number }) => number === '1003')?.quantity, quantity);
    }
  });

  it('what was changed back since its answer was lost is sent', async () => {
    const held = new Map<string, string>();
    let isCut = false;
    api.handler = ({ method, path, body }) => {
      const id = method === 'POST' ? String(held.size) : path.split('/').at(-1)!;
      held.set(id, String((JSON.parse(body) as SourceRecord).quantity));
      return isCut ? { cut: true } : { body: { id } };
    };
    const mapping = await mappingOf({ name: 'changed', direction: 'export', source_entity: 'changed' });
    const run = async () => (await runToEnd(hub, connectionId, { mapping_id: mapping.id })).status;
    const replace = (quantity: unknown) =>
      hub.records.replace('shop_order', ['1003'], { order_number: '1003', quantity });
    assert.equal(await run(), 'success');
    const before = [...held];
    const { quantity } = await hub.records.get('shop_order', ['1003']);
    isCut = true;
    await replace('5');
    assert.equal(await run(), 'error');
    isCut = false;
    await replace(quantity);
    assert.equal(await run(), 'success');
    assert.deepEqual([...held], before);
  });

  it('what a target without any help may hold is sent again by nobody', async () => {
    const held: string[] = [];
    api.handler = ({ body }) => {
      held.push((JSON.parse(body) as { number: string }).number);
      return held.length === 7 ? { cut: true } : { status: 201, body: { id: held.length } };
    };
    const mapping = await mappingOf({ name: 'blind', direction: 'export', source_entity: 'blind' });
    for (let run = 0; run < 2; run++) await runToEnd(hub, connectionId, { mapping_id: mapping.id });
    assert.equal(held.length, 23);
    assert.equal(new Set(held).size, 23);
    const { items } = await hub.sync.deadLetters({ mapping_id: mapping.id, state: 'open' });
    assert.deepEqual(
      items.map(({ code }) => code),
      ['PCP_UNKNOWN_OUTCOME'],
    );
  });

  it('numbers and codes go in and out as they are written', async () => {
    const text = { type: 'string' };
    const properties = { code: text, wide: text, exact: text, huge: text, amount: { ...text, format: 'decimal' } };
    const schema = { type: 'object', required: ['code'], properties };
    await hub.entityTypes.create({ type: 'measure', title: 'Measure', key: ['code'], schema });
    const written =
      '"code":"000123","wide":1234567890123456789,"exact":0.1000000000000000055,"huge":1e400,"amount":1234567890123456789.05';
    let sent = '';
    api.handler = ({ method, body }) => {
      if (method === 'GET') return { headers: { 'content-type': 'application/json' }, body: `[{${written}}]` };
      sent = body;
      return { status: 201, body: { id: 1 } };
    };
    for (const [direction, source_entity] of [
      ['import', 'measured'],
      ['export', 'told'],
    ] as const) {
      const { id } = await mappingOf({
        name: `measures ${direction}`,
        direction,
        source_entity,
        entity_type: 'measure',
        target_entity: 'measure',
        field_mappings: Object.keys(properties).map((name) => ({ source: name, target: name })),
      });
      assert.equal((await runToEnd(hub, connectionId, { mapping_id: id })).status, 'success');
    }
    const [held] = (await hub.records.list('measure', {})).items;
    assert.deepEqual(held, {
      code: '000123',
      wide: '1234567890123456789',
      exact: '0.1000000000000000055',
      huge: '1e400',
      amount: '1234567890123456789.05',
    });
    assert.equal(sent, `{${written}}`);
  });

  it('another attempt of a message goes under the same idempotency keys, other contents under others', async () => {
    api.asked.length = 0;
    api.handler = () => ({ status: 201, body: { id: 1 } });
    const connection = await hub.connections.open(connectionId);
    const records = [{ number: '1' }, { number: '2' }];
    const keysOf = async (written: SourceRecord[], message: { id: string; idempotencyKey?: string }) => {
      const sent = api.asked.length;
      await hub.runner.write(connection, { entity: 'keyed', keyFields: ['number'], message }, written);
      return api.asked.slice(sent).map(({ headers }) => String(headers['idempotency-key']));
    };
    const first = (await keysOf(records, { id: 'm1' })).sort();
    assert.equal(new Set(first).size, 2);
    assert.deepEqual((await keysOf(records, { id: 'm1' })).sort(), first);
    assert.ok(!first.includes((await keysOf([{ number: '1', quantity: '2' }], { id: 'm1' }))[0]!));
    assert.deepEqual(await keysOf([{ number: '1' }], { id: 'm2', idempotencyKey: 'own' }), ['own']);
    assert.deepEqual((await keysOf(records, { id: 'm2', idempotencyKey: 'own' })).sort(), ['own-1', 'own-2']);
  });

  it('a message of a flow that is written in part says which records are', async () => {
    const connection = await hub.connections.open(connectionId);
    const write = () =>
      hub.runner.write(
        connection,
        { entity: 'blind', keyFields: ['number'] },
        ['1', '2', '3'].map((number) => ({ number })),
      );
    api.handler = ({ body }) => (body.includes('"1"') ? { status: 201, body: { id: 7 } } : { status: 401 });
    const results = await write();
    assert.deepEqual(
      results.map((result) => ('error' in result ? result.error.class : result.externalKey)),
      ['7', 'auth', 'auth'],
    );
    api.handler = () => ({ status: 401 });
    await assert.rejects(write(), { class: 'auth' });
  });

  it('an import that leaves pages unread says so in its log, in the language of its reader', async () => {
    const order = (n: number) => ({ code: `P-${n}`, wide: '1', exact: '1', huge: '1' });
    const mapping = await mappingOf({
      name: 'measured in part',
      source_entity: 'unpaged',
      field_mappings: [{ source: 'code', target: 'order_number' }],
    });
    const warnings = async (headers: Record<string, string>, more: object) => {
      api.handler = () => ({ headers, body: { count: 2, ...more, data: [order(1), order(2)] } });
      const { logs } = await runToEnd(hub, connectionId, { mapping_id: mapping.id });
      const log = await hub.sync.log(logs[0]!.id);
      assert.equal(log.details.state, 'succeeded');
      return spokenLog(log, 'pt-BR').details.warnings ?? null;
    };
    const told = (sign: string) => [
      `A API parece ter mais de "unpaged" do que deu (${sign}): indique em "paging" como se pede a próxima página, ou que o tipo é none.`,
    ];
    assert.deepEqual(await warnings({}, {}), null);
    assert.deepEqual(await warnings({}, { meta: { total: 5 } }), told('/meta/total: 5'));
    assert.deepEqual(await warnings({}, { _links: { next: { href: '/x' } } }), told('/_links/next'));
    assert.deepEqual(await warnings({ link: '</api/x?page=2>; rel="next"' }, {}), told('Link: rel="next"'));
  });
});
