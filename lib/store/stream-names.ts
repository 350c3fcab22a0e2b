import type { RunKind } from '../model/sync';

/** Both directions of a mapping are one stream: each has to see what the other did. */
export function streamName(mappingId: number): string {
  return `mapping:${mappingId}`;
}

/** What a run holds while it works: a comparison only reads, and keeps nobody from writing meanwhile. */
export function heldBy({ mappingId, kind }: { mappingId: number; kind: RunKind }): string {
  return kind === 'reconcile' ? `reconcile:${mappingId}` : streamName(mappingId);
}
