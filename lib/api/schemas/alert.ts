import { ALERT_KINDS } from '../../alerts/kinds';
import type { JsonSchema } from '../../model/entity';
import { id, instant, instantOrNull } from './common';

const idOrNull = (description: string): JsonSchema => ({ type: ['integer', 'null'], minimum: 1, description });
const numberOrNull = (description: string): JsonSchema => ({ type: ['number', 'null'], minimum: 0, description });
const seconds = (description: string): JsonSchema => ({
  type: 'integer',
  minimum: 0,
  maximum: 31_536_000,
  description,
});

export const alertKind: JsonSchema = {
  type: 'string',
  enum: ALERT_KINDS,
  description:
    '`sync_failure`: runs of a mapping that failed in a row. `data_delay`: seconds since a mapping last succeeded, or since a live one was cut off. `inconsistency`: records that the two sides of a mapping hold differently, as it was last compared. `dead_letters`: open dead letters of a mapping. `error_ratio`: of the records that the newest runs of a mapping read those that were rejected, in percent. `buffer_fill`: of the spool of a live mapping, in percent. `api_limit`: of what an API allows, in percent. `connection_paused`: attempts in a row that failed at a connection which is left alone for it. `webhook_failure`: deliveries of a day that were given up, or a webhook that was switched off. `certificate_expiry`, `secret_expiry`: days for which it is still good; less is worse.',
};
export const alertSeverity: JsonSchema = { type: 'string', enum: ['warning', 'critical'] };
export const alertState: JsonSchema = {
  type: 'string',
  enum: ['pending', 'firing', 'acknowledged', 'resolved'],
  description: '`pending`: it has not lasted long enough to be told.',
};

const ruleSettings: Record<string, JsonSchema> = {
  kind: alertKind,
  name: { type: ['string', 'null'], minLength: 1, maxLength: 255, description: 'Null: what its kind is called.' },
  is_active: { type: 'boolean' },
  connection_id: idOrNull('Watches this connection alone.'),
  mapping_id: idOrNull('Watches this mapping alone.'),
  severity: alertSeverity,
  threshold: numberOrNull(
    'From where on it is wrong. Null, for `data_delay` alone: two due times of the schedule have passed since the last success, and the time that its runs usually take.',
  ),
  clear_threshold: numberOrNull('It is over on the other side of this value; null: of the threshold.'),
  for_seconds: seconds('It is told when it has lasted so long.'),
  clear_for_seconds: seconds('It is over when it has been well for so long.'),
  repeat_seconds: {
    ...seconds('Told again after so long, until somebody acknowledges it; null: never.'),
    type: ['integer', 'null'],
    minimum: 60,
  },
};

const rule: JsonSchema = {
  type: 'object',
  required: [...Object.keys(ruleSettings), 'id', 'is_default', 'title', 'created_at', 'updated_at', 'revision'],
  properties: {
    ...ruleSettings,
    id: id('Of the rule.'),
    is_default: {
      type: 'boolean',
      description: 'It is there by itself: it can be changed and switched off, not deleted.',
    },
    title: { type: 'string', description: 'Its name, or what its kind is called in the language asked for.' },
    created_at: instant('When it was made.'),
    updated_at: instant('When it was last changed.'),
    revision: { type: 'integer', minimum: 1 },
  },
  example: {
    id: 1,
    kind: 'sync_failure',
    name: null,
    title: 'Runs fail',
    is_default: true,
    is_active: true,
    connection_id: null,
    mapping_id: null,
    severity: 'critical',
    threshold: 1,
    clear_threshold: null,
    for_seconds: 0,
    clear_for_seconds: 0,
    repeat_seconds: 86_400,
    revision: 1,
    created_at: '2026-11-24T05:00:00.000Z',
    updated_at: '2026-11-24T05:00:00.000Z',
  },
};

const ruleInput: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['kind'],
  properties: ruleSettings,
  example: { kind: 'data_delay', mapping_id: 7, threshold: 900, for_seconds: 60, severity: 'critical' },
};

const alertProperties: Record<string, JsonSchema> = {
  id: id('Of the alert.'),
  rule_id: id('Of the rule that raised it.'),
  kind: alertKind,
  subject: { type: 'string', description: 'What it is about, in a form for machines.' },
  connection_id: idOrNull('Of the connection that it is about.'),
  mapping_id: idOrNull('Of the mapping that it is about.'),
  severity: alertSeverity,
  state: alertState,
  value: { type: 'number', description: 'As it was last looked at, in the unit of its kind.' },
  threshold: { type: 'number', description: 'From where on it is wrong.' },
  details: { type: 'object', description: 'Facts of which the message is made.' },
  title: { type: 'string', description: 'What kind of thing is wrong, in the language asked for.' },
  message: { type: 'string', description: 'What is wrong, in the language asked for.' },
  hint: { type: 'string', description: 'What to do about it, in the language asked for.' },
  since: instant('Since when it is wrong.'),
  fired_at: instantOrNull('When it was first told.'),
  acknowledged_at: instantOrNull('When somebody took it on.'),
  acknowledged_by: { type: ['string', 'null'], description: 'Who did; null without adminAuth.' },
  note: { type: ['string', 'null'] },
  resolved_at: instantOrNull('When it was over.'),
};

const alert: JsonSchema = {
  type: 'object',
  required: Object.keys(alertProperties),
  properties: alertProperties,
  example: {
    id: 12,
    rule_id: 3,
    kind: 'dead_letters',
    subject: 'mapping:7',
    connection_id: 3,
    mapping_id: 7,
    severity: 'warning',
    state: 'firing',
    value: 4,
    threshold: 1,
    details: { mapping: 'Orders', connection: 'ERP' },
    title: 'Dead letters are open',
    message: '"Orders" (ERP): 4 records could not be applied.',
    hint: 'Look at their groups, correct the cause, and replay or discard them.',
    since: '2026-11-24T05:00:00.000Z',
    fired_at: '2026-11-24T05:00:00.000Z',
    resolved_at: null,
    acknowledged_at: null,
    acknowledged_by: null,
    note: null,
  },
};

export const alertSchemas: Record<string, JsonSchema> = {
  Alert: alert,
  AlertWithEvents: {
    ...alert,
    required: [...Object.keys(alertProperties), 'events'],
    properties: {
      ...alertProperties,
      events: {
        type: 'array',
        description: 'What happened to it, oldest first.',
        items: {
          type: 'object',
          required: ['id', 'alert_id', 'type', 'at', 'by', 'value'],
          properties: {
            id: id('Grows with each event.'),
            alert_id: id('Of the alert.'),
            type: { type: 'string', enum: ['firing', 'repeated', 'acknowledged', 'resolved'] },
            at: instant('When it happened.'),
            by: { type: ['string', 'null'], description: 'Who acknowledged it.' },
            value: { type: 'number' },
          },
        },
      },
    },
    example: { ...(alert.example as object), events: [] },
  },
  AlertAcknowledgement: {
    type: 'object',
    additionalProperties: false,
    properties: { note: { type: 'string', maxLength: 2000, description: 'For whoever looks at it later.' } },
    example: { note: 'The supplier has been called.' },
  },
  AlertRule: rule,
  AlertRuleInput: ruleInput,
};
