import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { mapCells, type Order, orderValidator } from './hand-written';
import { PEER_TABLE } from './plain-postgres';

/** What the function nodes of the peer flows reach through `global.get('bench')`, in Node-RED's own process. */
export interface FlowContext {
  /** Maps and validates. */
  map(cells: string[]): Order;
  /** What a database node does for each message. */
  upsertOne(order: Order): Promise<void>;
  /** What an expert's function node does with a batch of rows. */
  upsertMany(orders: Order[]): Promise<void>;
  done(rows: number): void;
  /** `seconds`: from the first of the rows that were done to the last. */
  state(): { rows: number; seconds: number; loopDelayP99Ms: number; ticks: number; peakMemoryMb: number };
  tick(): void;
  reset(): void;
}

const NAMES = [
  'order_number',
  'material',
  'description',
  'quantity',
  'unit',
  'planned_start',
  'planned_end',
  'status',
  'work_center',
  'priority',
  'plant',
  'changed_at',
] as const;
const TYPES = [
  'text',
  'text',
  'text',
  'numeric',
  'text',
  'date',
  'date',
  'text',
  'text',
  'integer',
  'text',
  'timestamptz',
];
const CONFLICT = `ON CONFLICT (order_number) DO UPDATE SET ${NAMES.slice(1)
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')}`;

interface Upserts {
  one(order: Order): Promise<void>;
  many(orders: Order[]): Promise<void>;
}

function postgresUpserts(url: string): Upserts {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const ready = pool.query(`CREATE TABLE IF NOT EXISTS bench_plain ${PEER_TABLE}`);
  const one = `INSERT INTO bench_plain VALUES (${NAMES.map((_, i) => `$${i + 1}`).join(', ')}) ${CONFLICT}`;
  const many = `INSERT INTO bench_plain SELECT * FROM unnest(${TYPES.map((type, i) => `$${i + 1}::${type}[]`).join(', ')}) ${CONFLICT}`;
  return {
    async one(order) {
      await ready;
      await pool.query(
        one,
        NAMES.map((name) => order[name]),
      );
    },
    async many(orders) {
      await ready;
      await pool.query(
        many,
        NAMES.map((name) => orders.map((order) => order[name])),
      );
    },
  };
}

function sqliteUpserts(file: string): Upserts {
  const upsert = `INSERT INTO bench_plain VALUES (${NAMES.map(() => '?').join(', ')}) ${CONFLICT}`;
  const open = (pragmas: string) => {
    const database = new DatabaseSync(file);
    database.exec(pragmas);
    database.exec(`CREATE TABLE IF NOT EXISTS bench_plain (${NAMES.join(', ')}, PRIMARY KEY (order_number))`);
    return database;
  };
  const valuesOf = (order: Order) => NAMES.map((name) => order[name]);
  let asNodesDo: DatabaseSync | undefined;
  let asExpertsDo: DatabaseSync | undefined;
  return {
    // As node-red-node-sqlite: it leaves SQLite's settings as they are, and gives each message to `db.all` as a statement.
    async one(order) {
      asNodesDo ??= open('');
      asNodesDo.prepare(upsert).run(...valuesOf(order));
    },
    async many(orders) {
      asExpertsDo ??= open('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      const statement = asExpertsDo.prepare(upsert);
      asExpertsDo.exec('BEGIN');
      for (const order of orders) statement.run(...valuesOf(order));
      asExpertsDo.exec('COMMIT');
    },
  };
}

/** @param target PostgreSQL URL, path of a SQLite file, or null when only the event loop is watched */
export function flowContext(target: { postgres: string } | { sqlite: string } | null): FlowContext {
  const upserts = !target
    ? null
    : 'postgres' in target
      ? postgresUpserts(target.postgres)
      : sqliteUpserts(target.sqlite);
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const validate = orderValidator();
  let rows = 0;
  let firstAt = 0;
  let lastAt = 0;
  let ticks = 0;
  return {
    map(cells) {
      const order = mapCells(cells);
      validate(order);
      return order;
    },
    upsertOne: (order) => (upserts as Upserts).one(order),
    upsertMany: (orders) => (upserts as Upserts).many(orders),
    done(count) {
      lastAt = performance.now();
      if (rows === 0) firstAt = lastAt;
      rows += count;
    },
    tick() {
      ticks += 1;
    },
    state: () => ({
      rows,
      seconds: (lastAt - firstAt) / 1000,
      ticks,
      loopDelayP99Ms: delay.percentile(99) / 1e6,
      peakMemoryMb: process.resourceUsage().maxRSS / 1024,
    }),
    reset() {
      rows = 0;
      ticks = 0;
      delay.reset();
    },
  };
}
