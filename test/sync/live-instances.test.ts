import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { KEY_FILE } from '../../lib/security/keys';
import { Counter } from '../support/counter';
import { databaseUrl } from '../support/database-server';
import { Gate } from '../support/gate';
import { temporaryDirectory } from '../support/hub';
import { LiveHub } from '../support/live-hub';
import { postgresServer } from '../support/postgres';

const PER_SECOND = 500;
const LEASE_MS = 8_000;

describe('a live mapping of two instances on one PostgreSQL', () => {
  let options: SqlOptions;
  let directories: { path: string; remove: () => Promise<void> }[];
  let gates: Gate[];
  let counter: Counter;
  let hubs: LiveHub[];
  let mappingId: number;

  beforeEach(async function () {
    options = await (await postgresServer(this)).createDatabase();
    counter = await Counter.start();
    [directories, gates, hubs] = [[], [], []];
    for (let n = 0; n < 2; n++) {
      gates[n] = new Gate(options.port ?? 0);
      await gates[n]!.open();
      await open(n);
    }
    mappingId = await hubs[0]!.follow(counter.port);
    counter.run(PER_SECOND);
    await until(() => state(0) === 'connected');
    await hubs[1]!.refresh();
    await until(() => state(1) === 'standby');
    await until(async () => (await arrived()) > PER_SECOND);
    const [lock] = await query(
      `SELECT lease_until - CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS remaining FROM integration_stream_locks
       WHERE stream LIKE 'live:%'`,
    );
    assert.ok(Number(lock?.remaining) <= LEASE_MS, 'a host that is gone is missed as soon as that');
  });

  afterEach(async () => {
    for (const hub of hubs ?? []) await hub.close();
    await counter?.stop();
    for (const gate of gates ?? []) await gate.shut();
    for (const { remove } of directories ?? []) await remove();
  });

  /** Opens an instance, for the first time or again. */
  async function open(n: number): Promise<void> {
    if (directories[n] === undefined) {
      const directory = await temporaryDirectory();
      directories[n] = directory;
      // Whoever shares a store has its key.
      if (n > 0) copyFileSync(join(directories[0]!.path, KEY_FILE), join(directory.path, KEY_FILE));
    }
    const url = databaseUrl({ ...options, port: gates[n]!.port });
    hubs[n] = new LiveHub(directories[n]!.path, url, 'shared-live-process.js');
    await hubs[n]!.open();
  }

  const state = (n: number) => hubs[n]!.client.status(mappingId)?.state;

  async function until(isDone: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await isDone())) await delay(50);
  }

  /** Past the gates, as the ledger's other side. */
  async function query(sql: string): Promise<Record<string, unknown>[]> {
    const { host, port, database, username, password } = options;
    const client = new pg.Client({ host, port, database, user: username, password });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async function numbers(): Promise<number[]> {
    const rows = await query('SELECT value_number AS n FROM pcp_measurement ORDER BY value_number');
    return rows.map(({ n }) => Number(n));
  }

  const arrived = async () => (await numbers()).length;

  async function allArrive(): Promise<void> {
    counter.pause();
    await until(() => counter.acknowledged === counter.counted - 1);
    await until(async () => (await arrived()) >= counter.counted);
    assert.deepEqual(
      await numbers(),
      Array.from({ length: counter.counted }, (_, n) => n),
      'each of them once',
    );
  }

  /** Values go on arriving. */
  async function goesOn(): Promise<void> {
    const before = counter.counted;
    await until(async () => (await numbers()).some((n) => n > before + PER_SECOND));
  }

  it('is run by one of them, and by the other when that is closed', async () => {
    assert.equal(counter.connections, 1);
    await hubs[0]!.close();
    await until(() => state(1) === 'connected');
    await goesOn();
    assert.equal(counter.connections, 2);
    await open(0);
    await until(() => state(0) === 'standby');
    await allArrive();
    assert.equal(state(1), 'connected', 'it stays where it is');
  });

  it('is taken over when its process is killed and does not come back', async () => {
    process.kill(hubs[0]!.client.state.pid as number, 'SIGKILL');
    await hubs[0]!.close();
    await until(() => state(1) === 'connected');
    await goesOn();
    await open(0);
    await allArrive();
  });

  it('stays where it is while the store is away from both for longer than the lease', async () => {
    for (const gate of gates) await gate.shut();
    const { acknowledged } = counter;
    await until(() => counter.acknowledged > acknowledged + (PER_SECOND * 1.25 * LEASE_MS) / 1000);
    for (const gate of gates.toReversed()) await gate.open();
    await allArrive();
    assert.equal(counter.connections, 1, 'nobody else listened');
    assert.equal(state(0), 'connected');
  });

  it('is taken over when its owner stands still, whose spool follows when it goes on', async () => {
    await gates[0]!.shut();
    const { acknowledged } = counter;
    await until(() => counter.acknowledged > acknowledged + PER_SECOND);
    const owner = hubs[0]!.client.state.pid as number;
    process.kill(owner, 'SIGSTOP');
    // That of its run would last longer than anybody waits.
    await query(
      "UPDATE integration_stream_locks SET lease_until = lease_until + 3600000 WHERE stream LIKE 'mapping:%'",
    );
    await gates[0]!.open();
    await until(() => state(1) === 'connected');
    await goesOn();
    process.kill(owner, 'SIGCONT');
    await until(() => state(0) === 'standby');
    await allArrive();
    await until(() => hubs[0]!.client.status(mappingId)?.backlog.records === 0);
    assert.equal(state(1), 'connected');
  });
});
