import type { ConnectorDescriptor, LocalizedText, Setting } from '../../descriptor';
import { descriptor as database } from '../../generic/database/descriptor';
import { HTTP_SETTINGS } from '../../http-settings';
import { DEFAULTS } from './defaults';

/** Of the settings by HTTP, those that the gateway has use for. */
const { tls_ca, tls_servername, proxy_url, proxy_password, headers, requests_per_second, max_concurrency } =
  HTTP_SETTINGS as Record<string, Setting>;

export const descriptor: ConnectorDescriptor = {
  type: 'erp.oracle-ebs',
  title: { 'en-US': 'Oracle E-Business Suite', 'pt-BR': 'Oracle E-Business Suite' },
  description: {
    'en-US':
      'Reads jobs, items, stock, bills and routings of Oracle E-Business Suite, posts moves, material, hours, jobs and quality results, and calls its REST services.',
    'pt-BR':
      'Lê ordens, itens, estoque, listas e roteiros do Oracle E-Business Suite, lança movimentações, materiais, horas, ordens e resultados de qualidade e chama os serviços REST.',
  },
  node: 'pcp-oracle-ebs',
  icon: 'pcp-oracle-ebs.svg',
  color: '#E4B4A8',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'call', 'discover', 'describe', 'incremental'],
  writes: { upsertByKey: false, idempotencyKey: false, lookup: 'strong', transactional: false, snapshot: false },
  batchSize: { default: 1000, maximum: 20_000 },
  needsCursorField: true,
  drivers: ['oracledb', 'pg', 'undici'],
  operations: ['read', 'write', 'call'],
  call: {
    operation: 'call',
    parameters: {
      service: {
        kind: 'text',
        group: 'connection',
        label: { 'en-US': 'Service', 'pt-BR': 'Serviço' },
        help: {
          'en-US': 'the alias that the administrator gave it when it was deployed',
          'pt-BR': 'o alias que o administrador deu ao implantá-lo',
        },
        placeholder: 'workrequest',
      },
      method: {
        kind: 'text',
        group: 'connection',
        label: { 'en-US': 'Method', 'pt-BR': 'Método' },
        help: { 'en-US': 'as its WADL names it', 'pt-BR': 'como o WADL o nomeia' },
        placeholder: 'work_request_import',
      },
      http_method: {
        kind: 'choice',
        group: 'connection',
        label: { 'en-US': 'HTTP method', 'pt-BR': 'Método HTTP' },
        help: {
          'en-US': 'with which the method is deployed; GET puts the parameters into the URL',
          'pt-BR': 'com o qual o método foi implantado; GET põe os parâmetros na URL',
        },
        options: ['POST', 'GET'].map((value) => ({ value, label: { 'en-US': value, 'pt-BR': value } })),
        default: 'POST',
      },
      parameters: {
        kind: 'json',
        group: 'connection',
        schema: { type: 'object' },
        label: { 'en-US': 'Input parameters', 'pt-BR': 'Parâmetros de entrada' },
        help: {
          'en-US': 'by name; msg.payload, when it is an object, comes before',
          'pt-BR': 'por nome; msg.payload, quando é um objeto, vem antes',
        },
      },
    },
  },
  settings: {
    host: text('connection', 'Host of the database', 'Servidor do banco de dados', {
      help: {
        'en-US':
          'For reading, and for looking up what was posted. The thin driver needs Oracle Database 12.1 or later without native network encryption.',
        'pt-BR':
          'Para ler e para procurar o que foi lançado. O driver thin exige Oracle Database 12.1 ou mais novo, sem criptografia nativa de rede.',
      },
      placeholder: 'ebsdb.example.com',
    }),
    port: {
      kind: 'integer',
      group: 'connection',
      minimum: 1,
      maximum: 65_535,
      label: { 'en-US': 'Port of the database', 'pt-BR': 'Porta do banco de dados' },
      help: { 'en-US': 'When empty, the usual one: 1521.', 'pt-BR': 'Se vazia, a porta usual: 1521.' },
    },
    database: text('connection', 'Service name', 'Nome do serviço', {
      help: { 'en-US': 'Of the database.', 'pt-BR': 'Do banco de dados.' },
      placeholder: 'EBSPROD',
    }),
    schema: text('connection', 'Schema', 'Esquema', {
      default: DEFAULTS.schema,
      help: {
        'en-US': 'Whose synonyms and views name the tables.',
        'pt-BR': 'O esquema cujos sinônimos e visões nomeiam as tabelas.',
      },
    }),
    organization_codes: text('connection', 'Organizations', 'Organizações', {
      pattern: '^[A-Za-z0-9]{1,3}([ ,;]+[A-Za-z0-9]{1,3})*$',
      help: {
        'en-US': 'Codes of the inventory organizations to read, separated by commas; when empty, all.',
        'pt-BR': 'Códigos das organizações de estoque a ler, separados por vírgulas; se vazio, todas.',
      },
      placeholder: 'M1, M2',
    }),
    base_url: text('connection', 'Base URL of the gateway (ISG)', 'URL base do gateway (ISG)', {
      help: {
        'en-US': 'For calling services: ends with /webservices/rest.',
        'pt-BR': 'Para chamar serviços: termina em /webservices/rest.',
      },
      placeholder: 'https://ebs.example.com:4443/webservices/rest',
    }),
    database_username: text('authentication', 'User of the database', 'Usuário do banco de dados', {
      help: {
        'en-US': 'One of its own, with SELECT on the tables that are read; not APPS.',
        'pt-BR': 'Um usuário próprio, com SELECT nas tabelas lidas; não o APPS.',
      },
    }),
    database_password: {
      kind: 'secret',
      group: 'authentication',
      label: { 'en-US': 'Password of the database', 'pt-BR': 'Senha do banco de dados' },
    },
    authentication: {
      kind: 'choice',
      group: 'authentication',
      label: { 'en-US': 'Sign-in to the gateway', 'pt-BR': 'Autenticação no gateway' },
      options: [
        { value: 'token', label: { 'en-US': 'Token (login, then a session)', 'pt-BR': 'Token (login e sessão)' } },
        { value: 'basic', label: { 'en-US': 'User and password (Basic)', 'pt-BR': 'Usuário e senha (Basic)' } },
      ],
      default: DEFAULTS.authentication,
    },
    username: text('authentication', 'User of E-Business Suite', 'Usuário do E-Business Suite', {
      help: {
        'en-US': 'With a grant for each service that is called; transactions are written in its name.',
        'pt-BR': 'Com concessão (grant) para cada serviço chamado; as transações são gravadas em nome dele.',
      },
    }),
    password: {
      kind: 'secret',
      group: 'authentication',
      label: { 'en-US': 'Password of E-Business Suite', 'pt-BR': 'Senha do E-Business Suite' },
    },
    responsibility: text('authentication', 'Responsibility (key)', 'Responsabilidade (chave)', {
      help: {
        'en-US': 'In whose name services work; when empty, the default of the user.',
        'pt-BR': 'Em nome de qual os serviços trabalham; se vazio, a padrão do usuário.',
      },
      placeholder: 'WIP_SUPERUSER',
    }),
    responsibility_application: text(
      'authentication',
      'Application of the responsibility',
      'Aplicação da responsabilidade',
      {
        help: { 'en-US': 'Its short name.', 'pt-BR': 'O nome curto.' },
        placeholder: 'WIP',
      },
    ),
    security_group: text('authentication', 'Security group', 'Grupo de segurança', {
      default: DEFAULTS.security_group,
    }),
    org_id: text('authentication', 'Operating unit (Org_Id)', 'Unidade operacional (Org_Id)', {
      pattern: '^\\d+$',
      help: {
        'en-US': 'When empty, that of the responsibility.',
        'pt-BR': 'Se vazia, a da responsabilidade.',
      },
    }),
    nls_language: text('authentication', 'Language of messages', 'Idioma das mensagens', {
      default: DEFAULTS.nls_language,
      help: {
        'en-US': 'As Oracle names it: AMERICAN, BRAZILIAN PORTUGUESE.',
        'pt-BR': 'Como a Oracle o nomeia: AMERICAN, BRAZILIAN PORTUGUESE.',
      },
    }),
    ssl: withoutCondition(database.settings.ssl!),
    ssl_ca: { ...database.settings.ssl_ca!, showWhen: { ssl: [true] } },
    ssl_servername: { ...database.settings.ssl_servername!, showWhen: { ssl: [true] } },
    tls_ca: tls_ca!,
    tls_servername: tls_servername!,
    proxy_url: proxy_url!,
    proxy_password: proxy_password!,
    views: {
      ...database.settings.views!,
      help: {
        'en-US':
          'SELECT statements of your own by name. One that has the name of an entity takes its place, with the columns that your flexfields need.',
        'pt-BR':
          'Comandos SELECT próprios, por nome. Um com o nome de uma entidade toma o lugar dela, com as colunas de que seus flexfields precisam.',
      },
      example: {
        late_jobs: {
          sql: 'SELECT WIP_ENTITY_ID, STATUS_TYPE FROM WIP_DISCRETE_JOBS WHERE SCHEDULED_COMPLETION_DATE < SYSDATE',
          key: ['WIP_ENTITY_ID'],
        },
      },
    } as Setting,
    source_code: text('entities', 'Source code', 'Código de origem (SOURCE_CODE)', {
      default: DEFAULTS.source_code,
      pattern: '^[A-Za-z0-9_-]{1,30}$',
      help: {
        'en-US': 'Goes with every transaction, so that yours are found again (SOURCE_CODE). Never change it later.',
        'pt-BR': 'Vai com toda transação, para que as suas sejam reencontradas. Nunca altere depois.',
      },
    }),
    sender: text('entities', 'Sender', 'Remetente', {
      maxLength: 40,
      help: {
        'en-US': 'Tells your transactions from those of other plants with the same source code. Never change it later.',
        'pt-BR': 'Distingue suas transações das de outras plantas com o mesmo código de origem. Nunca altere depois.',
      },
    }),
    interfaces: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Interfaces as services', 'pt-BR': 'Interfaces como serviços' },
      help: {
        'en-US':
          'Open interface tables that are deployed in the gateway, with the alias of each: they are written through it, the others by SQL.',
        'pt-BR':
          'Tabelas de interface abertas implantadas no gateway, com o alias de cada: são gravadas por ele, as outras por SQL.',
      },
      schema: { type: 'object', additionalProperties: { type: 'string', pattern: '^[A-Za-z0-9_-]+$' } },
      default: {},
      example: { WIP_MOVE_TXN_INTERFACE: 'wipmove' },
    },
    wait_seconds: {
      kind: 'integer',
      group: 'advanced',
      default: DEFAULTS.wait_seconds,
      minimum: 0,
      maximum: 600,
      label: { 'en-US': 'Wait for the managers (s)', 'pt-BR': 'Espera pelos gerenciadores (s)' },
      help: {
        'en-US': 'How long a batch waits until what it wrote is posted or refused; what waits longer counts as sent.',
        'pt-BR':
          'Quanto um lote espera até que o gravado seja lançado ou recusado; o que demora mais conta como enviado.',
      },
    },
    dialect: {
      kind: 'choice',
      group: 'advanced',
      label: { 'en-US': 'Database system', 'pt-BR': 'Sistema de banco de dados' },
      options: [
        { value: 'oracle', label: { 'en-US': 'Oracle', 'pt-BR': 'Oracle' } },
        {
          value: 'postgres',
          label: { 'en-US': 'PostgreSQL: a copy of the tables', 'pt-BR': 'PostgreSQL: uma cópia das tabelas' },
        },
      ],
      default: DEFAULTS.dialect,
    },
    headers: headers!,
    requests_per_second: requests_per_second!,
    max_concurrency: max_concurrency!,
    timeout_ms: { ...HTTP_SETTINGS.timeout_ms!, default: DEFAULTS.timeout_ms } as Setting,
    connect_timeout_ms: withoutCondition(database.settings.connect_timeout_ms!),
    statement_timeout_ms: {
      ...withoutCondition(database.settings.statement_timeout_ms!),
      default: DEFAULTS.statement_timeout_ms,
    } as Setting,
    pool_size: withoutCondition(database.settings.pool_size!),
  },
};

type TextSetting = Extract<Setting, { kind: 'text' }>;

function text(group: TextSetting['group'], en: string, pt: string, more: Partial<TextSetting> = {}): Setting {
  const label: LocalizedText = { 'en-US': en, 'pt-BR': pt };
  return { kind: 'text', group, label, maxLength: 255, ...more };
}

/** Here it is the same for every database. */
function withoutCondition({ showWhen: _, ...setting }: Setting): Setting {
  return setting as Setting;
}
