import type { JsonSchema } from '../../model/entity';
import { DIFFERENCES, KNOWN } from '../../model/reconciliation';
import { count, direction, id, instant, instantOrNull } from './common';
import { runState, runTrigger } from './sync';

const action: JsonSchema = {
  type: 'string',
  enum: ['report', 'repair'],
  description: '`repair`: what the target lacks, or holds otherwise, goes over once more. Nothing is ever deleted.',
};
const settleSeconds: JsonSchema = {
  type: 'integer',
  minimum: 0,
  maximum: 86_400,
  description:
    'A difference counts when it is still there after so long; absent: twice the interval of the schedule, 5 minutes at least.',
};
const kind: JsonSchema = {
  type: 'string',
  enum: [...DIFFERENCES],
  description:
    '`duplicate_key`: one key has several records. `orphan_link`: the hub remembers a record that neither side has any more.',
};
const known: JsonSchema = {
  type: ['string', 'null'],
  enum: [...KNOWN, null],
  description:
    'Why it does not count: it changed between the two looks, or a moment ago; its write is on its way; it is a dead letter; the mapping refuses the record. Null: it counts.',
};
const counts = (names: readonly string[], description: string): JsonSchema => ({
  type: ['object', 'null'],
  required: [...names],
  properties: Object.fromEntries(names.map((name) => [name, { type: 'integer', minimum: 0 }])),
  description,
});
const side = (description: string): JsonSchema => ({
  type: ['object', 'null'],
  required: ['count', 'checksum'],
  properties: { count: { type: 'integer', minimum: 0 }, checksum: { type: 'string' } },
  description: `${description}: records, and XOR and sum of their hashes. Null: not read yet.`,
});

const reconciliation: Record<string, JsonSchema> = {
  id: id('Of the comparison.'),
  connection_id: id('Of the connection.'),
  mapping_id: id('Of the mapping.'),
  direction,
  action,
  job_id: { type: 'string', description: 'Its progress stands at `/sync/status/{job_id}`.' },
  sync_log_id: id('Of its run.'),
  status: { type: 'string', enum: ['in_progress', 'success', 'error'] },
  state: { ...runState, description: '`waiting_retry` between its two looks.' },
  error: {
    type: ['object', 'null'],
    properties: { class: { type: 'string' }, code: { type: 'string' }, message: { type: 'string' } },
    description: 'Why it failed, or waits.',
  },
  trigger: { ...runTrigger, type: ['string', 'null'], enum: [...(runTrigger.enum ?? []), null] },
  created_by: { type: ['string', 'null'] },
  due_at: instantOrNull('Of a schedule: the time that it was due at.'),
  started_at: instant('When it was asked for.'),
  settled_at: instantOrNull('When differences are looked at again; null before the first look.'),
  ended_at: instantOrNull('When it ended.'),
  source: side('What the mapping brings'),
  target: side('What is there'),
  differences: counts(DIFFERENCES, 'Differences that count, by kind; null until it has ended.'),
  known: counts(KNOWN, 'Differences that do not count, by reason; null until it has ended.'),
  total: { type: ['integer', 'null'], minimum: 0, description: 'Of the differences that count.' },
  drift_ratio: { type: ['number', 'null'], minimum: 0, description: 'Of the records of the larger side.' },
  is_complete: { type: 'boolean', description: 'False: there are more differences than are counted.' },
  repairable: count('Records that a repair writes; what only the target holds is left alone.'),
  repair_job_id: { type: ['string', 'null'], description: 'Of the last repair.' },
  repair_of: {
    type: ['integer', 'null'],
    description: 'The comparison whose differences it looks at once more, after their repair.',
  },
};

const valueOrNull: JsonSchema = { type: ['string', 'null'] };

export const reconciliationSchemas: Record<string, JsonSchema> = {
  ReconciliationOptions: {
    type: 'object',
    additionalProperties: false,
    description: 'How and when the two sides of a mapping are compared.',
    properties: {
      schedule: {
        type: 'string',
        minLength: 1,
        maxLength: 255,
        description: 'Cron expression; its zone and blackouts are those of the mapping’s `schedule_options`.',
      },
      after_dead_letters: {
        type: 'integer',
        minimum: 1,
        description: 'Compared as well when so many dead letters were opened since the last time, and are open still.',
      },
      action: { ...action, default: 'report' },
      settle_seconds: settleSeconds,
      safety_lag_seconds: {
        type: 'integer',
        minimum: 0,
        maximum: 86_400,
        default: 30,
        description: 'What changed so short a time ago, by `cursor_field`, is on its way.',
      },
      tolerance: { type: 'integer', minimum: 0, default: 0, description: 'So many differences are no inconsistency.' },
      target_filters: {
        type: 'array',
        maxItems: 200,
        items: { $ref: '#/components/schemas/Filter' },
        description: 'Which records of the target are this mapping’s own, where it shares it with others.',
      },
      ignore_fields: {
        type: 'array',
        maxItems: 200,
        items: { type: 'string', minLength: 1, maxLength: 255 },
        description: 'Fields of the target that are not compared.',
      },
    },
    example: { schedule: '0 3 * * 0', tolerance: 5 },
  },
  ReconciliationRequest: {
    type: 'object',
    additionalProperties: false,
    properties: { direction, action, settle_seconds: settleSeconds },
    example: { action: 'report' },
  },
  Reconciliation: {
    type: 'object',
    description: 'One comparison of both sides of a mapping.',
    required: Object.keys(reconciliation),
    properties: reconciliation,
  },
  Difference: {
    type: 'object',
    required: ['kind', 'key', 'known', 'fields'],
    properties: {
      kind,
      key: { type: 'array', items: {}, description: 'Parts of the key, as the target has them.' },
      known,
      fields: {
        type: 'array',
        description: 'Of `different`: what either side holds.',
        items: {
          type: 'object',
          required: ['field', 'source', 'target'],
          properties: { field: { type: 'string' }, source: valueOrNull, target: valueOrNull },
        },
      },
    },
  },
  ReconciliationWithSample: {
    allOf: [
      { $ref: '#/components/schemas/Reconciliation' },
      {
        type: 'object',
        required: ['sample'],
        properties: {
          sample: {
            type: 'array',
            maxItems: 100,
            items: { $ref: '#/components/schemas/Difference' },
            description: 'Some of the differences, those that count first.',
          },
        },
      },
    ],
  },
};
