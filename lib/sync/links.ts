import type { WriteRecord } from '../connectors/contract';
import type { SqlTransaction, SqlValue } from '../protocols/sql/database';
import { keyHash, type StreamOfRun } from './dead-letters';

const KEYS_PER_QUERY = 500;
/** Longer keys stand in the table by their digest. */
const MAX_KEY = 500;
const COLUMNS = ['mapping_id', 'direction', 'source_key', 'target_key', 'hash', 'run_id', 'updated_at'];

/** What the target was last given for each record, by hash; undefined where it was given nothing yet. */
export async function linkedHashes(
  database: SqlTransaction,
  stream: StreamOfRun,
  records: readonly WriteRecord[],
): Promise<(string | null | undefined)[]> {
  const known = new Map<string, string | null>();
  for (let start = 0; start < records.length; start += KEYS_PER_QUERY) {
    const chunk = records.slice(start, start + KEYS_PER_QUERY);
    const rows = await database.query(
      `SELECT source_key, hash FROM integration_record_links
       WHERE mapping_id = ? AND direction = ? AND source_key IN (${chunk.map(() => '?').join(', ')})`,
      [stream.mappingId, stream.direction, ...chunk.map(linkKey)],
    );
    for (const row of rows) known.set(String(row.source_key), row.hash === null ? null : String(row.hash));
  }
  return records.map((record) => known.get(linkKey(record)));
}

/** Remembers what the target now holds. */
export async function saveLinks(
  transaction: SqlTransaction,
  stream: StreamOfRun,
  records: readonly { record: WriteRecord; externalKey: string | undefined }[],
  now: number,
): Promise<void> {
  if (records.length === 0) return;
  const rows: SqlValue[][] = records.map(({ record, externalKey }) => [
    stream.mappingId,
    stream.direction,
    linkKey(record),
    (externalKey ?? record.key).slice(0, MAX_KEY),
    record.hash,
    stream.runId,
    now,
  ]);
  await transaction.upsert({
    table: { name: 'integration_record_links' },
    columns: COLUMNS,
    keyColumns: ['mapping_id', 'direction', 'source_key'],
    rows,
  });
}

function linkKey({ key }: WriteRecord): string {
  return key.length > MAX_KEY ? keyHash(key) : key;
}
