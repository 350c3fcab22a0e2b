import type { Actor } from './audit';
import type { SerializedError } from './errors';
import type { Direction, Filter } from './mapping';
import type { RunTrigger } from './schedule';
import type { JobStatus, Page, PageRequest } from './services';
import type { RunState } from './sync';

/** How the two sides of a mapping may differ in a record. */
export const DIFFERENCES = ['only_source', 'only_target', 'different', 'duplicate_key', 'orphan_link'] as const;
export type DifferenceKind = (typeof DIFFERENCES)[number];

/**
 * Why a difference does not count: it changed between the two looks, or a moment ago; its write is on its way; it waits as a dead
 * letter; the mapping refuses the record.
 */
export const KNOWN = ['changing', 'recent', 'pending', 'dead_letter', 'rejected'] as const;
export type KnownReason = (typeof KNOWN)[number];

/** `repair`: what the target lacks, or holds otherwise, goes over once more. Nothing is deleted. */
export type ReconciliationAction = 'report' | 'repair';

/** How a mapping's two sides are compared. */
export interface ReconciliationOptions {
  /** Cron expression; its zone and blackouts are those of the mapping's `schedule_options`. */
  schedule?: string;
  /** Compared as well when so many dead letters were opened since the last time. */
  after_dead_letters?: number;
  /** Default: `report`. */
  action?: ReconciliationAction;
  /** A difference counts when it is still there after so long; default: twice the interval of the schedule, 5 minutes at least. */
  settle_seconds?: number;
  /** What was changed so short a time before the second look is on its way; default 30. */
  safety_lag_seconds?: number;
  /** So many differences are no inconsistency; default 0. */
  tolerance?: number;
  /** Which records of the target are this mapping's own, where it shares it with others. */
  target_filters?: Filter[];
  /** Fields of the target that are not compared, such as those that it fills itself. */
  ignore_fields?: string[];
}

/** Records of one side: how many, and the XOR and the sum of their hashes. */
export interface SideSummary {
  count: number;
  checksum: string;
}

export interface Difference {
  kind: DifferenceKind;
  /** Parts of the key, as the target has them. */
  key: unknown[];
  /** Null: it counts. */
  known: KnownReason | null;
  /** Of `different`: what either side holds. */
  fields: { field: string; source: string | null; target: string | null }[];
}

/** Row of `integration_reconciliations`: one comparison of both sides of a mapping. */
export interface Reconciliation {
  id: number;
  connection_id: number;
  mapping_id: number;
  direction: Direction;
  action: ReconciliationAction;
  job_id: string;
  sync_log_id: number;
  status: 'in_progress' | 'success' | 'error';
  state: RunState;
  error: SerializedError | null;
  trigger: RunTrigger | null;
  created_by: string | null;
  due_at: string | null;
  started_at: string;
  /** When differences are looked at again; null before the first look, and where there are none. */
  settled_at: string | null;
  ended_at: string | null;
  /** Null until both were read. */
  source: SideSummary | null;
  target: SideSummary | null;
  /** Differences that count, by kind; null until it has ended. */
  differences: Record<DifferenceKind, number> | null;
  /** Those that do not, by reason. */
  known: Record<KnownReason, number> | null;
  total: number | null;
  /** Of the records of the larger side. */
  drift_ratio: number | null;
  /** False: there are more differences than are counted. */
  is_complete: boolean;
  /** How many records a repair writes; what only the target holds is left alone. */
  repairable: number;
  repair_job_id: string | null;
  /** The comparison whose differences it looks at once more, after their repair. */
  repair_of: number | null;
}

export interface ReconciliationRequest {
  /** Of a mapping that goes both ways either; both compare the same. */
  direction?: Direction;
  action?: ReconciliationAction;
  settle_seconds?: number;
}

export interface ReconciliationFilter {
  connection_id?: number;
  mapping_id?: number;
  /** Started at or after this instant, before. */
  from?: string;
  to?: string;
}

export interface Reconciliations {
  /** Newest first. */
  list(filter: ReconciliationFilter & PageRequest): Promise<Page<Reconciliation>>;
  /** With at most 100 of the differences. @throws data PCP_NOT_FOUND */
  get(id: number): Promise<Reconciliation & { sample: Difference[] }>;
  /** @throws config PCP_NOT_COMPARABLE, PCP_CONNECTION_INACTIVE; conflict PCP_RUN_ACTIVE */
  start(
    mappingId: number,
    request: ReconciliationRequest,
    by: Actor,
  ): Promise<Reconciliation & { sample: Difference[] }>;
  /** Idempotent. */
  cancel(id: number, by: Actor): Promise<Reconciliation & { sample: Difference[] }>;
  /** Brings what differs over once more. @throws conflict PCP_NOTHING_TO_REPAIR */
  repair(id: number, by: Actor): Promise<JobStatus>;
}
