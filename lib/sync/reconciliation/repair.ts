import type { SourceRecord } from '../../connectors/contract';
import { IntegrationError } from '../../model/errors';
import type { Direction, Mapping } from '../../model/mapping';
import type { DifferenceKind } from '../../model/reconciliation';
import type { RunTrigger } from '../../model/schedule';
import type { SqlTransaction } from '../../protocols/sql/database';
import type { Execution } from '../execute';
import { insertRun, newJobId, newRun } from '../runs/run-rows';
import { streamsOf } from '../runs/streams';
import { Comparison, comparisonOf, propertiesOf } from './comparison';
import { changeReconciliation, keysOf, TABLE } from './rows';

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
  // Which side of a record has to follow is for both directions to find out.
  const streams = streamsOf(mapping, mapping.direction === 'bidirectional' ? undefined : direction);
  for (const stream of streams) {
    const run = { ...newRun(mapping, stream.direction, jobId), kind: 'repair' as const, full: true, createdBy };
    await insertRun(transaction, { ...run, ...(trigger !== null && { trigger }) }, now);
  }
  await changeReconciliation(transaction, id, { repair_job_id: jobId });
  return jobId;
}

/** Tells the records that a repair is about from the others of the source; null where all of them are to be written. */
export async function recordsToRepair({
  database,
  run,
  stream,
  mapping,
  signal,
}: Execution): Promise<((origin: SourceRecord, data: Record<string, unknown>) => boolean) | null> {
  if (stream.guarantee.snapshot) return null;
  if (stream.guarantee.resumable && !stream.guarantee.upsertByKey) {
    throw new IntegrationError(
      'config',
      'PCP_NOT_REPAIRABLE',
      `What "${stream.target.entity}" holds cannot be replaced: records are only added to it.`,
    );
  }
  const [row] = await database.query(`SELECT id, direction FROM ${TABLE} WHERE repair_job_id = ?`, [run.jobId]);
  const keys = row === undefined ? [] : await keysOf(database, Number(row.id));
  const wanted = new Set(keys.map(({ key }) => key));
  if (row?.direction === run.direction || stream.twoWay === null) {
    const comparison = await comparisonOf(stream, mapping, signal);
    return (_, data) => wanted.has(comparison.keyOf(data));
  }
  // The other way round of what was compared: there these are the records of the source.
  const properties = await propertiesOf(stream.source, signal);
  const comparison = new Comparison(stream.twoWay.keyFields, [], (field) => properties[field] ?? {});
  return (origin) => wanted.has(comparison.keyOf(origin));
}
