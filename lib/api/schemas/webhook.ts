import type { JsonSchema } from '../../model/entity';
import { EVENT_PATTERN, EVENT_TYPES } from '../../model/events';
import { direction, errorClass, id, instant, instantOrNull } from './common';
import { sampleEvent } from './sample-events';

export const eventType: JsonSchema = { type: 'string', enum: [...EVENT_TYPES] };
export const executionStatus: JsonSchema = { type: 'string', enum: ['pending', 'success', 'error', 'skipped'] };
const secret: JsonSchema = {
  type: ['string', 'null'],
  minLength: 16,
  maxLength: 200,
  writeOnly: true,
  description:
    'To sign with: `whsec_` and the base64 of 24 to 64 random bytes. One is made when there is none; null = as it is.',
};

const options: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    filter: {
      type: 'string',
      minLength: 1,
      maxLength: 10_000,
      description:
        'JSONata over the envelope: events for which it does not give true are not sent (`skipped`). Tests and messages of flows are.',
    },
    sign_in_as: {
      type: 'integer',
      minimum: 1,
      description:
        'Id of a connection to the same origin: it is sent with the authentication (OAuth 2 and client certificates as well), proxy and headers of that connection.',
    },
    max_concurrency: { type: 'integer', minimum: 1, maximum: 32, default: 4, description: 'Deliveries at a time.' },
    requests_per_second: { type: 'number', exclusiveMinimum: 0, maximum: 1000 },
    timeout_ms: { type: 'integer', minimum: 1000, maximum: 30_000, default: 15_000 },
    ordered: {
      type: 'boolean',
      default: false,
      description: 'One after the other, in the order of the events: one that fails holds up those behind it.',
    },
    retry_seconds: {
      type: 'array',
      maxItems: 20,
      items: { type: 'integer', minimum: 0, maximum: 604_800 },
      description:
        'Seconds after each failed attempt until the next; absent = the table of Standard Webhooks, over 75 hours.',
    },
  },
};

const writable: Record<string, JsonSchema> = {
  name: { type: 'string', minLength: 1, maxLength: 255, pattern: '\\S', description: 'Unique among the webhooks.' },
  description: { type: ['string', 'null'], maxLength: 10_000 },
  url: {
    type: 'string',
    minLength: 1,
    maxLength: 2000,
    description:
      'http: or https:, without user and password. Values of its query and random parts of its path are shown to those who may change it.',
  },
  event_type: {
    type: 'string',
    minLength: 1,
    maxLength: 500,
    pattern: EVENT_PATTERN,
    description: 'Events that are told: `run.failed`, `run.*`, `*`; several separated by commas.',
  },
  connection_id: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'Only events of this connection; null = of all.',
  },
  method: { type: 'string', enum: ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'], default: 'POST' },
  headers: {
    type: 'object',
    maxProperties: 50,
    description:
      'Sent as well. Values are kept secret, but for those of Accept, Cache-Control, Content-Type, Prefer, User-Agent and X-Plant, X-Site, X-Area, X-Line, X-Source, X-Environment: `true` stands for one that is kept.',
    additionalProperties: { oneOf: [{ type: 'string', maxLength: 4000 }, { const: true }] },
  },
  payload_template: {
    type: ['string', 'null'],
    maxLength: 65_536,
    description:
      'Over `{type, timestamp, data}`; gives the body. What it gives nothing for is not sent. Null = the envelope itself.',
  },
  template_language: {
    type: 'string',
    enum: ['jsonata', 'mustache'],
    default: 'jsonata',
    description:
      '`jsonata`: a text is sent as it is, anything else as JSON. `mustache`: values are encoded for JSON, or for the Content-Type among the headers.',
  },
  signature: {
    type: 'string',
    enum: ['standard', 'github', 'none'],
    default: 'standard',
    description:
      '`standard`: Standard Webhooks 1.0. `github`: X-Hub-Signature-256. `none`: whoever knows the address can forge events.',
  },
  options,
  is_active: { type: 'boolean', default: true },
};

const readOnly: Record<string, JsonSchema> = {
  id: { ...id('Id'), readOnly: true },
  disabled_reason: {
    type: ['string', 'null'],
    enum: ['gone', 'failing', null],
    readOnly: true,
    description: 'Why the hub switched it off: the receiver answered that it is gone, or nothing arrived for days.',
  },
  disabled_at: { ...instantOrNull('When the hub switched it off.'), readOnly: true },
  failing_since: { ...instantOrNull('Since when no attempt succeeded.'), readOnly: true },
  paused_until: {
    ...instantOrNull(
      'Nothing is sent before, since attempts failed or the receiver wants it so. Null: it is sent when it is due.',
    ),
    readOnly: true,
  },
  previous_secret_until: {
    ...instantOrNull('Until then what is sent is signed with the secret before the last one as well.'),
    readOnly: true,
  },
  created_by: { type: ['string', 'null'], readOnly: true },
  created_at: { ...instant('When it was created.'), readOnly: true },
  updated_at: { ...instant('When it was last changed.'), readOnly: true },
  revision: { type: 'integer', minimum: 0, readOnly: true, description: 'Grows with each change; stands in ETag.' },
};

/** Members of an answer that a PUT may repeat; they are left aside. */
export const webhookReadOnly = Object.keys(readOnly);

const example = {
  name: 'Maintenance',
  url: 'https://maintenance.plant.example/hooks/pcp',
  event_type: 'run.failed, dead_letter.opened',
  headers: { 'X-Plant': '1000' },
};

const exampleWebhook = {
  id: 4,
  ...example,
  description: null,
  connection_id: null,
  method: 'POST',
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
  created_by: 'engineer',
  created_at: '2026-11-24T05:00:00.000Z',
  updated_at: '2026-11-24T05:00:00.000Z',
  revision: 1,
};

const nullableText: JsonSchema = { type: ['string', 'null'] };
const status: JsonSchema = { type: ['integer', 'null'], description: 'Null: no answer came.' };

const named: JsonSchema = {
  type: 'object',
  required: ['id', 'name'],
  properties: { id: { type: 'integer' }, name: nullableText },
};

/** What is told of events of a family, besides whose they are. */
const told = (types: string[], required: string[], properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties: {
    type: { enum: types },
    data: { type: 'object', required, properties: { connection: named, mapping: named, ...properties } },
  },
});

const ofRun = { sync_log_id: { type: 'integer' }, direction };
const familyOf = (family: string): string[] => EVENT_TYPES.filter((type) => type.startsWith(`${family}.`));

export const webhookSchemas: Record<string, JsonSchema> = {
  Event: {
    description: 'What a webhook is told, unless its template says otherwise.',
    type: 'object',
    required: ['type', 'timestamp', 'data'],
    properties: { type: eventType, timestamp: instant('When it happened.'), data: { type: 'object' } },
    anyOf: [
      told(familyOf('run'), ['run'], { run: { $ref: '#/components/schemas/SyncLog' } }),
      told(familyOf('record'), ['entity', 'records'], {
        ...ofRun,
        entity: { type: 'string' },
        records: {
          type: 'array',
          items: {
            type: 'object',
            required: ['key', 'data'],
            properties: { key: { type: 'object' }, data: { type: 'object' } },
          },
        },
      }),
      told(familyOf('dead_letter'), ['count', 'groups'], {
        ...ofRun,
        count: { type: 'integer', minimum: 1 },
        groups: {
          type: 'array',
          items: {
            type: 'object',
            required: ['group', 'count', 'code', 'error_class', 'stage', 'field'],
            properties: {
              group: { type: 'string' },
              count: { type: 'integer', minimum: 1 },
              code: { type: 'string' },
              error_class: errorClass,
              stage: { type: 'string' },
              field: nullableText,
            },
          },
        },
      }),
      told(familyOf('reconciliation'), ['reconciliation'], {
        reconciliation: { $ref: '#/components/schemas/Reconciliation' },
      }),
      told(familyOf('alert'), ['alert', 'repeated', 'translations'], {
        alert: { $ref: '#/components/schemas/Alert' },
        repeated: { type: 'boolean', description: 'It was told before and lasts.' },
        translations: {
          type: 'object',
          description: '`title`, `message` and `hint` of the alert in `pt-BR`.',
          properties: { 'pt-BR': { type: 'object', required: ['title', 'message', 'hint'] } },
        },
      }),
      told([...familyOf('flow'), ...familyOf('webhook')], [], {}),
    ],
    example: sampleEvent('dead_letter.opened'),
  },
  Webhook: {
    type: 'object',
    description: 'Where events are sent.',
    required: ['name', 'url', 'event_type', 'method', 'headers', 'signature', 'is_active', ...webhookReadOnly],
    properties: { ...readOnly, ...writable },
    example: exampleWebhook,
  },
  WebhookWithSecret: {
    description: 'The webhook, and the secret that was made for it: it is told this once.',
    allOf: [
      { $ref: '#/components/schemas/Webhook' },
      {
        type: 'object',
        required: ['secret'],
        properties: { secret: { type: ['string', 'null'], description: 'Null when none was made.' } },
      },
    ],
    example: { ...exampleWebhook, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
  },
  WebhookCreate: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'url', 'event_type'],
    properties: { ...writable, secret },
    example,
  },
  WebhookUpdate: {
    type: 'object',
    description: 'As it was read, with changes: members that only the hub writes may be repeated and are left aside.',
    additionalProperties: false,
    required: ['name', 'url', 'event_type'],
    properties: {
      ...writable,
      secret,
      ...Object.fromEntries(webhookReadOnly.map((name) => [name, { readOnly: true, description: 'Left aside.' }])),
    },
    example,
  },
  SecretRotation: {
    type: 'object',
    additionalProperties: false,
    properties: {
      secret,
      overlap_hours: {
        type: 'integer',
        minimum: 0,
        maximum: 168,
        default: 24,
        description: 'How long the earlier secret signs as well.',
      },
    },
  },
  WebhookTrigger: {
    type: 'object',
    additionalProperties: false,
    properties: {
      event_type: { ...eventType, default: 'webhook.test' },
      data: { type: 'object', description: 'Of the event.' },
    },
    example: { data: { hello: 'world' } },
  },
  WebhookPreview: {
    type: 'object',
    additionalProperties: false,
    required: ['payload_template'],
    properties: {
      payload_template: writable.payload_template as JsonSchema,
      template_language: writable.template_language as JsonSchema,
      content_type: { type: 'string', maxLength: 200, description: 'As the headers of the webhook have it.' },
      event_type: { ...eventType, default: 'run.succeeded', description: 'It is tried with a sample of this kind.' },
    },
    example: { payload_template: "{'text': data.mapping.name}", event_type: 'run.failed' },
  },
  PreviewedWebhook: {
    type: 'object',
    required: ['event', 'content_type', 'body'],
    properties: {
      event: { $ref: '#/components/schemas/Event' },
      content_type: { ...nullableText, description: 'Null: nothing is sent.' },
      body: { ...nullableText, description: 'As it would be sent; null: the template gives nothing, so nothing is.' },
    },
  },
  Redelivery: {
    type: 'object',
    additionalProperties: false,
    required: ['since'],
    properties: {
      since: { type: 'string', format: 'date-time', description: 'Events that happened then or later.' },
      unsent: {
        type: 'boolean',
        default: false,
        description: 'Only what no attempt was made at, since the webhook was switched off.',
      },
    },
    example: { since: '2026-11-24T05:00:00Z' },
  },
  WebhookExecution: {
    type: 'object',
    description: 'An event on its way to a webhook.',
    required: [
      'id',
      'webhook_id',
      'event_id',
      'event_type',
      'status',
      'created_at',
      'executed_at',
      'next_attempt_at',
      'response_status',
      'response_body',
      'error_code',
      'error_message',
      'attempts',
    ],
    properties: {
      id: id('Id'),
      webhook_id: id('Of this webhook.'),
      event_id: { type: 'string', description: 'The header `webhook-id`: the same in every attempt.' },
      event_type: eventType,
      status: { ...executionStatus, description: '`skipped`: the template gave nothing.' },
      created_at: instant('When it happened.'),
      executed_at: instantOrNull('When the last attempt began.'),
      next_attempt_at: instantOrNull('When the next one is due.'),
      response_status: status,
      response_body: { ...nullableText, description: 'The beginning of the last answer, without secrets.' },
      error_code: nullableText,
      error_message: nullableText,
      attempts: {
        type: 'array',
        description: 'The last 50.',
        items: {
          type: 'object',
          required: ['at', 'duration_ms', 'response_status', 'error_code', 'error_message'],
          properties: {
            at: instant('When it began.'),
            duration_ms: { type: 'integer', minimum: 0 },
            response_status: status,
            error_code: nullableText,
            error_message: nullableText,
          },
        },
      },
    },
  },
};
