import type { WriteRecord } from '../connectors/contract';
import type { SqlRow, SqlTransaction, SqlValue } from '../protocols/sql/database';
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
  const known = await linksOf(database, stream, records);
  return records.map((record) => {
    const hash = known.get(linkKey(record))?.hash;
    return hash === undefined || hash === null ? hash : String(hash);
  });
}

/** When the target was last given something for each record, in epoch milliseconds of the store; null where never. */
export async function linkedAt(
  database: SqlTransaction,
  stream: StreamOfRun,
  records: readonly WriteRecord[],
): Promise<(number | null)[]> {
  const known = await linksOf(database, stream, records);
  return records.map((record) => {
    const link = known.get(linkKey(record));
    return link === undefined ? null : Number(link.updated_at);
  });
}

async function linksOf(
  database: SqlTransaction,
  stream: StreamOfRun,
  records: readonly WriteRecord[],
): Promise<Map<string, SqlRow>> {
  const known = new Map<string, SqlRow>();
  for (let start = 0; start < records.length; start += KEYS_PER_QUERY) {
    const chunk = records.slice(start, start + KEYS_PER_QUERY);
    const rows = await database.query(
      `SELECT source_key, hash, updated_at FROM integration_record_links
       WHERE mapping_id = ? AND direction = ? AND source_key IN (${chunk.map(() => '?').join(', ')})`,
      [stream.mappingId, stream.direction, ...chunk.map(linkKey)],
    );
    for (const row of rows) known.set(String(row.source_key), row);
  }
  return known;
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
