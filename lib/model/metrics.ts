import type { ErrorClass } from './errors';

/** What runs that ended in a period came to, of one connection, of one mapping, or of all. */
export interface RunMetrics {
  from: string;
  to: string;
  /** Null: of all. */
  connection_id: number | null;
  mapping_id: number | null;
  runs: {
    succeeded: number;
    /** Went well but for some records. */
    partial: number;
    failed: number;
    /** Neither well nor badly: by somebody's wish, or not begun. */
    cancelled: number;
    skipped: number;
  };
  /** Of runs that succeeded, in whole or in part, among those that did or failed; null when there was none. */
  success_rate: number | null;
  /** Of the same runs, from start to end; live ones, which last an hour, aside. Null when there was none. */
  duration_ms: { mean: number; p50: number; p95: number; max: number } | null;
  records: {
    processed: number;
    created: number;
    updated: number;
    unchanged: number;
    deleted: number;
    filtered: number;
    conflicts: number;
    errors: number;
  };
  /** Runs that failed, by class of failure. */
  errors: Partial<Record<ErrorClass, number>>;
}

export interface RunMetricsRequest {
  connection_id?: number;
  mapping_id?: number;
  /** Ended at or after, before; absent: the last 24 hours. */
  from?: string;
  to?: string;
  /** What each item is of; default: all together. */
  by?: 'connection' | 'mapping';
  /** Each item is of an hour or a day (UTC) of the whole; default: the whole. */
  period?: 'hour' | 'day';
}

export interface Metrics {
  /** Only what has runs is among the items, oldest first. @throws data PCP_PERIOD_INVALID with `path` */
  runs(request: RunMetricsRequest): Promise<{ from: string; to: string; items: RunMetrics[] }>;
  /** All that Prometheus is told, in its text format. */
  exposition(): Promise<string>;
}
