import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import type { Order } from './hand-written';
import type { PlainTarget } from './plain-script';

const COLUMNS: (keyof Order)[] = [
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
];

export const PEER_TABLE = `(
  order_number text primary key, material text, description text, quantity numeric, unit text, planned_start date,
  planned_end date, status text, work_center text, priority integer, plant text, changed_at timestamptz)`;

const escapeText = (value: string | number) =>
  typeof value === 'string'
    ? value.replace(/[\\\t\n\r]/g, (c) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[c] as string)
    : value;

export const MERGE = `INSERT INTO bench_plain (${COLUMNS.join(', ')})
  SELECT ${COLUMNS.join(', ')} FROM bench_stage
  ON CONFLICT (order_number) DO UPDATE SET ${COLUMNS.slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;

/** COPY to a temporary table and one merge for each batch, on one connection. */
export async function openPostgres(url: string): Promise<PlainTarget> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE TABLE IF NOT EXISTS bench_plain ${PEER_TABLE}`);
  await client.query('CREATE TEMP TABLE bench_stage (LIKE bench_plain)');
  return {
    async write(orders) {
      let text = '';
      for (const order of orders) {
        for (let i = 0; i < COLUMNS.length; i++) {
          text += (i === 0 ? '' : '\t') + escapeText(order[COLUMNS[i] as keyof Order]);
        }
        text += '\n';
      }
      await client.query('BEGIN');
      await client.query('TRUNCATE bench_stage');
      await pipeline(Readable.from([Buffer.from(text)]), client.query(from('COPY bench_stage FROM STDIN')));
      await client.query(MERGE);
      await client.query('COMMIT');
    },
    close: () => client.end(),
  };
}
