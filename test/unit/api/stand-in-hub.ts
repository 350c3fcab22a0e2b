/**
 * A stand-in for the hub: the real interfaces over plain maps, so that routing, validation and statuses are tested alone.
 * It proves nothing about the store, the engine or the runner; those have tests of their own.
 */
import type { ConnectorDescriptor } from '../../../lib/connectors/descriptor';
import { connectorSchema } from '../../../lib/connectors/schema';
import type { OpenConnection } from '../../../lib/model/connection';
import type { EntityType } from '../../../lib/model/entity';
import { IntegrationError } from '../../../lib/model/errors';
import type { PreviewRequest } from '../../../lib/model/processes';
import type { ConnectionInput, ConnectionView, Hub, MappingView } from '../../../lib/model/services';
import {
  alert,
  alertRule,
  deadLetter,
  health,
  job,
  mappingView,
  NOW,
  order,
  reconciliation,
  report,
  runMetrics,
  syncLog,
} from './sample-rows';
import { checkRevision, find, page, standInWebhooks } from './stand-in-webhooks';

const both = (text: string) => ({ 'en-US': text, 'pt-BR': text });

const descriptor: ConnectorDescriptor = {
  type: 'generic.database',
  title: both('Database'),
  description: both('Tables and views.'),
  node: 'pcp-database',
  icon: 'database.svg',
  color: '#aabbcc',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'discover', 'describe'],
  batchSize: { default: 1000, maximum: 5000 },
  drivers: ['pg'],
  operations: ['read', 'write'],
  settings: {
    host: { kind: 'text', label: both('Host'), group: 'connection', required: true },
    port: { kind: 'integer', label: both('Port'), group: 'connection', minimum: 1, maximum: 65535, default: 5432 },
    client: { kind: 'text', label: both('Client'), group: 'authentication', required: true, showWhen: { ssl: [true] } },
    username: { kind: 'text', label: both('User'), group: 'authentication' },
    password: { kind: 'secret', label: both('Password'), group: 'authentication' },
    ssl: { kind: 'boolean', label: both('TLS'), group: 'security', default: false },
    views: { kind: 'json', label: both('Views'), group: 'entities', schema: { type: 'object' } },
  },
};

export type Overrides = {
  [Service in keyof Hub]?: Hub[Service] extends (...parameters: never[]) => unknown
    ? Hub[Service]
    : Partial<Hub[Service]>;
};

export interface StandIn {
  hub: Hub;
  /** What was handed to the services, newest last. */
  calls: { name: string; arguments: unknown[] }[];
  /** Secrets as they were stored, by connection. */
  secrets: Map<number, Record<string, string>>;
  connections: Map<number, ConnectionView>;
}

/** @param overrides methods of services that behave differently in one test */
export function standInHub(overrides: Overrides = {}): StandIn {
  const calls: StandIn['calls'] = [];
  const secrets: StandIn['secrets'] = new Map();
  const connections: StandIn['connections'] = new Map();
  const mappings = new Map<number, MappingView>();
  const types = new Map<string, EntityType>([[order.type, order]]);
  const records = new Map<string, Record<string, unknown>>();
  const letter = deadLetter();
  let lastId = 0;

  const view = (id: number, input: ConnectionInput, revision: number): ConnectionView => ({
    ...{ description: null, config: {}, is_active: true, schedule: null, timezone: null, created_by: null },
    schedule_options: {},
    ...input,
    ...{ id, revision, managed_by: 'api', node_id: null, created_at: NOW, updated_at: NOW },
    ...{ last_sync_at: null, last_sync_status: null },
    credentials: Object.fromEntries(Object.keys(secrets.get(id) ?? {}).map((name) => [name, true])),
  });
  const saveSecrets = (id: number, given: Record<string, string> | undefined) =>
    secrets.set(id, { ...secrets.get(id), ...given });
  const keyOf = (type: string, key: readonly unknown[]) => JSON.stringify([type, ...key.map(String)]);
  const recordKey = (type: string, record: Record<string, unknown>) =>
    keyOf(
      type,
      find(types, type, 'type').key.map((name) => record[name]),
    );

  const certificate = (state: 'trusted' | 'rejected') => ({
    ...{ thumbprint: 'ab'.repeat(20), state, subject: 'CN=PLC', application_uri: 'urn:plc:line1' },
    ...{ valid_from: NOW, valid_to: NOW },
  });
  const seen = (thumbprint: string): true => {
    if (thumbprint === 'ab'.repeat(20)) return true;
    throw new IntegrationError('config', 'PCP_OPCUA_THUMBPRINT', 'No certificate has this thumbprint.');
  };

  const alertRules: Hub['alerts']['rules'] = {
    list: async () => page([alertRule()]),
    get: async (id) => find(new Map([[1, alertRule()]]), id, 'alert rule'),
    create: async (input) => ({ ...alertRule(), ...input, id: 9, is_default: false }),
    update: async (id, input, revision) => {
      const rule = find(new Map([[1, alertRule()]]), id, 'alert rule');
      checkRevision(rule, revision);
      return { ...rule, ...input, revision: rule.revision + 1 };
    },
    delete: async (id) => {
      const rule = find(new Map([[1, alertRule()]]), id, 'alert rule');
      throw new IntegrationError('conflict', 'PCP_ALERT_RULE_DEFAULT', `Rule ${rule.id} stays.`);
    },
  };

  const compared = { ...reconciliation(), sample: [] };

  const services: Omit<Hub, 'descriptors' | 'database' | 'vault' | 'close'> = {
    connections: {
      list: async (filter) =>
        page([...connections.values()].filter((row) => filter.name === undefined || row.name === filter.name)),
      get: async (id) => find(connections, id, 'connection'),
      create: async (input) => {
        if ([...connections.values()].some((row) => row.name === input.name)) {
          throw new IntegrationError('conflict', 'PCP_NAME_TAKEN', 'The name is taken.', { path: '/name' });
        }
        lastId += 1;
        saveSecrets(lastId, input.credentials);
        connections.set(lastId, view(lastId, input, 1));
        return find(connections, lastId, 'connection');
      },
      update: async (id, input, revision) => {
        const row = find(connections, id, 'connection');
        if (row.managed_by === 'flow') {
          throw new IntegrationError('conflict', 'PCP_MANAGED_BY_FLOW', `It belongs to the node ${row.node_id}.`);
        }
        checkRevision(row, revision);
        saveSecrets(id, input.credentials);
        connections.set(id, view(id, input, row.revision + 1));
        return find(connections, id, 'connection');
      },
      delete: async (id, { cascade }) => {
        find(connections, id, 'connection');
        if (!cascade && [...mappings.values()].some((mapping) => mapping.connection_id === id)) {
          throw new IntegrationError('conflict', 'PCP_CONNECTION_IN_USE', 'Mappings refer to it.');
        }
        connections.delete(id);
      },
      open: async (id) => {
        const { name, connector_type, config } = find(connections, id, 'connection');
        return { id, name, connector_type, config, credentials: secrets.get(id) ?? {} };
      },
      registerFlow: async () => Promise.reject(new Error('not part of the API')),
      releaseFlow: async () => undefined,
    },
    mappings: {
      list: async ({ connection_id }) =>
        page(
          [...mappings.values()].filter((row) => connection_id === undefined || row.connection_id === connection_id),
        ),
      get: async (id) => find(mappings, id, 'mapping'),
      create: async (input) => {
        lastId += 1;
        mappings.set(lastId, mappingView(lastId, input, 1));
        return find(mappings, lastId, 'mapping');
      },
      update: async (id, input, revision) => {
        const row = find(mappings, id, 'mapping');
        checkRevision(row, revision);
        mappings.set(id, mappingView(id, input, row.revision + 1));
        return find(mappings, id, 'mapping');
      },
      delete: async (id) => {
        find(mappings, id, 'mapping');
        mappings.delete(id);
      },
      registerFlow: async () => Promise.reject(new Error('not part of the API')),
      releaseFlow: async () => undefined,
    },
    reconciliations: {
      list: async () => page([reconciliation()]),
      get: async (id) => find(new Map([[5, compared]]), id, 'reconciliation'),
      start: async () => compared,
      cancel: async () => compared,
      repair: async () => job(3),
    },
    certificates: {
      list: async () => [certificate('rejected')],
      inUse: async () => [],
      expiring: async () => [],
      trust: async (thumbprint) => seen(thumbprint) && certificate('trusted'),
      reject: async (thumbprint) => seen(thumbprint) && certificate('rejected'),
    },
    entityTypes: {
      list: async () => [...types.values()],
      get: async (type) => find(types, type, 'entity type'),
      create: async (input) => {
        types.set(input.type, { ...input, built_in: false });
        return find(types, input.type, 'entity type');
      },
      update: async (type, input) => {
        if (find(types, type, 'entity type').built_in) {
          throw new IntegrationError('conflict', 'PCP_ENTITY_BUILT_IN', 'It belongs to the catalogue.');
        }
        types.set(type, { ...input, built_in: false });
        return find(types, type, 'entity type');
      },
      delete: async (type) => {
        find(types, type, 'entity type');
        types.delete(type);
      },
    },
    records: {
      list: async () => page([...records.values()]),
      get: async (type, key) => find(records, keyOf(type, key), 'record'),
      create: async (type, record) => {
        if (records.has(recordKey(type, record))) {
          throw new IntegrationError('conflict', 'PCP_RECORD_EXISTS', 'There is a record with this key.');
        }
        records.set(recordKey(type, record), record);
        return record;
      },
      replace: async (type, key, record) => {
        const created = !records.has(keyOf(type, key));
        records.set(keyOf(type, key), record);
        return { record, created };
      },
      merge: async (type, key, record) => {
        const held = records.get(keyOf(type, key));
        records.set(keyOf(type, key), { ...held, ...record });
        return { record: { ...held, ...record }, created: held === undefined };
      },
      delete: async (type, key) => {
        find(records, keyOf(type, key), 'record');
        records.delete(keyOf(type, key));
      },
    },
    sync: {
      start: async (connectionId) => job(connectionId),
      status: async (jobId) => {
        if (jobId !== 'job-1') throw new IntegrationError('data', 'PCP_NOT_FOUND', `There is no job ${jobId}.`);
        return job(1);
      },
      cancel: async () => job(1),
      logs: async () => page([syncLog()]),
      log: async (id) => find(new Map([[1, syncLog()]]), id, 'sync log'),
      deadLetters: async () => page([letter]),
      deadLetterGroups: async () => [
        {
          ...{ group: 'g1', mapping_id: 7, code: 'PCP_DATE', error_class: 'data', stage: 'transform', field: 'start' },
          ...{ message: 'No such day.', count: 2, first_at: NOW, last_at: NOW },
        },
      ],
      deadLetter: async (id) => find(new Map([[1, letter]]), id, 'dead letter'),
      editDeadLetter: async (_id, payload) => ({ ...letter, payload }),
      replay: async () => [job(1)],
      discard: async (_id, note) => ({ ...letter, state: 'discarded', note: note ?? null }),
      decideTarget: async (mappingId) => {
        find(mappings, mappingId, 'mapping');
      },
      ...{ endPause: async () => undefined, paused: async () => new Map() },
      watch: () => () => undefined,
    },
    runner: {
      test: async () => report(),
      discover: async () => [{ name: 'orders', kind: 'table', key: ['id'], readable: true, writable: true }],
      describe: async (_connection: OpenConnection, name: string) => {
        if (name !== 'public.orders/2026') {
          throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `There is no table ${name}.`, {
            path: '/source_entity',
          });
        }
        const info = { name, kind: 'table', key: ['id'], readable: true, writable: true };
        return { info, schema: { type: 'object', properties: { id: { type: 'integer' } } } };
      },
      present: async () => null,
      preview: async ({ records: given = [{ a: 1 }] }: PreviewRequest) => ({
        records: given.map((before) => ({
          ...{ position: null, before, after: before, current: null, diff: [], request: null, errors: [] },
          action: 'create' as const,
        })),
        guarantee: 'exactly_once' as const,
        totals: { create: given.length, update: 0, unchanged: 0, write: 0, filtered: 0, error: 0 },
        complete: true,
      }),
      map: async () => [],
      read: () => {
        throw new Error('not part of the API');
      },
      write: async () => [],
      call: async () => ({ payload: null }),
    },
    live: {
      status: () => null,
      subscribe: () => {
        throw new Error('not part of the API');
      },
      readTags: async () => [],
      writeTags: async () => [],
      planTags: async () => [],
      browse: async (_connection, parent) => [
        { address: `${parent ?? ''}/speed`, name: 'speed', kind: 'tag', data_type: 'Float', has_children: false },
      ],
      call: async () => ({ payload: null }),
    },
    ...standInWebhooks(),
    audit: {
      append: async () => undefined,
      list: async () => page([]),
      verify: async () => ({ entries: 0, broken_at: null, last_hash: null }),
    },
    alerts: {
      list: async () => page([alert()]),
      get: async (id) => ({ ...find(new Map([[12, alert()]]), id, 'alert'), events: [] }),
      acknowledge: async (id, by, note) => {
        const found = find(new Map([[12, alert()]]), id, 'alert');
        return {
          ...{ ...found, state: 'acknowledged', acknowledged_at: NOW, acknowledged_by: by, note: note ?? null },
          events: [{ id: 2, alert_id: id, type: 'acknowledged', at: NOW, by, value: 4 }],
        };
      },
      follow: () => () => undefined,
      rules: alertRules,
    },
    metrics: {
      runs: async () => ({ from: NOW, to: NOW, items: [runMetrics()] }),
      exposition: async () => 'integration_breaker_state{connection="1"} 0\n',
    },
    connectorSchema: () => connectorSchema(descriptor),
    health: async () => health(),
  };

  const hub = { descriptors: [descriptor], close: async () => undefined } as unknown as Record<string, unknown>;
  for (const [name, service] of Object.entries(services)) {
    const changed = (overrides as Record<string, unknown>)[name];
    if (typeof service === 'function') hub[name] = changed ?? service;
    else hub[name] = recorded(name, { ...service, ...(changed as object) }, calls);
  }
  return { hub: hub as unknown as Hub, calls, secrets, connections };
}

function recorded(service: string, methods: object, calls: StandIn['calls']): object {
  return Object.fromEntries(
    Object.entries(methods as Record<string, object | ((...parameters: unknown[]) => unknown)>).map(
      ([name, method]) => [
        name,
        typeof method !== 'function'
          ? recorded(`${service}.${name}`, method, calls)
          : (...parameters: unknown[]) => {
              calls.push({ name: `${service}.${name}`, arguments: parameters });
              return method(...parameters);
            },
      ],
    ),
  );
}
