import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHub } from '../lib/hub';
import type { Hub } from '../lib/model/services';
import type { SqlDatabase } from '../lib/protocols/sql/database';
import { openDatabase, parseDatabaseUrl } from '../lib/protocols/sql/open';
import { readSettings } from '../lib/settings';
import { toDate } from '../lib/sync/runs/run-rows';
import { type Figure, printTable, quantile } from './support/report';

const SCHEDULES = 200;
const MINUTE_MS = 60_000;

interface Fired {
  mapping: number;
  due: number;
  /** When its run was written down. */
  created: number;
  state: string;
}

/**
 * Schedules that are due every minute, on two processes over one PostgreSQL; one of them is killed in the middle and comes
 * back. Each due time must be fired once by one of them.
 */
export async function benchSchedules(minutes: number, storeUrl: string): Promise<number> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
  const children: ChildProcess[] = [];
  const start = async (): Promise<ChildProcess> => {
    const child = fork(path.join(__dirname, 'peers', 'hub-process.js'), [directory, storeUrl]);
    children.push(child);
    await once(child, 'message');
    return child;
  };
  try {
    await prepare(directory, storeUrl);
    const [first] = await Promise.all([start(), start()]);
    // Whole minutes between two moments at which nothing is due.
    const from = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
    const until = from + minutes * MINUTE_MS;
    await delay(from + ((minutes * MINUTE_MS) / 2 - MINUTE_MS / 2) - Date.now());
    first.kill('SIGKILL');
    await start();
    await delay(until - Date.now());
    const database = await openDatabase(parseDatabaseUrl(storeUrl));
    try {
      while (!(await isPast(database, until))) await delay(500);
      const fired = (await firedBy(database)).filter(({ due }) => due >= from && due < until);
      return report(fired, from, minutes);
    } finally {
      await database.close();
    }
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What is run each time is little: the schedules are what is looked at. */
async function prepare(directory: string, storeUrl: string): Promise<void> {
  const root = path.join(directory, 'files');
  mkdirSync(root);
  writeFileSync(path.join(root, 'materials.csv'), 'id\nM-1\n');
  const hub: Hub = await createHub(readSettings({ integrations: { storeUrl } }, directory, {}));
  const { id } = await hub.connections.create({ name: 'files', connector_type: 'generic.file', config: { root } });
  for (let index = 0; index < SCHEDULES; index++) {
    await hub.mappings.create({
      connection_id: id,
      name: `materials ${index}`,
      entity_type: 'material',
      direction: 'import',
      source_entity: 'materials.csv',
      target_entity: 'material',
      field_mappings: [{ source: 'id', target: 'material' }],
      schedule: '* * * * *',
      schedule_options: { overlap: 'queue_all', misfire: 'run_all' },
    });
  }
  await hub.close();
}

/** Whether nothing that is due before an instant is to be fired any more, and all of it has run. */
async function isPast(database: SqlDatabase, instant: number): Promise<boolean> {
  const [left] = await database.query(
    `SELECT (SELECT COUNT(*) FROM integration_schedules WHERE next_fire_at < ?)
       + (SELECT COUNT(*) FROM integration_sync_logs WHERE due_at < ? AND ended_at IS NULL) AS n`,
    [instant, instant],
  );
  return Number(left?.n) === 0;
}

async function firedBy(database: SqlDatabase): Promise<Fired[]> {
  const rows = await database.query('SELECT mapping_id, due_at, started_at, state FROM integration_sync_logs');
  return rows.map(({ mapping_id, due_at, started_at, state }) => ({
    mapping: Number(mapping_id),
    due: Number(due_at),
    created: toDate(started_at)?.getTime() ?? Number.NaN,
    state: String(state),
  }));
}

function report(fired: readonly Fired[], from: number, minutes: number): number {
  const times = Map.groupBy(fired, ({ mapping, due }) => `${mapping} ${due}`);
  const wanted = SCHEDULES * minutes;
  const mappings = new Set(fired.map(({ mapping }) => mapping));
  let missing = 0;
  for (const mapping of mappings) {
    for (let minute = 0; minute < minutes; minute++)
      if (!times.has(`${mapping} ${from + minute * MINUTE_MS}`)) missing += 1;
  }
  missing += (SCHEDULES - mappings.size) * minutes;
  const late = fired.map(({ due, created }) => (created - due) / 1000);
  const figures: Figure[] = [
    { what: 'due times', value: wanted, unit: '' },
    { what: 'fired', value: times.size, unit: '', limit: { atLeast: wanted } },
    { what: 'not fired', value: missing, unit: '', limit: { atMost: 0 } },
    { what: 'fired more than once', value: fired.length - times.size, unit: '', limit: { atMost: 0 } },
    {
      what: 'runs that did not succeed',
      ...{ value: fired.filter(({ state }) => state !== 'succeeded').length, unit: '', limit: { atMost: 0 } },
    },
    { what: 'after it was due, p50', value: quantile(late, 0.5), unit: 's' },
    { what: 'after it was due, p99', value: quantile(late, 0.99), unit: 's' },
  ];
  const title = `${SCHEDULES} schedules per minute for ${minutes} minutes on two processes, one killed in the middle, PostgreSQL`;
  return printTable(title, figures);
}
