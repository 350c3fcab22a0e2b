import type { WriteRecord } from '../../connectors/contract';
import type { Direction } from '../../model/mapping';
import type { SqlTransaction, SqlValue } from '../../protocols/sql/database';
import { textLists } from '../../protocols/sql/text-lists';
import { keyHash } from '../letters/dead-letters';

/** Longer ones stand there by their digest. */
const MAX_OWN_KEY = 255;
/** Longer keys stand in the table by their digest. */
const MAX_KEY = 500;
const TABLE = { name: 'integration_record_links' };
const KEY_COLUMNS = ['mapping_id', 'direction', 'source_key'];

/** Whose links: those of one direction, or what both directions of a two-way mapping agreed on. */
export interface LinkScope {
  mappingId: number;
  direction: Direction | 'both';
  runId: number;
}

/** What identifies a record here. */
type Keyed = Pick<WriteRecord, 'key'>;

/** A write that was announced before it was sent and is not known to have ended (SEMANTICS 2.3, S4). */
export interface Intent {
  /** `undecided`: nobody can find out any more whether it took place. */
  op: 'create' | 'update' | 'undecided';
  idempotencyKey: string;
  hash: string;
  /** Epoch milliseconds of the store's clock. */
  since: number;
  /** The run that announced it. */
  runId: number;
}

/** What is remembered about a record at the target. */
export interface Link {
  /** Of what it was last given. */
  hash: string | null;
  /** What the target calls it. */
  targetKey: string | null;
  /** When it was last given something, in epoch milliseconds of the store's clock; 0 = never. */
  writtenAt: number;
  intent: Intent | null;
}

/** For each record, its link; undefined where the target was given nothing yet. */
export async function linksOf(
  database: SqlTransaction,
  stream: LinkScope,
  records: readonly Keyed[],
): Promise<(Link | undefined)[]> {
  const known = new Map<string, Link>();
  for (const { isOneOf, parameters } of textLists(database.dialect, records.map(linkKey))) {
    const rows = await database.query(
      `SELECT source_key, target_key, hash, run_id, updated_at, pending_op, pending_key, pending_hash, pending_since
       FROM integration_record_links
       WHERE mapping_id = ? AND direction = ? AND source_key ${isOneOf}`,
      [stream.mappingId, stream.direction, ...parameters],
    );
    for (const row of rows) {
      known.set(String(row.source_key), {
        hash: row.hash as string | null,
        targetKey: row.target_key as string | null,
        writtenAt: Number(row.updated_at),
        intent:
          row.pending_op === null
            ? null
            : {
                op: row.pending_op as Intent['op'],
                idempotencyKey: String(row.pending_key),
                hash: String(row.pending_hash),
                since: Number(row.pending_since),
                runId: Number(row.run_id),
              },
      });
    }
  }
  return records.map((record) => known.get(linkKey(record)));
}

/** An announced write of which nobody knows yet what became of it. */
export interface LeftIntent extends Keyed {
  targetKey: string | null;
  idempotencyKey: string;
  /** Epoch milliseconds of the store's clock. */
  since: number;
}

/** Announced writes whose end is not known, those left out that nobody can find out about any more. */
export async function leftIntents(database: SqlTransaction, stream: LinkScope): Promise<LeftIntent[]> {
  const rows = await database.query(
    `SELECT source_key, target_key, pending_key, pending_since FROM integration_record_links
     WHERE mapping_id = ? AND direction = ? AND pending_op IN ('create', 'update') ORDER BY source_key`,
    [stream.mappingId, stream.direction],
  );
  return rows.map((row) => ({
    key: String(row.source_key),
    targetKey: row.target_key as string | null,
    idempotencyKey: String(row.pending_key),
    since: Number(row.pending_since),
  }));
}

/** Remembers what the target now holds, null = not known; what was announced for it has come to its end. */
export async function saveLinks(
  transaction: SqlTransaction,
  stream: LinkScope,
  records: readonly {
    record: Keyed & Originated & Pick<WriteRecord, 'externalKey'> & { hash: string | null };
    externalKey?: string | undefined;
  }[],
  now: number,
): Promise<void> {
  const origins = originColumns(records.map(({ record }) => record));
  await upsert(
    transaction,
    ['target_key', 'hash', 'pending_op', 'run_id', 'updated_at', ...origins.names],
    records.map(({ record, externalKey }) => [
      ...keyOf(stream, record),
      targetKeyOf(record, externalKey ?? record.externalKey),
      record.hash,
      null,
      stream.runId,
      now,
      ...origins.of(record),
    ]),
  );
}

/** Announces writes before they are sent. */
export async function saveIntents(
  transaction: SqlTransaction,
  stream: LinkScope,
  fence: number,
  intents: readonly { record: WriteRecord; intent: Intent }[],
): Promise<void> {
  const origins = originColumns(intents.map(({ record }) => record));
  await upsert(
    transaction,
    ['pending_op', 'pending_key', 'pending_hash', 'pending_since', 'pending_fence', 'run_id', ...origins.names],
    intents.map(({ record, intent }) => [
      ...keyOf(stream, record),
      intent.op,
      intent.idempotencyKey,
      intent.hash,
      intent.since,
      fence,
      stream.runId,
      ...origins.of(record),
    ]),
  );
}

/** What a record goes by when it comes back. */
type Originated = Pick<WriteRecord, 'ownKey' | 'originKey'>;

/** Columns that only links of targets have from which records may come back: there all records of a stream have a key at the source. */
function originColumns(records: readonly Originated[]): { names: string[]; of(record: Originated): SqlValue[] } {
  if (records.every(({ originKey }) => originKey === undefined)) return { names: [], of: () => [] };
  return {
    names: ['own_key', 'origin_key'],
    of: ({ ownKey, originKey }) => [
      ownKey === undefined ? null : ownKeyText(ownKey),
      originKey === undefined || originKey.length > MAX_KEY ? null : originKey,
    ],
  };
}

function ownKeyText(key: string): string {
  return key.length > MAX_OWN_KEY ? keyHash(key) : key;
}

/** What can be asked of the store. */
export type Asked = Pick<SqlTransaction, 'dialect' | 'query'>;

/** A record that an export has sent, as its link tells. */
export interface SentRecord {
  /** Key of what was written, as the target's fields have it. */
  key: string;
  /** Key of the record that it was made of, at its source; null = that is not known. */
  originKey: string | null;
}

/**
 * The records that an export has sent, or is sending, under these names.
 * @param name which of its names: our own key, or what the target calls it
 */
export async function sentRecords(
  database: Asked,
  exportId: number,
  name: 'own_key' | 'target_key',
  names: readonly string[],
): Promise<Map<string, SentRecord>> {
  const found = new Map<string, SentRecord>();
  // As the partial indexes have it.
  const isIndexed = name === 'own_key' ? 'own_key IS NOT NULL' : 'target_key <> source_key';
  const known = new Map(names.map((each) => [name === 'own_key' ? ownKeyText(each) : each, each]));
  for (const { isOneOf, parameters } of textLists(database.dialect, [...known.keys()])) {
    const rows = await database.query(
      `SELECT ${name} AS name, source_key, origin_key FROM integration_record_links
       WHERE mapping_id = ? AND ${isIndexed} AND ${name} ${isOneOf}`,
      [exportId, ...parameters],
    );
    for (const row of rows) {
      const named = known.get(String(row.name)) ?? String(row.name);
      const sent = { key: String(row.source_key), originKey: row.origin_key as string | null };
      // Several items of one document have its name: which of them it is, is not told.
      found.set(named, found.has(named) ? { ...sent, originKey: null } : sent);
    }
  }
  return found;
}

/** Whether an export has sent anything, or is about to. */
export async function hasSent(database: Asked, exportId: number): Promise<boolean> {
  const rows = await database.query(
    `SELECT source_key FROM integration_record_links WHERE mapping_id = ? AND direction = 'export' LIMIT 1`,
    [exportId],
  );
  return rows.length > 0;
}

/** Whether something that an export has announced may be at the target under a name that nobody knows yet. */
export async function isSending(database: Asked, exportId: number): Promise<boolean> {
  const rows = await database.query(
    `SELECT source_key FROM integration_record_links
     WHERE mapping_id = ? AND direction = 'export' AND pending_op = 'create' LIMIT 1`,
    [exportId],
  );
  return rows.length > 0;
}

/** A write that was announced and did not take place, or of which nobody can find out whether it did. */
export interface RefusedWrite {
  record: Keyed;
  undecided: boolean;
}

/** Ends intents without a write. */
export async function endIntents(
  transaction: SqlTransaction,
  stream: LinkScope,
  refused: readonly RefusedWrite[],
): Promise<void> {
  const rows = refused.map(({ record, undecided }) => [
    ...keyOf(stream, record),
    undecided ? 'undecided' : null,
    stream.runId,
  ]);
  await upsert(transaction, ['pending_op', 'run_id'], rows);
}

/**
 * The target was seen to hold these records no more: what it called them leads nowhere. What is on its way, or was written since
 * that moment, stays.
 */
export async function forgetLinks(
  transaction: SqlTransaction,
  stream: LinkScope,
  records: readonly Keyed[],
  seenAt: number,
): Promise<void> {
  for (const { isOneOf, parameters } of textLists(transaction.dialect, records.map(linkKey))) {
    await transaction.execute(
      `DELETE FROM integration_record_links WHERE pending_op IS NULL AND updated_at < ?
       AND mapping_id = ? AND direction = ? AND source_key ${isOneOf}`,
      [seenAt, stream.mappingId, stream.direction, ...parameters],
    );
  }
}

/**
 * What the target holds of these records is not known until they are written again. Said before a write that may be cut off:
 * else a record that is at its source what it was before would pass for unchanged.
 */
export async function forgetHashes(
  transaction: SqlTransaction,
  stream: LinkScope,
  records: readonly Keyed[],
): Promise<void> {
  for (const { isOneOf, parameters } of textLists(transaction.dialect, records.map(linkKey))) {
    await transaction.execute(
      `UPDATE integration_record_links SET hash = NULL
       WHERE mapping_id = ? AND direction = ? AND source_key ${isOneOf}`,
      [stream.mappingId, stream.direction, ...parameters],
    );
  }
}

/**
 * The target is another place than before: nothing is known of what it holds. What was announced and never answered stays,
 * so that the next write of that record is looked for first.
 */
export async function forgetTarget(
  transaction: SqlTransaction,
  { mappingId, direction }: Pick<LinkScope, 'mappingId' | 'direction'>,
): Promise<void> {
  await transaction.execute(
    'UPDATE integration_record_links SET hash = NULL, target_key = NULL WHERE mapping_id = ? AND direction = ?',
    [mappingId, direction],
  );
  await transaction.execute("DELETE FROM integration_record_links WHERE mapping_id = ? AND direction = 'both'", [
    mappingId,
  ]);
}

/**
 * Somebody has seen that a write past finding out did take place: the target holds what it was given, under a key that only
 * the target knows.
 */
export async function acceptIntent(
  database: SqlTransaction,
  { mappingId, direction }: Pick<LinkScope, 'mappingId' | 'direction'>,
  idempotencyKey: string,
): Promise<void> {
  await database.execute(
    `UPDATE integration_record_links SET hash = pending_hash, pending_op = NULL
     WHERE mapping_id = ? AND direction = ? AND pending_op = 'undecided' AND pending_key = ?`,
    [mappingId, direction, idempotencyKey],
  );
}

async function upsert(transaction: SqlTransaction, columns: string[], rows: SqlValue[][]): Promise<void> {
  if (rows.length === 0) return;
  await transaction.upsert({ table: TABLE, columns: [...KEY_COLUMNS, ...columns], keyColumns: KEY_COLUMNS, rows });
}

function keyOf(stream: LinkScope, record: Keyed): SqlValue[] {
  return [stream.mappingId, stream.direction, linkKey(record)];
}

/** Null where the target's name is too long to be kept: a part of it would be another's, so nobody knows it later. */
function targetKeyOf(record: Keyed, name: string | undefined): string | null {
  if (name === undefined) return linkKey(record);
  return name.length > MAX_KEY ? null : name;
}

/** As it stands in the table. */
export function linkKey({ key }: Keyed): string {
  return key.length > MAX_KEY ? keyHash(key) : key;
}
