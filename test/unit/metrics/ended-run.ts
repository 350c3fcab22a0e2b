import type { ErrorClass } from '../../../lib/model/errors';
import type { RunCounters, RunKind, RunState } from '../../../lib/model/sync';
import type { Store } from '../../../lib/store/store';
import { statusOf } from '../../../lib/sync/runs/run-rows';

export interface EndedRun {
  connectionId: number;
  mappingId: number;
  endedAt: number;
  durationMs?: number;
  state?: RunState;
  kind?: RunKind;
  dryRun?: boolean;
  errorClass?: ErrorClass;
  counters?: Partial<RunCounters>;
}

/** The log of a run that is over. */
export async function endRun(store: Store, run: EndedRun): Promise<void> {
  const { connectionId, mappingId, endedAt, durationMs = 1000, state = 'succeeded', counters = {} } = run;
  await store.models.syncLogs.create({
    ...{ job_id: 'job', connection_id: connectionId, mapping_id: mappingId, direction: 'import', state },
    ...{ status: statusOf(state), kind: run.kind ?? 'sync', dry_run: run.dryRun ?? false },
    ...{ started_at: new Date(endedAt - durationMs), ended_at: new Date(endedAt) },
    error_class: run.errorClass ?? null,
    ...Object.fromEntries(Object.entries(counters).map(([name, count]) => [`c_${name}`, count])),
  });
}
