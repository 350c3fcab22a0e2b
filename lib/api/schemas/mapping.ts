import type { JsonSchema } from '../../model/entity';
import { direction, id, instant, managedBy } from './common';
import { nextRuns, scheduled } from './schedule';

const text = (description: string, maxLength = 1000): JsonSchema => ({
  type: 'string',
  minLength: 1,
  maxLength,
  description,
});
const expression: JsonSchema = { ...text('JSONata.', 65_536) };

const fieldMapping: JsonSchema = {
  type: 'object',
  description: 'One pair of fields; one of `source`, `expression` and `constant` says where the value comes from.',
  required: ['target'],
  additionalProperties: false,
  properties: {
    source: text('Path in the external record, `a.b[0].c`.'),
    target: text('Field of the platform entity.'),
    type: { type: 'string', enum: ['string', 'integer', 'number', 'decimal', 'boolean', 'date', 'datetime', 'json'] },
    format: text(
      'Pattern of a date, `iso`, `local` (ISO without an offset), `unix`, `unix_ms`, `odata-v2`; words of a boolean, `X|`.',
      200,
    ),
    timezone: text('IANA zone of a datetime without an offset.', 100),
    decimal_separator: { type: 'string', enum: [',', '.'] },
    scale: { type: 'integer', minimum: 0, maximum: 30, description: 'Decimals that are kept.' },
    round: { type: 'boolean', description: 'Rounds what has more decimals than `scale` instead of refusing it.' },
    unit: text('Unit of the source value.', 50),
    to_unit: text('Unit wanted in the platform.', 50),
    trim: { type: 'boolean' },
    pad: {
      type: 'object',
      required: ['length'],
      additionalProperties: false,
      properties: {
        length: { type: 'integer', minimum: 1, maximum: 1000 },
        with: { type: 'string', minLength: 1, maxLength: 1 },
        side: { type: 'string', enum: ['start', 'end'] },
        on: { ...direction, description: 'Direction that pads; the other one strips.' },
      },
    },
    default: { description: 'Used when the source is missing, null or empty.' },
    required: { type: 'boolean' },
    lookup: { type: 'object', description: 'Value in the source to value in the platform.' },
    lookup_default: { description: 'For values that the lookup does not know.' },
    expression: { ...expression, description: 'JSONata over the source record.' },
    export_expression: { ...expression, description: 'JSONata over the platform record, for exports.' },
    constant: { description: 'Always this value.' },
  },
};

const filter: JsonSchema = {
  type: 'object',
  description: 'A condition on the record as it is read: a field and an operator, or an expression.',
  additionalProperties: false,
  properties: {
    field: text('Field of the record that is read.'),
    operator: {
      type: 'string',
      enum: ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'not_in', 'like', 'is_null', 'not_null', 'between'],
    },
    value: {},
    expression,
  },
  if: { required: ['expression'] },
  else: { required: ['field', 'operator'] },
};

const field = text('Field of the record.');
const step = (op: JsonSchema, properties: Record<string, JsonSchema>, optional: string[] = []): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required: ['op', ...Object.keys(properties).filter((name) => !optional.includes(name))],
  properties: { op, ...properties },
});
const named = (op: string): JsonSchema => ({ const: op });

const transformation: JsonSchema = {
  type: 'object',
  description: 'A step over the source record before the fields are mapped.',
  required: ['op'],
  discriminator: { propertyName: 'op' },
  oneOf: [
    step(named('split'), { field, separator: text('Separator.', 100) }),
    step(named('join'), { field, separator: { type: 'string', maxLength: 100 } }),
    step(
      named('concat'),
      {
        fields: { type: 'array', minItems: 1, maxItems: 100, items: field },
        separator: { type: 'string', maxLength: 100 },
        to: field,
      },
      ['separator'],
    ),
    step(named('explode'), { field }),
    step(named('rename'), { field, to: field }),
    step(named('remove'), { field }),
    step(named('set'), { field, value: {} }),
    step({ enum: ['upper', 'lower', 'trim'] }, { field }),
    step(named('replace'), {
      field,
      search: text('Text that is replaced.'),
      with: { type: 'string', maxLength: 1000 },
    }),
    step(
      named('substring'),
      { field, start: { type: 'integer' }, length: { type: 'integer', minimum: 0 }, to: field },
      ['length', 'to'],
    ),
    step(named('expression'), { expression }),
  ],
};

const options: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    batch_size: { type: 'integer', minimum: 1, maximum: 20_000 },
    on_error: { type: 'string', enum: ['skip', 'stop'] },
    max_errors: { type: 'integer', minimum: 0 },
    max_error_ratio: { type: 'number', minimum: 0, maximum: 1 },
    lookback_seconds: { type: 'integer', minimum: 0, maximum: 31_536_000 },
    conflict_policy: {
      type: 'string',
      enum: ['manual', 'external_wins', 'platform_wins'],
      description: 'Two-way mappings: what happens to a record that both sides changed.',
    },
    on_arrival: {
      type: 'boolean',
      description: 'Imports from connectors that can `arrival`: runs when something new lies in the source.',
    },
    depends_on_outcome: {
      type: 'string',
      enum: ['success', 'success_or_partial', 'completed'],
      default: 'success_or_partial',
      description:
        'What those in `depends_on` have to come to. `success`: no record was rejected; `completed`: they ended, failed ones included.',
    },
    live: { $ref: '#/components/schemas/LiveOptions' },
    reconciliation: { $ref: '#/components/schemas/ReconciliationOptions' },
  },
};

const writable: Record<string, JsonSchema> = {
  connection_id: id('Connection of the external side.'),
  name: { type: 'string', minLength: 1, maxLength: 255, pattern: '\\S' },
  description: { type: ['string', 'null'], maxLength: 10_000 },
  entity_type: text('Type of the platform entity.', 100),
  direction: { type: 'string', enum: ['import', 'export', 'bidirectional'] },
  source_entity: text('External entity: table, file, path, ...'),
  target_entity: text('Platform entity.', 255),
  field_mappings: { type: 'array', minItems: 1, maxItems: 2000, items: { $ref: '#/components/schemas/FieldMapping' } },
  transformations: { type: 'array', maxItems: 200, items: { $ref: '#/components/schemas/Transformation' } },
  filters: { type: 'array', maxItems: 200, items: { $ref: '#/components/schemas/Filter' } },
  key_fields: {
    type: 'array',
    maxItems: 20,
    items: text('Platform field.', 255),
    description: "Platform fields that identify a record; empty = the entity's own key.",
  },
  sync_mode: {
    type: 'string',
    enum: ['full', 'incremental', 'live'],
    default: 'full',
    description: '`live`: an import of what the source sends, which runs by itself while the mapping is active.',
  },
  cursor_field: { type: ['string', 'null'], maxLength: 255, description: 'Field that grows with each change.' },
  peer_connection_id: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'Other external system; null = the platform.',
  },
  options: { $ref: '#/components/schemas/MappingOptions' },
  depends_on: {
    type: 'array',
    maxItems: 100,
    uniqueItems: true,
    items: id('Mapping, of any connection.'),
    description: 'Mappings whose success starts this one; in a job with them it runs after them.',
  },
  ...scheduled,
  is_active: { type: 'boolean', default: true },
};

const readOnly: Record<string, JsonSchema> = {
  id: { ...id('Id'), readOnly: true },
  managed_by: { ...managedBy, readOnly: true },
  node_id: { type: ['string', 'null'], readOnly: true },
  flow_error: {
    type: ['string', 'null'],
    readOnly: true,
    description: 'Why what its flow deploys is refused; it is inactive until the flow is valid again.',
  },
  live: { $ref: '#/components/schemas/LiveStatus' },
  next_runs: nextRuns,
  version: {
    type: 'integer',
    minimum: 0,
    readOnly: true,
    description: 'Grows when fields, filters, keys or entities change.',
  },
  created_at: { ...instant('When it was created.'), readOnly: true },
  updated_at: { ...instant('When it was last changed.'), readOnly: true },
  revision: { type: 'integer', minimum: 0, readOnly: true, description: 'Grows with each change; stands in ETag.' },
};

/** Members of an answer that a PUT may repeat; they are left aside. */
export const mappingReadOnly = Object.keys(readOnly);

/** What a preview tries a mapping with. */
const sample: Record<string, JsonSchema> = {
  direction,
  limit: { type: 'integer', minimum: 1, maximum: 100, default: 10, description: 'Records to show.' },
  mode: {
    type: 'string',
    enum: ['sample', 'full_plan'],
    default: 'sample',
    description:
      '`full_plan` reads the whole source, for at most 40 seconds, and gives the totals of all its records and the reasons of those that would be rejected.',
  },
  keys: {
    type: 'array',
    minItems: 1,
    maxItems: 100,
    items: {
      type: 'object',
      minProperties: 1,
      additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
    },
    description: 'Only the records with these fields and values, as the source names them.',
  },
  records: {
    type: 'array',
    minItems: 1,
    maxItems: 100,
    items: { type: 'object' },
    description: 'Mapped instead of reading.',
  },
};

const required = [
  'connection_id',
  'name',
  'entity_type',
  'direction',
  'source_entity',
  'target_entity',
  'field_mappings',
];

const example = {
  connection_id: 3,
  name: 'Production orders',
  entity_type: 'production_order',
  direction: 'import',
  source_entity: 'orders',
  target_entity: 'production_order',
  field_mappings: [
    { source: 'AUFNR', target: 'order_number', type: 'string', required: true },
    { source: 'GSTRP', target: 'planned_start', type: 'date', format: 'YYYYMMDD' },
    { source: 'GAMNG', target: 'quantity', type: 'decimal' },
  ],
  filters: [{ field: 'WERKS', operator: 'eq', value: '1000' }],
};

export const mappingSchemas: Record<string, JsonSchema> = {
  FieldMapping: fieldMapping,
  Filter: filter,
  Transformation: transformation,
  MappingOptions: options,
  Mapping: {
    type: 'object',
    description: 'How one external entity corresponds to one platform entity.',
    required: ['id', ...required, 'is_active', 'managed_by', 'version', 'revision'],
    properties: { ...readOnly, ...writable },
  },
  MappingCreate: { type: 'object', additionalProperties: false, required, properties: writable, example },
  MappingUpdate: {
    type: 'object',
    description: 'As it was read, with changes: members that only the hub writes may be repeated and are left aside.',
    additionalProperties: false,
    required,
    properties: {
      ...writable,
      ...Object.fromEntries(mappingReadOnly.map((name) => [name, { readOnly: true, description: 'Left aside.' }])),
    },
    example,
  },
  PreviewOptions: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...sample,
      mapping: { $ref: '#/components/schemas/MappingUpdate' },
    },
    description: 'With `mapping`, that unsaved definition is tried.',
    example: { limit: 5 },
  },
  UnsavedPreview: {
    type: 'object',
    description:
      'A mapping that need not be saved; `connection` and `peer_connection` stand in for the ids of saved ones.',
    additionalProperties: false,
    required: ['mapping'],
    if: { required: ['connection'] },
    else: { properties: { mapping: { required: ['connection_id'] } } },
    properties: {
      ...sample,
      mapping: {
        type: 'object',
        additionalProperties: false,
        required: required.filter((name) => name !== 'connection_id'),
        properties: writable,
      },
      connection: { $ref: '#/components/schemas/UnsavedConnection' },
      peer_connection: { $ref: '#/components/schemas/UnsavedConnection' },
    },
    example: { mapping: example, limit: 5 },
  },
};
