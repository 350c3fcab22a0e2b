import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { Counter } from '../support/counter';
import { Gate } from '../support/gate';
import { temporaryDirectory } from '../support/hub';
import { LiveHub } from '../support/live-hub';
import { databaseUrl, postgresServer } from '../support/postgres';

const PER_SECOND = 1_000;
const KILLS = 3;

describe('live values while PostgreSQL is away', function () {
  this.timeout(120_000);
  let directory: string;
  let remove: () => Promise<void>;
  let options: SqlOptions;
  let gate: Gate;
  let counter: Counter;
  let hub: LiveHub;
  let url: string;

  before(async function () {
    const server = await postgresServer(this);
    options = await server.createDatabase();
    ({ path: directory, remove } = await temporaryDirectory());
    gate = new Gate(options.port ?? 0);
    await gate.open();
    url = databaseUrl({ ...options, port: gate.port });
    counter = await Counter.start();
    hub = new LiveHub(directory, url);
    await hub.open();
    await hub.follow(counter.port);
    counter.run(PER_SECOND);
    await until(() => counter.acknowledged > PER_SECOND);
    await until(async () => (await hub.records.list('measurement', { limit: 1 })).total > PER_SECOND);
  });

  after(async () => {
    await hub?.close();
    await counter?.stop();
    await gate?.shut();
    await remove?.();
  });

  async function until(isDone: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await isDone())) await delay(50);
  }

  /** Past the gate, as the ledger's other side. */
  async function rows(sql: string): Promise<Record<string, unknown>[]> {
    const { host, port, database, username, password } = options;
    const client = new pg.Client({ host, port, database, user: username, password });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const arrived = async () => Number((await rows('SELECT COUNT(*) AS n FROM pcp_measurement'))[0]?.n);

  /** As kill -9 does, at whatever moment it is. */
  async function kill(): Promise<void> {
    await until(() => hub.client.state.pid !== null);
    process.kill(hub.client.state.pid as number, 'SIGKILL');
    const { acknowledged } = counter;
    await until(() => counter.acknowledged > acknowledged + PER_SECOND / 2);
  }

  it('follow by themselves when it is back', async () => {
    await gate.shut();
    const { acknowledged } = counter;
    await until(() => counter.acknowledged > acknowledged + 2 * PER_SECOND);
    assert.equal(counter.connections, 1, 'the source has noticed nothing');
    await gate.open();
    await until(async () => (await arrived()) > counter.acknowledged - 200);
    await until(() => hub.logged.some((line) => line.startsWith('info:')));
    const told = hub.logged.filter((line) => !line.startsWith('debug'));
    assert.deepEqual(
      told.map((line) => line.split(':')[0]),
      ['warn', 'info'],
    );
  });

  it('are all there afterwards, once and in order, although the process was killed in between', async () => {
    await gate.shut();
    const before = await arrived();
    for (let kills = 0; kills < KILLS - 1; kills++) await kill();
    // Node-RED itself begins anew, and its store is still away.
    process.kill(hub.client.state.pid as number, 'SIGKILL');
    await hub.close().catch(() => undefined);
    hub = new LiveHub(directory, url);
    await assert.rejects(hub.open());
    const { acknowledged } = counter;
    await until(() => counter.acknowledged > acknowledged + PER_SECOND);
    assert.ok(Math.abs((await arrived()) - before) <= 300, 'nothing but the batch in flight got through');
    assert.ok(counter.connections > KILLS);

    await gate.open();
    await until(() =>
      hub.open().then(
        () => true,
        () => false,
      ),
    );
    await until(async () => (await arrived()) > before + PER_SECOND);
    counter.pause();
    await until(() => counter.acknowledged === counter.counted - 1);
    await until(async () => (await arrived()) >= counter.counted);

    const found = await rows('SELECT tag, value_number AS n FROM pcp_measurement ORDER BY tag, source_timestamp');
    assert.equal(found.length, counter.counted, 'each of them once');
    const numbers = new Set(found.map(({ n }) => Number(n)));
    assert.equal(numbers.size, counter.counted);
    const last = new Map<unknown, number>();
    for (const { tag, n } of found) {
      assert.ok((last.get(tag) ?? -1) < Number(n), `${tag}: ${n} after ${last.get(tag)}`);
      last.set(tag, Number(n));
    }
    assert.deepEqual(await rows('SELECT id FROM integration_dead_letters'), []);
    const outages = hub.logged.filter((line) => /^(warn|error)/.test(line));
    assert.ok(outages.length <= 6, outages.join('\n'));
  });
});
