import type { WriteRecord } from '../../connectors/contract';
import type { EventType, HubEvent } from '../../model/events';
import type { SqlTransaction } from '../../protocols/sql/database';
import { enqueueEvents, hasListener, textOf } from '../../store/outbox';
import type { BatchOutcome } from './apply';
import type { RunScope } from './commit';

/** What one event tells of: what receivers of webhooks are asked to take at once. */
const MOST_RECORDS = 100;
const MOST_BYTES = 20_000;

/** Who asks for events of records is looked up once in a transaction, however many pages it holds. */
const listening = new WeakMap<SqlTransaction, Promise<boolean>>();

const TYPES = { created: 'record.created', updated: 'record.updated', deleted: 'record.deleted' } as const;

/** Tells which records of a page the target got. Nothing is made of them when nobody asks. */
export async function announceRecords(
  { ids, stream }: Pick<RunScope, 'ids' | 'stream'>,
  transaction: SqlTransaction,
  written: BatchOutcome['written'],
  now: number,
): Promise<void> {
  if (written.length === 0) return;
  const asked = listening.get(transaction) ?? hasListener(transaction, Object.values(TYPES));
  listening.set(transaction, asked);
  if (!(await asked)) return;
  const events: HubEvent[] = [];
  for (const [outcome, type] of Object.entries(TYPES)) {
    const records = written.filter((one) => one.outcome === outcome).map(({ record }) => record);
    const told = records.map((record) => ({ key: keyOf(record, stream.compiled.keyFields), data: record.data }));
    for (const part of parts(told)) {
      events.push({
        type: type as EventType,
        mapping_id: ids.mappingId,
        at: now,
        data: { sync_log_id: ids.runId, direction: ids.direction, entity: stream.target.entity, records: part },
      });
    }
  }
  await enqueueEvents(transaction, events);
}

function keyOf({ key, data }: WriteRecord, fields: readonly string[]): Record<string, unknown> {
  const values: unknown = JSON.parse(key);
  return Object.fromEntries(fields.map((field, index) => [field, Array.isArray(values) ? values[index] : data[field]]));
}

function parts<T extends object>(records: readonly T[]): T[][] {
  const all: T[][] = [];
  let [part, bytes]: [T[], number] = [[], 0];
  for (const record of records) {
    const size = Buffer.byteLength(textOf(record));
    if (part.length > 0 && (part.length === MOST_RECORDS || bytes + size > MOST_BYTES)) {
      all.push(part);
      [part, bytes] = [[], 0];
    }
    part.push(record);
    bytes += size;
  }
  return part.length === 0 ? all : [...all, part];
}
