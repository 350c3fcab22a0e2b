import { saidOfAll } from '../../mapping/record-failure';
import { digest } from '../../model/digest';
import { type ErrorClass, IntegrationError } from '../../model/errors';
import type { Direction } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import type { DeadLetter, DeadLetterState } from '../../model/sync';
import type { SqlRow, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { enqueueEvents } from '../../store/outbox';
import { canonicalJson } from '../hash';
import type { Failure } from '../plan';
import { truth } from '../runs/run-rows';
import { type AsRead, asRead, sealPayload, sealReason } from './letter-rows';
import { inChunks, marks } from './value-lists';

const ROWS_PER_STATEMENT = 40;
/** Characters of a statement with more than one row: far below what MariaDB takes (16 MiB). */
const STATEMENT_LENGTH = 4 * 1024 * 1024;
const DAY_MS = 86_400_000;
const GROUPS_TOLD = 50;
const JUDGED_ANEW: readonly ErrorClass[] = ['unknown_outcome', 'conflict'];
const CORRECTION_REPLACED = phrase`A correction was replaced: what the mapping reads of the record has changed since.`;
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

/** Errors of the same kind, whatever their values: direction, class, stage, code, field, and the message without quoted parts and digits. */
export function groupHash(
  { mappingId, direction }: Pick<StreamOfRun, 'mappingId' | 'direction'>,
  failure: Pick<Failure, 'stage' | 'field' | 'error'>,
): string {
  const { error, stage, field } = failure;
  const kind = error.message.replace(/"[^"]*"|'[^']*'/g, '""').replace(/\d+/g, '0');
  return digest([mappingId, direction, error.class, stage, error.code, field ?? '', kind].join('\u0001')).slice(0, 22);
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
  /** Fields of a record that the mapping reads; undefined = all of them. */
  fields: readonly string[] | undefined;
}

/** Keeps the failures of one run. */
export class LetterKeeper {
  /** Where the source finds a record again; a run that reads sets it. */
  refetchKey: (payload: unknown) => string | null = () => null;
  /** How many more may be opened, at least: what a page that was rolled back took is missing until it is counted anew. */
  private room: number | null = null;

  constructor(private readonly options: LetterKeeperOptions) {}

  /**
   * Keeps the failures of a batch. A record that is open already (it failed in an earlier run) is brought up to date instead
   * of being kept twice. Its correction stays as long as the source gives what was corrected.
   * @throws guard PCP_DEAD_LETTERS_FULL: then the batch must not be committed
   */
  async keep(transaction: SqlTransaction, failures: readonly Failure[], now: number): Promise<void> {
    const open = await this.lettersOf(transaction, ['open'], failures);
    const unknown: Failure[] = [];
    for (const failure of failures) {
      const hash = hashOf(failure);
      const letters = open.get(hash) ?? [];
      const read = this.digestOf(failure.payload);
      const isSame = (row: SqlRow): boolean => asRead(row, this.options.vault).digest === read;
      // An earlier run refused it for another reason. What asks a person a question stays apart.
      const isStale = (row: SqlRow): boolean =>
        Number(row.sync_log_id) !== this.options.stream.runId &&
        ![failure.error.class, row.error_class].some((one) => JUDGED_ANEW.includes(one as ErrorClass));
      const corrected = letters.find((row) => truth(row.edited) && isSame(row));
      const existing =
        corrected ??
        letters.find((row) => row.code === failure.error.code && (failure.byPosition !== true || isSame(row))) ??
        letters.find((row) => failure.byPosition !== true && isStale(row));
      if (existing === undefined) {
        unknown.push(failure);
        continue;
      }
      letters.splice(letters.indexOf(existing), 1);
      await this.change(
        transaction,
        Number(existing.id),
        {
          ...(!this.tellsOfCorrection(corrected) && this.reason(failure, hash, { digest: read })),
          ...(corrected === undefined && this.record(failure, hash, now)),
          ...(corrected === undefined && truth(existing.edited) && { note: CORRECTION_REPLACED.words }),
          refetch_key: this.refetchKey(failure.payload),
        },
        now,
      );
    }
    await this.takeRoom(transaction, unknown.length);
    await this.insert(transaction, unknown, now);
    await this.announce(transaction, unknown, now);
  }

  /**
   * Before anything of a batch is sent to a target that cannot take it back.
   * @throws guard PCP_DEAD_LETTERS_FULL when what failed so far has no room for sure
   */
  async assertRoom(database: SqlTransaction, failures: readonly Failure[]): Promise<void> {
    if (failures.length === 0) return;
    const open = await this.lettersOf(database, ['open'], failures);
    const opening = failures.filter((failure) => !open.has(hashOf(failure))).length;
    if (opening > 0) await this.roomFor(database, opening);
  }

  /**
   * Leaves out the records that somebody discarded, or that the target has been given as somebody corrected them, and that fail
   * again just as they did, or because the target keeps what it was given then. What became of a write, and which of two sides
   * wins, does not depend on the record alone and is judged anew each time.
   * @param anew the target is given everything once more: what it was given before does not count
   */
  async withoutDecided(
    database: SqlTransaction,
    failures: readonly Failure[],
    now: number,
    anew: boolean,
  ): Promise<Failure[]> {
    const decided = await this.lettersOf(database, ['discarded', 'resolved'], failures);
    const met = new Set<number>();
    const left = failures.filter((failure) => {
      const letters = decided.get(hashOf(failure)) ?? [];
      const { code, class: errorClass, isFixed } = failure.error;
      const stands = (row: SqlRow): boolean => {
        const isSame = asRead(row, this.options.vault).code === code;
        if (row.state === 'discarded') return isSame;
        return (isFixed || (isSame && !anew)) && this.isCorrection(row, failure);
      };
      const candidates = JUDGED_ANEW.includes(errorClass) ? [] : letters.filter(stands);
      if (candidates.length === 0) return true;
      const read = this.digestOf(failure.payload);
      const same = candidates.find((row) => asRead(row, this.options.vault).digest === read);
      if (same !== undefined) met.add(Number(same.id));
      return same === undefined;
    });
    // As long as the record comes, the decision about it stays.
    for (const ids of inChunks([...met])) {
      await database.execute(
        `UPDATE integration_dead_letters SET last_at = ? WHERE last_at < ? AND id IN (${marks(ids)})`,
        [new Date(now), new Date(now - DAY_MS), ...ids],
      );
    }
    return left;
  }

  /**
   * A replayed record that failed again: open once more, with its newest reason.
   * @param readAnew whether the failure's payload is a newer one than the letter keeps
   */
  async reopen(
    transaction: SqlTransaction,
    letter: Pick<DeadLetter, 'id' | 'source_key' | 'position' | 'edited'> & { asRead: AsRead },
    failure: Failure,
    readAnew: boolean,
    now: number,
  ): Promise<void> {
    const hash = letter.source_key === null ? null : keyHash(letter.source_key);
    const record = readAnew ? this.record(failure, hash, now) : {};
    const { position, edited } = letter;
    const read = readAnew
      ? { digest: this.digestOf(failure.payload) }
      : { digest: letter.asRead.digest, ...(edited && { code: letter.asRead.code }) };
    const changes = {
      ...this.reason({ ...failure, position }, hash, read),
      ...record,
      state: 'open',
      replay_log_id: null,
    };
    await this.change(transaction, letter.id, changes, now);
  }

  /** What a correction failed with when it was tried says more of it than what the source still gives. */
  private tellsOfCorrection(corrected: SqlRow | undefined): boolean {
    return (
      corrected !== undefined &&
      Number(corrected.mapping_version) === this.options.stream.mappingVersion &&
      asRead(corrected, this.options.vault).isPast
    );
  }

  /** What is in the place of a record without a key of its own need not be that record, and another mapping makes another one. */
  private isCorrection(row: SqlRow, { byPosition }: Failure): boolean {
    return (
      truth(row.edited) && byPosition !== true && Number(row.mapping_version) === this.options.stream.mappingVersion
    );
  }

  /** Of what the mapping reads of a record; the same for every way of reading it. */
  private digestOf(payload: unknown): string {
    const { fields } = this.options;
    const whole = (payload ?? {}) as Record<string, unknown>;
    const read = fields === undefined ? whole : Object.fromEntries(fields.map((field) => [field, whole[field]]));
    return digest(canonicalJson(JSON.parse(JSON.stringify(read))));
  }

  /** The letters of the failed records in these states, by the digest of their key. */
  private async lettersOf(
    database: SqlTransaction,
    states: readonly DeadLetterState[],
    failures: readonly Failure[],
  ): Promise<Map<string | null, SqlRow[]>> {
    const { mappingId, direction } = this.options.stream;
    const hashes = new Set(failures.map(hashOf).filter((hash) => hash !== null));
    const found: SqlRow[] = [];
    for (const chunk of inChunks([...hashes])) {
      const rows = await database.query(
        `SELECT id, sync_log_id, mapping_id, direction, source_key_hash, error_class, code, state, edited, mapping_version,
           sealed_reason
         FROM integration_dead_letters WHERE mapping_id = ? AND direction = ? AND state IN (${marks(states)})
           AND source_key_hash IN (${marks(chunk)})`,
        [mappingId, direction, ...states, ...chunk],
      );
      found.push(...rows);
    }
    return Map.groupBy(found, (row) => String(row.source_key_hash));
  }

  private async insert(transaction: SqlTransaction, failures: readonly Failure[], now: number): Promise<void> {
    let rows: SqlValue[][] = [];
    let length = 0;
    const write = async (): Promise<void> => {
      const tuples = rows.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ');
      const columns = COLUMNS.map((name) => transaction.quote(name)).join(', ');
      await transaction.execute(`INSERT INTO integration_dead_letters (${columns}) VALUES ${tuples}`, rows.flat());
      rows = [];
      length = 0;
    };
    for (const failure of failures) {
      const row = this.newRow(failure, now);
      const added = row.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
      if (rows.length === ROWS_PER_STATEMENT || (rows.length > 0 && length + added > STATEMENT_LENGTH)) await write();
      rows.push(row);
      length += added;
    }
    if (rows.length > 0) await write();
  }

  /** Tells how many records were refused for which reasons. What quotes a record is told to nobody. */
  private async announce(transaction: SqlTransaction, opened: readonly Failure[], now: number): Promise<void> {
    if (opened.length === 0) return;
    const { stream } = this.options;
    const groups = Map.groupBy(opened, (failure) => groupHash(stream, failure));
    const data = {
      sync_log_id: stream.runId,
      direction: stream.direction,
      count: opened.length,
      groups: [...groups].slice(0, GROUPS_TOLD).map(([group, failures]) => {
        const { error, stage, field } = failures[0] as Failure;
        return { group, count: failures.length, code: error.code, error_class: error.class, stage, field };
      }),
    };
    await enqueueEvents(transaction, [{ type: 'dead_letter.opened', mapping_id: stream.mappingId, at: now, data }]);
  }

  /** What says why the record failed. */
  private reason(
    failure: Failure,
    sourceKeyHash: string | null,
    read: { digest: string | undefined; code?: string },
  ): Record<string, SqlValue> {
    const { stream, vault } = this.options;
    const { error, value, position } = failure;
    const reason = {
      message: saidOfAll(failure),
      value,
      ...(position && { position }),
      ...(read.digest && { read: read.digest }),
      ...(read.code && { codeAsRead: read.code }),
    };
    return {
      mapping_version: stream.mappingVersion,
      stage: failure.stage,
      error_class: error.class,
      code: error.code,
      field: failure.field,
      rule: failure.rule,
      sealed_reason: sealReason(vault, { ...stream, sourceKeyHash }, reason),
      message: null,
      value: null,
      group_hash: groupHash(stream, failure),
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

  private newRow(failure: Failure, now: number): SqlValue[] {
    const { stream } = this.options;
    const hash = hashOf(failure);
    const at = new Date(now);
    const row: Record<string, SqlValue> = {
      ...this.reason(failure, hash, { digest: this.digestOf(failure.payload) }),
      ...this.record(failure, hash, now),
      refetch_key: this.refetchKey(failure.payload),
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
    if (letters > 0) this.room = (await this.roomFor(transaction, letters)) - letters;
  }

  private async roomFor(database: SqlTransaction, letters: number): Promise<number> {
    const { limit } = this.options;
    let room = this.room ?? 0;
    if (room < letters) {
      const [row] = await database.query(
        `SELECT COUNT(*) AS n FROM integration_dead_letters WHERE state IN ('open', 'replaying')`,
      );
      room = limit - Number(row?.n);
    }
    if (room >= letters) return room;
    throw new IntegrationError(
      'guard',
      'PCP_DEAD_LETTERS_FULL',
      phrase`${letters} more dead letters would exceed the ${limit} that may be open at a time.`,
      { hint: 'Replay or discard some of them, or raise integrations.deadLetters.limit.' },
    );
  }
}

function hashOf({ sourceKey }: Failure): string | null {
  return sourceKey === null ? null : keyHash(sourceKey);
}
