import assert from 'node:assert/strict';
import type { SourceRecord } from '../../../lib/connectors/contract';
import { IntegrationError } from '../../../lib/model/errors';
import type { Follower } from '../../../lib/stream/shared-connection';
import { SharedConnections } from '../../../lib/stream/shared-connections';
import { LiveSource, tagValue } from '../../support/live-source';

const BACKOFF = { firstMs: 1, longestMs: 5 };
const CONNECTION = { id: 7, name: 'line', connector_type: LiveSource.type, config: {}, credentials: {} };

/** Keeps what it is told, and lets a test wait for it. */
class Recorder implements Follower {
  readonly got: SourceRecord[] = [];
  readonly states: string[] = [];
  readonly over: AbortSignal[] = [];
  private readonly waiting = new Set<() => void>();

  async records(records: SourceRecord[], acknowledge: (() => void) | undefined, over: AbortSignal): Promise<void> {
    this.got.push(...records);
    this.over.push(over);
    acknowledge?.();
    this.notice();
  }

  state(state: string): void {
    this.states.push(state);
    this.notice();
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  private notice(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}

describe('shared connections', () => {
  let source: LiveSource;
  let connections: SharedConnections;
  let logged: [string, string][];
  let stop: AbortController;

  beforeEach(() => {
    source = new LiveSource();
    logged = [];
    stop = new AbortController();
    const environment = { log: (level: string, message: string) => void logged.push([level, message]) };
    connections = new SharedConnections({ load: async () => source.loaded, environment, backoff: BACKOFF }, 0);
  });

  afterEach(async () => {
    stop.abort();
    await connections.closeAll();
    assert.equal(source.open, 0);
    assert.equal(source.subscribers.size, 0);
  });

  const follow = (): Recorder => {
    const recorder = new Recorder();
    const { shared } = connections.acquire(CONNECTION);
    void shared.follow({ entity: 'values' }, recorder, stop.signal);
    return recorder;
  };
  const warnings = () => logged.filter(([level]) => level === 'warn').map(([, message]) => message);

  it('opens one connection for ten users that start at once', async () => {
    const followers = Array.from({ length: 10 }, follow);
    await source.subscribed(10);
    assert.equal(source.opened, 1);
    source.push(tagValue('a'));
    for (const follower of followers) await follower.until(() => follower.got.length === 1);
    const { shared } = connections.acquire(CONNECTION);
    assert.equal((await shared.use((connector) => connector.readTags!(['b'], stop.signal)))[0]?.tag, 'b');
    assert.equal(source.opened, 1);
  });

  it('restores all subscriptions after each of twenty failures, and says one line per outage', async () => {
    const followers = [follow(), follow()];
    for (let round = 1; round <= 20; round++) {
      await source.subscribed(2);
      source.push(tagValue('a', round));
      for (const follower of followers) await follower.until(() => follower.got.length === round);
      source.break();
      for (const follower of followers) {
        await follower.until(() => follower.states.filter((state) => state === 'connected').length === round + 1);
      }
      assert.equal(source.open, 1, 'one session, whatever happened');
    }
    assert.equal(warnings().length, 20);
    assert.equal(logged.filter(([level]) => level === 'info').length, 20);
    const [first] = followers;
    assert.deepEqual(first?.states.slice(0, 4), ['connecting', 'connected', 'interrupted', 'connected']);
  });

  it('lets all its users take what is still there, in order, when one of them finds it broken', async () => {
    const first = follow();
    await first.until(() => first.states.at(-1) === 'connected');
    const second = follow();
    await second.until(() => second.states.at(-1) === 'connected');
    const [broken, other] = [...source.subscribers];
    const queued = [1, 2, 3].map((n) => tagValue('a', n));
    for (const value of queued) other!.push({ kind: 'records', records: [value] });
    broken!.fail(new IntegrationError('transient', 'PCP_CONNECT_RESET', 'The connection was reset.'));
    await first.until(() => first.states.at(-1) === 'interrupted');
    assert.equal(source.open, 1, 'nothing is closed yet');
    const stale = tagValue('a', 'stale');
    other!.push({ kind: 'records', records: [stale] });
    await second.until(() => second.got.length === 4);
    assert.deepEqual(second.got, [...queued, stale]);
    await second.until(() => second.states.filter((state) => state === 'connected').length === 2);
    assert.equal(source.opened, 2);
    assert.deepEqual(warnings().length, 1);
  });

  it('tells its users when a subscription has ended, so that they withdraw what it sends again', async () => {
    const follower = follow();
    await source.subscribed();
    source.push(tagValue('a'));
    await follower.until(() => follower.got.length === 1);
    assert.equal(follower.over[0]?.aborted, false);
    source.break();
    await follower.until(() => follower.states.at(-1) === 'interrupted');
    assert.equal(follower.over[0]?.aborted, true);
  });

  it('tries again at once when what it failed for may be over', async () => {
    for (const refusal of [
      new IntegrationError('config', 'PCP_OPCUA_UNTRUSTED', 'The certificate is not trusted.'),
      new IntegrationError('auth', 'PCP_OPCUA_SIGN_IN', 'The user is refused.'),
    ]) {
      source.refusal = refusal;
      const follower = follow();
      await follower.until(() => follower.states.at(-1) === 'failed');
      source.refusal = null;
      connections.retry();
      await follower.until(() => follower.states.at(-1) === 'connected');
      stop.abort();
      await source.subscribed(0);
      stop = new AbortController();
    }
  });

  it('goes on without a user that takes nothing, once it was given its time', async () => {
    const follower = follow();
    const slow: Follower = { records: () => new Promise(() => undefined), state: () => undefined };
    void connections.acquire(CONNECTION).shared.follow({}, slow, stop.signal);
    await source.subscribed(2);
    for (const { push } of source.subscribers) push({ kind: 'records', records: Array(5_001).fill(tagValue('a')) });
    await follower.until(() => follower.got.length === 5_001);
    [...source.subscribers][0]!.fail(new IntegrationError('transient', 'PCP_CONNECT_RESET', 'Reset.'));
    await follower.until(() => follower.states.filter((state) => state === 'connected').length === 2);
    assert.equal(source.opened, 2);
  });

  it('waits for a source that is not there yet with growing pauses, and says so once', async () => {
    source.refusal = new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'Refused.');
    const follower = follow();
    await follower.until(() => follower.states.filter((state) => state === 'interrupted').length === 5);
    assert.equal(warnings().length, 1);
    source.refusal = null;
    await source.subscribed();
    source.push(tagValue('a'));
    await follower.until(() => follower.got.length === 1);
  });

  it('has failed for all its users when the password is refused: a person is needed', async () => {
    source.refusal = new IntegrationError('auth', 'PCP_UNAUTHORIZED', 'The password is wrong.');
    const followers = [follow(), follow()];
    for (const follower of followers) await follower.until(() => follower.states.at(-1) === 'failed');
    assert.equal(warnings().length, 1);
  });

  it('tries once for all its users, who come back together', async () => {
    const refused = (retryAfterMs: number) =>
      new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'Refused.', { retryAfterMs });
    source.refusal = refused(1);
    const followers = [follow(), follow()];
    const interruptions = () => followers.flatMap(({ states }) => states.filter((state) => state === 'interrupted'));
    for (const follower of followers) await follower.until(() => follower.states.at(-1) === 'interrupted');
    source.refusal = refused(3000);
    await Promise.race(followers.map((follower) => follower.until(() => interruptions().length === 3)));
    // Whoever tries before the three seconds are over waits for an hour.
    source.refusal = refused(3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    source.refusal = null;
    await source.subscribed(2);
  });

  it('shows an interruption that the connector mends by itself', async () => {
    const follower = follow();
    await source.subscribed();
    source.state('interrupted', new IntegrationError('transient', 'PCP_GONE', 'Gone.'));
    await follower.until(() => follower.states.at(-1) === 'interrupted');
    source.state('connected');
    await follower.until(() => follower.states.at(-1) === 'connected');
    assert.equal(source.opened, 1);
    assert.equal(warnings().length, 1);
  });

  it('lets the others go on when one asks for a tag that is not there', async () => {
    const good = follow();
    await source.subscribed();
    source.refusal = new IntegrationError('config', 'PCP_TAG_UNKNOWN', 'No such tag.');
    const bad = follow();
    await bad.until(() => bad.states.at(-1) === 'failed');
    source.push(tagValue('a'));
    await good.until(() => good.got.length === 1);
    assert.equal(source.opened, 1);
    assert.deepEqual(
      logged.map(([level]) => level),
      ['warn'],
      'what the others get is no end of it',
    );
  });

  it('closes with its last user, and opens other settings only then', async () => {
    const first = connections.acquire(CONNECTION);
    const second = connections.acquire(CONNECTION);
    await first.shared.use(async () => undefined);
    first.release();
    first.release();
    assert.equal(source.open, 1);
    second.release();
    const other = connections.acquire({ ...CONNECTION, config: { host: 'other' } });
    await other.shared.use(async () => assert.equal(source.open, 1));
    assert.equal(source.opened, 2);
    other.release();
  });

  it('tells a reader at once while the connection is being restored', async () => {
    source.refusal = new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'Refused.');
    connections = new SharedConnections(
      {
        load: async () => source.loaded,
        environment: { log: () => undefined },
        backoff: { firstMs: 60_000, longestMs: 60_000 },
      },
      0,
    );
    const { shared } = connections.acquire(CONNECTION);
    const read = () => shared.use((connector) => connector.readTags!(['a'], stop.signal));
    await assert.rejects(read(), { code: 'PCP_CONNECT_REFUSED', message: 'Refused.' });
    await assert.rejects(read(), { code: 'PCP_CONNECT_REFUSED', message: /^Refused\. It is tried again in \d+ s\.$/ });
    assert.equal(source.opened, 1);
  });

  it('stays open when one request is refused, and is opened anew when it is lost', async () => {
    const { shared } = connections.acquire(CONNECTION);
    const fail = (code: string) => () => Promise.reject(new IntegrationError('transient', code, 'Failed.'));
    for (const code of ['PCP_WRITE_EXPIRED', 'PCP_OPCUA_STATUS'])
      await assert.rejects(shared.use(fail(code)), { code });
    await shared.use(async () => assert.equal(source.opened, 1));
    await assert.rejects(shared.use(fail('PCP_CONNECT_LOST')), { code: 'PCP_CONNECT_LOST' });
    const follower = follow();
    await follower.until(() => follower.states.includes('connected'));
    assert.equal(source.opened, 2);
  });

  it('closes within its time when the source never answers', async () => {
    const { create } = source.loaded;
    source.loaded.create = (...parameters) => ({
      ...create(...parameters),
      subscribe: async function* () {
        await new Promise(() => undefined);
        yield { kind: 'state', state: 'connected' };
      },
    });
    const recorder = new Recorder();
    const { shared } = connections.acquire(CONNECTION);
    const following = shared.follow({}, recorder, stop.signal);
    await new Promise(setImmediate);
    stop.abort();
    await following;
  });
});
