import assert from 'node:assert/strict';
import { Connections, failureOf, never, Received } from '../../support/opcua/connections';
import { type Fault, FaultServer } from '../../support/opcua/fault-server';

const FAULTS: [fault: Fault, classes: string[]][] = [
  ['close on connect', ['transient']],
  ['close on hello', ['transient']],
  ['garbage for hello', ['transient']],
  ['huge message for hello', ['transient']],
  ['error for hello', ['transient']],
  ['close on open channel', ['transient']],
  ['close after open channel', ['transient']],
  ['garbage after open channel', ['transient']],
  ['silence after open channel', ['transient']],
  ['cut answer', ['transient']],
  ['wrong sequence', ['transient']],
  ['fault for every request', ['transient']],
  ['fault for sessions', ['transient']],
  ['garbage body', ['transient']],
];

describe('OPC UA: a server that misbehaves', () => {
  let server: FaultServer;
  let connections: Connections;
  const settings = { timeout_ms: 1000, publishing_interval_ms: 50, tags: { state: { node_id: 'i=2259' } } };
  const escaped: unknown[] = [];
  const note = (error: unknown) => void escaped.push(error);

  before(() => {
    process.on('unhandledRejection', note);
    process.on('uncaughtExceptionMonitor', note);
  });
  beforeEach(async () => {
    server = await new FaultServer().start();
    connections = new Connections();
    escaped.length = 0;
  });
  afterEach(async () => {
    await connections.remove();
    await server.stop();
    // What the library does late comes with the next turns.
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(escaped, []);
  });
  after(() => {
    process.off('unhandledRejection', note);
    process.off('uncaughtExceptionMonitor', note);
  });

  it('would be connected to without its fault', async () => {
    const report = await connections.open(server.url, settings).test(never());
    assert.equal(report.ok, true, JSON.stringify(report));
  });

  for (const [fault, classes] of FAULTS) {
    it(`is told apart from a good one: ${fault}`, async () => {
      server.fault = fault;
      const report = await connections.open(server.url, settings).test(never());
      const step = report.steps.at(-1);
      assert.equal(report.ok, false, JSON.stringify(report));
      assert.ok(classes.includes(step?.error?.class ?? ''), JSON.stringify(step));
      assert.ok(step?.error?.hint);
    });

    it(`meets who comes back, and is forgiven when it is well again: ${fault}`, async () => {
      const connector = connections.open(server.url, settings);
      assert.equal((await connector.test(never())).ok, true);
      server.fault = fault;
      const comesBack = server.more(1);
      server.drop();
      await comesBack;
      const work = connector.readTags?.(['state'], never()) as Promise<unknown>;
      assert.equal((await failureOf(work)).class, 'transient');
      server.fault = 'none';
      for (let isWell = false; !isWell; ) {
        const read = connector.readTags?.(['state'], never());
        isWell = await Promise.resolve(read).then(
          (values) => values?.[0]?.quality === 'good',
          () => new Promise<false>((resolve) => setTimeout(resolve, 50, false)),
        );
      }
    });
  }

  it('does not keep anybody from closing, whatever they are about to do', async () => {
    for (const fault of ['silence after open channel', 'close on hello', 'none'] as const) {
      server.fault = fault;
      for (const turns of [0, 1, 5, 20, 50]) {
        const connector = connections.open(server.url, { ...settings, timeout_ms: 60_000 });
        const work = failureOf(
          connector.readTags?.(['state'], never()).then(() => Promise.reject(new Error('read'))) as Promise<unknown>,
        );
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        await connector.close();
        await work;
      }
    }
  });

  for (const fault of ['close on hello', 'close after open channel', 'error for hello'] as const) {
    it(`is not asked more often than it can bear: ${fault}`, async () => {
      const connector = connections.open(server.url, settings);
      assert.equal((await connector.test(never())).ok, true);
      server.fault = fault;
      server.drop();
      const started = performance.now();
      await server.more(4);
      assert.ok(performance.now() - started >= 1000, `four in ${performance.now() - started} ms`);
    });
  }

  it('ends a browse that does not end', async () => {
    server.fault = 'endless browse';
    const work = connections.open(server.url, settings).browse?.(null, never()) as Promise<unknown>;
    const error = await failureOf(work);
    assert.deepEqual([error.class, error.code], ['guard', 'PCP_OPCUA_BROWSE']);
  });

  it('gets nothing of what was sent to it once the answer did not come', async () => {
    server.fault = 'silence from a call on';
    const connector = connections.open(server.url, { ...settings, writes_enabled: true });
    const work = connector.call?.('acknowledge', { node: 'i=4711', event_id: 'AQID' }, never()) as Promise<unknown>;
    assert.equal((await failureOf(work)).outcomeUnknown, true);
    await server.reset();
  });

  it('that gives no subscription says so', async () => {
    const connector = connections.open(server.url, settings);
    const received = new Received((signal) => connector.subscribe?.({}, signal) ?? assert.fail());
    const error = await received.end();
    assert.equal(error?.class, 'transient');
    assert.match(error?.message ?? '', /BadInternalError/);
  });
});
