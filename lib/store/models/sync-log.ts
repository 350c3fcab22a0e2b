import type { Model, ModelStatic, Sequelize } from 'sequelize';
import type { SyncStatus } from '../../model/connection';
import type { ErrorClass } from '../../model/errors';
import type { Direction } from '../../model/mapping';
import type { RunTrigger } from '../../model/schedule';
import type { ReplayMode, RunKind, RunState } from '../../model/sync';
import { bigInteger, flag, id, instant, integer, json, longText, optional, text } from '../columns';

/** One run of one mapping in one direction: the seed's columns, then the engine's. */
interface SyncLogRow {
  id: number;
  job_id: string;
  connection_id: number;
  mapping_id: number;
  direction: Direction;
  status: SyncStatus;
  started_at: Date;
  ended_at: Date | null;
  records_processed: number;
  records_success: number;
  records_error: number;
  error_message: string | null;
  error_said: string | null;
  warnings: string | null;
  error_class: ErrorClass | null;
  created_by: string | null;
  state: RunState;
  kind: RunKind;
  /** Mode that was asked for; null = as each dead letter allows. */
  replay_mode: ReplayMode | null;
  triggered_by: RunTrigger | null;
  /** Of a schedule, in epoch milliseconds. */
  due_at: number | null;
  /** Dead letters whose record was read anew. */
  refetched: number;
  own_records: number;
  full_read: boolean;
  dry_run: boolean;
  attempts: number;
  no_progress: number;
  /** Epoch milliseconds, as the other engine columns. */
  next_attempt_at: number | null;
  cancel_requested_at: number | null;
  fence: number;
  worker: string | null;
  error_code: string | null;
  hint: string | null;
  c_read: number;
  c_created: number;
  c_updated: number;
  c_unchanged: number;
  c_deleted: number;
  c_filtered: number;
  c_conflicts: number;
  c_errors: number;
  total: number | null;
  active_ms: number;
  writer_state: Record<string, unknown> | null;
  mapping_version: number;
  /** Of a live run: whose records it forwards. */
  spool: string | null;
  updated_at: number;
}

export type SyncLogModel = ModelStatic<Model<SyncLogRow, Partial<SyncLogRow>> & SyncLogRow>;

const SYNC_LOGS = 'integration_sync_logs';

export function syncLogModel(sequelize: Sequelize): SyncLogModel {
  return sequelize.define(
    'IntegrationSyncLog',
    {
      id: id(),
      job_id: text(36),
      connection_id: integer(),
      mapping_id: integer(),
      direction: text(20),
      status: text(20),
      started_at: instant(),
      ended_at: instant(optional),
      records_processed: bigInteger('records_processed'),
      records_success: bigInteger('records_success'),
      records_error: bigInteger('records_error'),
      error_message: longText(),
      error_said: longText(),
      warnings: longText(),
      error_class: text(30, optional),
      created_by: text(255, optional),
      state: text(20),
      kind: text(10, { defaultValue: 'sync' }),
      replay_mode: text(10, optional),
      triggered_by: text(20, optional),
      due_at: bigInteger('due_at', optional),
      refetched: bigInteger('refetched'),
      own_records: integer(),
      full_read: flag(false),
      dry_run: flag(false),
      attempts: integer(),
      no_progress: integer(),
      next_attempt_at: bigInteger('next_attempt_at', optional),
      cancel_requested_at: bigInteger('cancel_requested_at', optional),
      fence: bigInteger('fence'),
      worker: text(255, optional),
      error_code: text(100, optional),
      hint: longText(),
      c_read: bigInteger('c_read'),
      c_created: bigInteger('c_created'),
      c_updated: bigInteger('c_updated'),
      c_unchanged: bigInteger('c_unchanged'),
      c_deleted: bigInteger('c_deleted'),
      c_filtered: bigInteger('c_filtered'),
      c_conflicts: bigInteger('c_conflicts'),
      c_errors: bigInteger('c_errors'),
      total: bigInteger('total', optional),
      active_ms: bigInteger('active_ms'),
      writer_state: json('writer_state', optional),
      mapping_version: integer(),
      spool: text(36, optional),
      updated_at: bigInteger('updated_at'),
    },
    { tableName: SYNC_LOGS, timestamps: false },
  ) as SyncLogModel;
}
