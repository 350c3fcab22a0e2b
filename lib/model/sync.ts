import type { SyncStatus } from './connection';
import type { ErrorClass } from './errors';
import type { Direction } from './mapping';
import type { Phrase, Said } from './phrase';
import type { RunTrigger } from './schedule';

/** Finer state of a run (SEMANTICS 2.2), in `details.state` of its sync log. */
export type RunState =
  | 'queued'
  | 'running'
  | 'waiting_retry'
  | 'waiting_quota'
  | 'cancelling'
  | 'succeeded'
  | 'partial'
  | 'failed'
  | 'cancelled'
  | 'skipped';

/**
 * `live`: follows the spool of a stream for about an hour, and the next one goes on. `reconcile`: compares both sides and writes
 * nothing. `repair`: takes the records over once more that such a comparison found.
 */
export type RunKind = 'sync' | 'replay' | 'live' | 'reconcile' | 'repair';

export interface RunCounters {
  read: number;
  created: number;
  updated: number;
  unchanged: number;
  deleted: number;
  filtered: number;
  conflicts: number;
  errors: number;
}

/** Row of `integration_sync_logs`: one run of one mapping in one direction. */
export interface SyncLog {
  id: number;
  job_id: string;
  connection_id: number;
  mapping_id: number;
  direction: Direction;
  status: SyncStatus;
  started_at: string;
  ended_at: string | null;
  records_processed: number;
  records_success: number;
  records_error: number;
  error_message: string | null;
  /** What the message is made of. */
  said?: Phrase;
  error_class: ErrorClass | null;
  details: SyncDetails;
}

export interface SyncDetails {
  state: RunState;
  created: number;
  updated: number;
  unchanged: number;
  deleted: number;
  filtered: number;
  conflicts: number;
  /** Of an import: the records among `unchanged` and `updated` that an export had written to the source. */
  own?: number;
  error_code?: string;
  hint?: string;
  /** What whoever reads it should know, though nothing failed. */
  warnings?: Said[];
  /** When work on it last began, was committed or ended. */
  updated_at: string;
  attempts: number;
  /** What became of each of them, oldest first; not in the status of a job. */
  history?: SyncAttempt[];
  full: boolean;
  dry_run: boolean;
  /** Of a run that waits: when it is tried again. */
  next_attempt_at?: string;
  kind: RunKind;
  /** What started it. */
  trigger?: RunTrigger;
  /** Of a schedule: the time that it was due at. */
  due_at?: string;
  /** Of a replay: what was asked for; auto = as each dead letter says. */
  replay_mode?: ReplayMode | 'auto';
  /** Of a replay: how many records were read anew from their source. */
  refetched?: number;
  total: number | null;
  records_per_second: number;
}

/** One attempt of a run. */
export interface SyncAttempt {
  started_at: string;
  /** Null while it runs, and for ever when its worker died or the store was away. */
  ended_at: string | null;
  /** Host, process and name of the worker. */
  worker: string;
  /** What the run went to; null as `ended_at` is. */
  state: RunState | null;
  error_class: ErrorClass | null;
  error_code: string | null;
  error_message: string | null;
  said?: Phrase;
}

/** Where a stream (mapping and direction) has got to. Opaque to the engine, owned by the connector that reads. */
export interface Cursor {
  v: 1;
  kind: 'keyset' | 'window' | 'sequence' | 'file' | 'snapshot' | 'offset' | 'delta_token';
  [part: string]: unknown;
}

/** Whether a replay reads the record anew from its source, or takes it as it was kept. */
export type ReplayMode = 'refetch' | 'stored';

export type DeadLetterState = 'open' | 'replaying' | 'resolved' | 'discarded' | 'superseded';

/** A record that could not be applied, kept with its reason. */
export interface DeadLetter {
  id: number;
  mapping_id: number;
  mapping_version: number;
  sync_log_id: number;
  direction: Direction;
  source_key: string | null;
  /** Where the record stood in its source ("orders-1.csv:17", "no=4711"), as far as the source says. */
  position: string | null;
  /** The record as it was read, or corrected. */
  payload: unknown;
  /** Why there is no payload: PCP_PAYLOAD_NOT_KEPT (too large, or not given by its source), PCP_VAULT_KEY_UNKNOWN, PCP_VAULT_BROKEN. */
  payload_error: string | null;
  /** Somebody corrected the payload. */
  edited: boolean;
  /** What a replay does that names no mode. */
  replay_mode: ReplayMode;
  stage: 'read' | 'transform' | 'validate' | 'plan' | 'write';
  error_class: ErrorClass;
  code: string;
  message: string;
  /** What the message is made of. */
  said?: Phrase;
  /** Field and value that broke the rule. */
  field: string | null;
  value: unknown;
  rule: string | null;
  attempts: number;
  state: DeadLetterState;
  /** Same for errors of the same kind: class, stage, code, field and message without its values. */
  group_hash: string;
  note: string | null;
  first_at: string;
  last_at: string;
}
