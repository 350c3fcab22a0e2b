import type { TestReport } from '../../../lib/connectors/contract';
import type { Alert, AlertRule } from '../../../lib/model/alert';
import type { EntityType } from '../../../lib/model/entity';
import type { KeptDelivery } from '../../../lib/model/incoming-webhook';
import type { RunMetrics } from '../../../lib/model/metrics';
import type { Reconciliation } from '../../../lib/model/reconciliation';
import type { Health, JobStatus, MappingInput, MappingView } from '../../../lib/model/services';
import type { DeadLetter, SyncLog } from '../../../lib/model/sync';
import type { WebhookExecution, WebhookView } from '../../../lib/model/webhook';

/** When everything happened in these rows. */
export const NOW = '2026-11-24T05:00:00.000Z';

export function mappingView(id: number, input: MappingInput, revision: number): MappingView {
  return {
    description: null,
    transformations: [],
    filters: [],
    key_fields: [],
    sync_mode: 'full',
    cursor_field: null,
    peer_connection_id: null,
    options: {},
    is_active: true,
    flow_error: null,
    schedule: null,
    schedule_options: {},
    depends_on: [],
    ...input,
    id,
    revision,
    version: 1,
    managed_by: 'api',
    node_id: null,
    created_at: NOW,
    updated_at: NOW,
  };
}

export function job(connectionId: number): JobStatus {
  return {
    job_id: 'job-1',
    connection_id: connectionId,
    status: 'in_progress',
    started_at: NOW,
    ended_at: null,
    progress: { processed: 10, total: null, percent: null, records_per_second: 0 },
    logs: [syncLog()],
  };
}

export function syncLog(): SyncLog {
  return {
    id: 1,
    job_id: 'job-1',
    connection_id: 1,
    mapping_id: 7,
    direction: 'import',
    status: 'success',
    started_at: NOW,
    ended_at: NOW,
    records_processed: 2,
    records_success: 1,
    records_error: 1,
    error_message: null,
    error_class: null,
    details: {
      state: 'partial',
      created: 1,
      updated: 0,
      unchanged: 0,
      deleted: 0,
      filtered: 0,
      conflicts: 0,
      history: [
        {
          started_at: NOW,
          ended_at: NOW,
          worker: 'host:1:a',
          state: 'partial',
          error_class: null,
          error_code: null,
          error_message: null,
        },
      ],
      updated_at: NOW,
      attempts: 1,
      full: false,
      dry_run: false,
      kind: 'sync',
      total: null,
      records_per_second: 100,
    },
  };
}

export function deadLetter(): DeadLetter {
  return {
    id: 1,
    mapping_id: 7,
    mapping_version: 1,
    sync_log_id: 1,
    direction: 'import',
    source_key: '["1"]',
    position: 'orders.csv:2',
    payload: { start: '2026-02-30' },
    payload_error: null,
    edited: false,
    replay_mode: 'stored',
    stage: 'transform',
    error_class: 'data',
    code: 'PCP_DATE',
    message: 'No such day.',
    field: 'start',
    value: '2026-02-30',
    rule: 'date',
    attempts: 1,
    state: 'open',
    group_hash: 'g1',
    note: null,
    first_at: NOW,
    last_at: NOW,
  };
}

export function webhook(): WebhookView {
  return {
    id: 1,
    name: 'maintenance',
    description: null,
    url: 'https://maintenance.plant.example/hooks',
    event_type: 'run.*',
    connection_id: null,
    method: 'POST',
    headers: { authorization: true },
    payload_template: null,
    template_language: 'jsonata',
    signature: 'standard',
    options: {},
    is_active: true,
    disabled_reason: null,
    disabled_at: null,
    failing_since: null,
    paused_until: null,
    previous_secret_until: null,
    created_by: null,
    created_at: NOW,
    updated_at: NOW,
    revision: 1,
  };
}

export function execution(): WebhookExecution {
  return {
    id: 1,
    webhook_id: 1,
    event_id: 'msg_1',
    event_type: 'run.failed',
    status: 'pending',
    created_at: NOW,
    executed_at: NOW,
    next_attempt_at: NOW,
    response_status: 503,
    response_body: 'busy',
    error_code: 'PCP_HTTP_BUSY',
    error_message: 'It is busy.',
    attempts: [
      { at: NOW, duration_ms: 3, response_status: 503, error_code: 'PCP_HTTP_BUSY', error_message: 'It is busy.' },
    ],
  };
}

export function report(): TestReport {
  return { ok: true, duration_ms: 3, steps: [{ name: 'connect', ok: true, detail: 'PostgreSQL 15' }] };
}

export function health(): Health {
  return {
    status: 'ok',
    version: '0.1.0',
    store: { dialect: 'sqlite', ok: true },
    runner: { state: 'idle', pid: null, rss_bytes: null, restarts: 0 },
    live: { state: 'idle', pid: null, rss_bytes: null, restarts: 0 },
    runs: { queued: 0, running: 0, waiting: 0 },
    dead_letters_open: 0,
    streams: { states: {}, backlog: 0, dropped: 0, alarms: [] },
    writes_waiting: [],
    certificates: [],
  };
}

export function alert(): Alert {
  return {
    ...{ id: 12, rule_id: 3, kind: 'dead_letters', subject: 'mapping:7', connection_id: 3, mapping_id: 7 },
    ...{ severity: 'warning', state: 'firing', value: 4, threshold: 1, since: NOW, fired_at: NOW },
    details: { mapping: 'Orders', connection: 'ERP' },
    ...{ acknowledged_at: null, acknowledged_by: null, note: null, resolved_at: null },
  };
}

export function alertRule(): AlertRule {
  return {
    ...{ id: 1, kind: 'sync_failure', name: null, is_default: true, is_active: true, connection_id: null },
    ...{ mapping_id: null, severity: 'critical', threshold: 1, clear_threshold: null, for_seconds: 0 },
    ...{ clear_for_seconds: 0, repeat_seconds: 86_400, created_at: NOW, updated_at: NOW, revision: 1 },
  };
}

export function runMetrics(): RunMetrics {
  return {
    ...{ from: NOW, to: NOW, connection_id: 3, mapping_id: null },
    runs: { succeeded: 1, partial: 0, failed: 1, cancelled: 0, skipped: 0 },
    success_rate: 0.5,
    duration_ms: { mean: 1, p50: 1, p95: 2, max: 2 },
    records: {
      ...{ processed: 1, created: 1, updated: 0, unchanged: 0 },
      ...{ deleted: 0, filtered: 0, conflicts: 0, errors: 0 },
    },
    errors: { transient: 1 },
  };
}

export function reconciliation(): Reconciliation {
  return {
    ...{ id: 5, connection_id: 3, mapping_id: 7, direction: 'import', action: 'report', job_id: 'j-9', sync_log_id: 9 },
    ...{ status: 'success', state: 'succeeded', error: null, trigger: 'api', created_by: null, due_at: null },
    ...{ started_at: NOW, settled_at: NOW, ended_at: NOW, total: 1, drift_ratio: 0.5, is_complete: true },
    source: { count: 2, checksum: '00' },
    target: { count: 1, checksum: '01' },
    differences: { only_source: 1, only_target: 0, different: 0, duplicate_key: 0, orphan_link: 0 },
    known: { changing: 0, recent: 0, pending: 0, dead_letter: 0, rejected: 0 },
    ...{ repairable: 1, repair_job_id: null, repair_of: null },
  };
}

export function keptDelivery(): KeptDelivery {
  return {
    ...{ id: 1, webhook: 'a1b2', state: 'failed', received_at: NOW, attempts: 10 },
    ...{ error_code: 'PCP_ACK_TIMEOUT', error_message: 'The flow did not acknowledge a batch within 60 s.' },
  };
}

export const order: EntityType = {
  type: 'production_order',
  title: 'Production order',
  key: ['plant', 'order_number'],
  built_in: true,
  schema: {
    type: 'object',
    required: ['plant', 'order_number'],
    properties: { plant: { type: 'string' }, order_number: { type: 'string' }, status: { type: 'string' } },
  },
};
