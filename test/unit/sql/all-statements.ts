import assert from 'node:assert/strict';
import { Entities } from '../../../lib/connectors/generic/database/entities';
import { readBatches } from '../../../lib/connectors/generic/database/read';
import { rowsByKey } from '../../../lib/connectors/generic/database/rows-by-key';
import { Selection } from '../../../lib/connectors/generic/database/select';
import { TableWriter } from '../../../lib/connectors/generic/database/writer';
import type { Filter } from '../../../lib/model/mapping';
import type { Cursor } from '../../../lib/model/sync';
import type { ColumnType, SqlDatabase, TableRef } from '../../../lib/protocols/sql/database';

const live = new AbortController().signal;

export const TABLE = 'orders';
export const KEY = ['plant', 'number'];

/**
 * Makes a database say every statement that the connector and the hub have for it. The database must answer that the table
 * has these columns.
 *
 * @param columns names by what they are for
 * @param other a table to add columns to
 */
export async function sayEverything(
  database: SqlDatabase,
  columns: { all: string[]; growing: [name: string, value: string | number][]; values: Record<string, unknown> },
  other: TableRef = { schema: 'other', name: "it's" },
): Promise<void> {
  const views = new Map([
    ['keyed', { sql: 'SELECT * FROM orders', key: KEY }],
    ['keyless', { sql: 'SELECT plant FROM orders -- all' }],
  ]);
  const entities = new Entities(database, views);
  await database.now();
  await database.listTables();
  // However many tables there are: none of them is asked for its keys.
  const describeTable = (): never => assert.fail('a table was asked');
  const tables = await new Entities(Object.assign(Object.create(database), { describeTable }), new Map()).list(live);
  const found = { name: TABLE, kind: 'table', key: KEY, readable: true, writable: true };
  assert.deepEqual(
    tables.filter(({ name }) => name === TABLE),
    [found],
  );
  await entities.list(live);
  const read = async (entity: string, query: { cursor?: Cursor; cursorField?: string; filters?: Filter[] } = {}) => {
    const whole = { entity, cursor: null, batchSize: 10, lookbackValues: 1000, ...query };
    const selection = new Selection(database, await entities.resolve(entity), whole);
    for await (const batch of readBatches(selection, whole, live)) void batch;
  };
  const after = [columns.values[KEY[0]!], columns.values[KEY[1]!]];
  for (const entity of [TABLE, 'keyed']) {
    await read(entity);
    await read(entity, { cursor: { v: 1, kind: 'keyset', key: KEY, after } });
  }
  await read('keyless');
  for (const [cursorField, value] of columns.growing) {
    const progress = { ts: value, pk: after };
    for (const entity of [TABLE, 'keyed']) {
      await read(entity, { cursorField });
      await read(entity, { cursorField, cursor: { v: 1, kind: 'sequence', lo: value, progress } });
      await read(entity, {
        cursorField,
        cursor: { v: 1, kind: 'window', lo: value, hi: value, closed: true, progress },
      });
    }
  }
  for (const field of columns.all) await read(TABLE, { filters: filtersOf(field, columns.values[field]) });

  const table = await entities.resolve(TABLE);
  const keys = KEY.map((name) => table.columns.get(name)!);
  await rowsByKey(database, table.source, keys, [after, after] as never, [...table.columns.values()]);
  await rowsByKey(database, table.source, keys.slice(0, 1), [['1'], ['2']], []);
  const writer = new TableWriter(database, table, { fields: columns.all, keyFields: KEY });
  const record = { key: '', sourceKey: '', hash: '' };
  await writer.write(
    [
      { ...record, data: columns.values },
      { ...record, data: { ...columns.values, plant: '2' } },
    ],
    live,
  );
  await new TableWriter(database, table, { fields: KEY, keyFields: KEY }).write(
    [{ ...record, data: columns.values }],
    live,
  );

  const types: ColumnType[] = ['text', 'integer', 'number', 'decimal', 'boolean', 'date', 'datetime', 'json'];
  const all = types.map((type) => ({ name: `c'${type}`, type, nullable: true }));
  const key = { name: 'k', type: 'key' as const, nullable: false };
  await database.createTable({ name: "it's" }, [key, ...all], ['k']);
  for (const column of all) await database.addColumn(other, column);
  await database.query(database.limit('SELECT 1 AS one FROM orders', 5));
  await database.execute(`UPDATE orders SET touched_at = ${database.epochMs} + 60000 WHERE id = ?`, ['a']);
  await database.transaction(async (transaction) => {
    await transaction.savepoint((inner) => inner.query('SELECT 1 AS one FROM orders'));
    await transaction.savepoint(() => Promise.reject(new Error('taken back'))).catch(() => undefined);
  });
}

function filtersOf(field: string, value: unknown): Filter[] {
  const single = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'like'] as const;
  return [
    ...single.map((operator): Filter => ({ field, operator, value })),
    { field, operator: 'in', value: [value, value] },
    { field, operator: 'not_in', value: [value] },
    { field, operator: 'between', value: [value, value] },
    { field, operator: 'is_null' },
    { field, operator: 'not_null' },
  ];
}
