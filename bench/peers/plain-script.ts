import { createReadStream } from 'node:fs';
import { inferSchema, initParser, type Parser } from 'udsv';
import { peakMemory } from '../support/process';
import { mapCells, type Order, orderValidator } from './hand-written';

export interface PlainScriptTask {
  file: string;
  /** PostgreSQL URL, or the path of a SQLite file. */
  target: { postgres: string } | { sqlite: string };
}

export interface PlainScriptResult {
  rows: number;
  seconds: number;
  peakMemoryMb: number | null;
}

/** Rows of one write; one write at a time. */
const BATCH = 10_000;

export interface PlainTarget {
  write(orders: Order[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * The best plain streaming script: parse, map, validate, upsert, one batch in flight. No checkpoints, no hashes, no
 * dead letters: the first bad row ends it.
 */
async function run(task: PlainScriptTask): Promise<PlainScriptResult> {
  const validate = orderValidator();
  const target: PlainTarget =
    'postgres' in task.target
      ? await (await import('./plain-postgres.js')).openPostgres(task.target.postgres)
      : (await import('./plain-sqlite.js')).openSqlite(task.target.sqlite);
  const started = performance.now();
  let rows = 0;
  let pending: Order[] = [];
  let parser: Parser | null = null;
  const onRow = (cells: string[]) => {
    const order = mapCells(cells);
    validate(order);
    pending.push(order);
  };
  for await (const chunk of createReadStream(task.file, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    parser ??= initParser(inferSchema(chunk, { col: ';', row: '\n', encl: '"' }));
    parser.chunk<string[]>(chunk, parser.stringArrs as never, onRow);
    while (pending.length >= BATCH) {
      const batch = pending.slice(0, BATCH);
      pending = pending.slice(BATCH);
      await target.write(batch);
      rows += batch.length;
    }
  }
  parser?.end();
  if (pending.length > 0) await target.write(pending);
  rows += pending.length;
  const seconds = (performance.now() - started) / 1000;
  await target.close();
  return { rows, seconds, peakMemoryMb: peakMemory(process.pid) };
}

process.once('message', async (task) => {
  process.send?.(await run(task as PlainScriptTask));
});
