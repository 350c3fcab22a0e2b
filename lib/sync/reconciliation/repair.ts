import { closedUntil } from '../../calendar/blackouts';
import { closuresOf } from '../../calendar/definition';
import type { SourceRecord } from '../../connectors/contract';
import { IntegrationError } from '../../model/errors';
import type { Direction, Mapping } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import type { DifferenceKind } from '../../model/reconciliation';
import type { RunTrigger, ScheduleOptions } from '../../model/schedule';
import type { SqlTransaction } from '../../protocols/sql/database';
import type { Execution } from '../execute';
import type { BatchPlan } from '../plan';
import { afterBlackout, type Beginning, insertRun, newJobId, newRun, text } from '../runs/run-rows';
import { streamsOf } from '../runs/streams';
import { forgetLinks } from '../writes/links';
import { Comparison, comparisonOf, propertiesOf } from './comparison';
import { changeReconciliation, keysOf, nothingToRepair, TABLE } from './rows';
import { targetFilters } from './sides';

/** What a repair writes. What only the target holds is left alone, and of two records with one key a person has to choose. */
export const REPAIRED: ReadonlySet<DifferenceKind> = new Set(['only_source', 'different']);

/** Queues what brings the two sides together: the records that differ, by the path that every run takes. @returns the job */
export async function queueRepair(
  transaction: SqlTransaction,
  mapping: Mapping,
  direction: Direction,
  { id, createdBy, trigger }: { id: number; createdBy: string | null; trigger: RunTrigger | null },
  now: number,
): Promise<string> {
  const jobId = newJobId();
  const isUnattended = trigger !== null && trigger !== 'api';
  const begins = isUnattended ? await blackoutOf(transaction, mapping, now) : undefined;
  // Which side of a record has to follow is for both directions to find out.
  const streams = streamsOf(mapping, mapping.direction === 'bidirectional' ? undefined : direction);
  for (const stream of streams) {
    const run = { ...newRun(mapping, stream.direction, jobId), kind: 'repair' as const, full: true, createdBy };
    await insertRun(transaction, { ...run, ...(trigger !== null && { trigger }) }, now, begins);
  }
  await changeReconciliation(transaction, id, { repair_job_id: jobId });
  return jobId;
}

/** A comparison that was due before a blackout may end in it. */
async function blackoutOf(
  transaction: SqlTransaction,
  { connection_id, schedule_options }: Mapping,
  now: number,
): Promise<Beginning | undefined> {
  const [row] = await transaction.query('SELECT schedule_options, timezone FROM integration_connections WHERE id = ?', [
    connection_id,
  ]);
  const ofConnection = JSON.parse(String(row?.schedule_options ?? '{}')) as ScheduleOptions;
  const closures = closuresOf(schedule_options, { schedule_options: ofConnection, timezone: text(row?.timezone) });
  const closed = closedUntil(closures, now);
  return closed === null ? undefined : afterBlackout(closed.until);
}

/** The records of the source that a repair is about. */
export interface Repair {
  wants(origin: SourceRecord, data: Record<string, unknown>): boolean;
  /** Before they are written: what the target has lost is new to it. */
  prepare(plan: BatchPlan): Promise<void>;
}

/** @returns null where all records are to be written. @throws config PCP_NOT_REPAIRABLE, conflict PCP_NOTHING_TO_REPAIR */
export async function openRepair(execution: Execution): Promise<Repair | null> {
  const { database, lease, run, stream, mapping } = execution;
  if (stream.guarantee.snapshot) return null;
  if (stream.guarantee.resumable && !stream.guarantee.upsertByKey) {
    throw new IntegrationError(
      'config',
      'PCP_NOT_REPAIRABLE',
      phrase`What "${stream.target.entity}" holds cannot be replaced: records are only added to it.`,
    );
  }
  const [row] = await database.query(`SELECT id, direction, settled_at FROM ${TABLE} WHERE repair_job_id = ?`, [
    run.jobId,
  ]);
  const keys = row === undefined ? [] : await keysOf(database, Number(row.id));
  const kinds = new Map(keys.flatMap(({ key, kind }) => (REPAIRED.has(kind) ? [[key, kind]] : [])));
  if (row === undefined || kinds.size === 0) throw nothingToRepair(Number(row?.id ?? 0));
  const isSameWay = row.direction === run.direction;
  const keyOf = await keyReader(execution, isSameWay);
  // Of a part of the target nobody knows whether another part has the record.
  const sawAll = targetFilters(mapping, stream.direction === 'import').length === 0;
  // What a list leaves out may be there all the same: without a second way to find out, it is not created again.
  const { upsertByKey, transactional, lookup } = stream.guarantee;
  const findsOut = upsertByKey || transactional || lookup === 'strong';
  return {
    wants: (origin, data) => kinds.has(keyOf(origin, data)),
    async prepare({ writes, origins }) {
      const lost = writes.filter(
        ({ data }, index) => kinds.get(keyOf(origins[index] as SourceRecord, data)) === 'only_source',
      );
      if (!isSameWay || !sawAll || !findsOut || lost.length === 0) return;
      await database.transaction(async (transaction) => {
        await lease.assertHeld(transaction);
        const links = { mappingId: run.mappingId, direction: run.direction, runId: run.id };
        await forgetLinks(transaction, links, lost, Number(row.settled_at));
      });
    },
  };
}

/** By which of its keys a record was compared. */
async function keyReader(
  { stream, mapping, signal }: Execution,
  isSameWay: boolean,
): Promise<(origin: SourceRecord, data: Record<string, unknown>) => string> {
  const { twoWay, source } = stream;
  if (isSameWay || twoWay === null) {
    const comparison = await comparisonOf(stream, mapping, signal);
    return (_, data) => comparison.keyOf(data);
  }
  // The other way round of what was compared: there these are the records of the source.
  const comparison = new Comparison(twoWay.keyFields, [], await propertiesOf(source, mapping, 'import', signal));
  return (origin) => comparison.keyOf(origin);
}
