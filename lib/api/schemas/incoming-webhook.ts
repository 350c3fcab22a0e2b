import type { JsonSchema } from '../../model/entity';
import { count, id, instant, instantOrNull } from './common';

const webhook: JsonSchema = { type: 'string', minLength: 1, maxLength: 64, description: 'The node that owns it.' };
const nullableText: JsonSchema = { type: ['string', 'null'] };

export const keptState: JsonSchema = {
  type: 'string',
  enum: ['waiting', 'failed', 'done', 'discarded'],
  description: '`waiting`: its flow or run has not taken it yet. `failed`: it was given up.',
};

export const incomingWebhookSchemas: Record<string, JsonSchema> = {
  IncomingWebhook: {
    type: 'object',
    description: 'A webhook of a node, with what of it is not done with.',
    required: ['webhook', 'name', 'waiting', 'failed', 'repeated', 'oldest_at'],
    properties: {
      webhook,
      name: { ...nullableText, description: 'Of its node; null where that is not deployed in this instance.' },
      waiting: count('Deliveries that wait.'),
      failed: count('Deliveries that were given up.'),
      repeated: count('Deliveries that were taken for one that was here before, and not processed.'),
      oldest_at: instantOrNull('When the oldest of them came.'),
    },
    example: {
      webhook: 'f6f2187d.f17ca8',
      name: 'Orders',
      waiting: 0,
      failed: 2,
      repeated: 0,
      oldest_at: '2026-11-24T05:00:00.000Z',
    },
  },
  IncomingDelivery: {
    type: 'object',
    description: 'What another system delivered. Its content is sealed.',
    required: ['id', 'webhook', 'state', 'received_at', 'attempts', 'error_code', 'error_message'],
    properties: {
      id: id('Id'),
      webhook,
      state: keptState,
      received_at: instant('When it came.'),
      attempts: count('How often it was handed to the flow.'),
      error_code: nullableText,
      error_message: { ...nullableText, description: 'Why it was given up.' },
    },
  },
  IncomingRedelivery: {
    type: 'object',
    additionalProperties: false,
    required: ['since'],
    properties: {
      since: { type: 'string', format: 'date-time', description: 'Deliveries that came then or later.' },
      webhook: { ...webhook, description: 'Of this one alone.' },
    },
    example: { since: '2026-11-24T05:00:00Z' },
  },
  IncomingDiscard: {
    type: 'object',
    additionalProperties: false,
    required: ['webhook'],
    properties: { webhook },
    example: { webhook: 'f6f2187d.f17ca8' },
  },
};
