import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OrderApiTask } from './peers/order-api';
import type { PlainRestClient, PlainRestResult, PlainRestTask } from './peers/plain-rest';
import { BenchHub, type SyncMeasure } from './support/hub';
import { runAlone } from './support/process';
import { type Figure, median, printTable } from './support/report';

const PEERS = path.join(__dirname, 'peers');
const PAGE_SIZE = 1000;
const CONCURRENCY = 8;

/**
 * Records an API gives in pages, into an embedded store; then a part of them back, one request each. The limit is a share of
 * what a script does with Node's own `fetch`; what the bare pool of connections beneath it reaches is told beside it.
 */
export async function benchRest(rows: number, exported: number, passes: number): Promise<number> {
  const plain: PlainRestResult[] = [];
  const pool: PlainRestResult[] = [];
  const hub: PlainRestResult[] = [];
  for (let pass = 0; pass < passes; pass++) {
    plain.push(await withApi(rows, (origin) => plainScript('fetch', origin, exported)));
    pool.push(await withApi(rows, (origin) => plainScript('pool', origin, exported)));
    const readPerSecond = await withApi(rows, (origin) => ourImport(origin, rows));
    hub.push({ readPerSecond, writtenPerSecond: await withApi(exported, (origin) => ourExport(origin, exported)) });
  }
  // Neighbours in time share what else the machine does, so each pass is compared with its own peer.
  const ratio = (peer: PlainRestResult[], of: keyof PlainRestResult) =>
    median(hub.map((own, pass) => own[of] / (peer[pass]?.[of] ?? 0)));
  const both = (of: keyof PlainRestResult, what: string): Figure[] => [
    { what: `plain script ${what}`, value: median(plain.map((result) => result[of])), unit: 'records/s' },
    {
      what: `the same by a pool of connections ${what}`,
      value: median(pool.map((result) => result[of])),
      unit: 'records/s',
    },
    { what: `hub ${what}`, value: median(hub.map((result) => result[of])), unit: 'records/s' },
    { what: `hub / plain script, ${what}`, value: ratio(plain, of), unit: '', limit: { atLeast: 0.7 } },
    { what: `hub / the same by a pool, ${what}`, value: ratio(pool, of), unit: '' },
  ];
  const [all, part] = [rows, exported].map((number) => number.toLocaleString('en-US'));
  return printTable(
    `${all} records from an API in pages of ${PAGE_SIZE}, ${part} to it with ${CONCURRENCY} requests in flight, median of ${passes}`,
    [...both('readPerSecond', 'reads'), ...both('writtenPerSecond', 'writes')],
  );
}

async function withApi<T>(rows: number, work: (origin: string) => Promise<T>): Promise<T> {
  const api: ChildProcess = fork(path.join(PEERS, 'order-api.js'));
  try {
    api.send({ rows, pageSize: PAGE_SIZE } satisfies OrderApiTask);
    const [port] = await once(api, 'message');
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    api.kill();
  }
}

async function plainScript(client: PlainRestClient, origin: string, exported: number): Promise<PlainRestResult> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
  const task = { client, origin, sqlite: path.join(directory, 'plain.db'), pageSize: PAGE_SIZE, exported };
  try {
    return await runAlone<PlainRestResult>(path.join(PEERS, 'plain-rest.js'), {
      ...task,
      concurrency: CONCURRENCY,
    } satisfies PlainRestTask);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function ourImport(origin: string, rows: number): Promise<number> {
  const bench = await openHub(origin);
  try {
    return rate(await bench.synchronise('import'), rows);
  } finally {
    await bench.close();
  }
}

/** Every record is announced before it is sent, since the API would take it twice. */
async function ourExport(origin: string, rows: number): Promise<number> {
  const bench = await openHub(origin);
  try {
    await bench.synchronise('import');
    return rate(await bench.synchronise('export'), rows);
  } finally {
    await bench.close();
  }
}

function openHub(origin: string): Promise<BenchHub> {
  const orders = {
    path: '/orders',
    items: '/data',
    key: ['AUFNR'],
    paging: { type: 'page', size_parameter: 'size', size: PAGE_SIZE, total: '/total' },
    create: { path: '/orders', id: '/id' },
    idempotency_header: 'Idempotency-Key',
  };
  const config = { base_url: origin, max_concurrency: CONCURRENCY, entities: { orders } };
  return BenchHub.open({ name: 'bench API', connector_type: 'generic.rest', config }, [
    { direction: 'import', source_entity: 'orders' },
    { direction: 'export', source_entity: 'orders' },
  ]);
}

function rate({ rows, rowsPerSecond }: SyncMeasure, expected: number): number {
  if (rows !== expected) throw new Error(`The run took ${rows} of ${expected} records.`);
  return rowsPerSecond;
}
