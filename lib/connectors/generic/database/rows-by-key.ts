import type { ColumnInfo, SqlDatabase, SqlDialect, SqlRow, SqlValue } from '../../../protocols/sql/database';
import { fromSqlValue } from '../../../protocols/sql/values';
import { operand } from './keyset';

const KEYS_PER_STATEMENT = 500;
/** SQL Server takes 2,100 (https://learn.microsoft.com/sql/sql-server/maximum-capacity-specifications-for-sql-server). */
const PARAMETERS_PER_STATEMENT = 2000;

/** A key as text, alike for a value that was read and one that is to be written: the first values are those of the key. */
export function keyText(values: readonly unknown[], columns: readonly ColumnInfo[]): string {
  let text = '';
  // Written without an array, as every record that is written comes by.
  for (let index = 0; index < columns.length; index++) {
    text += (index === 0 ? '[' : ',') + JSON.stringify(keyPart(values[index], columns[index]!));
  }
  return `${text}]`;
}

/** Types whose values are the same in upper and in lower case. */
const CASELESS: ReadonlySet<string> = new Set(['uuid', 'uniqueidentifier']);

/** A column gives a decimal with all the places that it has. */
function withoutIdleZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function keyPart(value: unknown, column: ColumnInfo): string | number | null {
  const plain = fromSqlValue(value, column);
  if (column.type === 'decimal') return plain === null ? null : withoutIdleZeros(String(plain));
  if (CASELESS.has(column.nativeType)) return plain === null ? null : String(plain).toLowerCase();
  if (column.type !== 'datetime') return plain === null ? null : String(plain);
  const instant = Date.parse(String(plain).replace(/Z?$/, 'Z'));
  return Number.isNaN(instant) ? String(plain) : instant;
}

/**
 * The rows that hold these keys, by `keyText`.
 *
 * @param selected columns wanted besides the key
 */
export async function rowsByKey(
  database: Pick<SqlDatabase, 'query' | 'quote' | 'exact' | 'dialect'>,
  source: string,
  keyColumns: readonly ColumnInfo[],
  keys: readonly SqlValue[][],
  selected: readonly ColumnInfo[],
): Promise<Map<string, SqlRow>> {
  const found = new Map<string, SqlRow>();
  const names = keyColumns.map(({ name }) => database.quote(name));
  const operands = keyColumns.map((column) => operand(column, database.dialect));
  const equal = names.map((name, index) => `${name} = ${operands[index]}`).join(' AND ');
  const list = [...new Set([...keyColumns, ...selected])].map((column) => database.exact(column)).join(', ');
  const inJson = jsonKeys(keyColumns, names, database.dialect);
  if (inJson !== undefined && keys.length > 0) {
    const given = JSON.stringify(keys.map((key) => key.map((part) => (part === null ? null : String(part)))));
    for (const row of await database.query(`SELECT ${list} FROM ${source} WHERE ${inJson}`, [given])) {
      found.set(
        keyText(
          keyColumns.map(({ name }) => row[name]),
          keyColumns,
        ),
        row,
      );
    }
    return found;
  }
  const size = Math.min(KEYS_PER_STATEMENT, Math.floor(PARAMETERS_PER_STATEMENT / keyColumns.length));
  for (let start = 0; start < keys.length; start += size) {
    const part = keys.slice(start, start + size);
    const where =
      names.length === 1
        ? `${names[0]} IN (${part.map(() => operands[0]).join(', ')})`
        : part.map(() => `(${equal})`).join(' OR ');
    for (const row of await database.query(`SELECT ${list} FROM ${source} WHERE ${where}`, part.flat())) {
      const values = keyColumns.map(({ name }) => row[name]);
      found.set(keyText(values, keyColumns), row);
    }
  }
  return found;
}

/** Types whose values PostgreSQL reads from text as they are written. */
const PLAIN_TYPES: ReadonlySet<string> = new Set([
  'text',
  'character varying',
  'smallint',
  'integer',
  'bigint',
  'uuid',
  'date',
]);

/** PostgreSQL takes any number of keys as one parameter; undefined where a key is none of the plain ones. */
function jsonKeys(
  keyColumns: readonly ColumnInfo[],
  names: readonly string[],
  dialect: SqlDialect,
): string | undefined {
  if (dialect !== 'postgres' || !keyColumns.every(({ nativeType }) => PLAIN_TYPES.has(nativeType))) return undefined;
  const parts = keyColumns.map(({ nativeType }, index) => `(value ->> ${index})::${nativeType}`);
  return `(${names.join(', ')}) IN (SELECT ${parts.join(', ')} FROM json_array_elements(?::json))`;
}
