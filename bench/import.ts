import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionInput } from '../lib/model/services';
import { expertFlow, stockFlow } from './peers/flows';
import { PEER_TABLE } from './peers/plain-postgres';
import type { PlainScriptResult, PlainScriptTask } from './peers/plain-script';
import { BenchHub, type SyncMeasure } from './support/hub';
import { BenchNodeRed } from './support/node-red';
import { orderFile } from './support/orders';
import { runAlone } from './support/process';
import { type Figure, median, printTable } from './support/report';

type Target = { postgres: string } | { sqlite: string };

export interface ImportOptions {
  rows: number;
  passes: number;
  /** Rows that the peer flows import: their rate does not depend on the number, only the waiting does. */
  expertRows: number;
  stockRows: number;
  /** Second size for the memory figure, or 0 to leave it out. */
  memoryRows: number;
}

const PLAIN_SCRIPT = path.join(__dirname, 'peers', 'plain-script.js');

/** CSV of 12 fields into one store, ours and its peers, in the same run. @param postgres URL, or null for embedded SQLite */
export async function benchImport(dataDirectory: string, postgres: string | null, options: ImportOptions) {
  const file = await orderFile(dataDirectory, options.rows);
  const plain: number[] = [];
  const first: SyncMeasure[] = [];
  const second: SyncMeasure[] = [];
  for (let pass = 0; pass < options.passes; pass++) {
    const script = await withTarget(postgres, (target) =>
      runAlone<PlainScriptResult>(PLAIN_SCRIPT, { file, target } satisfies PlainScriptTask),
    );
    plain.push(script.rows / script.seconds);
    const [once, twice] = await ourImport(dataDirectory, file, postgres, true);
    first.push(once as SyncMeasure);
    second.push(twice as SyncMeasure);
  }
  const expert = await flowRate(dataDirectory, postgres, options.expertRows, expertFlow);
  const stock = await flowRate(dataDirectory, postgres, options.stockRows, stockFlow);
  const limit = median(plain);
  const own = median(first.map((measure) => measure.rowsPerSecond));
  const again = median(second.map((measure) => measure.rowsPerSecond));
  const peak = Math.max(...[...first, ...second].map((measure) => measure.peakMemoryMb ?? 0));
  const figures: Figure[] = [
    { what: 'plain streaming script', value: limit, unit: 'rows/s' },
    { what: `expert Node-RED flow (${options.expertRows} rows)`, value: expert, unit: 'rows/s' },
    { what: `stock Node-RED flow (${options.stockRows} rows)`, value: stock, unit: 'rows/s' },
    { what: 'hub, first run', value: own, unit: 'rows/s' },
    { what: 'hub, second run of the same file', value: again, unit: 'rows/s' },
    { what: 'hub / plain script', value: own / limit, unit: '', limit: { atLeast: 0.6 } },
    { what: 'hub / expert flow', value: own / expert, unit: 'times', limit: { atLeast: 3 } },
    { what: 'hub / stock flow', value: own / stock, unit: 'times', limit: { atLeast: 12 } },
    { what: 'second run / first run', value: again / own, unit: 'times', limit: { atLeast: 2 } },
    { what: "runner's peak memory", value: peak, unit: 'MB', limit: { atMost: 300 } },
  ];
  if (options.memoryRows > 0) {
    const large = await orderFile(dataDirectory, options.memoryRows);
    const [measure] = await ourImport(dataDirectory, large, postgres, false);
    const largePeak = measure?.peakMemoryMb ?? 0;
    figures.push({
      what: `runner's peak memory at ${options.memoryRows} rows`,
      value: largePeak,
      unit: 'MB',
      limit: { atMost: 300 },
    });
    figures.push({ what: 'ratio of the two', value: largePeak / peak, unit: '', limit: { atMost: 1.25 } });
  }
  const title = `Import of ${options.rows.toLocaleString('en-US')} CSV rows into ${postgres ? 'PostgreSQL' : 'SQLite'}, median of ${options.passes}`;
  return printTable(title, figures);
}

/** The same file into a table of another PostgreSQL: links in the embedded store say what it holds. */
export async function benchForeignImport(dataDirectory: string, postgres: string, options: ImportOptions) {
  const file = await orderFile(dataDirectory, options.rows);
  const plain: number[] = [];
  const first: SyncMeasure[] = [];
  const second: SyncMeasure[] = [];
  for (let pass = 0; pass < options.passes; pass++) {
    const script = await withTarget(postgres, (target) =>
      runAlone<PlainScriptResult>(PLAIN_SCRIPT, { file, target } satisfies PlainScriptTask),
    );
    plain.push(script.rows / script.seconds);
    const [once, twice] = await withDatabase(postgres, async (url) => {
      await createTable(url);
      const bench = await BenchHub.open(
        filesOf(dataDirectory, file),
        [{ direction: 'import', source_entity: 'orders' }],
        undefined,
        { connection: databaseOf(url), entity: 'orders' },
      );
      try {
        return [await bench.synchronise('import', false), await bench.synchronise('import', false)] as const;
      } finally {
        await bench.close();
      }
    });
    first.push(once);
    second.push(twice);
  }
  const limit = median(plain);
  const own = median(first.map((measure) => measure.rowsPerSecond));
  const again = median(second.map((measure) => measure.rowsPerSecond));
  const peak = Math.max(...[...first, ...second].map((measure) => measure.peakMemoryMb ?? 0));
  const title = `Import of ${options.rows.toLocaleString('en-US')} CSV rows into a table of another PostgreSQL, median of ${options.passes}`;
  return printTable(title, [
    { what: 'plain streaming script', value: limit, unit: 'rows/s' },
    { what: 'hub, first run', value: own, unit: 'rows/s' },
    { what: 'hub, second run of the same file', value: again, unit: 'rows/s' },
    { what: 'hub / plain script', value: own / limit, unit: '', limit: { atLeast: 0.6 } },
    { what: 'second run / first run', value: again / own, unit: 'times', limit: { atLeast: 2 } },
    { what: "runner's peak memory", value: peak, unit: 'MB', limit: { atMost: 300 } },
  ]);
}

async function createTable(url: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE TABLE orders ${PEER_TABLE}`);
  await client.end();
}

function databaseOf(url: string): ConnectionInput {
  const { hostname: host, port, username, password, pathname } = new URL(url);
  const config = { dialect: 'postgres', host, port: Number(port), database: pathname.slice(1), username };
  const credentials = password === '' ? {} : { password };
  return { name: 'bench database', connector_type: 'generic.database', config, credentials };
}

function filesOf(directory: string, file: string): ConnectionInput {
  const orders = { path: path.basename(file), format: 'csv', delimiter: ';', header: true, after_read: 'keep' };
  return { name: 'bench files', connector_type: 'generic.file', config: { root: directory, entities: { orders } } };
}

/** A fresh target for each measurement: a new database, or a new file. */
async function withTarget<T>(postgres: string | null, work: (target: Target) => Promise<T>): Promise<T> {
  if (postgres) {
    return withDatabase(postgres, (url) => work({ postgres: url }));
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
  try {
    return await work({ sqlite: path.join(directory, 'plain.db') });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function withDatabase<T>(server: string, work: (url: string) => Promise<T>): Promise<T> {
  const { default: pg } = await import('pg');
  const name = `bench_${process.pid}_${Math.floor(performance.now())}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  try {
    return await work(url.href);
  } finally {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
}

/** The hub with a store of its own: the first run, and a second one of the same file when wanted. */
async function ourImport(directory: string, file: string, postgres: string | null, again: boolean) {
  const measure = async (url?: string) => {
    const bench = await BenchHub.open(
      filesOf(directory, file),
      [{ direction: 'import', source_entity: 'orders' }],
      url,
    );
    try {
      const first = await bench.synchronise();
      return again ? [first, await bench.synchronise()] : [first];
    } finally {
      await bench.close();
    }
  };
  return postgres ? withDatabase(postgres, measure) : measure();
}

/** Rows per second of a peer flow in a Node-RED of its own. */
async function flowRate(
  directory: string,
  postgres: string | null,
  rows: number,
  flow: (file: string) => object[],
): Promise<number> {
  const file = await orderFile(directory, rows);
  return withTarget(postgres, async (target) => {
    const nodeRed = await BenchNodeRed.start({ flows: flow(file), withPackage: false, target });
    try {
      const started = performance.now();
      await nodeRed.get('/bench/start');
      while ((await nodeRed.state()).rows < rows) {
        if (performance.now() - started > 600_000) throw new Error('The peer flow did not finish within 10 minutes.');
        await delay(20);
      }
      return rows / ((performance.now() - started) / 1000);
    } finally {
      await nodeRed.stop();
    }
  });
}
