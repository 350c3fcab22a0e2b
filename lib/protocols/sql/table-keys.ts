import type { SqlRow, TableKey, TableRef } from './database';

/**
 * Keys from rows {id, column_name, required}, one for each of their columns, in order. An index over an expression or a part of
 * a column, whose name is null, identifies nothing by columns.
 */
export function tableKeys(rows: readonly SqlRow[], tableOf: (row: SqlRow) => TableRef): TableKey[] {
  return [...Map.groupBy(rows, ({ id }) => id).values()]
    .filter((columns) => columns.every(({ column_name: name }) => name !== null))
    .map((columns) => ({
      table: tableOf(columns[0] as SqlRow),
      columns: columns.map(({ column_name: name }) => String(name)),
      nullable: columns.some(({ required }) => !required),
    }));
}
