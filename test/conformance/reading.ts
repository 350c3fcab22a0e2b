import assert from 'node:assert/strict';
import type { Batch, Connector, SourceRecord } from '../../lib/connectors/contract';
import type { Cursor } from '../../lib/model/sync';

export const BATCH_SIZE = 3;

export function reader(
  connector: Connector,
  entity: string,
  cursor: Cursor | null,
  cursorField?: string,
  signal = new AbortController().signal,
): AsyncIterable<Batch> {
  assert.ok(connector.read, 'the connector reads');
  const query = { entity, cursor, batchSize: BATCH_SIZE, lookbackSeconds: 0, ...(cursorField && { cursorField }) };
  return connector.read(query, signal);
}

export async function drain(...args: Parameters<typeof reader>): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of reader(...args)) {
    batches.push(batch);
    await batch.acknowledge?.();
  }
  return batches;
}

export const recordsOf = (batches: Batch[]): SourceRecord[] => batches.flatMap((batch) => batch.records);
