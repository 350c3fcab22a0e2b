import { IntegrationError, type SerializedError } from '../../model/errors';
import type { Direction } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import {
  DIFFERENCES,
  type Difference,
  type DifferenceKind,
  KNOWN,
  type KnownReason,
  type Reconciliation,
  type ReconciliationAction,
} from '../../model/reconciliation';
import type { RunTrigger } from '../../model/schedule';
import type { SqlDatabase, SqlRow, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { notFound } from '../../store/rows';
import { keyHash } from '../letters/dead-letters';
import { ACTIVE, type RunRow, stateList, statusOf, text, toRun, truth } from '../runs/run-rows';
import type { Verdict } from './judgement';

export const TABLE = 'integration_reconciliations';
const KEYS = 'integration_reconciliation_keys';
const KEYS_PER_STATEMENT = 500;

export interface NewReconciliation {
  run: { id: number; jobId: string; connectionId: number; mappingId: number; direction: Direction };
  mappingVersion: number;
  action: ReconciliationAction;
  settleSeconds: number;
  trigger: RunTrigger | null;
  createdBy: string | null;
  dueAt: number | null;
  /** Of a look at what was repaired: it has no first look. */
  repairOf?: number;
  settledAt?: number;
}

/** What its run needs to know of a comparison. */
export interface ReconciliationRow {
  id: number;
  mappingVersion: number;
  action: ReconciliationAction;
  settleSeconds: number;
  createdBy: string | null;
  /** Null: there was no look yet. */
  settledAt: number | null;
  endedAt: number | null;
  isComplete: boolean;
  /** The comparison whose differences are looked at after their repair. */
  repairOf: number | null;
}

/** A key that differed at the first look. */
export interface Candidate extends Verdict {
  key: string;
}

export async function insertReconciliation(
  transaction: SqlTransaction,
  { run, ...reconciliation }: NewReconciliation,
  now: number,
): Promise<void> {
  await insert(transaction, TABLE, {
    connection_id: run.connectionId,
    mapping_id: run.mappingId,
    mapping_version: reconciliation.mappingVersion,
    direction: run.direction,
    action: reconciliation.action,
    job_id: run.jobId,
    sync_log_id: run.id,
    triggered_by: reconciliation.trigger,
    created_by: reconciliation.createdBy,
    due_at: reconciliation.dueAt,
    settle_seconds: reconciliation.settleSeconds,
    started_at: now,
    settled_at: reconciliation.settledAt ?? null,
    is_complete: true,
    repair_of: reconciliation.repairOf ?? null,
  });
}

/** The comparison that a run makes. */
export async function reconciliationOfRun(database: SqlTransaction, runId: number): Promise<ReconciliationRow> {
  const [row] = await database.query(`SELECT * FROM ${TABLE} WHERE sync_log_id = ?`, [runId]);
  if (row === undefined) throw notFound(phrase`reconciliation of run ${runId}`);
  return {
    id: Number(row.id),
    mappingVersion: Number(row.mapping_version),
    action: row.action as ReconciliationAction,
    settleSeconds: Number(row.settle_seconds),
    createdBy: text(row.created_by),
    settledAt: number(row.settled_at),
    endedAt: number(row.ended_at),
    isComplete: truth(row.is_complete),
    repairOf: number(row.repair_of),
  };
}

export async function changeReconciliation(
  transaction: SqlTransaction,
  id: number,
  columns: Record<string, SqlValue>,
): Promise<void> {
  const names = Object.keys(columns);
  await transaction.execute(`UPDATE ${TABLE} SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`, [
    ...Object.values(columns),
    id,
  ]);
}

export async function saveKeys(
  transaction: SqlTransaction,
  reconciliationId: number,
  candidates: readonly Candidate[],
): Promise<void> {
  for (let start = 0; start < candidates.length; start += KEYS_PER_STATEMENT) {
    await transaction.upsert({
      table: { name: KEYS },
      columns: ['reconciliation_id', 'key_hash', 'record_key', 'kind', 'is_rejected', 'source_mark', 'target_mark'],
      keyColumns: ['reconciliation_id', 'key_hash'],
      rows: candidates
        .slice(start, start + KEYS_PER_STATEMENT)
        .map(({ key, kind, isRejected, sourceMark, targetMark }) => [
          reconciliationId,
          keyHash(key),
          key,
          kind,
          isRejected,
          sourceMark,
          targetMark,
        ]),
    });
  }
}

export async function keysOf(database: SqlTransaction, reconciliationId: number): Promise<Candidate[]> {
  const rows = await database.query(`SELECT * FROM ${KEYS} WHERE reconciliation_id = ? ORDER BY key_hash`, [
    reconciliationId,
  ]);
  return rows.map((row) => ({
    key: String(row.record_key),
    kind: row.kind as DifferenceKind,
    isRejected: truth(row.is_rejected),
    sourceMark: text(row.source_mark),
    targetMark: text(row.target_mark),
  }));
}

/** Keys of this stream that earlier looks left: of use are those of the newest comparison, and those that a repair waits with. */
export async function forgetKeys(
  transaction: SqlTransaction,
  { mappingId, direction }: Pick<RunRow, 'mappingId' | 'direction'>,
): Promise<void> {
  await transaction.execute(
    `DELETE FROM ${KEYS} WHERE reconciliation_id IN (
       SELECT r.id FROM ${TABLE} r WHERE r.mapping_id = ? AND r.direction = ? AND NOT EXISTS (
         SELECT 1 FROM integration_sync_logs l WHERE l.job_id = r.repair_job_id AND l.state IN (${stateList(ACTIVE)})))`,
    [mappingId, direction],
  );
}

export async function copyKeys(transaction: SqlTransaction, from: number, to: number): Promise<void> {
  await saveKeys(transaction, to, await keysOf(transaction, from));
}

export async function getReconciliation(
  database: SqlDatabase,
  id: number,
  vault: Vault,
): Promise<Reconciliation & { sample: Difference[] }> {
  const [row] = await database.query(`SELECT * FROM ${TABLE} WHERE id = ?`, [id]);
  if (row === undefined) throw notFound(phrase`reconciliation ${id}`);
  const [reconciliation] = await withRuns(database, [row]);
  return { ...(reconciliation as Reconciliation), sample: sampleOf(row, vault) };
}

/** What no key opens any more is not shown; the rest of the comparison is. */
function sampleOf({ id, sample }: SqlRow, vault: Vault): Difference[] {
  if (sample === null) return [];
  try {
    return vault.decrypt(String(sample), sampleContext(Number(id))) as Difference[];
  } catch (error) {
    if (IntegrationError.from(error).class === 'config') return [];
    throw error;
  }
}

export function sampleContext(id: number): string {
  return `reconciliation:${id}`;
}

export function nothingToRepair(id: number): IntegrationError {
  return new IntegrationError(
    'conflict',
    'PCP_NOTHING_TO_REPAIR',
    phrase`Reconciliation ${id} has nothing that could be repaired now.`,
    {
      hint: 'It has to be the newest of its mapping, to have ended with records that the target lacks or holds otherwise, and not to be under repair.',
    },
  );
}

/** Rows as the API shows them, each with how its run is. */
export async function withRuns(
  database: Pick<SqlTransaction, 'query'>,
  rows: readonly SqlRow[],
): Promise<Reconciliation[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ sync_log_id }) => Number(sync_log_id)).join(', ');
  const logs = await database.query(`SELECT * FROM integration_sync_logs WHERE id IN (${ids})`);
  const runs = new Map(logs.map((log) => [Number(log.id), toRun(log)]));
  return rows.map((row) => toReconciliation(row, runs.get(Number(row.sync_log_id))));
}

function toReconciliation(row: SqlRow, run: RunRow | undefined): Reconciliation {
  // Its log is kept as long as itself; what is left without one has ended.
  const state = run?.state ?? 'succeeded';
  const hasEnded = row.ended_at !== null;
  const differences = counts(row, DIFFERENCES, 'n');
  const total = Object.values(differences).reduce((sum, count) => sum + count, 0);
  const [source, target] = [summary(row, 'source'), summary(row, 'target')];
  const larger = Math.max(source?.count ?? 0, target?.count ?? 0, 1);
  return {
    id: Number(row.id),
    connection_id: Number(row.connection_id),
    mapping_id: Number(row.mapping_id),
    direction: row.direction as Direction,
    action: row.action as ReconciliationAction,
    job_id: String(row.job_id),
    sync_log_id: Number(row.sync_log_id),
    status: statusOf(state),
    state,
    error: errorOf(run),
    trigger: text(row.triggered_by) as RunTrigger | null,
    created_by: text(row.created_by),
    due_at: instant(row.due_at),
    started_at: instant(row.started_at) ?? '',
    settled_at: instant(row.settled_at),
    ended_at: instant(row.ended_at) ?? run?.endedAt?.toISOString() ?? null,
    source,
    target,
    differences: hasEnded ? differences : null,
    known: hasEnded ? counts(row, KNOWN, 'known') : null,
    total: hasEnded ? total : null,
    drift_ratio: hasEnded ? total / larger : null,
    is_complete: truth(row.is_complete),
    repairable: Number(row.repairable),
    repair_job_id: text(row.repair_job_id),
    repair_of: number(row.repair_of),
  };
}

function errorOf(run: RunRow | undefined): SerializedError | null {
  if (run?.errorCode == null || run.errorClass === null) return null;
  return {
    class: run.errorClass,
    code: run.errorCode,
    message: run.errorMessage ?? '',
    ...(run.said && { said: run.said }),
    ...(run.hint !== null && { hint: run.hint }),
  };
}

function counts<Name extends DifferenceKind | KnownReason>(
  row: SqlRow,
  names: readonly Name[],
  prefix: string,
): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, Number(row[`${prefix}_${name}`])])) as Record<Name, number>;
}

function summary(row: SqlRow, side: 'source' | 'target'): Reconciliation['source'] {
  const checksum = text(row[`${side}_checksum`]);
  return checksum === null ? null : { count: Number(row[`${side}_count`]), checksum };
}

async function insert(transaction: SqlTransaction, table: string, row: Record<string, SqlValue>): Promise<void> {
  const names = Object.keys(row);
  await transaction.execute(
    `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    Object.values(row),
  );
}

function number(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function instant(value: unknown): string | null {
  return value === null || value === undefined ? null : new Date(Number(value)).toISOString();
}
