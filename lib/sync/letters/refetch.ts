import type { SourceRecord } from '../../connectors/contract';
import type { End } from '../stream';

/** Where one record stands: names and values of its own key, in an entity of a connection. */
interface RefetchKey {
  connection: number;
  entity: string;
  key: Record<string, unknown>;
}

/** Fields by which a source finds one of its records; none for a source that cannot. */
export async function refetchFields({ connector, entity }: End, signal: AbortSignal): Promise<readonly string[]> {
  if (connector.lookup === undefined || connector.looksUp?.(entity) === false) return [];
  return (await connector.describe?.(entity, signal))?.info.key ?? [];
}

/** What a dead letter keeps to find the record again, or null where the source or the record has no key. */
export function refetchKeyOf(source: End, fields: readonly string[]): (payload: unknown) => string | null {
  return (payload) => {
    const record = (payload ?? {}) as SourceRecord;
    if (fields.length === 0 || fields.some((field) => (record[field] ?? null) === null)) return null;
    const key = Object.fromEntries(fields.map((field) => [field, record[field]]));
    return JSON.stringify({ connection: source.connectionId, entity: source.entity, key } satisfies RefetchKey);
  };
}

/** The key of a record of this very source; null for one that came from elsewhere, as before the mapping was changed. */
export function keyAt(source: End, refetchKey: string | null): Record<string, unknown> | null {
  if (refetchKey === null || source.connector.lookup === undefined) return null;
  const { connection, entity, key } = JSON.parse(refetchKey) as RefetchKey;
  return connection === source.connectionId && entity === source.entity ? key : null;
}

/** What the source holds now for these keys, in order; null for what is not there any more. */
export async function refetch(
  { connector, entity }: End,
  keys: readonly Record<string, unknown>[],
  signal: AbortSignal,
): Promise<(SourceRecord | null)[]> {
  const records: (SourceRecord | null)[] = new Array(keys.length).fill(null);
  // The source's own key may have been another one when some of them were kept.
  const byFields = Map.groupBy(keys.keys(), (index) => JSON.stringify(Object.keys(keys[index] as object)));
  for (const [fields, indices] of byFields) {
    const found = await connector.lookup?.(
      { entity, keyFields: JSON.parse(fields) as string[] },
      indices.map((index) => keys[index] as Record<string, unknown>),
      signal,
    );
    indices.forEach((index, at) => {
      records[index] = found?.[at] ?? null;
    });
  }
  return records;
}
