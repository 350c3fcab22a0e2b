import assert from 'node:assert/strict';
import { type AsyncFunc, Test } from 'mocha';
import type { Connector } from '../../../lib/connectors/contract';
import { CONNECTION_LOST, type TagValue } from '../../../lib/connectors/live';
import { IntegrationError } from '../../../lib/model/errors';
import { FaultProxy } from '../../support/fault-proxy';
import { Connections, failureOf, never, Received } from '../../support/opcua/connections';
import { addressesOf, discoverPeer, type Peer } from '../../support/opcua/peer';
import { PlantServer } from '../../support/opcua/plant-server';

/**
 * What must hold with any server. OPCUA_PEER_URL names one that is not of the library's family; OPCUA_PEER_USER and
 * OPCUA_PEER_PASSWORD sign in, OPCUA_PEER_POLICY secures. Nothing is written and no method is called unless OPCUA_PEER_WRITES=1
 * allows it. Otherwise the tests' own server stands in, in a process of its own and with narrow limits.
 */
const { OPCUA_PEER_URL, OPCUA_PEER_USER, OPCUA_PEER_PASSWORD, OPCUA_PEER_POLICY, OPCUA_PEER_WRITES } = process.env;
const isOwn = OPCUA_PEER_URL === undefined;
const LIMITS = { maxNodesPerRead: 200, maxNodesPerWrite: 50, maxNodesPerBrowse: 100, maxMonitoredItemsPerCall: 200 };
const DAY_MS = 86_400_000;
const MINUTES_MS = 180_000;

describe(`OPC UA: ${OPCUA_PEER_URL ?? "the tests' own server"} as any server`, () => {
  const server = new PlantServer();
  const connections = new Connections();
  const username = OPCUA_PEER_USER ?? (isOwn ? 'pcp' : undefined);
  const password = OPCUA_PEER_PASSWORD ?? (isOwn ? 'right-4711' : undefined);
  const settings = {
    security_policy: OPCUA_PEER_POLICY ?? 'None',
    publishing_interval_ms: 200,
    // Learning the types of all structures at once is many requests; on a busy machine they take their time.
    timeout_ms: 20_000,
    ...(username !== undefined && { authentication: 'username', username }),
  };
  const credentials = password === undefined ? {} : { password };
  let url: string;
  let peer: Peer;

  const open = (config: Record<string, unknown> = {}) =>
    connections.openTrusted(url, { ...settings, ...config }, credentials);
  const read = async (connector: Connector, tags: readonly string[]) =>
    (await connector.readTags?.(tags, never())) ?? [];
  const watch = (connector: Connector, tags: readonly string[]) =>
    new Received((signal) => connector.subscribe?.({ items: tags.map((tag) => ({ tag })) }, signal) ?? assert.fail());

  before(async function () {
    if (isOwn) await server.start({ many: 1500, limits: LIMITS, moves: true });
    url = OPCUA_PEER_URL ?? server.url;
    peer = await discoverPeer(connections, url, settings, credentials);
    const { tags, moving, historic, sources, methods, security, limits } = peer;
    console.log(
      `      ${tags.length} tags, ${moving.length} moving, ${historic.length} with history, ${methods.length} methods, ` +
        `events from ${sources.length} nodes, ${limits.read} nodes in a request, ${security.join(', ') || 'no security'}`,
    );
    // What a server does not have is not tested, and not counted.
    const suite = this.test?.parent;
    for (const [title, test] of testsOf(peer)) suite?.addTest(new Test(title, test));
  });
  afterEach(() => connections.close());
  after(async () => {
    await connections.remove();
    await server.stop();
  });

  it('is browsed as a whole, and all its tags are read by one call', async () => {
    const tags = addressesOf(peer.tags);
    assert.ok(tags.length > 0);
    assert.equal(new Set(addressesOf(peer.largest)).size, peer.largest.length);
    if (isOwn) assert.equal(peer.largest.length, 1500);
    const values = await read(await open(), tags);
    assert.deepEqual(
      values.map(({ tag }) => tag),
      tags,
    );
    assert.ok(values.some(({ quality }) => quality === 'good'));
    for (const value of values) assert.deepEqual(JSON.parse(JSON.stringify(value)), value);
  });

  it('is subscribed to with all its tags at once, and each gives what it holds', async () => {
    const tags = addressesOf(peer.tags);
    const received = watch(await open(), tags);
    await received.until(({ values }) => new Set(values.map(({ tag }) => tag)).size === tags.length);
    await received.stop();
  });

  it('keeps no session of those that went', async () => {
    for (let n = 0; n < 20; n++) {
      const connector = await open();
      assert.equal((await connector.test(never())).ok, true);
      await connector.close();
    }
  });

  function testsOf({ moving, historic, sources, methods, security, tags }: Peer): [string, AsyncFunc][] {
    const [moved, recorded, source] = [moving[0], historic[0], sources[0]];
    const both = moving.find((tag) => historic.includes(tag));
    const still = tags.find(({ address }) => !moving.includes(address));
    const mayChange = isOwn || OPCUA_PEER_WRITES === '1';
    return [
      ...security.map((each): [string, AsyncFunc] => [`is let in with ${each}`, () => letIn(each)]),
      ...(username === undefined ? [] : [['refuses a wrong password', refusesPassword] as [string, AsyncFunc]]),
      ...(moved === undefined ? [] : movesTests(moved)),
      ...(recorded === undefined ? [] : historyTests(recorded)),
      ...(both === undefined ? [] : gapTests(both)),
      ...(still === undefined ? [] : stillTests(still.address)),
      ...(source === undefined ? [] : [['tells its events', () => tellsEvents(source)] as [string, AsyncFunc]]),
      ...(mayChange && methods.length > 0 ? [['has methods called', callsMethods] as [string, AsyncFunc]] : []),
      ...(mayChange && tags.some(({ writable }) => writable)
        ? [['is written what it holds, each type as its own', writesAll] as [string, AsyncFunc]]
        : []),
    ];
  }

  async function letIn(security: string): Promise<void> {
    const [security_policy, security_mode] = security.split(' ');
    const report = await (await open({ security_policy, security_mode })).test(never());
    assert.equal(report.ok, true, JSON.stringify(report));
    assert.equal(report.steps.find(({ name }) => name === 'tls')?.detail, security);
  }

  async function refusesPassword(): Promise<void> {
    const connector = await connections.openTrusted(url, settings, { password: 'wrong' });
    const step = (await connector.test(never())).steps.at(-1);
    assert.deepEqual([step?.name, step?.error?.code], ['authenticate', 'PCP_OPCUA_SIGN_IN'], JSON.stringify(step));
  }

  function movesTests(tag: string): [string, AsyncFunc][] {
    return [
      [
        'tells what changes in the order of its time, each change once',
        async () => {
          const received = watch(await open(), [tag]);
          await received.until(({ values }) => values.length >= 8);
          const times = received.values.map(({ source_timestamp }) => source_timestamp ?? '');
          assert.deepEqual(times, times.toSorted());
          assert.equal(new Set(times).size, times.length);
          await received.stop();
        },
      ],
      [
        'is followed over broken connections, again and again',
        async () => {
          const { hostname, port, pathname } = new URL(url);
          assert.ok(hostname);
          const proxy = await FaultProxy.start(Number(port || 4840));
          try {
            const connector = await connections.openTrusted(
              `opc.tcp://127.0.0.1:${proxy.port}${pathname}`,
              { ...settings, certificate_host: hostname, timeout_ms: 2000 },
              credentials,
            );
            const received = watch(connector, [tag]);
            await received.until(({ values }) => values.length > 0);
            for (let n = 0; n < 3; n++) {
              const [values, states] = [received.values.length, received.states.length];
              await proxy.turn('reset');
              await received.until((each) => each.states.length > states);
              await proxy.turn('none');
              await received.until((each) => each.states.at(-1) === 'connected' && each.values.length > values + 2);
            }
            const live = received.values.filter(({ backfilled, status }) => !backfilled && status !== CONNECTION_LOST);
            const times = live.map(({ source_timestamp }) => source_timestamp ?? '');
            assert.deepEqual(times, times.toSorted());
            await received.stop();
            await connector.close();
          } finally {
            await proxy.stop();
          }
        },
      ],
    ];
  }

  async function history(connector: Connector, node: string, range: Record<string, unknown>): Promise<TagValue[]> {
    const { payload } = (await connector.call?.('history', { node, limit: 20_000, ...range }, never())) ?? {};
    return payload as TagValue[];
  }

  function historyTests(node: string): [string, AsyncFunc][] {
    return [
      [
        'gives its history in order and nothing twice, whole or in parts',
        async () => {
          const connector = await open();
          const end = new Date().toISOString();
          const since = (ms: number) => new Date(Date.parse(end) - ms).toISOString();
          // Of the last minutes where there is one: what is older may be dropped meanwhile.
          const recent = await history(connector, node, { start: since(MINUTES_MS), end });
          const start = recent.length > 0 ? since(MINUTES_MS) : since(DAY_MS);
          const whole = recent.length > 0 ? recent : await history(connector, node, { start, end });
          const times = whole.map(({ source_timestamp }) => source_timestamp ?? '');
          assert.deepEqual(times, times.toSorted());
          const middle = times[Math.floor(times.length / 2)] ?? start;
          const parts = [
            ...(await history(connector, node, { start, end: middle })),
            ...(await history(connector, node, { start: middle, end })),
          ];
          const all = (values: TagValue[]) => [...new Set(values.map(({ source_timestamp }) => source_timestamp))];
          assert.deepEqual(all(parts), all(whole));
          console.log(`      ${whole.length} values`);
        },
      ],
    ];
  }

  function stillTests(tag: string): [string, AsyncFunc][] {
    return [
      [
        'has values that are bad while the connection is broken, and good again when they did not change',
        async () => {
          const { hostname, port, pathname } = new URL(url);
          const proxy = await FaultProxy.start(Number(port || 4840));
          try {
            const connector = await connections.openTrusted(
              `opc.tcp://127.0.0.1:${proxy.port}${pathname}`,
              { ...settings, certificate_host: hostname },
              credentials,
            );
            const received = watch(connector, [tag]);
            await received.until(({ values }) => values.length > 0);
            await proxy.turn('reset');
            await received.until(({ states }) => states.includes('interrupted'));
            await proxy.turn('none');
            await received.until(({ values }) => values.length > 2);
            const [first, lost, again] = received.values;
            assert.deepEqual([lost?.value, lost?.quality, lost?.status], [null, 'bad', CONNECTION_LOST]);
            const told = ({ value, quality, source_timestamp }: TagValue) => ({ value, quality, source_timestamp });
            assert.deepEqual(told(again as TagValue), told(first as TagValue));
            await received.stop();
            await connector.close();
          } finally {
            await proxy.stop();
          }
        },
      ],
    ];
  }

  function gapTests(tag: string): [string, AsyncFunc][] {
    return [
      [
        'fills a gap from its history',
        async () => {
          const { hostname, port, pathname } = new URL(url);
          const proxy = await FaultProxy.start(Number(port || 4840));
          try {
            const connector = await connections.openTrusted(
              `opc.tcp://127.0.0.1:${proxy.port}${pathname}`,
              { ...settings, certificate_host: hostname, timeout_ms: 2000, session_timeout_ms: 5000 },
              credentials,
            );
            const received = watch(connector, [tag]);
            await received.until(({ values }) => values.length > 1);
            const direct = watch(await open(), [tag]);
            const states = received.states.length;
            await proxy.turn('refuse');
            await received.until((each) => each.states.length > states);
            const timeOf = (value: TagValue | undefined) => value?.source_timestamp ?? '';
            const before = timeOf(received.values.findLast(({ status }) => status !== CONNECTION_LOST));
            // More than a server may keep for somebody who is away.
            await direct.until(({ values }) => values.length > 60);
            const missed = direct.values.map(timeOf).filter((time) => time > before);
            await proxy.turn('none');
            await received.until(({ values }) => {
              const got = new Set(values.map(timeOf));
              return missed.every((time) => got.has(time));
            });
            const times = received.values.map(({ source_timestamp }) => source_timestamp);
            assert.equal(new Set(times).size, times.length);
            await Promise.all([received.stop(), direct.stop()]);
          } finally {
            await proxy.stop();
          }
        },
      ],
    ];
  }

  async function tellsEvents(source: string): Promise<void> {
    const connector = await open({ events: { source } });
    const received = new Received((signal) => connector.subscribe?.({ entity: 'events' }, signal) ?? assert.fail());
    await received.until(({ values }) => values.length >= 2);
    for (const event of received.values) {
      const { event_id, event_type, severity, message, time } = event as unknown as Record<string, unknown>;
      assert.match(String(event_id), /^[A-Za-z0-9+/]+=*$/);
      assert.match(String(event_type), /[isgb]=/);
      assert.ok(typeof severity === 'number' && typeof message === 'string');
      assert.match(String(time), /^\d{4}-.*Z$/);
    }
    assert.equal(new Set(received.values.map((event) => event.event_id)).size, received.values.length);
    await received.stop();
  }

  /** With arguments of no meaning: a server may refuse them, but understands them. */
  async function callsMethods(): Promise<void> {
    const writable = peer.methods.map(({ node }) => ({ tag: node.address }));
    const connector = await open({ writes_enabled: true, writable });
    for (const { node, object } of peer.methods) {
      const call = (given: unknown) =>
        connector.call?.('method', { node: node.address, object, arguments: given }, never()) as Promise<unknown>;
      const missing = await failureOf(call({ 'no such argument': 1 }));
      assert.equal(missing.code, 'PCP_OPCUA_ARGUMENTS');
      const names = /It takes: (.*)\.$/.exec(missing.hint ?? '')?.[1]?.split(', ') ?? [];
      const answers = await Promise.all(
        [2, 'x', true].map((value) =>
          call(Object.fromEntries(names.map((name) => [name, value]))).then(
            () => 'called',
            (thrown) => IntegrationError.from(thrown).code,
          ),
        ),
      );
      const understood = ['called', 'PCP_OPCUA_METHOD', 'PCP_OPCUA_VALUE', 'PCP_OPCUA_TYPE'];
      assert.deepEqual(
        answers.filter((each) => !understood.includes(each)),
        [],
        node.name,
      );
    }
  }

  async function writesAll(): Promise<void> {
    const tags = addressesOf(peer.tags.filter(({ writable }) => writable)).filter(
      // What is written may have no time of its own, which not every history bears.
      (tag) => !peer.moving.includes(tag) && !peer.historic.includes(tag),
    );
    const connector = await open({ writes_enabled: true, writable: tags.map((tag) => ({ tag })) });
    const held = (await read(connector, tags)).filter(({ quality, value }) => quality === 'good' && value !== null);
    const results = await connector.writeTags?.(
      held.map(({ tag, value }) => ({ tag, value })),
      never(),
    );
    for (const result of results ?? []) {
      assert.equal(result.outcome, 'written', `${result.tag}: ${JSON.stringify(result)}`);
      assert.ok(result.outcome === 'written' && result.verified, JSON.stringify(result));
    }
    assert.equal(results?.length, held.length);
  }
});
