import type { ConnectorDescriptor } from '../descriptor';

export const descriptor: ConnectorDescriptor = {
  type: 'platform',
  title: { 'en-US': 'PCP platform', 'pt-BR': 'Plataforma PCP' },
  description: {
    'en-US': "The platform's own entities: typed tables in the store of the hub.",
    'pt-BR': 'As entidades da própria plataforma: tabelas tipadas no banco de dados do hub.',
  },
  // "pcp-entity" is written by hand: it needs no connection.
  node: null,
  icon: 'pcp-entity.svg',
  color: '#A6BBCF',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'discover', 'describe', 'incremental'],
  writes: { upsertByKey: true, idempotencyKey: false, lookup: 'strong', transactional: true, snapshot: false },
  batchSize: { default: 5000, maximum: 20_000 },
  defaultCursor: '_updated_at',
  drivers: [],
  operations: ['read', 'write'],
  settings: {},
};
