import type { JsonSchema } from '../../../model/entity';

const text = (description: string, extra: JsonSchema = {}): JsonSchema => ({ type: 'string', description, ...extra });
const flag = (description: string): JsonSchema => ({ type: 'boolean', description });
const names = (description: string): JsonSchema => ({
  type: 'array',
  description,
  items: { type: 'string', minLength: 1 },
});

/** The setting "topics": kinds of messages, each an entity. */
export const TOPICS_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    required: ['topic'],
    properties: {
      topic: text('A topic; "{line}" stands for a level that is a field of the record, "+" and "#" for any.', {
        minLength: 1,
        maxLength: 2000,
      }),
      format: text('What payloads are; default json.', { enum: ['json', 'text', 'buffer', 'cbor'] }),
      qos: { type: 'integer', description: 'Of the subscription; default 1.', enum: [0, 1, 2] },
      retained: text('Messages that the broker had retained: take them, only with a new subscription, or not at all.', {
        enum: ['keep', 'new', 'skip'],
      }),
      group: text('Shared subscription: the broker gives each message to one member of the group.', {
        pattern: '^[^/+#]+$',
      }),
      own_connection: flag(
        'Listened to over a connection of its own: who takes its messages slowly holds up nobody else.',
      ),
      key: names('Fields that identify a record.'),
      publish: {
        type: 'object',
        description: 'How records are published.',
        additionalProperties: false,
        properties: {
          qos: {
            type: 'integer',
            description: 'Default 1. 0 is not offered: nobody would acknowledge it.',
            enum: [1, 2],
          },
          retain: flag('The broker keeps the last message of each topic.'),
          value: text('The field whose value alone is the payload; default for json and cbor: the whole record.'),
          numbers: names('Decimals and long integers that go out as JSON numbers, digit by digit.'),
          expiry_s: { type: 'integer', description: 'Seconds after which a message is dropped.', minimum: 1 },
          content_type: text('MIME type of the payload.'),
          response_topic: text('Where an answer is expected; "{line}" is a field of the record.'),
          correlation_data: text('What an answer repeats; "{order}" is a field of the record.'),
          user_properties: {
            type: 'object',
            description: 'Names and values; "{order}" is a field of the record.',
            additionalProperties: { type: 'string' },
          },
          idempotency_property: text('User property that gets the same key with every attempt of one change.'),
          queue: flag(
            'What a flow publishes waits on disk while the broker is away, and may then come twice. Not for commands to machines.',
          ),
          repeatable: flag('Receivers bear a message twice, so that one whose acknowledgement was lost is sent again.'),
        },
      },
    },
  },
};

export const TOPICS_EXAMPLE = {
  counts: { topic: 'plant/{line}/count', format: 'json', qos: 1, key: ['line', 'order'] },
  commands: { topic: 'plant/{line}/order', publish: { retain: true, numbers: ['quantity'] } },
};

export const WILL_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['topic'],
  properties: {
    topic: text('', { minLength: 1 }),
    payload: { type: 'string' },
    qos: { type: 'integer', enum: [0, 1, 2] },
    retain: { type: 'boolean' },
    delay_s: { type: 'integer', minimum: 0 },
    expiry_s: { type: 'integer', minimum: 1 },
  },
};
