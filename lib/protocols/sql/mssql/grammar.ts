import type { ColumnInfo, ColumnType, SqlRow, TableRef } from '../database';
import type { Grammar } from '../grammar';
import { quoteWith } from '../identifier';
import { replacePlaceholders } from '../placeholders';
import { tableKeys } from '../table-keys';

const quote = (identifier: string) => quoteWith('[', ']', identifier);

const columnTypes: Record<ColumnType, string> = {
  text: 'nvarchar(max)',
  key: 'nvarchar(250) COLLATE Latin1_General_100_BIN2',
  integer: 'bigint',
  number: 'float',
  decimal: 'varchar(100)',
  boolean: 'bit',
  date: 'date',
  datetime: 'datetime2(3)',
  json: 'nvarchar(max)',
};

export const mssqlGrammar: Grammar = {
  quote,
  /** tedious makes doubles of decimals and dates of milliseconds: both are read as text. */
  exact(column) {
    const name = quote(column.name);
    // Style 2 keeps the four decimals of money.
    if (/money$/.test(column.nativeType)) return `CONVERT(varchar(60), ${name}, 2) AS ${name}`;
    if (column.nativeType === 'time') return `CONVERT(varchar(16), ${name}) AS ${name}`;
    if (column.type === 'decimal') return `CONVERT(varchar(60), ${name}) AS ${name}`;
    if (column.nativeType === 'datetimeoffset') {
      return `CONVERT(varchar(33), SWITCHOFFSET(${name}, '+00:00'), 127) AS ${name}`;
    }
    if (column.type === 'date' || column.type === 'datetime') return `CONVERT(varchar(33), ${name}, 126) AS ${name}`;
    return name;
  },
  placeholders: (sql) => replacePlaceholders(sql, (position) => `@p${position}`),
  columnTypes,
  createTable(table, columns, primaryKey) {
    const lines = columns.map((c) => `${quote(c.name)} ${columnTypes[c.type]} ${c.nullable ? 'NULL' : 'NOT NULL'}`);
    lines.push(`PRIMARY KEY (${primaryKey.map(quote).join(', ')})`);
    return `IF OBJECT_ID(N'${table.replaceAll("'", "''")}') IS NULL CREATE TABLE ${table} (${lines.join(', ')})`;
  },
  addColumn: (table, column) => `ALTER TABLE ${table} ADD ${quote(column.name)} ${columnTypes[column.type]} NULL`,
  // In two parts: DATEDIFF_BIG is not known before SQL Server 2016.
  epochMs: `(CAST(DATEDIFF(day, '19700101', SYSUTCDATETIME()) AS bigint) * 86400000
    + DATEDIFF(millisecond, CAST(SYSUTCDATETIME() AS date), SYSUTCDATETIME()))`,
  limit: (sql, rows) =>
    `${sql}${/ ORDER BY [^)]*$/.test(sql) ? '' : ' ORDER BY (SELECT NULL)'} OFFSET 0 ROWS FETCH NEXT ${rows} ROWS ONLY`,
  savepoint: (name) => ({ set: `SAVE TRANSACTION ${name}`, release: null, rollback: `ROLLBACK TRANSACTION ${name}` }),
  findSchema: 'SELECT 1 AS found FROM sys.schemas WHERE name = ?',
  async listTables(query, schema) {
    const rows = await query(
      `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS name, TABLE_TYPE AS kind, SCHEMA_NAME() AS own
       FROM INFORMATION_SCHEMA.TABLES ORDER BY 1, 2`,
    );
    return rows.map((row) => ({
      table: tableOf(row, schema),
      kind: row.kind === 'VIEW' ? 'view' : 'table',
    }));
  },
  async listKeys(query, schema) {
    const rows = await query(
      `SELECT SCHEMA_NAME(o.schema_id) AS schema_name, o.name AS name, SCHEMA_NAME() AS own,
              CONCAT(i.object_id, '.', i.index_id) AS id, c.name AS column_name,
              CASE WHEN c.is_nullable = 1 THEN 0 ELSE 1 END AS required
       FROM sys.objects o JOIN sys.indexes i ON i.object_id = o.object_id
       JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
       JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
       WHERE o.type IN ('U', 'V') AND i.is_unique = 1 AND i.has_filter = 0 AND k.is_included_column = 0
       ORDER BY i.is_primary_key DESC, i.object_id, i.index_id, k.key_ordinal`,
    );
    return tableKeys(rows, (row) => tableOf(row, schema));
  },
  async describeTable(query, table, schema) {
    const parameters = [table.schema ?? schema ?? null, table.name];
    const [found] = await query(
      `SELECT o.object_id AS id, o.type AS kind FROM sys.objects o
       WHERE o.schema_id = SCHEMA_ID(COALESCE(?, SCHEMA_NAME())) AND o.name = ? AND o.type IN ('U', 'V')`,
      parameters,
    );
    if (found === undefined) return undefined;
    const columns = await query(
      `SELECT c.name AS name, t.name AS type, c.is_nullable AS nullable,
              CASE WHEN c.default_object_id <> 0 OR c.is_identity = 1 OR c.is_computed = 1 OR t.name = 'timestamp'
                OR COLUMNPROPERTY(c.object_id, c.name, 'GeneratedAlwaysType') > 0 THEN 1 ELSE 0 END AS preset
       FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.system_type_id WHERE c.object_id = ? ORDER BY c.column_id`,
      [found.id as number],
    );
    const indexes = await query(
      `SELECT i.index_id AS id, i.is_primary_key AS is_primary, c.name AS column_name
       FROM sys.indexes i JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
       JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
       WHERE i.object_id = ? AND i.is_unique = 1 AND i.has_filter = 0 AND k.is_included_column = 0
       ORDER BY i.index_id, k.key_ordinal`,
      [found.id as number],
    );
    const keys = new Map<unknown, { primary: boolean; columns: string[] }>();
    for (const row of indexes) {
      const key = keys.get(row.id) ?? { primary: Boolean(row.is_primary), columns: [] };
      key.columns.push(String(row.column_name));
      keys.set(row.id, key);
    }
    const all = [...keys.values()];
    return {
      table,
      kind: String(found.kind).trim() === 'V' ? 'view' : 'table',
      columns: columns.map(columnInfo),
      primaryKey: all.find(({ primary }) => primary)?.columns ?? [],
      uniqueKeys: all.filter(({ primary }) => !primary).map((key) => key.columns),
    };
  },
};

function tableOf({ schema_name: owner, name, own }: SqlRow, schema: string | undefined): TableRef {
  return owner === (schema ?? own) ? { name: String(name) } : { schema: String(owner), name: String(name) };
}

function columnInfo(row: SqlRow): ColumnInfo {
  const nativeType = String(row.type).toLowerCase();
  return {
    name: String(row.name),
    nativeType,
    nullable: Boolean(row.nullable),
    type: mssqlType(nativeType),
    hasDefault: Boolean(row.preset),
    padded: /^n?char$/.test(nativeType),
  };
}

export function mssqlType(native: string): ColumnType {
  const name = /^[a-z0-9]+/.exec(native)?.[0] ?? '';
  if (/^(tinyint|smallint|int|bigint)$/.test(name)) return 'integer';
  if (/^(float|real)$/.test(name)) return 'number';
  if (/^(decimal|numeric|money|smallmoney)$/.test(name)) return 'decimal';
  if (name === 'bit') return 'boolean';
  if (name === 'date') return 'date';
  return /^(datetime|datetime2|smalldatetime|datetimeoffset)$/.test(name) ? 'datetime' : 'text';
}
