import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Hub } from '../../lib/model/services';
import type { RequestLimits } from '../../lib/protocols/http/request-gate';
import { SharedRequestLimits } from '../../lib/sync/http/request-limits';
import { openHub } from '../support/hub';
import { Judge } from '../support/judge';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';
import type { LimitedWork } from './limited-process';

/** Ten minutes are 6,000. */
const REQUESTS = Number(process.env.PCP_TEST_REQUESTS ?? 90);
const PATHS = ['/a', '/b', '/c'];
const live = new AbortController().signal;

for (const kind of storeKinds) {
  describe(`limits that processes share, on ${kind.name}`, () => {
    let place: TestStore;
    let judge: Judge;
    let answerMs: () => number;
    let baseUrl: string;
    let children: ChildProcess[];

    beforeEach(async function () {
      children = [];
      place = await newStore(kind, this);
      answerMs = () => 100 + Math.random() * 500;
      judge = new Judge(() => answerMs());
      baseUrl = await judge.start();
    });
    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL');
      await judge?.stop();
      await place?.dispose();
    });

    const start = (work: Omit<LimitedWork, 'store' | 'baseUrl'>) => {
      const parameter: LimitedWork = { store: place.options, baseUrl, ...work };
      const child = fork(join(__dirname, 'limited-process.js'), [JSON.stringify(parameter)]);
      children.push(child);
      return child;
    };
    const stop = async (child: ChildProcess) => {
      child.send('stop');
      const [code] = await once(child, 'exit');
      assert.equal(code, 0);
    };
    const arrived = (path: string) => judge.arrivals.filter((arrival) => arrival.path === path).length;

    // A store in a file has one hub, of two processes.
    const onServers = kind.name === 'SQLite' ? () => undefined : it;
    onServers('two hubs never ask more often than allowed together, and both have their part', async function () {
      this.timeout(180_000 + REQUESTS * 200);
      const { directory, url } = place.options;
      const hubs = await Promise.all([1, 2].map(() => openHub(directory, { ...(url && { storeUrl: url }) })));
      try {
        const { id } = await hubs[0]!.connections.create({
          name: 'api',
          connector_type: 'generic.rest',
          config: { base_url: baseUrl, requests_per_second: 10, max_concurrency: 4, entities: { all: { path: '/a' } } },
        });
        const connection = await hubs[0]!.connections.open(id);
        const ask = async (hub: Hub, path: string) => {
          while (judge.arrivals.length < REQUESTS) await hub.runner.call(connection, 'request', { path });
        };
        await Promise.all(hubs.flatMap((hub, index) => Array.from({ length: 6 }, () => ask(hub, PATHS[index]!))));
      } finally {
        await Promise.all(hubs.map((hub) => hub.close()));
      }
      const parts = PATHS.slice(0, 2).map(arrived);
      if (process.env.PCP_TEST_REQUESTS) console.log(judge.summary, parts);
      assert.ok(judge.mostPerSecond <= 10, `${judge.mostPerSecond} in a second`);
      assert.ok(judge.mostAtOnce <= 4, `${judge.mostAtOnce} at a time`);
      for (const part of parts) assert.ok(part > REQUESTS / 4, `${part} of ${REQUESTS}`);
      const { database } = place.store;
      assert.deepEqual(await database.query('SELECT * FROM integration_request_places'), []);
      const left = `SELECT * FROM integration_request_turns WHERE lease_until > ${database.epochMs} + 1020`;
      assert.deepEqual(await database.query(left), []);
    });

    onServers('processes that stall with a request in their hands never ask more often than allowed', async () => {
      answerMs = () => 5;
      const work = { maxConcurrency: 4, requestsPerSecond: 10 };
      const all = [
        start({ ...work, target: '/a', parallel: 4 }),
        ...['/b', '/c', '/c'].map((target) => start({ ...work, target, parallel: 1, stallMs: 900 })),
      ];
      await judge.when(() => judge.arrivals.length >= REQUESTS);
      await Promise.all(all.map(stop));
      assert.ok(judge.mostPerSecond <= 10, `${judge.mostPerSecond} in a second`);
    });

    it('turns of a process that was killed are kept for a second', async () => {
      const { database } = place.store;
      const limits = new SharedRequestLimits(database, () => undefined);
      const allowance = { perSecond: 1, atOnce: 1 };
      const { pid } = spawnSync(process.execPath, ['--version']);
      await database.execute(
        `INSERT INTO integration_request_turns (connection_id, holder, held, wanted, since, lease_until)
         VALUES (1, ?, 1, 1, 0, ${database.epochMs} + 3600000)`,
        [`${hostname()}:${pid}:x:1`],
      );
      const began = await database.now();
      await limits.of(1, allowance).turn(live);
      const waited = Number(await database.now()) - Number(began);
      assert.ok(waited >= 1000, `${waited} ms`);
      await limits.close();
    });

    // MariaDB locks what is not there yet as well.
    const onPostgres = kind.name === 'PostgreSQL' ? it : () => undefined;
    onPostgres('a connection that two are the first to use is used under their lock by both', async () => {
      const { database } = place.store;
      const said: string[][] = [];
      const transaction: typeof database.transaction = (work) =>
        database.transaction((begun) => {
          const statements: string[] = [];
          said.push(statements);
          const execute: typeof begun.execute = async (sql, values) => {
            const changed = await begun.execute(sql, values);
            statements.push(`${sql.trim().split(' ')[0]} ${changed}`);
            // The other one comes between this statement and the next.
            if (changed === 0) await database.execute('INSERT INTO integration_request_limits VALUES (1, 0)');
            return changed;
          };
          return work(Object.create(begun, { execute: { value: execute } }) as typeof begun);
        });
      const late = Object.create(database, { transaction: { value: transaction } }) as typeof database;
      const limits = new SharedRequestLimits(late, () => undefined);
      (await limits.of(1, { perSecond: undefined, atOnce: 1 }).place(live))();
      await limits.close();
      assert.deepEqual(said.slice(0, 2), [['UPDATE 0'], ['UPDATE 1', 'INSERT 1']]);
    });

    it('a single place goes round among three processes', async () => {
      const all = PATHS.map((target) => start({ target, maxConcurrency: 1, parallel: 2 }));
      await judge.when(() => PATHS.every((path) => arrived(path) >= 2));
      await Promise.all(all.map(stop));
      assert.equal(judge.mostAtOnce, 1);
    });

    it('places of a process that was killed come back', async () => {
      const dying = start({ target: '/held', maxConcurrency: 4, parallel: 4 });
      await judge.when(() => judge.current.get('/held') === 4);
      dying.kill('SIGKILL');
      await once(dying, 'exit');
      // Not because their time is over.
      await place.store.database.execute(
        'UPDATE integration_request_places SET lease_until = lease_until + 3600000 WHERE connection_id = 1',
      );
      const next = start({ target: '/held/too', maxConcurrency: 4, parallel: 4 });
      await judge.when(() => judge.current.get('/held/too') === 4);
      next.kill('SIGKILL');
    });

    it('places of a host that is gone come back when their lease is over', async () => {
      const { database } = place.store;
      const limits = new SharedRequestLimits(database, () => undefined).of(1, { perSecond: undefined, atOnce: 1 });
      (await limits.place(live))();
      const insert = `INSERT INTO integration_request_places (connection_id, holder, held, wanted, since, lease_until)
        VALUES (2, 'another:1:x:1', 1, 1, 0, ${database.epochMs} + ?)`;
      await database.execute(insert, [3_600_000]);
      const other = new SharedRequestLimits(database, () => undefined);
      let isIn = false;
      const entered = other
        .of(2, { perSecond: undefined, atOnce: 1 })
        .place(live)
        .then((leave) => {
          isIn = true;
          return leave;
        });
      const seen = `SELECT wanted FROM integration_request_places WHERE connection_id = 2 AND holder <> 'another:1:x:1'`;
      while ((await database.query(seen)).length === 0) await new Promise(setImmediate);
      assert.equal(isIn, false);
      await database.execute('UPDATE integration_request_places SET lease_until = 0 WHERE connection_id = 2');
      (await entered)();
      await other.close();
    });

    it('a pause holds for the other process as well', async () => {
      const [one, other] = [1, 2].map(() =>
        new SharedRequestLimits(place.store.database, () => undefined).of(1, { perSecond: 100, atOnce: 4 }),
      ) as [RequestLimits, RequestLimits];
      await one.turn(live);
      await other.turn(live);
      one.pause(600_000);
      while (other.pausedFor === 0) await other.turn(live);
      assert.ok(other.pausedFor > 500_000 && other.pausedFor <= 600_000);
    });

    it('the last word about a quota is noted, with its end by the time of the store', async () => {
      const { database } = place.store;
      const shared = new SharedRequestLimits(database, () => assert.fail());
      const limits = shared.of(1, { perSecond: undefined, atOnce: 1 });
      (await limits.place(live))();
      limits.quota({ limit: 100, remaining: 99 });
      limits.quota({ limit: 100, remaining: 20, resetAt: new Date(Date.now() + 600_000).toISOString() });
      await shared.close();
      const [row] = await database.query('SELECT * FROM integration_request_limits WHERE connection_id = 1');
      assert.deepEqual([Number(row?.quota), Number(row?.quota_remaining)], [100, 20]);
      assert.ok(Number(row?.quota_reset_at) > Number(row?.quota_heard_at));
    });

    it('a store that is away fails what waits, and counts anew when it is back', async () => {
      const { database } = place.store;
      const messages: string[] = [];
      const shared = new SharedRequestLimits(database, (_level, message) => messages.push(message));
      const limits = shared.of(1, { perSecond: undefined, atOnce: 1 });
      await database.execute('ALTER TABLE integration_request_places RENAME TO away');
      await assert.rejects(limits.place(live), { code: 'PCP_SQL_TABLE_UNKNOWN' });
      await database.execute('ALTER TABLE away RENAME TO integration_request_places');
      (await limits.place(live))();
      assert.equal(messages.length, 1);
      await shared.close();
    });
  });
}
