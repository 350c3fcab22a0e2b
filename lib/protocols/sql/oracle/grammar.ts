import type { ColumnInfo, ColumnType, SqlRow, TableRef } from '../database';
import type { Grammar } from '../grammar';
import { quoteWith } from '../identifier';
import { replacePlaceholders } from '../placeholders';
import { tableKeys } from '../table-keys';

const quote = (identifier: string) => quoteWith('"', '"', identifier);

const columnTypes: Record<ColumnType, string> = {
  text: 'CLOB',
  key: 'VARCHAR2(512 CHAR)',
  integer: 'NUMBER(19)',
  number: 'BINARY_DOUBLE',
  decimal: 'VARCHAR2(100)',
  boolean: 'NUMBER(1)',
  date: 'DATE',
  datetime: 'TIMESTAMP(3)',
  json: 'CLOB',
};

/** The longest key that a CHAR of any national character set may be. */
const LONGEST_CHAR = 1000;

const UTC_NOW = 'SYS_EXTRACT_UTC(SYSTIMESTAMP)';

export const oracleGrammar: Grammar = {
  quote,
  /** Times come in the session's format, which is ISO 8601 (see session.ts), with all their digits. */
  exact(column) {
    const name = quote(column.name);
    if (column.nativeType.includes('with')) return `TO_CHAR(SYS_EXTRACT_UTC(${name})) || 'Z' AS ${name}`;
    return column.type === 'datetime' ? `TO_CHAR(${name}) AS ${name}` : name;
  },
  placeholders: (sql) => replacePlaceholders(sql, (position) => `:${position}`),
  columnTypes,
  createTable(table, columns, primaryKey) {
    const lines = columns.map((c) => `${quote(c.name)} ${columnTypes[c.type]}${c.nullable ? '' : ' NOT NULL'}`);
    lines.push(`PRIMARY KEY (${primaryKey.map(quote).join(', ')})`);
    const statement = `CREATE TABLE ${table} (${lines.join(', ')})`.replaceAll("'", "''");
    // ORA-00955: the name is used already.
    return `BEGIN EXECUTE IMMEDIATE '${statement}'; EXCEPTION WHEN OTHERS THEN IF SQLCODE <> -955 THEN RAISE; END IF; END;`;
  },
  addColumn: (table, column) => `ALTER TABLE ${table} ADD (${quote(column.name)} ${columnTypes[column.type]})`,
  // Days by their Julian number, and the milliseconds of the day.
  epochMs: `((TO_NUMBER(TO_CHAR(${UTC_NOW}, 'J')) - 2440588) * 86400000 + TO_NUMBER(TO_CHAR(${UTC_NOW}, 'SSSSSFF3')))`,
  fromNothing: 'FROM dual',
  limit: (sql, rows) => `${sql} FETCH FIRST ${rows} ROWS ONLY`,
  savepoint: (name) => ({ set: `SAVEPOINT ${name}`, release: null, rollback: `ROLLBACK TO SAVEPOINT ${name}` }),
  findSchema: 'SELECT 1 AS "found" FROM all_users WHERE username = ?',
  async listTables(query, schema) {
    const rows = await query(
      `SELECT o.owner AS "owner", o.object_name AS "name", o.object_type AS "kind",
              SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') AS "own"
       FROM all_objects o JOIN all_users u ON u.username = o.owner
       WHERE o.object_type IN ('TABLE', 'VIEW') AND u.oracle_maintained = 'N' ORDER BY 1, 2`,
    );
    return rows.map((row) => ({
      table: tableOf(row, schema),
      kind: row.kind === 'VIEW' ? 'view' : 'table',
    }));
  },
  async listKeys(query, schema) {
    const rows = await query(
      `SELECT c.owner AS "owner", c.table_name AS "name", SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') AS "own",
              c.owner || '.' || c.constraint_name AS "id", k.column_name AS "column_name",
              CASE WHEN t.nullable = 'N' THEN 1 ELSE 0 END AS "required"
       FROM all_constraints c JOIN all_users u ON u.username = c.owner
       JOIN all_cons_columns k ON k.owner = c.owner AND k.constraint_name = c.constraint_name
       JOIN all_tab_columns t ON t.owner = c.owner AND t.table_name = c.table_name AND t.column_name = k.column_name
       WHERE c.constraint_type IN ('P', 'U') AND c.status = 'ENABLED' AND u.oracle_maintained = 'N'
       ORDER BY c.constraint_type, c.owner, c.constraint_name, k.position`,
    );
    return tableKeys(rows, (row) => tableOf(row, schema));
  },
  async describeTable(query, table, schema) {
    const owner = `COALESCE(?, SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'))`;
    const parameters = [table.schema ?? schema ?? null, table.name];
    const columns = await query(
      `SELECT column_name AS "name", data_type AS "type", data_scale AS "scale", data_precision AS "precision",
              nullable AS "nullable", CASE WHEN default_length IS NULL AND identity_column = 'NO' THEN 0 ELSE 1 END AS "preset"
       FROM all_tab_columns WHERE owner = ${owner} AND table_name = ? ORDER BY column_id`,
      parameters,
    );
    if (columns.length === 0) return undefined;
    const [view] = await query(`SELECT 1 AS "one" FROM all_views WHERE owner = ${owner} AND view_name = ?`, parameters);
    const indexes = await query(
      `SELECT c.constraint_name AS "id", c.constraint_type AS "kind", k.column_name AS "column_name"
       FROM all_constraints c JOIN all_cons_columns k ON k.owner = c.owner AND k.constraint_name = c.constraint_name
       WHERE c.owner = ${owner} AND c.table_name = ? AND c.constraint_type IN ('P', 'U') AND c.status = 'ENABLED'
       ORDER BY c.constraint_name, k.position`,
      parameters,
    );
    const keys = new Map<unknown, { primary: boolean; columns: string[] }>();
    for (const row of indexes) {
      const key = keys.get(row.id) ?? { primary: row.kind === 'P', columns: [] };
      key.columns.push(String(row.column_name));
      keys.set(row.id, key);
    }
    const all = [...keys.values()];
    return {
      table,
      kind: view === undefined ? 'table' : 'view',
      columns: columns.map((row): ColumnInfo => {
        const nativeType = String(row.type).toLowerCase();
        const whole = Number(row.scale) === 0 && row.scale !== null;
        return {
          name: String(row.name),
          nativeType,
          nullable: row.nullable === 'Y',
          type: oracleType(nativeType, whole),
          hasDefault: Number(row.preset) === 1,
          padded: isPadded(nativeType),
        };
      }),
      primaryKey: all.find(({ primary }) => primary)?.columns ?? [],
      uniqueKeys: all.filter(({ primary }) => !primary).map((key) => key.columns),
    };
  },
};

function tableOf({ owner, name, own }: SqlRow, schema: string | undefined): TableRef {
  return owner === (schema ?? own) ? { name: String(name) } : { schema: String(owner), name: String(name) };
}

/**
 * How a text is compared with a CHAR. A bound text is a VARCHAR2, next to which the blanks of the column would count; of two
 * CHARs the shorter one is filled up.
 */
export function asChar(text: string): string {
  return `CAST(${text} AS CHAR(${LONGEST_CHAR}))`;
}

/** Values come filled up with blanks. */
export function isPadded(nativeType: string): boolean {
  return /^n?char$/.test(nativeType);
}

/** Oracle's DATE has a time of day. */
export function oracleType(native: string, whole: boolean): ColumnType {
  if (native === 'number') return whole ? 'integer' : 'decimal';
  if (/^(binary_float|binary_double|float)$/.test(native)) return 'number';
  if (native === 'date' || native.startsWith('timestamp')) return 'datetime';
  return native === 'boolean' ? 'boolean' : 'text';
}
