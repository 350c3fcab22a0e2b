import { randomUUID } from 'node:crypto';
import { spokenLog } from '../../locales/runs';
import type { SyncStatus } from '../../model/connection';
import { type ErrorClass, IntegrationError, type SerializedError } from '../../model/errors';
import type { EventType } from '../../model/events';
import type { Direction, Mapping } from '../../model/mapping';
import { type Phrase, phrase, render, type Said } from '../../model/phrase';
import type { RunTrigger } from '../../model/schedule';
import type { ReplayMode, RunCounters, RunKind, RunState, SyncLog } from '../../model/sync';
import type { SqlDatabase, SqlRow, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import { enqueueEvents } from '../../store/outbox';

/** A row of `integration_sync_logs` with the engine's own columns. */
export interface RunRow {
  id: number;
  jobId: string;
  connectionId: number;
  mappingId: number;
  direction: Direction;
  state: RunState;
  kind: RunKind;
  /** Null = as each dead letter says. */
  replayMode: ReplayMode | null;
  trigger: RunTrigger | null;
  dueAt: number | null;
  refetched: number;
  /** Of an import: records that the platform itself had written to the source. */
  own: number;
  full: boolean;
  dryRun: boolean;
  attempts: number;
  /** Attempts in a row that committed nothing. */
  withoutProgress: number;
  fence: number;
  worker: string | null;
  writerState: Record<string, unknown> | null;
  counters: RunCounters;
  startedAt: Date;
  endedAt: Date | null;
  /** When work on it last began, was committed or ended, in epoch milliseconds. */
  updatedAt: number;
  total: number | null;
  activeMs: number;
  nextAttemptAt: number | null;
  cancelRequestedAt: number | null;
  /** Of a live run: whose records it forwards. */
  spool: string | null;
  errorClass: ErrorClass | null;
  errorCode: string | null;
  errorMessage: string | null;
  said?: Phrase;
  hint: string | null;
  warnings: Phrase[];
}

export const COUNTERS: readonly (keyof RunCounters)[] = [
  'read',
  'created',
  'updated',
  'unchanged',
  'deleted',
  'filtered',
  'conflicts',
  'errors',
];

export const ENDED: readonly RunState[] = ['succeeded', 'partial', 'failed', 'cancelled', 'skipped'];
export const ACTIVE: readonly RunState[] = ['queued', 'running', 'waiting_retry', 'waiting_quota', 'cancelling'];

/** What a run waits with that was due in a blackout. */
export const BLACKOUT = 'PCP_BLACKOUT';
/** SQL: false for a run that waits for the end of a blackout, which keeps no other from running. One parameter: now. */
export const AWAKE = `(state <> 'waiting_quota' OR error_code <> '${BLACKOUT}' OR next_attempt_at <= ?)`;

/** A SQL list of string constants of our own. */
export function stateList(states: readonly RunState[]): string {
  return states.map((state) => `'${state}'`).join(', ');
}

export function noCounters(): RunCounters {
  return { read: 0, created: 0, updated: 0, unchanged: 0, deleted: 0, filtered: 0, conflicts: 0, errors: 0 };
}

/** The seed's three values: a partial run counts as a success, what did not take place as an error; the rest is in progress. */
export function statusOf(state: RunState): SyncStatus {
  if (state === 'succeeded' || state === 'partial') return 'success';
  return ENDED.includes(state) ? 'error' : 'in_progress';
}

export interface NewRun {
  jobId: string;
  connectionId: number;
  mappingId: number;
  mappingVersion: number;
  direction: Direction;
  kind: RunKind;
  replayMode?: ReplayMode | null;
  full: boolean;
  dryRun: boolean;
  createdBy: string | null;
  trigger?: RunTrigger | undefined;
  /** Of a schedule. */
  dueAt?: number;
  spool?: string;
}

/** A run of a stream as nobody wishes it to be otherwise. */
export function newRun(mapping: Mapping, direction: Direction, jobId: string): NewRun {
  return {
    jobId,
    connectionId: mapping.connection_id,
    mappingId: mapping.id,
    mappingVersion: mapping.version,
    direction,
    kind: 'sync',
    full: false,
    dryRun: false,
    createdBy: null,
  };
}

/** What a run that is not queued begins as. */
export interface Beginning {
  state: 'waiting_quota' | 'skipped' | 'failed';
  failure: SerializedError;
  nextAttemptAt?: number;
}

/** What was due in a blackout waits for its end. */
export function afterBlackout(until: number): Beginning {
  const end = new Date(until).toISOString();
  const failure = new IntegrationError('rate_limit', BLACKOUT, `It was due in a blackout, which ends at ${end}.`);
  return { state: 'waiting_quota', failure: failure.toJSON(), nextAttemptAt: until };
}

export function newJobId(): string {
  return randomUUID();
}

/** Inserts a run, which is queued unless something keeps it from that, and returns its id. */
export async function insertRun(
  transaction: SqlTransaction,
  run: NewRun,
  now: number,
  beginning?: Beginning,
): Promise<number> {
  const state = beginning?.state ?? 'queued';
  const failure = beginning?.failure;
  const values: Record<string, SqlValue> = {
    job_id: run.jobId,
    connection_id: run.connectionId,
    mapping_id: run.mappingId,
    mapping_version: run.mappingVersion,
    direction: run.direction,
    status: statusOf(state),
    state,
    kind: run.kind,
    replay_mode: run.replayMode ?? null,
    triggered_by: run.trigger ?? null,
    due_at: run.dueAt ?? null,
    full_read: run.full,
    dry_run: run.dryRun,
    started_at: new Date(now),
    ended_at: ENDED.includes(state) ? new Date(now) : null,
    next_attempt_at: beginning?.nextAttemptAt ?? null,
    error_class: failure?.class ?? null,
    error_code: failure?.code ?? null,
    error_message: failure?.message ?? null,
    error_said: kept(failure?.said),
    hint: failure?.hint ?? null,
    created_by: run.createdBy,
    spool: run.spool ?? null,
    records_processed: 0,
    records_success: 0,
    records_error: 0,
    attempts: 0,
    no_progress: 0,
    fence: 0,
    active_ms: 0,
    updated_at: now,
  };
  const names = Object.keys(values);
  await transaction.execute(
    `INSERT INTO integration_sync_logs (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    Object.values(values),
  );
  const [row] = await transaction.query(
    'SELECT MAX(id) AS id FROM integration_sync_logs WHERE job_id = ? AND mapping_id = ? AND direction = ?',
    [run.jobId, run.mappingId, run.direction],
  );
  const id = Number(row?.id);
  if (ENDED.includes(state)) await announceEnd(transaction, id);
  return id;
}

/** Tells of a run that is over; one that changed nothing is nobody's business, and a comparison tells what it found. */
export async function announceEnd(transaction: SqlTransaction, runId: number): Promise<void> {
  const run = await getRun(transaction, runId);
  if (run.dryRun || (run.kind === 'reconcile' && run.state !== 'failed')) return;
  const { connectionId, mappingId } = run;
  const type = `run.${run.state}` as EventType;
  const { said: _, ...told } = spokenLog(toSyncLog(run), 'en-US');
  const data = { run: told };
  await enqueueEvents(transaction, [{ type, connection_id: connectionId, mapping_id: mappingId, data }]);
}

export async function getRun(database: SqlTransaction, id: number): Promise<RunRow> {
  const [row] = await database.query('SELECT * FROM integration_sync_logs WHERE id = ?', [id]);
  if (row === undefined) {
    throw new IntegrationError('data', 'PCP_NOT_FOUND', phrase`There is no sync log ${id}.`);
  }
  return toRun(row);
}

export async function runsOfJob(database: SqlDatabase, jobId: string): Promise<RunRow[]> {
  const rows = await database.query('SELECT * FROM integration_sync_logs WHERE job_id = ? ORDER BY id', [jobId]);
  if (rows.length === 0) {
    throw new IntegrationError('data', 'PCP_NOT_FOUND', phrase`There is no job ${jobId}.`);
  }
  return rows.map(toRun);
}

export function toRun(row: SqlRow): RunRow {
  const counters = noCounters();
  for (const name of COUNTERS) counters[name] = Number(row[`c_${name}`] ?? 0);
  return {
    id: Number(row.id),
    jobId: String(row.job_id),
    connectionId: Number(row.connection_id),
    mappingId: Number(row.mapping_id),
    direction: row.direction as Direction,
    state: row.state as RunState,
    kind: row.kind as RunKind,
    replayMode: text(row.replay_mode) as ReplayMode | null,
    trigger: text(row.triggered_by) as RunTrigger | null,
    dueAt: number(row.due_at),
    refetched: Number(row.refetched),
    own: Number(row.own_records ?? 0),
    full: truth(row.full_read),
    dryRun: truth(row.dry_run),
    attempts: Number(row.attempts),
    withoutProgress: Number(row.no_progress),
    fence: Number(row.fence),
    worker: text(row.worker),
    writerState: row.writer_state === null ? null : JSON.parse(String(row.writer_state)),
    counters,
    startedAt: toDate(row.started_at) ?? new Date(0),
    endedAt: toDate(row.ended_at),
    updatedAt: Number(row.updated_at),
    total: number(row.total),
    activeMs: Number(row.active_ms ?? 0),
    nextAttemptAt: number(row.next_attempt_at),
    cancelRequestedAt: number(row.cancel_requested_at),
    spool: text(row.spool),
    errorClass: text(row.error_class) as ErrorClass | null,
    errorCode: text(row.error_code),
    errorMessage: text(row.error_message),
    ...saidOf(row),
    hint: text(row.hint),
    warnings: JSON.parse(text(row.warnings) ?? '[]') as Phrase[],
  };
}

/** A message as its row keeps it for other languages. */
export function kept(said: Said | null | undefined): string | null {
  return typeof said === 'object' && said !== null ? JSON.stringify(said) : null;
}

/** What a row's message is made of: of that message, whoever wrote it last, and of no earlier one. */
export function saidOf(row: SqlRow): { said?: Phrase } {
  const said = row.error_said === null ? null : (JSON.parse(String(row.error_said)) as Phrase);
  return said !== null && render(said) === row.error_message ? { said } : {};
}

/** The sync log as the API shows it. */
export function toSyncLog(run: RunRow): SyncLog {
  const { counters } = run;
  const failed = counters.errors + counters.conflicts;
  return {
    id: run.id,
    job_id: run.jobId,
    connection_id: run.connectionId,
    mapping_id: run.mappingId,
    direction: run.direction,
    status: statusOf(run.state),
    started_at: run.startedAt.toISOString(),
    ended_at: run.endedAt?.toISOString() ?? null,
    records_processed: counters.read,
    records_success: counters.read - failed,
    records_error: failed,
    error_message: run.errorMessage,
    ...(run.said && { said: run.said }),
    error_class: run.errorClass,
    details: {
      state: run.state,
      created: counters.created,
      updated: counters.updated,
      unchanged: counters.unchanged,
      deleted: counters.deleted,
      filtered: counters.filtered,
      conflicts: counters.conflicts,
      ...(run.own > 0 && { own: run.own }),
      ...(run.errorCode !== null && { error_code: run.errorCode }),
      ...(run.hint !== null && { hint: run.hint }),
      ...(run.warnings.length > 0 && { warnings: run.warnings }),
      ...(run.nextAttemptAt !== null && { next_attempt_at: new Date(run.nextAttemptAt).toISOString() }),
      updated_at: new Date(run.updatedAt).toISOString(),
      attempts: run.attempts,
      full: run.full,
      dry_run: run.dryRun,
      kind: run.kind,
      ...(run.trigger !== null && { trigger: run.trigger }),
      ...(run.dueAt !== null && { due_at: new Date(run.dueAt).toISOString() }),
      ...(run.kind === 'replay' && { replay_mode: run.replayMode ?? 'auto', refetched: run.refetched }),
      total: run.total,
      records_per_second: run.activeMs > 0 ? Math.round((counters.read * 1000) / run.activeMs) : 0,
    },
  };
}

/** What became of the run's records must add up: every one read was created, updated, left, filtered or refused. */
export function countersAddUp(counters: RunCounters): boolean {
  const accounted = COUNTERS.filter((name) => name !== 'read').reduce((sum, name) => sum + counters[name], 0);
  return accounted === counters.read;
}

/** A timestamp as any of the dialects gives it. */
export function toDate(value: unknown): Date | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value;
  const textual = String(value);
  return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(textual) ? textual : `${textual.replace(' ', 'T')}Z`);
}

export function truth(value: unknown): boolean {
  return value === true || value === 1 || value === '1';
}

export function text(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function number(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
