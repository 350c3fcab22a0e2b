import type { JsonSchema } from '../../model/entity';
import { connectorType, count } from './common';

const localized: JsonSchema = {
  type: 'object',
  required: ['en-US', 'pt-BR'],
  properties: { 'en-US': { type: 'string' }, 'pt-BR': { type: 'string' } },
};

const properties: Record<string, JsonSchema> = {
  type: connectorType,
  title: localized,
  description: localized,
  node: { type: ['string', 'null'], description: 'Type of its palette node.' },
  icon: { type: 'string' },
  color: { type: 'string' },
  since: { type: 'string' },
  capabilities: { type: 'array', items: { type: 'string' } },
  operations: { type: 'array', items: { type: 'string' } },
  writes: { type: 'object', description: 'What it promises about writes.' },
  batchSize: { type: 'object', properties: { default: { type: 'integer' }, maximum: { type: 'integer' } } },
  drivers: { type: 'array', items: { type: 'string' }, description: 'Packages that it loads when first used.' },
};

const childProcess = (description: string): JsonSchema => ({
  type: 'object',
  description,
  required: ['state', 'pid', 'rss_bytes', 'restarts'],
  properties: {
    state: { type: 'string', enum: ['idle', 'running', 'restarting'] },
    pid: { type: ['integer', 'null'] },
    rss_bytes: { type: ['integer', 'null'] },
    restarts: { type: 'integer' },
  },
});

export const connectorSchemas: Record<string, JsonSchema> = {
  Connector: { type: 'object', required: ['type', 'title', 'capabilities'], properties },
  ConnectorDetails: {
    type: 'object',
    required: ['type', 'title', 'capabilities', 'settings'],
    properties: { ...properties, settings: { type: 'object', description: 'Settings of its form, in order.' } },
  },
  Health: {
    type: 'object',
    required: [
      'status',
      'version',
      'store',
      'runner',
      'live',
      'runs',
      'dead_letters_open',
      'streams',
      'writes_waiting',
      'certificates',
    ],
    properties: {
      status: { type: 'string', enum: ['ok', 'degraded'] },
      version: { type: 'string' },
      store: {
        type: 'object',
        required: ['dialect', 'ok'],
        properties: { dialect: { type: 'string' }, ok: { type: 'boolean' }, error: { type: 'string' } },
      },
      runner: childProcess('Does what must not stall the flows.'),
      live: childProcess('Holds the connections of the shop floor.'),
      runs: {
        type: 'object',
        required: ['queued', 'running', 'waiting'],
        properties: { queued: { type: 'integer' }, running: { type: 'integer' }, waiting: { type: 'integer' } },
      },
      dead_letters_open: { type: 'integer', minimum: 0 },
      streams: {
        type: 'object',
        required: ['states', 'backlog', 'dropped', 'alarms'],
        description: 'The live mappings of this Node-RED.',
        properties: {
          states: {
            type: 'object',
            additionalProperties: { type: 'integer' },
            description: 'How many are in which state.',
          },
          backlog: count('Records that wait in the spool.'),
          dropped: count('Records that the limits of the spool cost, ever.'),
          alarms: {
            type: 'array',
            items: { $ref: '#/components/schemas/LiveAlarm' },
            description: 'Each with its mapping_id.',
          },
        },
      },
      writes_waiting: {
        type: 'array',
        description: 'What flows wrote while the other side was away, of this Node-RED.',
        items: {
          type: 'object',
          required: ['connection_id', 'records', 'bytes', 'oldest_at'],
          properties: {
            connection_id: { type: 'integer' },
            records: count('That wait.'),
            bytes: count('On disk.'),
            oldest_at: { type: ['string', 'null'], format: 'date-time' },
          },
        },
      },
      certificates: {
        type: 'array',
        items: { $ref: '#/components/schemas/Certificate' },
        description:
          "Of OPC UA, the hub's own and trusted ones of servers, that end within 30 days or have ended, soonest first. One that is not used any more goes away when it is rejected.",
      },
    },
  },
};
