import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { Counter } from '../support/counter';
import { databaseUrl } from '../support/database-server';
import { Gate } from '../support/gate';
import { temporaryDirectory } from '../support/hub';
import { LiveHub } from '../support/live-hub';
import { postgresServer } from '../support/postgres';

const PER_SECOND = 1_000;
const KILLS = 3;
/** How long PostgreSQL is away while processes are killed: 600 is the proof in full, which also looks at the clock. */
const OUTAGE_SECONDS = Number(process.env.INTEGRATIONS_TEST_OUTAGE_SECONDS ?? 2);
const IS_FULL_PROOF = OUTAGE_SECONDS >= 60;

describe('live values while PostgreSQL is away', function () {
  this.timeout(180_000 + 4_000 * OUTAGE_SECONDS);
  let directory: string;
  let remove: () => Promise<void>;
  let options: SqlOptions;
  let gate: Gate;
  let counter: Counter;
  let hub: LiveHub;
  let url: string;
  let mappingId: number;

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
    mappingId = await hub.follow(counter.port);
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

  /** For its share of the outage values are only spooled. */
  async function spoolOn(): Promise<void> {
    const { acknowledged } = counter;
    await until(() => counter.acknowledged > acknowledged + (PER_SECOND * OUTAGE_SECONDS) / (KILLS + 1));
  }

  /** As kill -9 does, at whatever moment it is. */
  async function kill(): Promise<void> {
    await until(() => hub.client.state.pid !== null);
    process.kill(hub.client.state.pid as number, 'SIGKILL');
    await spoolOn();
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
    const first = counter.counted;
    await spoolOn();
    for (let kills = 0; kills < KILLS - 1; kills++) await kill();
    // Node-RED itself begins anew, and its store is still away.
    process.kill(hub.client.state.pid as number, 'SIGKILL');
    await hub.close().catch(() => undefined);
    hub = new LiveHub(directory, url);
    await assert.rejects(hub.open());
    await spoolOn();
    assert.ok(Math.abs((await arrived()) - before) <= 300, 'nothing but the batch in flight got through');
    assert.ok(counter.connections > KILLS);

    await gate.open();
    await until(() =>
      hub.open().then(
        () => true,
        () => false,
      ),
    );
    const backlog = counter.acknowledged - before;
    await until(async () => (await arrived()) > before);
    /** What was counted when, while the backlog drains. */
    const counted: [n: number, at: number][] = [];
    await until(async () => {
      counted.push([counter.counted - 1, Date.now()]);
      return (await arrived()) > before + backlog;
    });
    counter.pause();
    await until(() => counter.acknowledged === counter.counted - 1);
    await until(async () => (await arrived()) >= counter.counted);

    const found = await rows(
      'SELECT tag, value_number AS n, _updated_at AS at FROM pcp_measurement ORDER BY value_number',
    );
    assert.deepEqual(
      found.map(({ n }) => Number(n)),
      Array.from({ length: counter.counted }, (_, n) => n),
      'each of them once',
    );
    const writtenAt = found.map(({ at }) => Number(at));
    for (const [tag, ofTag] of Map.groupBy(found.slice(first), (row) => row.tag)) {
      const overtaken = ofTag.filter(({ at }, index) => index > 0 && Number(at) < Number(ofTag[index - 1]?.at));
      assert.ok(overtaken.length <= 1, `${tag}: new values overtake the backlog, and nothing else is out of order`);
    }
    if (IS_FULL_PROOF) {
      const lags = counted.map(([n, at]) => (writtenAt[n] ?? Number.NaN) - at).sort((a, b) => a - b);
      console.log(
        `      ${backlog} waited; lag of ${lags.length} new values: p50 ${lags[lags.length >> 1]} ms, most ${lags.at(-1)} ms`,
      );
      assert.ok(
        (lags[Math.floor(0.99 * lags.length)] ?? Number.NaN) < 2_000,
        'new values are there within two seconds',
      );
    }
    assert.deepEqual(await rows('SELECT id FROM integration_dead_letters'), []);
    const outages = hub.logged.filter((line) => /^(warn|error)/.test(line));
    assert.ok(outages.length <= 6, outages.join('\n'));
  });

  describe('for longer than the spool has room', () => {
    const LIMIT = 1_000;

    async function limit(when_full: 'stop_ack' | 'drop_oldest'): Promise<void> {
      const mapping = await hub.mappings.get(mappingId);
      await hub.mappings.update(mappingId, { ...mapping, options: { live: { max_records: LIMIT, when_full } } });
      counter.run(PER_SECOND);
      const { acknowledged } = counter;
      await until(() => counter.acknowledged > acknowledged);
      await until(async () => (await arrived()) > acknowledged);
      await gate.shut();
      await until(() => hub.logged.some((line) => line.includes(`full (${when_full})`)));
    }

    async function drained(): Promise<number> {
      counter.pause();
      await gate.open();
      await until(() => counter.acknowledged === counter.counted - 1);
      await until(() => hub.client.status(mappingId)?.backlog.records === 0);
      return hub.client.status(mappingId)?.dropped ?? Number.NaN;
    }

    it('keep their source waiting, and are all there afterwards', async () => {
      await limit('stop_ack');
      await until(() => counter.counted > counter.acknowledged + PER_SECOND);
      assert.ok((hub.client.status(mappingId)?.backlog.records ?? 0) <= LIMIT);
      await until(() => hub.client.health.alarms.some(({ kind, count }) => kind === 'full' && count > 0));
      assert.equal(await drained(), 0);
      assert.equal(await arrived(), counter.counted);
    });

    it('lose the oldest, counted, where that is wanted', async () => {
      await limit('drop_oldest');
      const { acknowledged } = counter;
      await until(() => counter.acknowledged > acknowledged + LIMIT);
      const dropped = await drained();
      assert.deepEqual(
        hub.client.health.alarms.map(({ kind, count }) => [kind, count]),
        [['dropped', dropped]],
      );
      const missing = counter.counted - (await arrived());
      assert.ok(missing > 0 && missing <= dropped, `${missing} are missing, ${dropped} were counted`);
      // Of the batch whose commit was cut off nobody knew whether it had arrived.
      assert.ok(dropped <= missing + LIMIT, `${missing} are missing, ${dropped} were counted`);
    });
  });
});
