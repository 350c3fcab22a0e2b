import type { JsonSchema } from '../../model/entity';
import { count, direction, errorClass, id, instant, instantOrNull } from './common';

const status: JsonSchema = { type: 'string', enum: ['in_progress', 'success', 'error'] };
const nullableText: JsonSchema = { type: ['string', 'null'] };

const orNull = (schema: JsonSchema): JsonSchema => ({
  ...schema,
  type: ['string', 'null'],
  enum: [...(schema.enum ?? []), null],
});

const replayMode: JsonSchema = { type: 'string', enum: ['refetch', 'stored'] };

export const runState: JsonSchema = {
  type: 'string',
  enum: [
    'queued',
    'running',
    'waiting_retry',
    'waiting_quota',
    'cancelling',
    'succeeded',
    'partial',
    'failed',
    'cancelled',
    'skipped',
  ],
};

export const runTrigger: JsonSchema = {
  type: 'string',
  enum: ['api', 'node', 'schedule', 'mapping', 'file', 'webhook', 'dead_letters'],
  description: 'What started it.',
};

const attempt: JsonSchema = {
  type: 'object',
  required: ['started_at', 'ended_at', 'worker', 'state', 'error_class', 'error_code', 'error_message'],
  properties: {
    started_at: instant('When a worker began.'),
    ended_at: instantOrNull(
      'When it ended. Null while it runs, and for ever when its worker died or the store was away.',
    ),
    worker: { type: 'string', description: 'Host, process and name of the worker.' },
    state: { ...orNull(runState), description: 'What the run went to; null as the end is.' },
    error_class: orNull(errorClass),
    error_code: nullableText,
    error_message: nullableText,
  },
};

const details: JsonSchema = {
  type: 'object',
  required: ['state', 'created', 'updated', 'unchanged', 'deleted', 'filtered', 'conflicts'],
  properties: {
    state: runState,
    created: count('Records that are new in the target.'),
    updated: count('Records that were changed.'),
    unchanged: count('Records that were left as they are.'),
    deleted: count('Records that were removed.'),
    filtered: count('Records that the filters left out, and discarded ones that came unchanged.'),
    conflicts: count('Records that changed on both sides.'),
    own: count(
      'Of an import, when there are any: what the platform itself had written to the source, under another key. It is among `unchanged` and `updated`.',
    ),
    error_code: { type: 'string' },
    hint: { type: 'string' },
    warnings: {
      type: 'array',
      description: 'What should be known though nothing failed, such as pages of an API that nobody asks for.',
      items: { type: 'string' },
    },
    updated_at: instant('When work on it last began, was committed or ended.'),
    attempts: count('How often the run was started.'),
    history: {
      type: 'array',
      description: 'Its attempts, oldest first: why a run waited, or was tried again. Not in the status of a job.',
      items: attempt,
    },
    full: { type: 'boolean' },
    dry_run: { type: 'boolean' },
    kind: { type: 'string', enum: ['sync', 'replay', 'live', 'reconcile', 'repair'] },
    trigger: runTrigger,
    due_at: instant('Of a schedule: the time that it was due at.'),
    replay_mode: {
      type: 'string',
      enum: ['auto', 'refetch', 'stored'],
      description: 'Of a replay: the mode asked for; auto = none was.',
    },
    refetched: count('Of a replay: records that were read anew from their source.'),
    total: { type: ['integer', 'null'], minimum: 0 },
    records_per_second: { type: 'number', minimum: 0 },
  },
};

export const syncSchemas: Record<string, JsonSchema> = {
  SyncRequest: {
    type: 'object',
    additionalProperties: false,
    properties: {
      mapping_id: id('One mapping of the connection; absent = all active ones.'),
      direction,
      full: { type: 'boolean', default: false, description: 'Reads everything again, whatever the cursor.' },
      dry_run: { type: 'boolean', default: false, description: 'Reads, maps and compares; writes nothing.' },
    },
    example: { mapping_id: 7 },
  },
  SyncLog: {
    type: 'object',
    description: 'One run of one mapping in one direction.',
    required: [
      'id',
      'job_id',
      'connection_id',
      'mapping_id',
      'direction',
      'status',
      'started_at',
      'ended_at',
      'records_processed',
      'records_success',
      'records_error',
      'error_message',
      'error_class',
      'details',
    ],
    properties: {
      id: id('Id'),
      job_id: { type: 'string' },
      connection_id: { type: 'integer' },
      mapping_id: { type: 'integer' },
      direction,
      status,
      started_at: instant('When it was started.'),
      ended_at: instantOrNull('When it ended.'),
      records_processed: count('Records read.'),
      records_success: count('Records applied, unchanged or filtered.'),
      records_error: count('Records in the dead letters.'),
      error_message: nullableText,
      error_class: orNull(errorClass),
      details,
    },
  },
  JobStatus: {
    type: 'object',
    required: ['job_id', 'connection_id', 'status', 'started_at', 'ended_at', 'progress', 'logs'],
    properties: {
      job_id: { type: 'string' },
      connection_id: { type: 'integer' },
      status,
      started_at: instant('When it was started.'),
      ended_at: instantOrNull('When its last run ended.'),
      progress: {
        type: 'object',
        required: ['processed', 'total', 'percent', 'records_per_second'],
        properties: {
          processed: count('Records read so far.'),
          total: { type: ['integer', 'null'], description: 'Records to expect, when known.' },
          percent: { type: ['number', 'null'], minimum: 0, maximum: 100 },
          records_per_second: { type: 'number', minimum: 0 },
        },
      },
      logs: { type: 'array', items: { $ref: '#/components/schemas/SyncLog' } },
      live: { $ref: '#/components/schemas/LiveStatus' },
    },
    example: {
      job_id: '6f1b6d3e-0c0f-4c68-9a5b-1f6f0f7f0a51',
      connection_id: 3,
      status: 'in_progress',
      started_at: '2026-11-24T05:00:00.000Z',
      ended_at: null,
      progress: { processed: 12000, total: 100000, percent: 12, records_per_second: 24000 },
      logs: [],
    },
  },
  DeadLetter: {
    type: 'object',
    description: 'A record that could not be applied, kept with its reason.',
    required: [
      'id',
      'mapping_id',
      'sync_log_id',
      'direction',
      'payload',
      'payload_error',
      'edited',
      'replay_mode',
      'stage',
      'error_class',
      'code',
      'message',
      'state',
    ],
    properties: {
      id: id('Id'),
      mapping_id: { type: 'integer' },
      mapping_version: { type: 'integer' },
      sync_log_id: { type: 'integer' },
      direction,
      source_key: nullableText,
      position: {
        ...nullableText,
        description: 'Where the record stood in its source (`orders-1.csv:17`), as far as the source says.',
      },
      payload: { description: 'The record as it was read, or corrected.' },
      payload_error: {
        ...nullableText,
        description:
          'Why there is none: PCP_PAYLOAD_NOT_KEPT (larger than 8 MiB, or not given by its source), PCP_VAULT_KEY_UNKNOWN (its key is not among those given), PCP_VAULT_BROKEN (changed or moved).',
      },
      edited: { type: 'boolean', description: 'Somebody corrected the payload.' },
      replay_mode: { ...replayMode, description: 'What a replay does that names no mode.' },
      stage: { type: 'string', enum: ['read', 'transform', 'validate', 'plan', 'write'] },
      error_class: errorClass,
      code: { type: 'string' },
      message: { type: 'string' },
      field: nullableText,
      value: { description: 'Value that broke the rule.' },
      rule: nullableText,
      attempts: count('How often it was tried.'),
      state: { $ref: '#/components/schemas/DeadLetterState' },
      group_hash: { type: 'string', description: 'The same for errors of the same kind.' },
      note: nullableText,
      first_at: instant('When it first failed.'),
      last_at: instant('When it last failed.'),
    },
  },
  DeadLetterState: { type: 'string', enum: ['open', 'replaying', 'resolved', 'discarded', 'superseded'] },
  DeadLetterGroup: {
    type: 'object',
    required: [
      'group',
      'mapping_id',
      'code',
      'error_class',
      'stage',
      'field',
      'message',
      'count',
      'first_at',
      'last_at',
    ],
    properties: {
      group: { type: 'string' },
      mapping_id: { type: 'integer' },
      code: { type: 'string' },
      error_class: { type: 'string' },
      stage: { type: 'string' },
      field: nullableText,
      message: { type: 'string', description: 'Message of the newest of them.' },
      count: count('How many there are.'),
      first_at: instant('When the first of them failed.'),
      last_at: instant('When the last of them failed.'),
    },
  },
  DeadLetterEdit: {
    type: 'object',
    additionalProperties: false,
    required: ['payload'],
    properties: { payload: { type: 'object', description: 'The corrected record, as it would be read.' } },
    example: { payload: { AUFNR: '000001000123', GSTRP: '20260227' } },
  },
  ReplayRequest: {
    type: 'object',
    description:
      'Which dead letters to replay: chosen ones, those of a group, of a run, or all open ones of a mapping.',
    additionalProperties: false,
    properties: {
      ids: { type: 'array', minItems: 1, maxItems: 1000, items: id('Dead letter.') },
      group: { type: 'string', minLength: 1, maxLength: 200 },
      mapping_id: id('Mapping.'),
      sync_log_id: id('Run that left them.'),
      mode: {
        ...replayMode,
        description: 'Read the records anew, or take them as they are kept. Absent = each as its `replay_mode` says.',
      },
    },
    anyOf: [
      { required: ['ids'] },
      { required: ['group'] },
      { required: ['mapping_id'] },
      { required: ['sync_log_id'] },
    ],
    example: { ids: [41, 42], mode: 'stored' },
  },
  ReplayStarted: {
    type: 'object',
    required: ['job_id', 'jobs'],
    properties: {
      job_id: { type: 'string', description: 'The first of the jobs.' },
      jobs: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/JobStatus' } },
    },
  },
  DiscardRequest: {
    type: 'object',
    additionalProperties: false,
    properties: { note: { type: 'string', maxLength: 2000, description: 'Why.' } },
    example: { note: 'Test order, deleted in the ERP.' },
  },
};
