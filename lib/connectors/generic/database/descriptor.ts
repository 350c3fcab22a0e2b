import type { ConnectorDescriptor } from '../../descriptor';
import { QUERY_EXPECTED, QUERY_PATTERN } from './query';

const SERVER_DIALECTS = ['postgres', 'mariadb', 'mysql', 'mssql', 'oracle'];
const onServers = { dialect: SERVER_DIALECTS };
const withTls = { dialect: SERVER_DIALECTS, ssl: [true] };

const QUERY_SCHEMA = { type: 'string', pattern: QUERY_PATTERN, 'x-expected': QUERY_EXPECTED };

/** The statement alone, or with its key: each keyword speaks of one of the two types. */
const VIEWS_SCHEMA = {
  type: 'object',
  additionalProperties: {
    ...QUERY_SCHEMA,
    type: ['string', 'object'],
    additionalProperties: false,
    required: ['sql'],
    properties: {
      sql: QUERY_SCHEMA,
      key: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
    },
  },
};

export const descriptor: ConnectorDescriptor = {
  type: 'generic.database',
  title: { 'en-US': 'Database', 'pt-BR': 'Banco de dados' },
  description: {
    'en-US':
      'Reads and writes tables of PostgreSQL, MariaDB, MySQL, SQLite, SQL Server and Oracle, and reads views of your own.',
    'pt-BR':
      'Lê e grava tabelas de PostgreSQL, MariaDB, MySQL, SQLite, SQL Server e Oracle, e lê visões definidas por você.',
  },
  node: 'pcp-database',
  icon: 'pcp-database.svg',
  color: '#A6BBCF',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'discover', 'describe', 'incremental'],
  writes: { upsertByKey: true, idempotencyKey: false, lookup: 'strong', transactional: false, snapshot: false },
  batchSize: { default: 5000, maximum: 20_000 },
  needsCursorField: true,
  drivers: ['pg', 'pg-copy-streams', 'mysql2', 'tedious', 'oracledb'],
  operations: ['read', 'write'],
  settings: {
    dialect: {
      kind: 'choice',
      group: 'connection',
      required: true,
      label: { 'en-US': 'Database system', 'pt-BR': 'Sistema de banco de dados' },
      options: [
        { value: 'postgres', label: { 'en-US': 'PostgreSQL', 'pt-BR': 'PostgreSQL' } },
        { value: 'mariadb', label: { 'en-US': 'MariaDB', 'pt-BR': 'MariaDB' } },
        { value: 'mysql', label: { 'en-US': 'MySQL', 'pt-BR': 'MySQL' } },
        { value: 'sqlite', label: { 'en-US': 'SQLite (file)', 'pt-BR': 'SQLite (arquivo)' } },
        { value: 'mssql', label: { 'en-US': 'Microsoft SQL Server', 'pt-BR': 'Microsoft SQL Server' } },
        { value: 'oracle', label: { 'en-US': 'Oracle', 'pt-BR': 'Oracle' } },
      ],
      default: 'postgres',
    },
    host: {
      kind: 'text',
      group: 'connection',
      required: true,
      showWhen: onServers,
      label: { 'en-US': 'Host', 'pt-BR': 'Servidor' },
      help: { 'en-US': 'Name or IP address of the server.', 'pt-BR': 'Nome ou endereço IP do servidor.' },
      placeholder: 'db.example.com',
      maxLength: 255,
    },
    port: {
      kind: 'integer',
      group: 'connection',
      showWhen: onServers,
      minimum: 1,
      maximum: 65_535,
      label: { 'en-US': 'Port', 'pt-BR': 'Porta' },
      help: {
        'en-US': 'When empty, the usual one: 5432, 3306, 1433 or 1521.',
        'pt-BR': 'Se vazia, a porta usual: 5432, 3306, 1433 ou 1521.',
      },
    },
    database: {
      kind: 'text',
      group: 'connection',
      required: true,
      showWhen: onServers,
      label: { 'en-US': 'Database', 'pt-BR': 'Banco' },
      help: {
        'en-US': 'Name of the database; for Oracle, the service name.',
        'pt-BR': 'Nome do banco; no Oracle, o nome do serviço.',
      },
      maxLength: 128,
    },
    schema: {
      kind: 'text',
      group: 'connection',
      showWhen: { dialect: ['postgres', 'mssql', 'oracle'] },
      label: { 'en-US': 'Schema', 'pt-BR': 'Esquema' },
      help: {
        'en-US': 'Where tables without a schema of their own are looked for; when empty, the default of the user.',
        'pt-BR': 'Onde procurar tabelas indicadas sem esquema; se vazio, o padrão do usuário.',
      },
      maxLength: 128,
    },
    storage: {
      kind: 'text',
      group: 'connection',
      required: true,
      showWhen: { dialect: ['sqlite'] },
      label: { 'en-US': 'File', 'pt-BR': 'Arquivo' },
      help: {
        'en-US': 'Path of an existing SQLite file.',
        'pt-BR': 'Caminho de um arquivo SQLite existente.',
      },
      placeholder: 'legacy.db',
    },
    username: {
      kind: 'text',
      group: 'authentication',
      required: true,
      showWhen: onServers,
      label: { 'en-US': 'User', 'pt-BR': 'Usuário' },
      maxLength: 128,
    },
    password: {
      kind: 'secret',
      group: 'authentication',
      showWhen: onServers,
      label: { 'en-US': 'Password', 'pt-BR': 'Senha' },
    },
    ssl: {
      kind: 'boolean',
      group: 'security',
      default: false,
      showWhen: onServers,
      label: { 'en-US': 'Encrypt with TLS', 'pt-BR': 'Criptografar com TLS' },
      help: {
        'en-US': "The server's certificate is always checked, with its name.",
        'pt-BR': 'O certificado do servidor é sempre verificado, inclusive o nome.',
      },
    },
    ssl_ca: {
      kind: 'text',
      group: 'security',
      showWhen: withTls,
      label: { 'en-US': 'Certificate authority (PEM)', 'pt-BR': 'Autoridade certificadora (PEM)' },
      help: {
        'en-US': 'Needed when the authority is not one that this machine trusts already.',
        'pt-BR': 'Necessária quando esta máquina ainda não confia na autoridade.',
      },
      placeholder: '-----BEGIN CERTIFICATE-----',
    },
    ssl_servername: {
      kind: 'text',
      group: 'security',
      showWhen: withTls,
      label: { 'en-US': 'Name in the certificate', 'pt-BR': 'Nome no certificado' },
      help: {
        'en-US': 'When it differs from the host, for example because the host is an IP address.',
        'pt-BR': 'Quando difere do servidor, por exemplo porque este é um endereço IP.',
      },
      maxLength: 255,
    },
    views: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Views', 'pt-BR': 'Visões' },
      help: {
        'en-US':
          'Your own SELECT statements by name, used as read-only entities. Give the columns of a key, so that large results can be resumed.',
        'pt-BR':
          'Seus próprios comandos SELECT, por nome, usados como entidades somente de leitura. Indique as colunas de uma chave para que resultados grandes possam ser retomados.',
      },
      schema: VIEWS_SCHEMA,
      default: {},
      example: {
        open_orders: { sql: "SELECT * FROM orders WHERE status <> 'closed'", key: ['order_number'] },
      },
    },
    lookback_values: {
      kind: 'integer',
      group: 'advanced',
      default: 1000,
      minimum: 0,
      maximum: 10_000_000,
      label: { 'en-US': 'Numbers read again', 'pt-BR': 'Números lidos de novo' },
      help: {
        'en-US':
          'An incremental read by a number that grows begins this many numbers before the last one, since transactions may commit later with smaller numbers.',
        'pt-BR':
          'A leitura incremental por um número crescente começa esta quantidade de números antes do último, pois transações podem ser confirmadas depois com números menores.',
      },
    },
    connect_timeout_ms: {
      kind: 'integer',
      group: 'advanced',
      default: 5000,
      minimum: 500,
      maximum: 60_000,
      showWhen: onServers,
      label: { 'en-US': 'Time to connect (ms)', 'pt-BR': 'Tempo para conectar (ms)' },
    },
    statement_timeout_ms: {
      kind: 'integer',
      group: 'advanced',
      default: 300_000,
      minimum: 1000,
      maximum: 3_600_000,
      showWhen: onServers,
      label: { 'en-US': 'Time for one statement (ms)', 'pt-BR': 'Tempo para um comando (ms)' },
    },
    pool_size: {
      kind: 'integer',
      group: 'advanced',
      default: 4,
      minimum: 2,
      maximum: 50,
      showWhen: onServers,
      label: { 'en-US': 'Connections at most', 'pt-BR': 'Máximo de conexões' },
    },
  },
};
