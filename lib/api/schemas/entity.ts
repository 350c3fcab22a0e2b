import type { JsonSchema } from '../../model/entity';

export const entityTypeName: JsonSchema = {
  type: 'string',
  pattern: '^[a-z][a-z0-9_]{0,49}$',
  description: 'Name of the type, `production_order`.',
};

const properties: Record<string, JsonSchema> = {
  type: entityTypeName,
  title: { type: 'string', minLength: 1, maxLength: 255 },
  key: {
    type: 'array',
    minItems: 1,
    maxItems: 10,
    items: { type: 'string', minLength: 1, maxLength: 63 },
    description: 'Fields that identify a record, in the order of the address.',
  },
  schema: {
    type: 'object',
    description: 'JSON Schema 2020-12 of a record. Decimals are strings with `format: decimal`.',
    required: ['properties'],
    properties: {
      type: { const: 'object' },
      properties: { type: 'object', minProperties: 1, maxProperties: 500 },
      required: { type: 'array', items: { type: 'string' } },
    },
  },
};

const readOnly: Record<string, JsonSchema> = {
  titles: { type: 'object', additionalProperties: { type: 'string' }, readOnly: true, description: 'Title by locale.' },
  isa95: { type: 'string', readOnly: true, description: 'The ISA-95 object it stands for.' },
  built_in: { type: 'boolean', readOnly: true, description: 'Belongs to the catalogue and is read-only.' },
};

const example = {
  type: 'tool',
  title: 'Tool',
  key: ['tool_number'],
  schema: {
    type: 'object',
    required: ['tool_number'],
    properties: {
      tool_number: { type: 'string', maxLength: 40 },
      weight: { type: 'string', format: 'decimal', 'x-unit': 'kg' },
    },
  },
};

export const entitySchemas: Record<string, JsonSchema> = {
  EntityType: {
    type: 'object',
    required: ['type', 'title', 'key', 'schema', 'built_in'],
    properties: { ...properties, ...readOnly },
    example: { ...example, built_in: false },
  },
  EntityTypeInput: {
    type: 'object',
    additionalProperties: false,
    required: ['type', 'title', 'key', 'schema'],
    properties,
    example,
  },
  EntityTypeUpdate: {
    type: 'object',
    description: 'The type with new optional or wider fields. Members that only the hub writes are left aside.',
    additionalProperties: false,
    required: ['type', 'title', 'key', 'schema'],
    properties: { ...properties, ...readOnly },
    example,
  },
  EntityRecord: {
    type: 'object',
    description: "Plain fields, as the type's schema describes them.",
    minProperties: 1,
    example: { order_number: '000001000123', quantity: '250.000', planned_start: '2026-11-24' },
  },
  DiscoveredEntity: {
    type: 'object',
    required: ['name', 'kind', 'key', 'readable', 'writable'],
    properties: {
      name: { type: 'string' },
      label: { type: 'string' },
      kind: { type: 'string', description: '`table`, `view`, `file`, `entity`, ...' },
      key: { type: 'array', items: { type: 'string' } },
      readable: { type: 'boolean' },
      writable: { type: 'boolean' },
      error: {
        $ref: '#/components/schemas/Failure',
        description: 'Why it cannot be used, when the others can: a view whose statement is wrong.',
      },
      draft: { description: 'Of kind `draft`: what the setting `entities` of the connection could hold for it.' },
    },
  },
  EntityDescription: {
    type: 'object',
    required: ['info', 'schema'],
    properties: {
      info: { $ref: '#/components/schemas/DiscoveredEntity' },
      schema: { type: 'object', description: 'JSON Schema of its records.' },
    },
  },
};
