import { namedChecks } from '../checks';
import type { ColumnType, SqlRow, TableInfo, TableRef } from '../database';
import type { Grammar } from '../grammar';
import { quoteWith } from '../identifier';
import { integerLimits } from '../limits';

const quote = (identifier: string) => quoteWith('"', '"', identifier);

/** Decimals are text: SQLite's NUMERIC affinity would turn them into binary floats. */
const columnTypes: Record<ColumnType, string> = {
  text: 'TEXT',
  key: 'TEXT',
  integer: 'INTEGER',
  number: 'REAL',
  decimal: 'DECIMAL_TEXT',
  boolean: 'BOOLEAN',
  date: 'DATE_TEXT',
  datetime: 'DATETIME_TEXT',
  json: 'JSON_TEXT',
};

export const sqliteGrammar: Grammar = {
  quote,
  placeholders: (sql) => sql,
  columnTypes,
  createTable(table, columns, primaryKey) {
    const lines = columns.map((c) => `${quote(c.name)} ${columnTypes[c.type]}${c.nullable ? '' : ' NOT NULL'}`);
    lines.push(`PRIMARY KEY (${primaryKey.map(quote).join(', ')})`);
    // One tree instead of two: records are always looked up by their key.
    return `CREATE TABLE IF NOT EXISTS ${table} (${lines.join(', ')}) WITHOUT ROWID`;
  },
  addColumn: (table, column) => `ALTER TABLE ${table} ADD COLUMN ${quote(column.name)} ${columnTypes[column.type]}`,
  epochMs: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  limit: (sql, rows) => `${sql} LIMIT ${rows}`,
  savepoint: (name) => ({
    set: `SAVEPOINT ${name}`,
    release: `RELEASE ${name}`,
    rollback: `ROLLBACK TO ${name}`,
  }),
  async listTables(query) {
    const rows = await query(
      "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    );
    return rows.map((row) => ({ table: { name: String(row.name) }, kind: row.type === 'view' ? 'view' : 'table' }));
  },
  async describeTable(query, table) {
    const [found] = await query("SELECT type, sql FROM sqlite_master WHERE name = ? AND type IN ('table', 'view')", [
      table.name,
    ]);
    if (found === undefined) return undefined;
    const columns = await query(
      'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1',
      [table.name],
    );
    const indexes = await query(
      `SELECT l.name AS index_name, i.name AS column_name FROM pragma_index_list(?) l, pragma_index_info(l.name) i
       WHERE l."unique" = 1 AND l.partial = 0 ORDER BY l.seq, i.seqno`,
      [table.name],
    );
    const references = await query(
      'SELECT id, "from" AS column_name FROM pragma_foreign_key_list(?) ORDER BY id, seq',
      [table.name],
    );
    const info = tableInfo(table, found.type === 'view' ? 'view' : 'table', columns, indexes);
    return {
      ...info,
      checks: namedChecks(
        String(found.sql),
        info.columns.map(({ name }) => name),
      ),
      foreignKeys: [...grouped(references, 'id').values()],
    };
  },
};

function tableInfo(table: TableRef, kind: 'table' | 'view', columns: SqlRow[], indexes: SqlRow[]): TableInfo {
  const primaryKey = columns
    .filter((row) => Number(row.pk) > 0)
    .sort((a, b) => Number(a.pk) - Number(b.pk))
    .map((row) => String(row.name));
  return {
    table,
    kind,
    columns: columns.map((row) => {
      const declared = String(row.type);
      const type = sqliteType(declared);
      return {
        name: String(row.name),
        nativeType: declared.toLowerCase(),
        nullable: row.notnull === 0 && Number(row.pk) === 0,
        type,
        hasDefault: row.dflt_value !== null,
        // Integers end at 64 bits; what a decimal declares is no limit to SQLite.
        ...(type === 'integer' && { limits: integerLimits(64) }),
        ...(type === 'decimal' && !KEPT_AS_TEXT.test(declared) && { limits: { isDouble: true } }),
      };
    }),
    primaryKey,
    // An index over an expression has no column name and identifies nothing by columns.
    uniqueKeys: [...grouped(indexes, 'index_name').values()].filter((key) => !key.includes('')),
  };
}

/** Names of columns by index or constraint. */
function grouped(rows: SqlRow[], by: string): Map<unknown, string[]> {
  const groups = new Map<unknown, string[]>();
  for (const row of rows) groups.set(row[by], [...(groups.get(row[by]) ?? []), String(row.column_name ?? '')]);
  return groups;
}

/** By such a name a column keeps texts as they are (https://www.sqlite.org/datatype3.html#determination_of_column_affinity). */
const KEPT_AS_TEXT = /char|clob|text|blob/i;

/** Declared types are free text in SQLite (https://www.sqlite.org/datatype3.html); the names that people use decide. */
export function sqliteType(declared: string): ColumnType {
  const type = declared.toLowerCase();
  if (/bool|tinyint\(1\)/.test(type)) return 'boolean';
  if (/json/.test(type)) return 'json';
  if (/datetime|timestamp/.test(type)) return 'datetime';
  if (/date/.test(type)) return 'date';
  if (/int/.test(type)) return 'integer';
  if (/dec|numeric|money/.test(type)) return 'decimal';
  if (/real|floa|doub/.test(type)) return 'number';
  return 'text';
}
