import type { EntityInfo, JsonSchema } from '../../../model/entity';

/** The one entity: a record for each tag, with its value now. */
export const VALUES: EntityInfo = {
  name: 'values',
  kind: 'tags',
  key: ['tag'],
  readable: true,
  writable: false,
};

export const VALUES_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['tag', 'value', 'quality', 'source_timestamp', 'received_at'],
  properties: {
    tag: { type: 'string' },
    value: { type: ['number', 'string', 'boolean', 'object', 'null'] },
    quality: { type: 'string', enum: ['good', 'uncertain', 'bad'] },
    status: { type: 'string' },
    source_timestamp: { type: ['string', 'null'], format: 'date-time' },
    received_at: { type: 'string', format: 'date-time' },
    unit: { type: 'string' },
  },
};
