import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';

/**
 * Epoch milliseconds by the clock that stamps records and bounds the reading of changes: each host that writes has one of its
 * own, and may be ahead of the others. A file has that of its only host.
 */
export async function storeTime(database: SqlDatabase, executor: SqlTransaction = database): Promise<number> {
  if (database.dialect === 'sqlite') return Date.now();
  const [row] = await executor.query(`SELECT ${database.epochMs} AS at`);
  return Number(row?.at);
}
