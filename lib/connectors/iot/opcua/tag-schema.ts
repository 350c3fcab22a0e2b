import type { JsonSchema } from '../../../model/entity';

const ADDRESS: JsonSchema = { type: 'string', minLength: 1, maxLength: 2000 };
const INTERVAL: JsonSchema = { type: 'integer', minimum: 0, maximum: 86_400_000 };
const NUMBER: JsonSchema = { type: 'number' };

export const TAGS_SCHEMA: JsonSchema = {
  type: 'object',
  maxProperties: 20_000,
  propertyNames: { minLength: 1, maxLength: 500 },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    required: ['node_id'],
    properties: {
      node_id: ADDRESS,
      unit: { type: 'string', maxLength: 40 },
      description: { type: 'string', maxLength: 500 },
      scale: NUMBER,
      offset: NUMBER,
      sampling_interval_ms: INTERVAL,
      deadband: {
        anyOf: [
          { type: 'number', minimum: 0 },
          {
            type: 'object',
            additionalProperties: false,
            required: ['type', 'value'],
            properties: {
              type: { type: 'string', enum: ['absolute', 'percent'] },
              value: { type: 'number', minimum: 0 },
            },
          },
        ],
      },
    },
  },
};

export const TAGS_EXAMPLE = {
  temperature: { node_id: 'nsu=http://plant.example/line;s=Line1.Temperature', unit: '°C', deadband: 0.1 },
  speed: { node_id: '/2:Line1/2:Speed', sampling_interval_ms: 500 },
};

export const WRITABLE_SCHEMA: JsonSchema = {
  type: 'array',
  maxItems: 20_000,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['tag'],
    properties: { tag: ADDRESS, min: NUMBER, max: NUMBER },
  },
};

export const WRITABLE_EXAMPLE = [{ tag: 'speed', min: 0, max: 120 }];

export const EVENTS_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    source: ADDRESS,
    fields: { type: 'object', maxProperties: 200, additionalProperties: { type: 'string', pattern: '^/' } },
  },
};

export const EVENTS_EXAMPLE = {
  source: 'nsu=http://plant.example/line;s=Line1',
  fields: { reason: '/nsu=http://plant.example/line;ReasonCode' },
};
