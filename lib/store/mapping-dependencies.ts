import { IntegrationError } from '../model/errors';
import type { SyncMode } from '../model/mapping';
import type { SqlRow } from '../protocols/sql/database';

/**
 * @param rows of all mappings: id, name, sync_mode, depends_on
 * @throws config PCP_DEPENDENCY_INVALID, PCP_DEPENDENCY_CYCLE
 */
export function checkDependencies(
  dependsOn: readonly number[],
  syncMode: SyncMode,
  id: number | null,
  rows: readonly SqlRow[],
): void {
  if (syncMode === 'live') throw invalid('A live mapping runs by itself, so it depends on no other.');
  const byId = new Map(rows.map((row) => [Number(row.id), row]));
  for (const leader of dependsOn) {
    const row = byId.get(leader);
    if (row === undefined) throw invalid(`There is no mapping ${leader}.`);
    if (row.sync_mode === 'live') throw invalid(`Mapping "${row.name}" is live: its runs have no end to wait for.`);
  }
  // Nothing can depend yet on what is new.
  if (id === null) return;
  const path = pathTo(id, dependsOn, byId, new Set());
  if (path === null) return;
  const names = [id, ...path.reverse()].map((each) => `"${byId.get(each)?.name ?? each}"`);
  throw new IntegrationError(
    'config',
    'PCP_DEPENDENCY_CYCLE',
    `Mappings wait for each other: ${names.join(' after ')}.`,
    {
      path: '/depends_on',
    },
  );
}

/** From a mapping to itself, by what depends on what. */
function pathTo(
  id: number,
  dependsOn: readonly number[],
  byId: ReadonlyMap<number, SqlRow>,
  seen: Set<number>,
): number[] | null {
  for (const leader of dependsOn) {
    if (leader === id) return [id];
    if (seen.has(leader)) continue;
    seen.add(leader);
    const text = byId.get(leader)?.depends_on;
    const rest = pathTo(id, typeof text === 'string' ? (JSON.parse(text) as number[]) : [], byId, seen);
    if (rest !== null) return [...rest, leader];
  }
  return null;
}

function invalid(message: string): IntegrationError {
  return new IntegrationError('config', 'PCP_DEPENDENCY_INVALID', message, { path: '/depends_on' });
}
