import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { CONNECTION_LOST, type TagValue } from '../../../lib/connectors/live';
import { Connections, failureOf, LINE, never, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

const START = Date.parse('2026-11-27T08:00:00Z');

describe('OPC UA: methods and history', () => {
  const server = new PlantServer();
  const connections = new Connections();
  let connector: Connector;
  const tags = { temperature: { node_id: `${LINE}Temperature`, unit: '°C', sampling_interval_ms: 0 } };
  const call = async (operation: string, parameters: Record<string, unknown>) =>
    (await connector.call?.(operation, parameters, never()))?.payload;
  const withoutReceipt = async (range: Record<string, unknown>) => {
    const values = (await call('history', { node: 'temperature', ...range })) as TagValue[];
    return values.map(({ received_at, ...value }) => value);
  };
  const set = (value: number, at: number) =>
    server.ask({ do: 'set', name: 'Temperature', value, at: new Date(at).toISOString() });
  const fill = async (count: number, from: number) => {
    for (let n = 0; n < count; n++) await set(n, from + n * 10);
  };

  before(async () => {
    await server.start();
  });
  beforeEach(() => {
    const writable = [{ tag: `${LINE}Start` }];
    connector = connections.open(server.url, { tags, writes_enabled: true, writable, publishing_interval_ms: 50 });
  });
  afterEach(() => connections.close());
  after(async () => {
    await connections.remove();
    await server.stop();
  });

  it('calls a method with arguments by name or in order, and gives its outputs by name', async () => {
    const expected = { JobId: '9007199254740993', Text: 'IPA x 3' };
    const node = `${LINE}Start`;
    assert.deepEqual(await call('method', { node, arguments: { Count: 3, Recipe: 'IPA' } }), expected);
    assert.deepEqual(await call('service', { service: 'method', node, arguments: ['IPA', 3] }), expected);
    const object = '/nsu=http://plant.example/line;Line1';
    assert.deepEqual(await call('method', { node, object, arguments: ['IPA', 3] }), expected);
  });

  it('says which argument is wrong, and that the server refused', async () => {
    const node = `${LINE}Start`;
    const failing = async (given: unknown) => failureOf(call('method', { node, arguments: given }));
    const missing = await failing({ Recipe: 'IPA', Cuont: 1 });
    assert.equal(missing.code, 'PCP_OPCUA_ARGUMENTS');
    assert.match(missing.message, /"Count" is missing, there is no "Cuont"/);
    const unfit = await failing({ Recipe: 'IPA', Count: -1 });
    assert.deepEqual([unfit.code, unfit.class], ['PCP_OPCUA_VALUE', 'data']);
    assert.match(unfit.message, /argument "Count"/);
    const refused = await failing({ Recipe: 'broken', Count: 1 });
    assert.equal(refused.code, 'PCP_OPCUA_METHOD');
    assert.match(refused.message, /BadInvalidState/);
  });

  it('tells the server how long a write or a call is valid, and sends none later', async () => {
    const node = `${LINE}Start`;
    connector = connections.open(server.url, {
      timeout_ms: 60_000,
      writes_enabled: true,
      writable: [{ tag: node }, { tag: `${LINE}Int32` }],
    });
    const acts = [
      (until: number) => connector.writeTags?.([{ tag: `${LINE}Int32`, value: 5 }], never(), until),
      (until: number) => connector.call?.('method', { node, arguments: ['IPA', 3] }, never(), until),
      (until: number) =>
        connector
          .call?.('acknowledge', { node: `${LINE}TankAlarm`, event_id: 'AQID' }, never(), until)
          .catch(() => null),
    ];
    await connector.readTags?.([node], never());
    for (const act of acts) {
      await act(Date.now() + 50_000);
      const left = await server.ask<number>({ do: 'validity' });
      assert.ok(left > 0 && left <= 50_000, `${left}`);
    }
    const calls = await server.ask({ do: 'calls' });
    const [write, method, acknowledgement] = acts.map((act) => act(Date.now() - 1) as Promise<unknown>);
    assert.deepEqual(((await write) as { error?: { code: string } }[])[0]?.error?.code, 'PCP_WRITE_EXPIRED');
    assert.equal((await failureOf(method as Promise<unknown>)).code, 'PCP_WRITE_EXPIRED');
    await acknowledgement;
    assert.equal(await server.ask({ do: 'calls' }), calls);
  });

  it('calls no method that the connection does not allow', async () => {
    connector = connections.open(server.url, { tags });
    const error = await failureOf(call('method', { node: `${LINE}Start`, arguments: ['IPA', 3] }));
    assert.deepEqual([error.class, error.code], ['permission', 'PCP_WRITE_REFUSED']);
  });

  it('lists what lies below a node, so many levels deep, with the way to it', async () => {
    type Found = { address: string; path: string; kind: string; data_type?: string; writable?: boolean }[];
    const paths = async (parameters: Record<string, unknown>) =>
      ((await call('browse', parameters)) as Found).map(({ path }) => path);
    const line = (await call('browse', { node: 'nsu=http://plant.example/line;s=Line1' })) as Found;
    const temperature = line.find(({ path }) => path === 'Temperature');
    assert.deepEqual(
      [temperature?.address, temperature?.kind, temperature?.data_type, temperature?.writable],
      [`${LINE}Temperature`, 'tag', 'Double', true],
    );
    assert.ok(line.some(({ path, kind }) => path === 'Start' && kind === 'method'));
    const one = await paths({});
    assert.ok(one.includes('Server') && one.includes('Line1') && !one.some((path) => path.includes('/')));
    const two = await paths({ levels: '2' });
    assert.ok(two.includes('Line1/Temperature'));
    assert.ok(!two.some((path) => path.startsWith('Server/')));
    assert.ok((await paths({ node: 'i=2253' })).includes('ServerStatus'));
    assert.equal(new Set(two).size, two.length);
    assert.equal((await failureOf(call('browse', { levels: 0 }))).code, 'PCP_CALL_PARAMETER');
  });

  it('reads all pages of a history, in order and none twice', async () => {
    await fill(2500, START);
    const range = { start: new Date(START).toISOString(), end: new Date(START + 60_000).toISOString() };
    const values = (await call('history', { node: 'temperature', ...range })) as TagValue[];
    assert.deepEqual(
      values.map(({ value }) => value),
      Array.from({ length: 2500 }, (_, n) => n),
    );
    assert.deepEqual([values[1]?.source_timestamp, values[1]?.unit], ['2026-11-27T08:00:00.010Z', '°C']);
    await server.ask({ do: 'continuation points', given: false });
    assert.deepEqual(
      await withoutReceipt(range),
      values.map(({ received_at, ...value }) => value),
    );
    await server.ask({ do: 'continuation points', given: true });
    const some = (await call('history', { node: 'temperature', ...range, limit: 7 })) as TagValue[];
    assert.equal(some.length, 7);
  });

  it('has aggregates computed by the server', async () => {
    await fill(100, START + 200_000);
    const range = { start: new Date(START + 200_000), end: new Date(START + 201_000).toISOString() };
    const answer = await call('history', { node: 'temperature', ...range, aggregate: 'Average', interval_ms: 500 });
    assert.deepEqual(
      (answer as TagValue[]).map(({ value, source_timestamp }) => [value, source_timestamp]),
      [
        [24.5, '2026-11-27T08:03:20.000Z'],
        [74.5, '2026-11-27T08:03:20.500Z'],
      ],
    );
    const refused = await failureOf(call('history', { node: 'temperature', ...range, aggregate: 'Maximum' }));
    assert.equal(refused.code, 'PCP_OPCUA_HISTORY');
    assert.match(refused.hint ?? '', /the values themselves/);
    const unknown = await failureOf(call('history', { node: 'temperature', ...range, aggregate: 'Avg' }));
    assert.match(unknown.hint ?? '', /Average, /);
  });

  it('says that there is no history', async () => {
    const error = await failureOf(call('history', { node: `${LINE}Byte`, start: '2026-11-27' }));
    assert.deepEqual([error.class, error.code], ['config', 'PCP_OPCUA_HISTORY']);
    assert.equal((await failureOf(call('history', { node: 'temperature', start: 'x' }))).code, 'PCP_CALL_PARAMETER');
    assert.equal((await failureOf(call('no_such', {}))).code, 'PCP_OPERATION_UNKNOWN');
  });

  it('fills the gap of an interruption from the history, each value once and in its place', async () => {
    const received = new Received((signal) => connector.subscribe?.({}, signal) ?? assert.fail());
    await received.until(({ values }) => values.length === 1);
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.at(-1) === 'interrupted');
    // More than the server keeps for a client that is away.
    const from = START + 300_000;
    await fill(300, from);
    // What is said of the interruption itself is no value of the machine.
    const given = () => received.values.filter(({ status, unchanged }) => status !== CONNECTION_LOST && !unchanged);
    await received.until(() => given().length === 301);
    const values = given().slice(1);
    const times = new Set(values.map(({ source_timestamp }) => source_timestamp));
    assert.equal(times.size, 300);
    assert.deepEqual(
      values.map(({ value }) => value),
      Array.from({ length: 300 }, (_, n) => n),
    );
    assert.ok(values.some(({ backfilled }) => backfilled));
    assert.equal(values.at(-1)?.backfilled, undefined);
    await set(400, from + 10_000);
    await received.until(({ values: all }) => all.at(-1)?.value === 400);
    assert.equal(given().length, 302);
    await received.stop();
  });

  it('fills from the history what came while nobody listened, over a new connection as well', async () => {
    const own = { tags, publishing_interval_ms: 50 };
    const watch = () => new Received((signal) => connector.subscribe?.({}, signal) ?? assert.fail());
    connector = connections.open(server.url, own);
    const first = watch();
    await first.until(({ values }) => values.length === 1);
    const from = START + 600_000;
    for (const value of [71, 72]) {
      await set(value, from + value);
      await first.until((received) => received.of('temperature').includes(value));
    }
    await first.stop();
    await connector.close();
    for (const value of [73, 74, 75]) await set(value, from + value);
    connector = connections.open(server.url, own);
    const second = watch();
    await second.until((received) => received.of('temperature').includes(75));
    // 72 was the last that was given: whether it was kept is not known.
    assert.deepEqual(second.of('temperature'), [72, 73, 74, 75]);
    const backfilled = second.values.filter(({ backfilled }) => backfilled).map(({ value }) => value);
    assert.deepEqual(backfilled, [72, 73, 74]);
    await second.stop();
  });
});
