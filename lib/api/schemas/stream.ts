import type { JsonSchema } from '../../model/entity';
import { count, instant, instantOrNull } from './common';

const seconds = (description: string): JsonSchema => ({
  type: 'integer',
  minimum: 1,
  maximum: 31_536_000,
  description,
});

/** `options.live` of a mapping. */
const options: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Live mappings: the spool and the watchdog.',
  properties: {
    max_bytes: { type: 'integer', minimum: 1_048_576, maximum: 1_099_511_627_776, default: 268_435_456 },
    max_records: { type: 'integer', minimum: 1_000, maximum: 1_000_000_000 },
    max_age_seconds: seconds('Older records are dropped, and counted.'),
    when_full: {
      type: 'string',
      enum: ['stop_ack', 'drop_oldest', 'drop_newest', 'downsample'],
      description: 'Default: `stop_ack` for sources that wait for an acknowledgement, else `drop_oldest`.',
    },
    order: {
      type: 'string',
      enum: ['live_first', 'oldest_first'],
      description: 'While a backlog drains. Default: `live_first` into `measurement`, else `oldest_first`.',
    },
    silence_after_seconds: seconds('Without a record for so long the stream is `silent`.'),
    stuck_after_seconds: seconds('A tag whose value stays the same for so long is reported.'),
  },
};

const alarm: JsonSchema = {
  type: 'object',
  required: ['kind', 'count', 'since'],
  description:
    'What a person should look at: `dropped` (the limits of the spool cost records, within the last ten minutes), `overflow` (the queues of the source did), `full` (the source is kept waiting), `silent`, `stuck`.',
  properties: {
    kind: { type: 'string', enum: ['dropped', 'overflow', 'full', 'silent', 'stuck'] },
    count: count('Of records, of overflows that were told, or of tags that are stuck; 1 for silence.'),
    since: instant('Since when.'),
    mapping_id: { type: 'integer' },
  },
};

const status: JsonSchema = {
  type: ['object', 'null'],
  readOnly: true,
  description: 'Of a live mapping: how its stream is. Null when it has none in this Node-RED.',
  required: [
    'state',
    'since',
    'error',
    'received',
    'records_per_second',
    'last_record_at',
    'backlog',
    'dropped',
    'alarms',
  ],
  properties: {
    state: { type: 'string', enum: ['connecting', 'connected', 'interrupted', 'silent', 'failed', 'standby'] },
    since: instant('When it came to this state.'),
    error: { type: ['object', 'null'], description: 'Why it is interrupted or failed.' },
    received: count('Records since the live process started.'),
    records_per_second: { type: 'number', minimum: 0, description: 'Over the last ten seconds.' },
    last_record_at: instantOrNull('When the last record came.'),
    stuck_tags: { type: 'array', items: { type: 'string' } },
    backlog: {
      type: 'object',
      required: ['records', 'bytes', 'oldest_at'],
      description: 'What waits in the spool.',
      properties: {
        records: count('Records.'),
        bytes: count('Bytes.'),
        oldest_at: instantOrNull('When the oldest of them came.'),
      },
    },
    dropped: count('Records that the limits of the spool cost, ever.'),
    alarms: { type: 'array', items: { $ref: '#/components/schemas/LiveAlarm' } },
  },
};

const node: JsonSchema = {
  type: 'object',
  required: ['address', 'name', 'kind', 'has_children'],
  properties: {
    address: { type: 'string', description: 'Names it in the next request, and a tag everywhere else.' },
    name: { type: 'string' },
    kind: { type: 'string', enum: ['folder', 'tag', 'method', 'event'] },
    data_type: { type: 'string' },
    writable: { type: 'boolean' },
    unit: { type: 'string' },
    description: { type: 'string' },
    has_children: { type: 'boolean' },
  },
};

const value: JsonSchema = {
  type: 'object',
  required: ['tag', 'value', 'quality', 'source_timestamp', 'received_at'],
  properties: {
    tag: { type: 'string', description: 'As it was asked for.' },
    value: { description: 'Integers beyond 2^53 and decimals are texts, bytes base64; null where there is none.' },
    quality: { type: 'string', enum: ['good', 'uncertain', 'bad'] },
    status: { type: 'string', description: 'What the source calls it, when it is not simply good.' },
    source_timestamp: instantOrNull('By the clock of the source.'),
    received_at: instant('By the clock of the hub.'),
    unit: { type: 'string' },
  },
};

const certificate: JsonSchema = {
  type: 'object',
  required: ['thumbprint', 'state', 'subject', 'application_uri', 'valid_from', 'valid_to'],
  properties: {
    thumbprint: { type: 'string', description: 'SHA-1 in hexadecimal.' },
    state: { type: 'string', enum: ['own', 'trusted', 'rejected'] },
    subject: { type: 'string' },
    application_uri: { type: ['string', 'null'] },
    valid_from: instant('From when on it is valid.'),
    valid_to: instant('Until when.'),
  },
};

export const streamSchemas: Record<string, JsonSchema> = {
  LiveOptions: options,
  LiveAlarm: alarm,
  LiveStatus: status,
  BrowseNode: node,
  TagValue: value,
  Certificate: certificate,
};
