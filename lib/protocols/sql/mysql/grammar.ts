import type { IntegrationError } from '../../../model/errors';
import { namedChecks } from '../checks';
import type { ColumnType, SqlRow, TableInfo, TableRef } from '../database';
import type { Grammar } from '../grammar';
import { quoteWith } from '../identifier';
import { tableKeys } from '../table-keys';
import { mysqlLimits, mysqlType } from './types';

const quote = (identifier: string) => quoteWith('`', '`', identifier);

/**
 * Keys compare byte by byte, and are short enough for an index over three of them (3072 bytes, 4 per character).
 * Decimals are text: DECIMAL ends at 65 digits and fills every value up to its scale ("0.10" would become "0.1000...").
 */
const columnTypes: Record<ColumnType, string> = {
  text: 'LONGTEXT',
  key: 'VARCHAR(250) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  integer: 'BIGINT',
  number: 'DOUBLE',
  decimal: 'VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin',
  boolean: 'TINYINT(1)',
  date: 'DATE',
  datetime: 'DATETIME(3)',
  json: 'LONGTEXT',
};

export const mysqlGrammar: Grammar = {
  quote,
  placeholders: (sql) => sql,
  columnTypes,
  createTable(table, columns, primaryKey) {
    const lines = columns.map((c) => `${quote(c.name)} ${columnTypes[c.type]}${c.nullable ? '' : ' NOT NULL'}`);
    lines.push(`PRIMARY KEY (${primaryKey.map(quote).join(', ')})`);
    return `CREATE TABLE IF NOT EXISTS ${table} (${lines.join(', ')}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;
  },
  addColumn: (table, column) => `ALTER TABLE ${table} ADD COLUMN ${quote(column.name)} ${columnTypes[column.type]}`,
  epochMs: 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)',
  limit: (sql, rows) => `${sql} LIMIT ${rows}`,
  savepoint: (name) => ({
    set: `SAVEPOINT ${name}`,
    release: `RELEASE SAVEPOINT ${name}`,
    rollback: `ROLLBACK TO SAVEPOINT ${name}`,
  }),
  findSchema: 'SELECT 1 AS found FROM information_schema.schemata WHERE schema_name = ?',
  async listTables(query, schema) {
    const rows = await query(
      `SELECT table_schema AS schema_name, table_name AS name, table_type AS kind, table_schema = coalesce(?, database()) AS own
       FROM information_schema.tables
       WHERE table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1, 2`,
      [schema ?? null],
    );
    return rows.map((row) => ({
      table: row.own === 1 ? { name: String(row.name) } : { schema: String(row.schema_name), name: String(row.name) },
      kind: String(row.kind).includes('VIEW') ? 'view' : 'table',
    }));
  },
  async listKeys(query, schema) {
    const rows = await query(
      `SELECT table_schema AS schema_name, table_name AS name, table_schema = coalesce(?, database()) AS own,
              concat_ws('.', table_schema, table_name, index_name) AS id,
              CASE WHEN sub_part IS NULL THEN column_name END AS column_name, nullable <> 'YES' AS required
       FROM information_schema.statistics
       WHERE non_unique = 0 AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
       ORDER BY index_name <> 'PRIMARY', table_schema, table_name, index_name, seq_in_index`,
      [schema ?? null],
    );
    return tableKeys(rows, (row) =>
      row.own === 1 ? { name: String(row.name) } : { schema: String(row.schema_name), name: String(row.name) },
    );
  },
  async describeTable(query, table, schema) {
    const where = 'table_schema = coalesce(?, database()) AND table_name = ?';
    const parameters = [table.schema ?? schema ?? null, table.name];
    const [found] = await query(`SELECT table_type AS kind FROM information_schema.tables WHERE ${where}`, parameters);
    if (found === undefined) return undefined;
    const columns = await query(
      `SELECT column_name AS name, column_type AS type, is_nullable AS nullable, column_default AS preset, extra AS extra
       FROM information_schema.columns WHERE ${where} ORDER BY ordinal_position`,
      parameters,
    );
    const indexes = await query(
      `SELECT index_name AS index_name, column_name AS column_name, sub_part AS part FROM information_schema.statistics
       WHERE ${where} AND non_unique = 0 ORDER BY index_name, seq_in_index`,
      parameters,
    );
    const kind = String(found.kind).includes('VIEW') ? 'view' : 'table';
    const info = tableInfo(table, kind, columns, indexes);
    if (kind === 'view') return info;
    const owner = table.schema ?? schema;
    const name = owner === undefined ? quote(table.name) : `${quote(owner)}.${quote(table.name)}`;
    const [made] = await query(`SHOW CREATE TABLE ${name}`).catch(withoutRight);
    const statement = String(made?.['Create Table'] ?? '');
    return {
      ...info,
      checks: namedChecks(
        statement,
        info.columns.map((column) => column.name),
      ),
    };
  },
};

/** A user who may only touch some columns does not see the statement: then a CHECK is told without its column. */
function withoutRight(error: IntegrationError): SqlRow[] {
  if (error.class === 'permission') return [];
  throw error;
}

function tableInfo(table: TableRef, kind: 'table' | 'view', columns: SqlRow[], indexes: SqlRow[]): TableInfo {
  const keys = new Map<string, (string | null)[]>();
  for (const row of indexes) {
    const key = keys.get(String(row.index_name)) ?? [];
    // An index over a prefix or an expression identifies nothing by columns.
    key.push(row.part === null && row.column_name !== null ? String(row.column_name) : null);
    keys.set(String(row.index_name), key);
  }
  const plain = [...keys].filter(([, key]) => !key.includes(null)) as [string, string[]][];
  return {
    table,
    kind,
    columns: columns.map((row) => {
      const native = String(row.type).toLowerCase();
      return {
        name: String(row.name),
        nativeType: /^[a-z]+/.exec(native)?.[0] ?? native,
        nullable: row.nullable === 'YES',
        type: mysqlType(native),
        hasDefault:
          (row.preset !== null && row.preset !== 'NULL') || /auto_increment|generated/i.test(String(row.extra)),
        ...mysqlLimits(native),
      };
    }),
    primaryKey: plain.find(([name]) => name === 'PRIMARY')?.[1] ?? [],
    uniqueKeys: plain.filter(([name]) => name !== 'PRIMARY').map(([, key]) => key),
  };
}
