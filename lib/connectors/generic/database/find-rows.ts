import type { SqlDatabase } from '../../../protocols/sql/database';
import { fromSqlValue, toSqlValue } from '../../../protocols/sql/values';
import type { SourceRecord } from '../../contract';
import { undefinedIfRefused } from '../../refused-key';
import { type ResolvedEntity, unknownColumn } from './entities';
import { keyText, rowsByKey } from './rows-by-key';

/**
 * What an entity holds for these keys, as a read gives it; null where nothing, undefined where a key is none that it could
 * have.
 * @throws config PCP_SQL_COLUMN_UNKNOWN
 */
export async function findRows(
  database: SqlDatabase,
  entity: ResolvedEntity,
  keyFields: readonly string[],
  keys: readonly Record<string, unknown>[],
): Promise<(SourceRecord | null | undefined)[]> {
  const keyColumns = keyFields.map((name) => {
    const column = entity.columns.get(name);
    if (column === undefined) throw unknownColumn(name, entity.name, entity.columns);
    return column;
  });
  const values = keys.map((key) =>
    undefinedIfRefused(() => keyColumns.map((column) => toSqlValue(key[column.name], column, database.dialect))),
  );
  const wanted = values.filter((key) => key !== undefined);
  const columns = [...entity.columns.values()];
  const found = await rowsByKey(database, entity.source, keyColumns, wanted, columns);
  return values.map((key) => {
    if (key === undefined) return undefined;
    const row = found.get(keyText(key, keyColumns));
    if (row === undefined) return null;
    return Object.fromEntries(columns.map((column) => [column.name, fromSqlValue(row[column.name], column)]));
  });
}
