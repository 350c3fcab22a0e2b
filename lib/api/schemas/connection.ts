import type { JsonSchema } from '../../model/entity';
import { connectorType, id, instant, instantOrNull, managedBy } from './common';
import { nextRuns, scheduled } from './schedule';

const writable: Record<string, JsonSchema> = {
  name: { type: 'string', minLength: 1, maxLength: 255, pattern: '\\S', description: 'Unique among the connections.' },
  description: { type: ['string', 'null'], maxLength: 10_000 },
  connector_type: connectorType,
  config: { type: 'object', description: 'Settings, as `/connectors/{type}/schema` describes them.' },
  is_active: { type: 'boolean', default: true },
  ...scheduled,
  timezone: {
    type: ['string', 'null'],
    maxLength: 100,
    description: 'IANA zone of local datetimes, and of the schedule.',
  },
};

const writableCredentials: JsonSchema = {
  type: 'object',
  writeOnly: true,
  description: 'Secrets by name. Those not given, or given as `true`, stay as they are; an empty string removes one.',
  additionalProperties: { oneOf: [{ type: 'string', maxLength: 100_000 }, { const: true }] },
};

const readOnly: Record<string, JsonSchema> = {
  id: { ...id('Id'), readOnly: true },
  managed_by: { ...managedBy, readOnly: true },
  node_id: { type: ['string', 'null'], readOnly: true, description: 'Config node that owns it.' },
  created_by: { type: ['string', 'null'], readOnly: true },
  created_at: { ...instant('When it was created.'), readOnly: true },
  updated_at: { ...instant('When it was last changed.'), readOnly: true },
  next_runs: nextRuns,
  last_sync_at: { ...instantOrNull('When the last run ended or started.'), readOnly: true },
  last_sync_status: { type: ['string', 'null'], enum: ['in_progress', 'success', 'error', null], readOnly: true },
  paused: {
    type: ['object', 'null'],
    readOnly: true,
    description: 'Why it is left alone now, if it is.',
    required: ['until', 'reason'],
    properties: {
      until: instantOrNull(
        'It goes on then by itself. Null: its sign-in was refused, and it goes on when its settings or secrets have changed, or a test of it succeeds.',
      ),
      reason: { type: 'string' },
    },
  },
  revision: { type: 'integer', minimum: 0, readOnly: true, description: 'Grows with each change; stands in ETag.' },
};

/** Members of an answer that a PUT may repeat; they are left aside. */
export const connectionReadOnly = Object.keys(readOnly);

const example = {
  name: 'Legacy ERP',
  connector_type: 'generic.database',
  config: { dialect: 'postgres', host: 'erp.plant.example', port: 5432, database: 'erp', username: 'pcp' },
  credentials: { password: 'secret' },
};

export const connectionSchemas: Record<string, JsonSchema> = {
  Connection: {
    type: 'object',
    description: 'A configured connector.',
    required: ['id', 'name', 'connector_type', 'config', 'credentials', 'is_active', 'managed_by', 'revision'],
    properties: {
      ...readOnly,
      ...writable,
      credentials: {
        type: 'object',
        description: 'Which secrets are set; their values are never given.',
        additionalProperties: { const: true },
      },
    },
    example: {
      id: 3,
      ...example,
      credentials: { password: true },
      description: null,
      is_active: true,
      schedule: '0 6 * * 1-5',
      schedule_options: {},
      next_runs: ['2026-11-24T09:00:00.000Z', '2026-11-25T09:00:00.000Z', '2026-11-26T09:00:00.000Z'],
      timezone: 'America/Sao_Paulo',
      managed_by: 'api',
      node_id: null,
      created_by: 'engineer',
      created_at: '2026-11-24T05:00:00.000Z',
      updated_at: '2026-11-24T05:00:00.000Z',
      last_sync_at: null,
      last_sync_status: null,
      paused: null,
      revision: 1,
    },
  },
  ConnectionCreate: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'connector_type'],
    properties: { ...writable, credentials: writableCredentials },
    example,
  },
  ConnectionUpdate: {
    type: 'object',
    description: 'As it was read, with changes: members that only the hub writes may be repeated and are left aside.',
    additionalProperties: false,
    required: ['name', 'connector_type'],
    properties: {
      ...writable,
      credentials: writableCredentials,
      ...Object.fromEntries(connectionReadOnly.map((name) => [name, { readOnly: true, description: 'Left aside.' }])),
    },
    example,
  },
  UnsavedConnection: {
    type: 'object',
    description:
      'Values of a connection that need not be saved. With `connection_id` or `node_id`, secrets that are not given are ' +
      'taken from there, provided that they would go to the same place.',
    additionalProperties: false,
    required: ['connector_type'],
    properties: {
      name: { type: 'string', maxLength: 255 },
      connector_type: connectorType,
      config: writable.config as JsonSchema,
      credentials: writableCredentials,
      timezone: writable.timezone as JsonSchema,
      connection_id: id('Saved connection whose secrets are used where none are given.'),
      node_id: {
        type: 'string',
        minLength: 1,
        maxLength: 100,
        description: 'The same by the config node that owns it.',
      },
    },
    example,
  },
  TagImport: {
    type: 'object',
    additionalProperties: false,
    required: ['connection', 'content'],
    properties: {
      connection: { $ref: '#/components/schemas/UnsavedConnection' },
      content: { type: 'string', minLength: 1, description: 'The text of the file.' },
      options: {
        type: 'object',
        description:
          'Parameters of the operation `import_tags`: `format`, and of SunSpec models `base_address`, `unit_id`, `prefix`, `repeats`.',
      },
    },
  },
  ImportedTags: {
    type: 'object',
    required: ['tags'],
    properties: { tags: { type: 'object', description: 'By name, as the setting `tags` takes them.' } },
  },
  TestReport: {
    type: 'object',
    description: 'What a test did, step by step, up to the first step that failed.',
    required: ['ok', 'steps', 'duration_ms'],
    properties: {
      ok: { type: 'boolean' },
      duration_ms: { type: 'number', minimum: 0 },
      steps: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name', 'ok'],
          properties: {
            name: { type: 'string', enum: ['resolve', 'connect', 'tls', 'authenticate', 'authorise', 'read'] },
            ok: { type: 'boolean' },
            detail: { type: 'string', description: 'What was reached or read.' },
            error: { $ref: '#/components/schemas/Failure' },
            unanswered: {
              type: 'array',
              description: 'What was asked for and does not answer, though the step went well without it.',
              items: {
                type: 'object',
                required: ['names', 'error'],
                properties: {
                  names: {
                    type: 'array',
                    items: { type: 'string' },
                    description: 'Services, routes or entities that do not answer for one reason.',
                  },
                  error: { $ref: '#/components/schemas/Failure' },
                },
              },
            },
          },
        },
      },
    },
    example: {
      ok: false,
      duration_ms: 41,
      steps: [
        { name: 'resolve', ok: true, detail: '10.0.0.5' },
        {
          name: 'connect',
          ok: false,
          error: {
            class: 'transient',
            code: 'PCP_CONNECT_REFUSED',
            title: 'Nothing answers at this address',
            message: 'Nothing answers at 10.0.0.5:5432.',
            hint: 'Check the port, and that the database is running and listens on this address.',
          },
        },
      ],
    },
  },
};
