/**
 * MERGE by key from a source of rows, as SQL Server and Oracle write it.
 *
 * @param source what stands in USING: a query or VALUES that names the columns
 * @param given how a key of the source is compared with that of the target
 */
export function mergeStatement(
  target: string,
  source: string,
  columns: string[],
  keyColumns: string[],
  quote: (identifier: string) => string,
  given = (key: string): string => `s.${quote(key)}`,
): string {
  const keys = new Set(keyColumns);
  const names = columns.map(quote);
  const on = keyColumns.map((key) => `t.${quote(key)} = ${given(key)}`).join(' AND ');
  const updated = columns
    .filter((column) => !keys.has(column))
    .map((column) => `t.${quote(column)} = s.${quote(column)}`);
  const update = updated.length === 0 ? '' : ` WHEN MATCHED THEN UPDATE SET ${updated.join(', ')}`;
  const insert = ` WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) VALUES (${names.map((name) => `s.${name}`).join(', ')})`;
  return `MERGE INTO ${target} USING ${source} ON (${on})${update}${insert}`;
}
