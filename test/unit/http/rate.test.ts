import assert from 'node:assert/strict';
import { mock } from 'node:test';
import timers from 'node:timers/promises';
import type { IntegrationError } from '../../../lib/model/errors';
import { readRateLimit } from '../../../lib/protocols/http/quota-headers';
import { pauseAskedFor } from '../../../lib/protocols/http/rate-headers';
import { type Allowance, OwnLimits, RequestGate } from '../../../lib/protocols/http/request-gate';
import { HostileServer } from '../../support/hostile-server';
import { clients, failure, live } from './support';

const NOW = Date.parse('2026-11-27T10:00:00Z');
const HOUR = 3_600_000;

describe('http: Retry-After', () => {
  const pause = (value: string, more: Record<string, string> = {}) =>
    pauseAskedFor(429, { 'retry-after': value, ...more }, NOW);

  it('reads seconds and the three forms of a date', () => {
    assert.equal(pause('120'), 120_000);
    assert.equal(pause(' 2.5 '), 2500);
    assert.equal(pause('Fri, 27 Nov 2026 10:02:00 GMT'), 120_000);
    assert.equal(pause('Friday, 27-Nov-26 10:02:00 GMT'), 120_000);
    assert.equal(pause('Fri Nov 27 10:02:00 2026'), 120_000);
  });

  it("counts a date from the server's own clock", () => {
    const date = 'Fri, 27 Nov 2026 09:00:00 GMT';
    assert.equal(pause('Fri, 27 Nov 2026 09:00:30 GMT', { date }), 30_000);
    assert.equal(pause('Fri, 27 Nov 2026 10:00:30 GMT', { date: 'yesterday' }), 30_000);
  });

  it('waits at least a second and at most an hour', () => {
    assert.equal(pause('0'), 1000);
    assert.equal(pause('Fri, 27 Nov 2026 09:00:00 GMT'), 1000);
    assert.equal(pause('86400'), HOUR);
    assert.equal(pause('99999999999999999999999999'), HOUR);
    assert.equal(pause('Fri, 27 Nov 9999 10:00:00 GMT'), HOUR);
  });

  it('does not guess', () => {
    for (const value of [
      '',
      '-5',
      'soon',
      'soon 1',
      'NaN',
      'Infinity',
      '1e9',
      '0x10',
      '1, 2',
      '2026-11-27T10:02:00Z',
    ]) {
      assert.equal(pause(value), undefined, value);
    }
    assert.equal(pause('Fri, 99 Nov 2026 10:02:00 GMT'), undefined);
    assert.equal(pauseAskedFor(200, { 'retry-after': '5' }, NOW), undefined);
    assert.equal(pauseAskedFor(503, { 'x-ratelimit-reset': '5' }, NOW), undefined);
  });

  it('takes the end of the window of a 429 that says no more', () => {
    assert.equal(pauseAskedFor(429, { 'x-ratelimit-reset': '5' }, NOW), 5000);
    const of = (ratelimit: string) => pauseAskedFor(429, { ratelimit }, NOW);
    assert.equal(of('"burst";r=0;t=3, "daily";r=3;t=3600'), 3000);
    assert.equal(of('"burst";r=0;t=3, "daily";r=0;t=60'), 60_000);
    assert.equal(of('"burst";r=1;t=3, "daily";r=3;t=3600'), 3000);
  });
});

describe('http: quota headers', () => {
  const inAMinute = new Date(NOW + 60_000).toISOString();
  const wanted = { limit: 100, remaining: 40, resetAt: inAMinute };

  it('reads all the ways in which servers tell of quotas', () => {
    const cases: Record<string, string>[] = [
      { 'ratelimit-policy': '"default";q=100;w=3600', ratelimit: '"default";r=40;t=60' },
      { ratelimit: 'limit=100, remaining=40, reset=60' },
      { 'ratelimit-limit': '100, 100;w=3600', 'ratelimit-remaining': '40', 'ratelimit-reset': '60' },
      { 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '40', 'x-ratelimit-reset': String(NOW / 1000 + 60) },
      { 'x-rate-limit-limit': '100', 'x-rate-limit-remaining': '40', 'x-rate-limit-reset': String(NOW + 60_000) },
    ];
    for (const headers of cases) assert.deepEqual(readRateLimit(headers, NOW), wanted, JSON.stringify(headers));
  });

  it('tells of several windows the one that is nearest to be used up, and lasts', () => {
    const policy = '"burst";q=100;w=1,"daily";q=10000;w=86400';
    const daily = { limit: 10_000, remaining: 3, resetAt: new Date(NOW + HOUR).toISOString() };
    const cases: [Record<string, string>, unknown][] = [
      [{ 'ratelimit-policy': policy, ratelimit: '"burst";r=99;t=1, "daily";r=3;t=3600' }, daily],
      [{ 'ratelimit-policy': policy, ratelimit: '"daily";r=3;t=3600, "burst";r=0;t=1' }, daily],
      [
        {
          ...{ 'x-ratelimit-limit-minute': '20', 'x-ratelimit-remaining-minute': '19' },
          ...{ 'x-ratelimit-limit-day': '1000', 'x-ratelimit-remaining-day': '40' },
        },
        { limit: 1000, remaining: 40 },
      ],
    ];
    for (const [headers, told] of cases) assert.deepEqual(readRateLimit(headers, NOW), told, JSON.stringify(headers));
  });

  it('reads what vendors have of their own', () => {
    const of = (headers: Record<string, string>) => readRateLimit(headers, NOW);
    assert.deepEqual(of({ 'sforce-limit-info': 'api-usage=14950/15000' }), { limit: 15_000, remaining: 50 });
    const perApp = 'api-usage=25/5000; per-app-api-usage=240/250(appName=hub)';
    assert.deepEqual(of({ 'sforce-limit-info': perApp }), { limit: 250, remaining: 10 });
    assert.deepEqual(of({ 'x-ms-ratelimit-burst-remaining-xrm-requests': '300' }), {
      ...{ limit: 6000, remaining: 300, resetAt: new Date(NOW + 300_000).toISOString() },
    });
    const minute = { 'x-ratelimit-limit-minute': '100', 'x-ratelimit-remaining-minute': '2' };
    assert.deepEqual(of(minute), { limit: 100, remaining: 2, resetAt: inAMinute });
    const hubspot = { 'x-hubspot-ratelimit-daily': '500000', 'x-hubspot-ratelimit-daily-remaining': '1000' };
    assert.deepEqual(of(hubspot), { limit: 500_000, remaining: 1000 });
    assert.deepEqual(of({ 'x-ratelimit-limit': '100', 'x-ratelimit-used': '99' }), { limit: 100, remaining: 1 });
    const shop = of({ 'x-shopify-shop-api-call-limit': '32/40' });
    assert.deepEqual([shop?.limit, shop?.remaining], [40, 8]);
    assert.equal(of({ 'sforce-limit-info': 'none' }), undefined);
  });

  it('gives what there is, and nothing for nonsense', () => {
    assert.deepEqual(readRateLimit({ 'x-ratelimit-remaining': '0' }, NOW), { remaining: 0 });
    assert.deepEqual(readRateLimit({ 'x-ratelimit-limit': '9', 'x-ratelimit-reset': '999999999999999' }, NOW), {
      limit: 9,
      resetAt: new Date(999_999_999_999_999).toISOString(),
    });
    for (const value of ['', 'many', '-1', '[object Object]']) {
      assert.equal(readRateLimit({ 'x-ratelimit-limit': value, ratelimit: value }, NOW), undefined, value);
    }
  });
});

describe('http: rate of requests', () => {
  const { open } = clients();

  afterEach(() => mock.restoreAll());

  it('leaves the last twentieth of a long window to what is waited for', () => {
    const gate = new RequestGate(new OwnLimits({ perSecond: undefined, atOnce: 20 }));
    const isLetIn = (isUnattended: boolean) => {
      try {
        return gate.enterNow(isUnattended) !== null;
      } catch (error) {
        return (error as IntegrationError).code;
      }
    };
    const inAWhile = (ms: number) => new Date(Date.now() + ms).toISOString();
    gate.quota({ limit: 100, remaining: 5, resetAt: inAWhile(HOUR) });
    assert.deepEqual([isLetIn(true), isLetIn(false)], ['PCP_HTTP_RESERVED', true]);
    gate.quota({ limit: 100, remaining: 5, resetAt: inAWhile(30_000) });
    assert.equal(isLetIn(true), true, 'a short window is waited for');
    gate.quota({ limit: 100, remaining: 1 });
    assert.equal(isLetIn(true), 'PCP_HTTP_RESERVED', 'it may be long');
    gate.quota({ limit: 100, remaining: 6 });
    assert.equal(isLetIn(true), true);
  });

  it('spreads the requests of a second, also where timers are early', async () => {
    const inTime = timers.setTimeout;
    mock.method(timers, 'setTimeout', (ms: number, ...more: []) => inTime(ms - 10, ...more));
    const gate = new RequestGate(new OwnLimits({ perSecond: 20, atOnce: 20 }));
    const began = performance.now();
    const times = await Promise.all(
      Array.from({ length: 5 }, async () => {
        await gate.enter(live);
        return performance.now() - began;
      }),
    );
    for (const [index, time] of times.entries()) assert.ok(time >= index * 50, `${index}: ${time}`);
  });

  it('lets a request leave a second after the answer to the one that had its turn before, however late that came', async () => {
    const gate = new RequestGate(new OwnLimits({ perSecond: 2, atOnce: 3 }));
    const [first, second] = [await gate.enter(live), await gate.enter(live)];
    const began = performance.now();
    let isIn = false;
    const third = gate.enter(live).then(() => {
      isIn = true;
      return performance.now();
    });
    // The two that are under way keep their turns however long they take.
    while (performance.now() < began + 1100) await new Promise(setImmediate);
    assert.equal(isIn, false);
    const answered = performance.now();
    second.answered();
    first.answered();
    assert.ok((await third) - answered >= 1000);
  });

  it('lets no more requests through at a time than allowed, in their order, and forgets those that gave up', async () => {
    const gate = new RequestGate(new OwnLimits({ perSecond: undefined, atOnce: 2 }));
    const leaves = [(await gate.enter(live)).leave, (await gate.enter(live)).leave];
    const order: number[] = [];
    const enter = (number: number, signal = live) =>
      gate.enter(signal).then(({ leave }) => {
        order.push(number);
        return leave;
      });
    const impatient = new AbortController();
    const third = enter(3);
    const fourth = enter(4, impatient.signal);
    const fifth = enter(5);
    impatient.abort(new Error('gave up'));
    await assert.rejects(fourth, /gave up/);
    assert.deepEqual(order, []);
    leaves[0]?.();
    leaves[0]?.();
    const leaveThird = await third;
    await new Promise(setImmediate);
    assert.deepEqual(order, [3]);
    leaveThird();
    (await fifth)();
    assert.deepEqual(order, [3, 5]);
  });

  it('gives the place back when the wait for a reservation is given up or fails', async () => {
    const limits = () => new OwnLimits({ perSecond: 1, atOnce: 1 });
    const gate = new RequestGate(limits());
    (await gate.enter(live)).leave();
    await assert.rejects(gate.enter(AbortSignal.timeout(20)), { name: 'TimeoutError' });
    const failing = new RequestGate(Object.assign(limits(), { turn: () => Promise.reject(new Error('no store')) }));
    await assert.rejects(failing.enter(live), /no store/);
    await assert.rejects(failing.enter(live), /no store/);
    await assert.rejects(gate.enter(AbortSignal.timeout(20)), { name: 'TimeoutError' });
  });

  it('counts each request of a saved connection where the limits are shared', async () => {
    const server = await HostileServer.start({ '/': (_request, response) => response.end('ok') });
    let [turns, answered] = [0, 0];
    const turn = async () => {
      turns += 1;
      return () => {
        answered += 1;
      };
    };
    const sharedLimits = {
      of: (id: number, allowance: Allowance) => {
        assert.deepEqual([id, allowance], [4716, { perSecond: 50, atOnce: 3, perDay: 1000 }]);
        return Object.assign(new OwnLimits(allowance), { turn });
      },
    };
    const options = {
      baseUrl: server.origin,
      requestsPerSecond: 50,
      requestsPerDay: 1000,
      maxConcurrency: 3,
      sharedLimits,
    };
    const saved = open({ ...options, connectionId: 4716 });
    for (let number = 0; number < 3; number++) await (await saved.request({ target: '/', signal: live })).text();
    await (await open(options).request({ target: '/', signal: live })).text();
    assert.deepEqual([turns, answered], [3, 3]);
    await server.stop();
  });

  it('passes on what each answer says about the quota, when it says what is left', async () => {
    const said: Record<string, string>[] = [
      { 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '20' },
      { 'x-ratelimit-remaining': '19' },
      {},
    ];
    const server = await HostileServer.start({
      '/': (_request, response) => response.writeHead(200, said.shift()).end('ok'),
    });
    const heard: unknown[] = [];
    const sharedLimits = {
      of: (_id: number, allowance: Allowance) =>
        Object.assign(new OwnLimits(allowance), { quota: (status: unknown) => void heard.push(status) }),
    };
    const client = open({ baseUrl: server.origin, sharedLimits, connectionId: 4718 });
    for (let number = 0; number < 3; number++) await (await client.request({ target: '/', signal: live })).text();
    assert.deepEqual(heard, [{ limit: 100, remaining: 20 }, { remaining: 19 }]);
    await server.stop();
  });

  it('never has more requests under way than max_concurrency', async () => {
    let now = 0;
    let most = 0;
    const server = await HostileServer.start({
      '/': (_request, response) => {
        now += 1;
        most = Math.max(most, now);
        setTimeout(() => {
          now -= 1;
          response.end('ok');
        }, 5);
      },
    });
    const client = open({ baseUrl: server.origin, maxConcurrency: 3 });
    await Promise.all(
      Array.from({ length: 20 }, async () => (await client.request({ target: '/', signal: live })).text()),
    );
    assert.equal(most, 3);
    await server.stop();
  });

  it('gives the place of an answer back that nobody reads on', async () => {
    const server = await HostileServer.start({
      '/list': (_request, response) => response.end(Buffer.alloc(8 * 1024 * 1024)),
      '/one': (_request, response) => response.end('one'),
    });
    const client = open({ baseUrl: server.origin, maxConcurrency: 1 });
    const unread = await client.request({ target: '/list', signal: live });
    assert.equal(await (await client.request({ target: '/one', signal: live })).text(), 'one');
    assert.equal((await unread.bytes()).length, 8 * 1024 * 1024);
    await server.stop();
  });

  it('ends the wait for a place in which nothing moves', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    let now = 0;
    mock.method(performance, 'now', () => now);
    const pass = (ms: number) => {
      now += ms;
      mock.timers.tick(ms);
    };
    try {
      const gate = new RequestGate(new OwnLimits({ perSecond: undefined, atOnce: 1 }));
      const first = await gate.enter(live);
      const second = gate.enter(live);
      const third = failure(gate.enter(live));
      pass(14 * 60_000);
      first.leave();
      await second;
      pass(14 * 60_000);
      // One got a place meanwhile: that is slow, and no standstill.
      const fourth = failure(gate.enter(live));
      for (const waiting of [third, fourth]) {
        pass(15 * 60_000);
        const error = await waiting;
        assert.deepEqual([error.class, error.code], ['transient', 'PCP_HTTP_NO_PLACE']);
      }
    } finally {
      mock.timers.reset();
      mock.restoreAll();
    }
  });

  it('leaves the other side alone while it wants a pause', async () => {
    const server = await HostileServer.start({
      '/429': (_request, response) => response.writeHead(429, { 'retry-after': '600' }).end('{"message":"slow down"}'),
      '/429-plain': (_request, response) => response.writeHead(429).end(),
      '/503': (_request, response) => response.writeHead(503, { 'retry-after': '600' }).end(),
      '/503-plain': (_request, response) => response.writeHead(503, { 'retry-after': 'soon' }).end(),
      '/ok': (_request, response) => response.end('ok'),
    });
    for (const [path, outcomeUnknown] of [
      ['/429', false],
      // What is behind a gateway may have taken the request.
      ['/503', true],
    ] as const) {
      const client = open({ baseUrl: server.origin });
      const error = await (await client.request({ target: path, signal: live })).failure();
      const { retryAfterMs } = error;
      assert.deepEqual(
        [error.class, retryAfterMs, error.outcomeUnknown],
        ['rate_limit', 600_000, outcomeUnknown],
        path,
      );
      const before = server.seen.length;
      const next = await failure(client.request({ target: '/ok', signal: live }));
      assert.deepEqual([next.class, next.code], ['rate_limit', 'PCP_HTTP_PAUSED']);
      assert.ok((next.retryAfterMs ?? 0) > 590_000);
      assert.equal(server.seen.length, before);
    }
    // A 429 that does not say for how long, where the settings do.
    const told = open({ baseUrl: server.origin, pauseMs: 600_000 });
    (await told.request({ target: '/429-plain', signal: live })).discard();
    assert.equal((await failure(told.request({ target: '/ok', signal: live }))).code, 'PCP_HTTP_PAUSED');
    // Also for those that were waiting for their turn.
    const one = open({ baseUrl: server.origin, maxConcurrency: 1 });
    const first = one.request({ target: '/429', signal: live });
    const second = failure(one.request({ target: '/ok', signal: live }));
    (await first).discard();
    assert.equal((await second).code, 'PCP_HTTP_PAUSED');
    const client = open({ baseUrl: server.origin });
    const error = await (await client.request({ target: '/503-plain', signal: live })).failure();
    assert.deepEqual([error.class, error.retryAfterMs, error.outcomeUnknown], ['transient', undefined, true]);
    assert.equal((await client.request({ target: '/ok', signal: live })).status, 200);
    await server.stop();
  });

  it('holds for all clients of a connection, and anew with other settings', async () => {
    const server = await HostileServer.start({
      '/busy': (_request, response) => response.writeHead(429, { 'retry-after': '600' }).end(),
      '/ok': (_request, response) => response.end('ok'),
    });
    const first = { baseUrl: server.origin, connectionId: 4711 };
    const busy = await open(first).request({ target: '/busy', signal: live });
    busy.discard();
    const again = await failure(open(first).request({ target: '/ok', signal: live }));
    assert.equal(again.code, 'PCP_HTTP_PAUSED');
    for (const other of [
      { ...first, connectionId: 4712 },
      { ...first, maxConcurrency: 2 },
    ]) {
      const response = await open(other).request({ target: '/ok', signal: live });
      assert.equal(await response.text(), 'ok');
    }
    await server.stop();
  });
});
