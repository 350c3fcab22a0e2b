import { IntegrationError } from '../model/errors';
import type { Direction } from '../model/mapping';
import type { SqlTransaction, SqlValue } from '../protocols/sql/database';
import type { Vault } from '../security/vault';
import { digest } from './hash';
import { sealPayload, sealReason } from './letter-rows';
import type { Failure } from './plan';

const ROWS_PER_STATEMENT = 40;
const COLUMNS = [
  'mapping_id',
  'mapping_version',
  'sync_log_id',
  'direction',
  'source_key',
  'source_key_hash',
  'sealed_payload',
  'stage',
  'error_class',
  'code',
  'field',
  'rule',
  'sealed_reason',
  'key_id',
  'refetch_key',
  'read_at',
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

/** What the failures of a run are kept with. */
export interface LetterKeeperOptions {
  stream: StreamOfRun;
  vault: Vault;
  /** Open dead letters that the store takes. */
  limit: number;
}

/** Keeps the failures of one run. */
export class LetterKeeper {
  /** Where the source finds a record again; a run that reads sets it. */
  refetchKey: (payload: unknown) => string | null = () => null;
  /** How many more may be opened; counted when the first one comes. */
  private room: number | null = null;

  constructor(private readonly options: LetterKeeperOptions) {}

  /**
   * Keeps the failures of a batch. A record that is open already (it failed in an earlier run) is brought up to date instead
   * of being kept twice.
   * @throws guard PCP_DEAD_LETTERS_FULL: then the batch must not be committed
   */
  async keep(transaction: SqlTransaction, failures: readonly Failure[], now: number): Promise<void> {
    const { stream } = this.options;
    const open = await openByKey(transaction, stream, failures);
    const rows: SqlValue[][] = [];
    for (const failure of failures) {
      const hash = failure.sourceKey === null ? null : keyHash(failure.sourceKey);
      const existing = hash === null ? undefined : open.get(`${hash}:${failure.error.code}`)?.shift();
      const refetch_key = this.refetchKey(failure.payload);
      const values = { ...this.reason(failure, hash), ...this.record(failure, hash, now), refetch_key };
      if (existing === undefined) rows.push(this.newRow(values, failure.sourceKey, hash, now));
      else await this.change(transaction, existing, values, now);
    }
    await this.takeRoom(transaction, rows.length);
    for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
      const chunk = rows.slice(start, start + ROWS_PER_STATEMENT);
      const tuple = `(${COLUMNS.map(() => '?').join(', ')})`;
      await transaction.execute(
        `INSERT INTO integration_dead_letters (${columnList(transaction)}) VALUES ${chunk.map(() => tuple).join(', ')}`,
        chunk.flat(),
      );
    }
  }

  /**
   * A replayed record that failed again: open once more, with its newest reason.
   * @param readAnew whether the failure's payload is a newer one than the letter keeps
   */
  async reopen(
    transaction: SqlTransaction,
    letter: { id: number; source_key: string | null },
    failure: Failure,
    readAnew: boolean,
    now: number,
  ): Promise<void> {
    const hash = letter.source_key === null ? null : keyHash(letter.source_key);
    const record = readAnew ? this.record(failure, hash, now) : {};
    const changes = { ...this.reason(failure, hash), ...record, state: 'open', replay_log_id: null };
    await this.change(transaction, letter.id, changes, now);
  }

  /** What says why the record failed. */
  private reason(failure: Failure, sourceKeyHash: string | null): Record<string, SqlValue> {
    const { stream, vault } = this.options;
    const { error, value } = failure;
    return {
      mapping_version: stream.mappingVersion,
      stage: failure.stage,
      error_class: error.class,
      code: error.code,
      field: failure.field,
      rule: failure.rule,
      sealed_reason: sealReason(vault, { ...stream, sourceKeyHash }, { message: error.message, value }),
      message: null,
      value: null,
      group_hash: groupHash(stream.mappingId, failure),
    };
  }

  /** The record itself, as it was read just now. */
  private record({ payload }: Failure, sourceKeyHash: string | null, now: number): Record<string, SqlValue> {
    const { stream, vault } = this.options;
    return {
      sealed_payload: sealPayload(vault, { ...stream, sourceKeyHash }, payload),
      payload: null,
      key_id: vault.keyId,
      edited: false,
      read_at: now,
    };
  }

  private newRow(
    values: Record<string, SqlValue>,
    sourceKey: string | null,
    sourceKeyHash: string | null,
    now: number,
  ): SqlValue[] {
    const { stream } = this.options;
    const at = new Date(now);
    const row: Record<string, SqlValue> = {
      ...values,
      mapping_id: stream.mappingId,
      sync_log_id: stream.runId,
      direction: stream.direction,
      source_key: sourceKey,
      source_key_hash: sourceKeyHash,
      attempts: 1,
      state: 'open',
      first_at: at,
      last_at: at,
    };
    return COLUMNS.map((name) => row[name] as SqlValue);
  }

  private async change(
    transaction: SqlTransaction,
    id: number,
    values: Record<string, SqlValue>,
    now: number,
  ): Promise<void> {
    const changes = { ...values, sync_log_id: this.options.stream.runId, last_at: new Date(now) };
    await transaction.execute(
      `UPDATE integration_dead_letters SET ${Object.keys(changes)
        .map((name) => `${transaction.quote(name)} = ?`)
        .join(', ')}, attempts = attempts + 1 WHERE id = ?`,
      [...Object.values(changes), id],
    );
  }

  private async takeRoom(transaction: SqlTransaction, letters: number): Promise<void> {
    if (letters === 0) return;
    const { limit } = this.options;
    if (this.room === null) {
      const [row] = await transaction.query(
        `SELECT COUNT(*) AS n FROM integration_dead_letters WHERE state IN ('open', 'replaying')`,
      );
      this.room = limit - Number(row?.n);
    }
    this.room -= letters;
    if (this.room >= 0) return;
    throw new IntegrationError(
      'guard',
      'PCP_DEAD_LETTERS_FULL',
      `${letters} more dead letters would exceed the ${limit} that may be open at a time.`,
      { hint: 'Replay or discard some of them, or raise integrations.deadLetters.limit.' },
    );
  }
}

/** A record on which both sides agree again closes the conflicts that the other direction had with it. */
export async function closeConflicts(
  transaction: SqlTransaction,
  { mappingId, direction }: StreamOfRun,
  keys: readonly string[],
  now: number,
): Promise<void> {
  for (let start = 0; start < keys.length; start += 500) {
    const chunk = keys.slice(start, start + 500).map(keyHash);
    await transaction.execute(
      `UPDATE integration_dead_letters SET state = 'superseded', last_at = ?
       WHERE mapping_id = ? AND direction = ? AND state = 'open' AND code = 'PCP_CONFLICT'
         AND source_key_hash IN (${chunk.map(() => '?').join(', ')})`,
      [new Date(now), mappingId, direction === 'import' ? 'export' : 'import', ...chunk],
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

function columnList(transaction: SqlTransaction): string {
  return COLUMNS.map((name) => transaction.quote(name)).join(', ');
}
