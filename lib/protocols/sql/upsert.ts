import { IntegrationError } from '../../model/errors';
import type { SqlTransaction, UpsertRequest } from './database';

/** `ON CONFLICT (key) DO UPDATE SET ...` of PostgreSQL and SQLite; nothing to set when every column is a key. */
export function conflictUpdate(columns: string[], keyColumns: string[], quote: (identifier: string) => string): string {
  const keys = new Set(keyColumns);
  const values = columns.filter((column) => !keys.has(column)).map(quote);
  const target = ` ON CONFLICT (${keyColumns.map(quote).join(', ')})`;
  if (values.length === 0) return `${target} DO NOTHING`;
  return `${target} DO UPDATE SET ${values.map((value) => `${value} = excluded.${value}`).join(', ')}`;
}

/**
 * Upserts rows with one result each: null, or why the row was refused. Goes in bulk first and halves only what failed,
 * so a bad row among n costs about 2 log n statements. Within a transaction the good rows stay in it.
 *
 * @throws whatever is not the fault of single rows: connection lost, no permission, disk full
 */
export async function upsertEach(
  target: Pick<SqlTransaction, 'savepoint'>,
  request: UpsertRequest,
): Promise<(IntegrationError | null)[]> {
  if (request.rows.length === 0) return [];
  try {
    await target.savepoint((inner) => inner.upsert(request));
    return request.rows.map(() => null);
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (error.class !== 'data') throw error;
    if (request.rows.length === 1) return [error];
    const middle = request.rows.length >> 1;
    const first = await upsertEach(target, { ...request, rows: request.rows.slice(0, middle) });
    return [...first, ...(await upsertEach(target, { ...request, rows: request.rows.slice(middle) }))];
  }
}
