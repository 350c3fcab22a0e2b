import { IntegrationError } from '../model/errors';
import type { Direction } from '../model/mapping';
import type { DeadLetter } from '../model/sync';
import type { SqlRow, SqlTransaction, SqlValue } from '../protocols/sql/database';
import { digest } from './hash';
import type { Failure } from './plan';
import { toDate } from './run-rows';

/** A larger record is not kept: its dead letter names the key, and the source still has it. */
const MAX_PAYLOAD_CHARACTERS = 64 * 1024;
const ROWS_PER_STATEMENT = 40;
const COLUMNS = [
  'mapping_id',
  'mapping_version',
  'sync_log_id',
  'direction',
  'source_key',
  'source_key_hash',
  'payload',
  'stage',
  'error_class',
  'code',
  'message',
  'field',
  'value',
  'rule',
  'attempts',
  'state',
  'group_hash',
  'first_at',
  'last_at',
] as const;

export interface StreamOfRun {
  mappingId: number;
  mappingVersion: number;
  direction: Direction;
  runId: number;
}

/** Errors of the same kind, whatever their values: class, stage, code, field, and the message without quoted parts and digits. */
export function groupHash(mappingId: number, failure: Pick<Failure, 'stage' | 'field' | 'error'>): string {
  const { error, stage, field } = failure;
  const kind = error.message.replace(/"[^"]*"|'[^']*'/g, '""').replace(/\d+/g, '0');
  return digest([mappingId, error.class, stage, error.code, field ?? '', kind].join('\u0001')).slice(0, 22);
}

/** Digest that finds the dead letters of a record, of whatever length its key is. */
export function keyHash(sourceKey: string): string {
  return digest(sourceKey).slice(0, 22);
}

/**
 * Keeps the failures of a batch. A record that is open already (it failed in an earlier run) is brought up to date instead of
 * being kept twice.
 */
export async function keepFailures(
  transaction: SqlTransaction,
  stream: StreamOfRun,
  failures: readonly Failure[],
  now: number,
): Promise<void> {
  const open = await openByKey(transaction, stream, failures);
  const rows: SqlValue[][] = [];
  for (const failure of failures) {
    const hash = failure.sourceKey === null ? null : keyHash(failure.sourceKey);
    const existing = hash === null ? undefined : open.get(`${hash}:${failure.error.code}`)?.shift();
    if (existing !== undefined) await refresh(transaction, existing, stream, failure, now);
    else rows.push(newRow(stream, failure, hash, now));
  }
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const chunk = rows.slice(start, start + ROWS_PER_STATEMENT);
    const tuple = `(${COLUMNS.map(() => '?').join(', ')})`;
    await transaction.execute(
      `INSERT INTO integration_dead_letters (${columnList(transaction)}) VALUES ${chunk.map(() => tuple).join(', ')}`,
      chunk.flat(),
    );
  }
}

/** A later success of the same record closes what is still open for it. */
export async function supersede(
  transaction: SqlTransaction,
  stream: StreamOfRun,
  hashes: string[],
  now: number,
): Promise<void> {
  for (let start = 0; start < hashes.length; start += 500) {
    const chunk = hashes.slice(start, start + 500);
    await transaction.execute(
      `UPDATE integration_dead_letters SET state = 'superseded', last_at = ?
       WHERE mapping_id = ? AND direction = ? AND state IN ('open', 'replaying')
         AND source_key_hash IN (${chunk.map(() => '?').join(', ')})`,
      [new Date(now), stream.mappingId, stream.direction, ...chunk],
    );
  }
}

/** Keys of the records of a stream that are open or being replayed. */
export async function openKeys(
  database: SqlTransaction,
  mappingId: number,
  direction: Direction,
): Promise<Set<string>> {
  const rows = await database.query(
    `SELECT DISTINCT source_key_hash FROM integration_dead_letters
     WHERE mapping_id = ? AND direction = ? AND state IN ('open', 'replaying') AND source_key_hash IS NOT NULL`,
    [mappingId, direction],
  );
  return new Set(rows.map((row) => String(row.source_key_hash)));
}

export function toDeadLetter(row: SqlRow): DeadLetter {
  const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
  return {
    id: Number(row.id),
    mapping_id: Number(row.mapping_id),
    mapping_version: Number(row.mapping_version),
    sync_log_id: Number(row.sync_log_id),
    direction: row.direction as Direction,
    source_key: text(row.source_key),
    payload: parse(row.payload),
    stage: row.stage as DeadLetter['stage'],
    error_class: row.error_class as DeadLetter['error_class'],
    code: String(row.code),
    message: String(row.message),
    field: text(row.field),
    value: parse(row.value),
    rule: text(row.rule),
    attempts: Number(row.attempts),
    state: row.state as DeadLetter['state'],
    group_hash: String(row.group_hash),
    note: text(row.note),
    first_at: toDate(row.first_at)?.toISOString() ?? '',
    last_at: toDate(row.last_at)?.toISOString() ?? '',
  };
}

/** The kept record, as it may be mapped again. @throws data PCP_PAYLOAD_NOT_KEPT when it was too large to keep */
export function payloadOf(letter: DeadLetter): Record<string, unknown> {
  if (letter.payload !== null && typeof letter.payload === 'object' && !Array.isArray(letter.payload)) {
    return letter.payload as Record<string, unknown>;
  }
  throw new IntegrationError(
    'data',
    'PCP_PAYLOAD_NOT_KEPT',
    `Dead letter ${letter.id} holds no record: it was larger than ${MAX_PAYLOAD_CHARACTERS / 1024} KiB.`,
    { hint: 'Correct the record in the source and run the mapping again.' },
  );
}

export function serialise(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = JSON.stringify(value);
  return text.length > MAX_PAYLOAD_CHARACTERS ? null : text;
}

function parse(value: unknown): unknown {
  return value === null || value === undefined ? null : JSON.parse(String(value));
}

async function openByKey(
  transaction: SqlTransaction,
  stream: StreamOfRun,
  failures: readonly Failure[],
): Promise<Map<string, number[]>> {
  const hashes = failures.flatMap(({ sourceKey }) => (sourceKey === null ? [] : [keyHash(sourceKey)]));
  const found = new Map<string, number[]>();
  for (let start = 0; start < hashes.length; start += 500) {
    const chunk = hashes.slice(start, start + 500);
    const rows = await transaction.query(
      `SELECT id, source_key_hash, code FROM integration_dead_letters
       WHERE mapping_id = ? AND direction = ? AND state = 'open' AND source_key_hash IN (${chunk.map(() => '?').join(', ')})`,
      [stream.mappingId, stream.direction, ...chunk],
    );
    for (const row of rows) {
      const key = `${row.source_key_hash}:${row.code}`;
      found.set(key, [...(found.get(key) ?? []), Number(row.id)]);
    }
  }
  return found;
}

/** Columns and values that tell the reason of a failure. */
function reason(stream: StreamOfRun, failure: Failure): Record<string, SqlValue> {
  const { error } = failure;
  return {
    mapping_version: stream.mappingVersion,
    payload: serialise(failure.payload),
    stage: failure.stage,
    error_class: error.class,
    code: error.code,
    message: error.message,
    field: failure.field,
    value: serialise(failure.value),
    rule: failure.rule,
    group_hash: groupHash(stream.mappingId, failure),
  };
}

async function refresh(
  transaction: SqlTransaction,
  id: number,
  stream: StreamOfRun,
  failure: Failure,
  now: number,
): Promise<void> {
  const changes = { sync_log_id: stream.runId, ...reason(stream, failure), last_at: new Date(now) };
  await transaction.execute(
    `UPDATE integration_dead_letters SET ${Object.keys(changes)
      .map((name) => `${transaction.quote(name)} = ?`)
      .join(', ')}, attempts = attempts + 1 WHERE id = ?`,
    [...Object.values(changes), id],
  );
}

/** A replayed record that failed again: open once more, with its newest reason. */
export async function reopen(
  transaction: SqlTransaction,
  id: number,
  stream: StreamOfRun,
  failure: Failure,
  now: number,
): Promise<void> {
  await refresh(transaction, id, stream, failure, now);
  await transaction.execute(`UPDATE integration_dead_letters SET state = 'open', replay_log_id = NULL WHERE id = ?`, [
    id,
  ]);
}

function newRow(stream: StreamOfRun, failure: Failure, hash: string | null, now: number): SqlValue[] {
  const at = new Date(now);
  const values: Record<(typeof COLUMNS)[number], SqlValue> = {
    ...(reason(stream, failure) as Record<(typeof COLUMNS)[number], SqlValue>),
    mapping_id: stream.mappingId,
    sync_log_id: stream.runId,
    direction: stream.direction,
    source_key: failure.sourceKey,
    source_key_hash: hash,
    attempts: 1,
    state: 'open',
    first_at: at,
    last_at: at,
  };
  return COLUMNS.map((name) => values[name]);
}

function columnList(transaction: SqlTransaction): string {
  return COLUMNS.map((name) => transaction.quote(name)).join(', ');
}
