import type { ColumnType, SqlRow, TableInfo, TableRef } from '../database';
import type { Grammar } from '../grammar';
import { quoteWith } from '../identifier';
import { replacePlaceholders } from '../placeholders';
import { tableKeys } from '../table-keys';
import { postgresLimits, postgresType } from './types';

const quote = (identifier: string) => quoteWith('"', '"', identifier);

/** Keys compare by code point ("C"), so that their order does not depend on the locale of the server. */
const columnTypes: Record<ColumnType, string> = {
  text: 'text',
  key: 'varchar(512) COLLATE "C"',
  integer: 'bigint',
  number: 'double precision',
  decimal: 'numeric',
  boolean: 'boolean',
  date: 'date',
  datetime: 'timestamptz',
  json: 'text',
};

export const postgresGrammar: Grammar = {
  quote,
  /** The text of money depends on the server's locale. */
  exact: ({ name, nativeType }) => (nativeType === 'money' ? `${quote(name)}::numeric AS ${quote(name)}` : quote(name)),
  placeholders: (sql) => replacePlaceholders(sql, (position) => `$${position}`),
  columnTypes,
  createTable(table, columns, primaryKey) {
    const lines = columns.map((c) => `${quote(c.name)} ${columnTypes[c.type]}${c.nullable ? '' : ' NOT NULL'}`);
    lines.push(`PRIMARY KEY (${primaryKey.map(quote).join(', ')})`);
    return `CREATE TABLE IF NOT EXISTS ${table} (${lines.join(', ')})`;
  },
  addColumn: (table, column) =>
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${quote(column.name)} ${columnTypes[column.type]}`,
  epochMs: 'CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS bigint)',
  limit: (sql, rows) => `${sql} LIMIT ${rows}`,
  savepoint: (name) => ({
    set: `SAVEPOINT ${name}`,
    release: `RELEASE SAVEPOINT ${name}`,
    rollback: `ROLLBACK TO SAVEPOINT ${name}`,
  }),
  findSchema: 'SELECT 1 AS found FROM pg_namespace WHERE nspname = ?',
  async listTables(query, schema) {
    const rows = await query(
      `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind,
              n.nspname = coalesce(?, current_schema()) AS own
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
         AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
         AND has_table_privilege(c.oid, 'SELECT')
       ORDER BY 1, 2`,
      [schema ?? null],
    );
    return rows.map((row) => ({
      table: row.own === true ? { name: String(row.name) } : { schema: String(row.schema), name: String(row.name) },
      kind: row.kind === 'v' || row.kind === 'm' ? 'view' : 'table',
    }));
  },
  async listKeys(query, schema) {
    const rows = await query(
      `SELECT n.nspname AS schema, t.relname AS name, n.nspname = coalesce(?, current_schema()) AS own, i.indexrelid AS id,
              a.attname AS column_name, coalesce(a.attnotnull, false) AS required
       FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
       CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, position)
       LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
       WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND k.position <= i.indnkeyatts
         AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
       ORDER BY i.indisprimary DESC, i.indexrelid, k.position`,
      [schema ?? null],
    );
    return tableKeys(rows, ({ own, schema, name }) =>
      own === true ? { name: String(name) } : { schema: String(schema), name: String(name) },
    );
  },
  async describeTable(query, table, schema) {
    const [found] = await query(
      `SELECT c.oid, c.relkind AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relname = ? AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = coalesce(?, current_schema())`,
      [table.name, table.schema ?? schema ?? null],
    );
    if (found === undefined) return undefined;
    const columns = await query(
      `SELECT attname AS name, format_type(atttypid, NULL) AS type, format_type(atttypid, atttypmod) AS declared,
              attnotnull AS required,
              atthasdef OR attidentity <> '' AS has_default
       FROM pg_attribute WHERE attrelid = ? AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      [found.oid as number],
    );
    const indexes = await query(
      `SELECT i.indexrelid AS id, i.indisprimary AS is_primary, a.attname AS column_name
       FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, position)
       LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
       WHERE i.indrelid = ? AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND k.position <= i.indnkeyatts
       ORDER BY i.indexrelid, k.position`,
      [found.oid as number],
    );
    const checks = await query(
      `SELECT c.conname AS name, a.attname AS column_name
       FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
       WHERE c.conrelid = ? AND c.contype = 'c' ORDER BY a.attnum`,
      [found.oid as number],
    );
    const kind = found.kind === 'v' || found.kind === 'm' ? 'view' : 'table';
    return { ...tableInfo(table, kind, columns, indexes), checks: byName(checks) };
  },
};

function byName(checks: SqlRow[]): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const { name, column_name: column } of checks)
    result.set(String(name), [...(result.get(String(name)) ?? []), String(column)]);
  return result;
}

function tableInfo(table: TableRef, kind: 'table' | 'view', columns: SqlRow[], indexes: SqlRow[]): TableInfo {
  const keys = new Map<unknown, { primary: boolean; columns: (string | null)[] }>();
  for (const row of indexes) {
    const key = keys.get(row.id) ?? { primary: row.is_primary === true, columns: [] };
    key.columns.push(row.column_name as string | null);
    keys.set(row.id, key);
  }
  // An index over an expression identifies nothing by columns.
  const plain = [...keys.values()].filter((key) => !key.columns.includes(null));
  return {
    table,
    kind,
    columns: columns.map((row) => ({
      name: String(row.name),
      nativeType: String(row.type),
      nullable: row.required !== true,
      type: postgresType(String(row.type)),
      hasDefault: row.has_default === true,
      padded: row.type === 'character',
      ...postgresLimits(String(row.declared)),
    })),
    primaryKey: (plain.find((key) => key.primary)?.columns ?? []) as string[],
    uniqueKeys: plain.filter((key) => !key.primary).map((key) => key.columns as string[]),
  };
}
