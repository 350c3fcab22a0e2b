import type { JsonSchema } from '../../../model/entity';
import { TAG_TYPES } from '../../../protocols/modbus/value-types';

const ADDRESS: JsonSchema = { type: ['integer', 'string'], minimum: 0, maxLength: 8 };
const UNIT_ID: JsonSchema = { type: 'integer', minimum: 0, maximum: 255 };
const TABLE: JsonSchema = { type: 'string', enum: ['coil', 'discrete', 'holding', 'input'] };
const DECIMAL: JsonSchema = { type: ['number', 'string'], maxLength: 40 };
const INTERVAL: JsonSchema = { type: 'integer', minimum: 10, maximum: 86_400_000 };
const BIT: JsonSchema = { type: 'integer', minimum: 0, maximum: 63 };

/** Schema of `tags`; which properties go together is checked when they are read. */
export const TAGS_SCHEMA: JsonSchema = {
  type: 'object',
  maxProperties: 20_000,
  propertyNames: { minLength: 1, maxLength: 200 },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    required: ['address'],
    properties: {
      address: ADDRESS,
      unit_id: UNIT_ID,
      table: TABLE,
      addressing: { type: 'string', enum: ['zero_based', 'one_based', 'modicon'] },
      type: { type: 'string', enum: [...TAG_TYPES] },
      byte_order: { type: 'string', pattern: '^[A-H]{2,8}$' },
      // A request that writes and reads back takes no more.
      length: { type: 'integer', minimum: 1, maximum: 121 },
      byte: { type: 'string', enum: ['high', 'low'] },
      bit: { type: 'integer', minimum: 0, maximum: 15 },
      bits: {
        type: 'object',
        additionalProperties: { anyOf: [BIT, { type: 'array', items: BIT, minItems: 2, maxItems: 2 }] },
      },
      scale: DECIMAL,
      offset: DECIMAL,
      scale_factor: { type: 'string', maxLength: 200 },
      not_available: { anyOf: [{ type: 'boolean' }, { type: 'array', items: { type: ['integer', 'string'] } }] },
      unit: { type: 'string', maxLength: 40 },
      description: { type: 'string', maxLength: 500 },
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
      range: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
    },
  },
};

export const TAGS_EXAMPLE = {
  voltage: { address: 0, table: 'input', type: 'float32', unit: 'V' },
  energy: { address: 342, table: 'input', type: 'uint32', byte_order: 'CDAB', scale: '0.01', unit: 'kWh' },
  status: { address: 100, type: 'uint16', bits: { running: 0, alarm: 1, mode: [4, 7] } },
  setpoint: { address: 110, type: 'int16', scale: '0.1', unit: '°C' },
};

/** Schema of `forbidden`: what is never read, not even between others. */
export const FORBIDDEN_SCHEMA: JsonSchema = {
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['from', 'to'],
    properties: { unit_id: UNIT_ID, table: TABLE, from: ADDRESS, to: ADDRESS },
  },
};

/** Schema of `writable`: what may be written, all else is refused. */
export const WRITABLE_SCHEMA: JsonSchema = {
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['functions', 'from', 'to'],
    properties: {
      unit_id: { ...UNIT_ID, minimum: 1 },
      functions: { type: 'array', minItems: 1, items: { type: 'integer', enum: [5, 6, 15, 16, 22, 23] } },
      from: ADDRESS,
      to: ADDRESS,
      min: { type: 'number' },
      max: { type: 'number' },
      max_per_minute: { type: 'integer', minimum: 1, maximum: 6000 },
    },
  },
};

export const WRITABLE_EXAMPLE = [{ functions: [6], from: 110, to: 110, min: 15, max: 30, max_per_minute: 6 }];
