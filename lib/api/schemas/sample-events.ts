import type { EventType } from '../../model/events';
import type { Reconciliation } from '../../model/reconciliation';
import type { SyncLog } from '../../model/sync';
import type { Envelope } from '../../model/webhook';
import { alertSchemas } from './alert';

const AT = '2026-11-24T05:00:00.000Z';
const OF = { connection: { id: 3, name: 'Legacy ERP' }, mapping: { id: 7, name: 'Orders' } };
const OF_RUN = { ...OF, sync_log_id: 41, direction: 'import' };

const run: SyncLog = {
  id: 41,
  job_id: '6f1b6d3e-0c0f-4c68-9a5b-1f6f0f7f0a51',
  connection_id: 3,
  mapping_id: 7,
  direction: 'import',
  status: 'success',
  started_at: '2026-11-24T04:59:58.000Z',
  ended_at: AT,
  records_processed: 3,
  records_success: 2,
  records_error: 1,
  error_message: null,
  error_class: null,
  details: {
    state: 'succeeded',
    created: 1,
    updated: 1,
    unchanged: 0,
    deleted: 0,
    filtered: 0,
    conflicts: 0,
    updated_at: AT,
    attempts: 1,
    full: false,
    dry_run: false,
    kind: 'sync',
    trigger: 'schedule',
    total: 3,
    records_per_second: 0,
  },
};

const failure = {
  status: 'error',
  error_message: 'The host "erp" does not answer.',
  error_class: 'transient',
} as const;

const reconciliation: Reconciliation = {
  id: 5,
  connection_id: 3,
  mapping_id: 7,
  direction: 'import',
  action: 'report',
  job_id: run.job_id,
  sync_log_id: 41,
  status: 'success',
  state: 'succeeded',
  error: null,
  trigger: 'schedule',
  created_by: null,
  due_at: AT,
  started_at: AT,
  settled_at: AT,
  ended_at: AT,
  source: { count: 3, checksum: '6f1b6d3e0c0f4c68' },
  target: { count: 2, checksum: '9a5b1f6f0f7f0a51' },
  differences: { only_source: 1, only_target: 0, different: 0, duplicate_key: 0, orphan_link: 0 },
  known: { changing: 0, recent: 0, pending: 0, dead_letter: 0, rejected: 0 },
  total: 1,
  drift_ratio: 0.33,
  is_complete: true,
  repairable: 1,
  repair_job_id: null,
  repair_of: null,
};

const record = { plant: '1000', order_number: '4711', material: 'BOLT', quantity: '2.5' };
const records = [{ key: { plant: record.plant, order_number: record.order_number }, data: record }];

/** What an event of this kind may hold: for examples, and to try templates with. */
export function sampleEvent(type: EventType): Envelope {
  return { type, timestamp: AT, data: dataOf(type) };
}

function dataOf(type: EventType): Record<string, unknown> {
  const [family = '', what = ''] = type.split('.');
  switch (family) {
    case 'run': {
      const state = what as SyncLog['details']['state'];
      const isFailed = state === 'failed';
      return { ...OF, run: { ...run, ...(isFailed && failure), details: { ...run.details, state } } };
    }
    case 'record':
      return { ...OF_RUN, entity: 'production_order', records };
    case 'dead_letter': {
      const group = { group: 'q1', count: 1, code: 'PCP_VALUE_TYPE', error_class: 'data' };
      return { ...OF_RUN, count: 1, groups: [{ ...group, stage: 'transform', field: 'quantity' }] };
    }
    case 'reconciliation':
      return { ...OF, reconciliation };
    case 'alert': {
      const alert = { ...(alertSchemas.Alert?.example as object), state: what };
      const words = {
        title: 'Há registros rejeitados em aberto',
        message: '"Orders" (ERP): 4 registros não puderam ser aplicados.',
        hint: 'Veja os grupos, corrija a causa e reprocesse ou descarte os registros.',
      };
      return { ...OF, alert, repeated: false, translations: { 'pt-BR': words } };
    }
    default:
      return { hello: 'world' };
  }
}
