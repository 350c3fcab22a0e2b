import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import type { LiveEvent } from '../../../lib/connectors/live';
import { Connections, failureOf, LINE, never, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

type Event = Record<string, unknown>;

describe('OPC UA: events and alarms', () => {
  const server = new PlantServer();
  const connections = new Connections();
  let connector: Connector;
  let received: Received;
  const events = {
    fields: { tag_reason: '/nsu=http://plant.example/line;ReasonCode', limit: '/LimitState/CurrentState' },
  };
  const watch = () => {
    received = new Received(
      (signal) => connector.subscribe?.({ entity: 'events' }, signal) as AsyncIterable<LiveEvent>,
    );
  };
  const all = () => received.values as unknown as Event[];
  const last = () => all().at(-1) ?? {};
  const call = (operation: string, parameters: Event) =>
    connector.call?.(operation, parameters, never()) as Promise<unknown>;

  before(async () => {
    await server.start();
  });
  beforeEach(() => {
    connector = connections.open(server.url, { events, writes_enabled: true, publishing_interval_ms: 50 });
    watch();
  });
  afterEach(async () => {
    await server.ask({ do: 'alarm', value: 50 });
    await connections.close();
  });
  after(async () => {
    await connections.remove();
    await server.stop();
  });

  it('gives events with their usual fields', async () => {
    await received.until(({ states }) => states.length === 1);
    await server.ask({ do: 'event', message: 'Fim do lote', severity: 300 });
    await received.until(() => last().message === 'Fim do lote');
    const { event_id, event_type, source_name, severity, time, condition_id, tag_reason } = last();
    assert.deepEqual(
      [event_type, source_name, severity, condition_id, tag_reason],
      ['i=2130', 'Line1', 300, null, null],
    );
    assert.match(String(event_id), /^[A-Za-z0-9+/]+=*$/);
    assert.match(String(time), /^\d{4}-.*Z$/);
  });

  it('gives alarms with their state and own fields, acknowledges and confirms them', async () => {
    await received.until(({ states }) => states.length === 1);
    await server.ask({ do: 'alarm', value: 92 });
    await received.until(() => last().active === true);
    const { condition_id, event_id, acknowledged, condition_name, limit } = last();
    assert.deepEqual([condition_id, acknowledged, limit], [`${LINE}TankLevel`, false, 'High']);
    assert.ok(condition_name !== undefined);
    const answer = await call('acknowledge', { node: condition_id, event_id, comment: 'visto' });
    assert.deepEqual(answer, { payload: { acknowledged: event_id } });
    await received.until(() => last().acknowledged === true);
    assert.deepEqual([last().comment, last().confirmed], ['visto', false]);
    await call('confirm', { node: condition_id, event_id: last().event_id });
    await received.until(() => last().confirmed === true);
    const unknown = await failureOf(call('acknowledge', { node: condition_id, event_id: 'AAAA' }));
    assert.match(unknown.message, /BadEventIdUnknown/);
  });

  it('acknowledges nothing that the connection does not allow', async () => {
    const parameters = { node: `${LINE}TankLevel`, event_id: 'AAAA' };
    connector = connections.open(server.url, { events });
    assert.equal((await failureOf(call('acknowledge', parameters))).code, 'PCP_WRITE_REFUSED');
  });

  it('tells alarms that stand already, once, and again only what changed after an interruption', async () => {
    await received.until(({ states }) => states.length === 1);
    await server.ask({ do: 'alarm', value: 97 });
    await received.until(() => last().limit === 'HighHigh');
    await received.stop();
    watch();
    await received.until(() => all().length === 1);
    assert.deepEqual([last().active, last().limit], [true, 'HighHigh']);
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.length === 3);
    await server.ask({ do: 'event', message: 'after', severity: 1 });
    await received.until(() => last().message === 'after');
    assert.equal(all().length, 2);
    const batches = connector.read?.({ entity: 'events', cursor: null, batchSize: 10 }, never()) ?? [];
    const found: Event[] = [];
    for await (const { records } of batches) found.push(...records);
    assert.deepEqual(
      found.map(({ condition_id, limit }) => [condition_id, limit]),
      [[`${LINE}TankLevel`, 'HighHigh']],
    );
  });

  it('says when there is no such node', async () => {
    connector = connections.open(server.url, { events: { source: `${LINE}None` } });
    watch();
    assert.deepEqual([(await received.end())?.class, received.failure?.code], ['config', 'PCP_OPCUA_EVENTS']);
  });
});
