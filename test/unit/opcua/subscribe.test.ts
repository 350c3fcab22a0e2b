import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import type { SubscriptionItem } from '../../../lib/connectors/live';
import { Connections, LINE, never, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

/** More of them with PCP_TEST_RESTARTS. */
const RESTARTS = Number(process.env.PCP_TEST_RESTARTS ?? 5);
const FAST = { publishing_interval_ms: 50, timeout_ms: 2000 };

describe('OPC UA: subscriptions', function () {
  this.timeout(180_000 + RESTARTS * 120_000);
  let server: PlantServer;
  let connections: Connections;
  let connector: Connector;
  const tags = {
    temperature: { node_id: `${LINE}Temperature` },
    coarse: { node_id: `${LINE}Temperature`, deadband: 1 },
    percent: { node_id: `${LINE}Temperature`, deadband: { type: 'percent', value: 10 } },
    int64: { node_id: `${LINE}Int64` },
    text: { node_id: `${LINE}String`, deadband: 1 },
  };

  beforeEach(async () => {
    server = new PlantServer();
    await server.start({ many: 20 });
    connections = new Connections();
    connector = connections.open(server.url, { tags, ...FAST, timeout_ms: 5000 });
  });
  afterEach(async () => {
    await connections.remove();
    await server.stop();
  });

  const watch = (...names: (string | SubscriptionItem)[]) =>
    new Received((signal) => {
      const items = names.map((name) => (typeof name === 'string' ? { tag: name } : name));
      return connector.subscribe?.({ items }, signal) ?? assert.fail();
    });
  const set = (value: number, at?: string) => server.ask({ do: 'set', name: 'Temperature', value, ...(at && { at }) });

  it('gives the first value, then what changes, with the times of the source', async () => {
    const received = watch('temperature', 'int64', `${LINE}None`);
    await received.until(({ values }) => values.length === 3);
    assert.deepEqual(received.states, ['connected']);
    assert.deepEqual(received.of('int64'), ['9007199254740993']);
    const missing = received.values.find(({ tag }) => tag === `${LINE}None`);
    assert.deepEqual([missing?.value, missing?.quality, missing?.status], [null, 'bad', 'BadNodeIdUnknown']);
    await set(21.5, '2026-11-27T10:00:00.123Z');
    await received.until(({ values }) => values.length === 4);
    const last = received.values.at(-1);
    assert.deepEqual([last?.value, last?.source_timestamp], [21.5, '2026-11-27T10:00:00.123Z']);
    assert.ok(last?.server_timestamp);
    await received.stop();
    assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 0, monitoredItems: 0 });
  });

  it('leaves out changes within the deadband, and does it itself where the server refuses to', async () => {
    const plain = watch('temperature', 'coarse', 'percent', 'text');
    const limited = connections.open(server.url, { tags, ...FAST, profile: 's7-1200' });
    const items = [{ tag: 'coarse' }, { tag: 'percent' }];
    const own = new Received((signal) => limited.subscribe?.({ items }, signal) ?? assert.fail());
    await plain.until(({ values }) => values.length === 4);
    await own.until(({ values }) => values.length === 2);
    for (const value of [20.4, 20.8, 21.2, 45]) {
      await set(value);
      await plain.until((received) => received.of('temperature').includes(value));
    }
    await plain.until((received) => received.of('percent').length === 2);
    await own.until((received) => received.of('coarse').length === 3);
    assert.deepEqual(plain.of('coarse'), [20, 21.2, 45]);
    assert.deepEqual(plain.of('percent'), [20, 45]);
    assert.deepEqual(plain.of('text'), ['Fundição nº 7']);
    assert.deepEqual(own.of('coarse'), [20, 21.2, 45]);
    assert.deepEqual(own.of('percent'), [20, 45]);
    await Promise.all([plain.stop(), own.stop()]);
  });

  it('shares one session among all its subscriptions and reads', async () => {
    const all = [watch('temperature'), watch('temperature', 'int64'), watch('text')];
    await Promise.all(all.map((received) => received.until(({ values }) => values.length > 0)));
    await connector.readTags?.(['temperature'], never());
    assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 3, monitoredItems: 4 });
    await Promise.all(all.map((received) => received.stop()));
  });

  it(`goes on after the server was killed ${RESTARTS} times: one session, nothing doubled, no restart of ours`, async () => {
    const received = watch('temperature', 'coarse', 'int64', 'text');
    await received.until(({ values }) => values.length === 4);
    for (let n = 1; n <= RESTARTS; n++) {
      const interruptions = received.states.length;
      await server.kill();
      await received.until(({ states }) => states.length > interruptions);
      await server.start({ many: 20 });
      await received.until(({ states }) => states.at(-1) === 'connected');
      await set(100 + n);
      await received.until((each) => each.of('temperature').includes(100 + n));
      assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 1, monitoredItems: 4 });
    }
    const expected = ['connected', ...Array(RESTARTS).fill(['interrupted', 'connected']).flat()];
    assert.deepEqual(received.states, expected);
    await received.stop();
  });

  it('never sends a write or a call later that was made while the connection was away', async () => {
    const writable = [{ tag: `${LINE}Int32` }, { tag: `${LINE}Start` }];
    connector = connections.open(server.url, { tags, ...FAST, writes_enabled: true, writable });
    const received = watch('temperature');
    await received.until(({ values }) => values.length === 1);
    // Its type is known then, and nothing is asked for before it is sent.
    await connector.writeTags?.([{ tag: `${LINE}Int32`, value: 5 }], never());
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.at(-1) === 'interrupted');
    const expired = AbortSignal.timeout(200);
    const work = [
      connector.writeTags?.([{ tag: `${LINE}Int32`, value: 4711 }], expired) as Promise<unknown>,
      connector.call?.('method', { node: `${LINE}Start`, arguments: ['IPA', 1] }, expired) as Promise<unknown>,
    ];
    await Promise.allSettled(work);
    await received.until(({ states }) => states.at(-1) === 'connected');
    await set(34);
    await received.until((each) => each.of('temperature').includes(34));
    assert.equal((await connector.readTags?.([`${LINE}Int32`], never()))?.[0]?.value, 5);
    assert.equal(await server.ask({ do: 'calls' }), 0);
    await received.stop();
  });

  it('gets its own session back when only the connection broke, with the values of the meantime', async () => {
    const received = watch('temperature');
    await received.until(({ values }) => values.length === 1);
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.at(-1) === 'interrupted');
    await set(31);
    await received.until((each) => each.of('temperature').includes(31));
    assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 1, monitoredItems: 1 });
    assert.deepEqual(received.of('temperature'), [20, null, 31]);
    await received.stop();
  });

  it('goes on with a server that says by an empty message that there is nothing to be told again', async () => {
    await server.kill();
    await server.start({ republishesNothing: true });
    const received = watch('temperature');
    await received.until(({ values }) => values.length === 1);
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.at(-1) === 'interrupted');
    await received.until(({ states }) => states.at(-1) === 'connected');
    await set(31);
    await received.until((each) => each.of('temperature').includes(31));
    assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 1, monitoredItems: 1 });
    await received.stop();
  });

  it('notices a server that hangs, and goes on when it wakes up', async () => {
    connector = connections.open(server.url, { tags, ...FAST });
    const received = watch('temperature');
    await received.until(({ values }) => values.length === 1);
    server.signal('SIGSTOP');
    await received.until(({ states }) => states.at(-1) === 'interrupted');
    server.signal('SIGCONT');
    await received.until(({ states }) => states.at(-1) === 'connected');
    await set(32);
    await received.until((each) => each.of('temperature').includes(32));
    assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 1, monitoredItems: 1 });
    await received.stop();
  });

  it('stays connected when nothing changes for long', async () => {
    const calm = connections.open(server.url, { tags, publishing_interval_ms: 2000, timeout_ms: 1000 });
    const received = new Received((signal) => calm.subscribe?.({ items: [{ tag: 'text' }] }, signal) ?? assert.fail());
    await received.until(({ values }) => values.length === 1);
    await server.ask({ do: 'await reads', count: 4 });
    assert.deepEqual(received.states, ['connected']);
    await received.stop();
  });

  it('notices a server that answers, but publishes nothing any more', async () => {
    connector = connections.open(server.url, { tags, ...FAST });
    const received = watch('temperature');
    await received.until(({ values }) => values.length === 1);
    await server.ask({ do: 'mute' });
    await set(33);
    assert.equal((await received.end())?.code, 'PCP_OPCUA_SILENT');
    assert.equal((await connector.readTags?.(['temperature'], never()))?.[0]?.value, 33);
  });

  it('finds its nodes again when the server comes back with its namespaces in another order', async () => {
    const first = watch('temperature');
    await first.until(({ values }) => values.length === 1);
    await server.kill();
    await server.start({ otherNamespaces: ['urn:new:in:between'] });
    assert.equal((await first.end())?.code, 'PCP_OPCUA_NAMESPACES_MOVED');
    const second = watch('temperature');
    await second.until(({ values }) => values.length === 1);
    assert.deepEqual(second.of('temperature'), [20]);
    await second.stop();
  });

  it('closes long before its requests run out of time, whatever the server does', async function () {
    this.timeout(60_000);
    for (const trouble of ['none', 'SIGSTOP', 'SIGKILL'] as const) {
      const other = connections.open(server.url, { tags, ...FAST, timeout_ms: 60_000 });
      const received = new Received(
        (signal) => other.subscribe?.({ items: [{ tag: 'temperature' }] }, signal) ?? assert.fail(),
      );
      await received.until(({ values }) => values.length === 1);
      if (trouble !== 'none') server.signal(trouble);
      await other.close();
      assert.equal((await received.end())?.class, 'cancelled');
      if (trouble === 'SIGSTOP') server.signal('SIGCONT');
    }
  });
});
