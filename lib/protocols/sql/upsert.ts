/** `ON CONFLICT (key) DO UPDATE SET ...` of PostgreSQL and SQLite; nothing to set when every column is a key. */
export function conflictUpdate(columns: string[], keyColumns: string[], quote: (identifier: string) => string): string {
  const keys = new Set(keyColumns);
  const values = columns.filter((column) => !keys.has(column)).map(quote);
  const target = ` ON CONFLICT (${keyColumns.map(quote).join(', ')})`;
  if (values.length === 0) return `${target} DO NOTHING`;
  return `${target} DO UPDATE SET ${values.map((value) => `${value} = excluded.${value}`).join(', ')}`;
}
