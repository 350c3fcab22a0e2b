import type { ConnectorDescriptor, Setting } from '../../descriptor';
import { HTTP_SETTINGS, httpSetting } from '../../http-settings';
import { ODATA_CALL_PARAMETERS } from '../odata/call-parameters';
import { ODATA_WRITE_SETTINGS } from '../odata/write-settings';
import { DEFAULTS } from './settings';

const ENTRA = ['entra_secret', 'entra_certificate'];
const operations = { flavour: ['finance_operations'] };
const entra = { authentication: ENTRA };

const OWN: Record<string, Setting> = {
  flavour: {
    kind: 'choice',
    group: 'connection',
    label: { 'en-US': 'Application', 'pt-BR': 'Aplicação' },
    help: {
      'en-US':
        'The standard API of Business Central has no production orders, bills or routings: publish pages for them.',
      'pt-BR':
        'A API padrão do Business Central não tem ordens de produção, listas ou roteiros: publique páginas para isso.',
    },
    options: [
      {
        value: 'finance_operations',
        label: {
          'en-US': 'Finance & Operations (Supply Chain Management)',
          'pt-BR': 'Finance & Operations (Supply Chain Management)',
        },
      },
      { value: 'business_central', label: { 'en-US': 'Business Central', 'pt-BR': 'Business Central' } },
      { value: 'dataverse', label: { 'en-US': 'Dataverse', 'pt-BR': 'Dataverse' } },
    ],
    default: 'finance_operations',
  },
  base_url: httpSetting('base_url', {
    help: {
      'en-US': 'Of the environment, as a browser opens it; the paths of its services come after it.',
      'pt-BR': 'Do ambiente, como o navegador o abre; os caminhos dos serviços vêm depois.',
    },
    placeholder: 'https://contoso.operations.dynamics.com',
  }),
  company: {
    kind: 'text',
    group: 'connection',
    showWhen: { flavour: ['finance_operations', 'business_central'] },
    maxLength: 60,
    label: { 'en-US': 'Company', 'pt-BR': 'Empresa' },
    help: {
      'en-US':
        'dataAreaId, or in Business Central its name. When empty: all companies, or in Business Central the only one.',
      'pt-BR':
        'dataAreaId, ou no Business Central o nome. Se vazia: todas as empresas, ou no Business Central a única.',
    },
    placeholder: 'usmf',
  },
  authentication: {
    kind: 'choice',
    group: 'authentication',
    label: { 'en-US': 'Authentication', 'pt-BR': 'Autenticação' },
    options: [
      {
        value: 'entra_secret',
        label: { 'en-US': 'Microsoft Entra ID, client secret', 'pt-BR': 'Microsoft Entra ID, segredo do cliente' },
      },
      {
        value: 'entra_certificate',
        label: { 'en-US': 'Microsoft Entra ID, certificate', 'pt-BR': 'Microsoft Entra ID, certificado' },
      },
      ...(HTTP_SETTINGS.authentication as Setting & { kind: 'choice' }).options,
    ],
    default: 'entra_secret',
  },
  tenant_id: {
    kind: 'text',
    group: 'authentication',
    required: true,
    showWhen: entra,
    pattern: '^[A-Za-z0-9.-]*$',
    label: { 'en-US': 'Tenant (directory)', 'pt-BR': 'Locatário (diretório)' },
    help: { 'en-US': 'ID or domain name.', 'pt-BR': 'ID ou nome de domínio.' },
    placeholder: 'contoso.onmicrosoft.com',
  },
  client_id: httpSetting('client_id', { showWhen: { authentication: [...ENTRA, 'oauth2'] } }),
  client_secret: httpSetting('client_secret', { showWhen: { authentication: ['entra_secret', 'oauth2'] } }),
  certificate: httpSetting('certificate', { showWhen: { authentication: ['entra_certificate', 'mtls'] } }),
  private_key: httpSetting('private_key', { showWhen: { authentication: ['entra_certificate', 'mtls'] } }),
  passphrase: httpSetting('passphrase', { showWhen: { authentication: ['entra_certificate', 'mtls'] } }),
  scope: httpSetting('scope', {
    showWhen: { authentication: [...ENTRA, 'oauth2'] },
    help: {
      'en-US': 'With Entra ID, that of the environment when empty.',
      'pt-BR': 'Com o Entra ID, o do ambiente, se vazio.',
    },
  }),
  authority: {
    kind: 'text',
    group: 'advanced',
    showWhen: entra,
    pattern: '^(https?://.+)?$',
    label: { 'en-US': 'Sign-in address', 'pt-BR': 'Endereço de entrada' },
    help: {
      'en-US': 'Of Entra ID; national clouds have their own.',
      'pt-BR': 'Do Entra ID; nuvens nacionais têm o próprio.',
    },
    default: 'https://login.microsoftonline.com',
  },
  services: {
    kind: 'json',
    group: 'entities',
    showWhen: { flavour: ['business_central'] },
    label: { 'en-US': 'Own services', 'pt-BR': 'Serviços próprios' },
    help: {
      'en-US':
        'Paths by name: pages published as web services (/ODataV4), or APIs of extensions. Production is only there.',
      'pt-BR':
        'Caminhos por nome: páginas publicadas como web services (/ODataV4) ou APIs de extensões. A produção só está lá.',
    },
    schema: {
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z0-9_.-]+$' },
      additionalProperties: { type: 'string', pattern: '^/' },
    },
    default: {},
    example: { pages: '/ODataV4', shopfloor: '/api/contoso/shopfloor/v1.0' },
  },
  sender: {
    kind: 'text',
    group: 'entities',
    showWhen: operations,
    maxLength: 40,
    label: { 'en-US': 'Sender', 'pt-BR': 'Remetente' },
    help: {
      'en-US': 'Tells your messages from those of other plants that send to the same system. Never change it later.',
      'pt-BR': 'Distingue suas mensagens das de outras plantas que enviam ao mesmo sistema. Nunca altere depois.',
    },
  },
  message_log: {
    kind: 'json',
    group: 'entities',
    showWhen: operations,
    label: { 'en-US': 'Data entity over the MES messages', 'pt-BR': 'Entidade de dados sobre as mensagens MES' },
    help: {
      'en-US':
        'Your own, with a field for our key and one for the content: then a message whose answer was lost is found again.',
      'pt-BR':
        'Própria, com um campo para a nossa chave e um para o conteúdo: assim, uma mensagem cuja resposta se perdeu é reencontrada.',
    },
    schema: {
      type: 'object',
      properties: {
        entity_set: { type: 'string', pattern: '^\\w+$' },
        key: { type: 'string', pattern: '^\\w+$' },
        content: { type: 'string', pattern: '^\\w+$' },
      },
      dependentRequired: { entity_set: ['key', 'content'], key: ['entity_set'], content: ['entity_set'] },
      additionalProperties: false,
    },
    default: {},
    example: { entity_set: 'PcpMesMessages', key: 'ExternalKey', content: 'MessageContent' },
  },
  packages: {
    kind: 'json',
    group: 'entities',
    showWhen: operations,
    label: { 'en-US': 'Packages of data management', 'pt-BR': 'Pacotes da gestão de dados' },
    help: {
      'en-US':
        'Data projects by name, with the entity and the columns of its file: many records go in or out with one job.',
      'pt-BR':
        'Projetos de dados por nome, com a entidade e as colunas do arquivo: muitos registros entram ou saem com um trabalho.',
    },
    schema: {
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z0-9_.-]+$' },
      additionalProperties: {
        type: 'object',
        properties: {
          definition_group: { type: 'string', minLength: 1, maxLength: 60 },
          entity: { type: 'string', minLength: 1, pattern: '^[^/\\\\:*?"<>|]+$' },
          legal_entity: { type: 'string' },
          fields: { type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string', pattern: '^\\w+$' } },
        },
        required: ['definition_group', 'entity', 'fields'],
        additionalProperties: false,
      },
    },
    default: {},
    example: {
      items: { definition_group: 'PCP items', entity: 'Released products V2', fields: ['ITEMNUMBER', 'SEARCHNAME'] },
    },
  },
  package_wait_seconds: {
    kind: 'integer',
    group: 'advanced',
    showWhen: operations,
    default: DEFAULTS.package_wait_seconds,
    minimum: 10,
    maximum: 7200,
    label: { 'en-US': 'Wait for jobs of packages (s)', 'pt-BR': 'Espera por trabalhos de pacotes (s)' },
    help: {
      'en-US': 'How long a run waits for the end of a job; the next one goes on with it.',
      'pt-BR': 'Quanto tempo uma execução espera pelo fim de um trabalho; a próxima continua com ele.',
    },
  },
  timeout_ms: httpSetting('timeout_ms', { default: 60_000 } as Partial<Setting>),
  ...ODATA_WRITE_SETTINGS,
};

export const descriptor: ConnectorDescriptor = {
  type: 'erp.dynamics365',
  title: { 'en-US': 'Dynamics 365', 'pt-BR': 'Dynamics 365' },
  description: {
    'en-US':
      'Reads and writes Dynamics 365 Finance & Operations (with its MES queue and packages), Business Central (items, own pages) and Dataverse.',
    'pt-BR':
      'Lê e grava o Dynamics 365 Finance & Operations (com a fila MES e pacotes), Business Central (itens, páginas próprias) e Dataverse.',
  },
  node: 'pcp-dynamics365',
  icon: 'pcp-dynamics365.svg',
  color: '#B9C3E6',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'call', 'discover', 'describe', 'incremental', 'delete'],
  writes: { upsertByKey: false, idempotencyKey: false, lookup: 'strong', transactional: false, snapshot: false },
  batchSize: { default: 1000, maximum: 10_000 },
  needsCursorField: true,
  drivers: ['undici'],
  operations: ['read', 'write', 'delete', 'call'],
  call: {
    operation: 'function',
    parameters: {
      service: textParameter({
        label: { 'en-US': 'Service operation', 'pt-BR': 'Operação de serviço' },
        help: {
          'en-US': 'group/service/operation of a custom service; empty for an OData action or function',
          'pt-BR': 'grupo/serviço/operação de um serviço próprio; vazio para uma action ou function do OData',
        },
        placeholder: 'SysMessageServices/SysMessageService/SendMessage',
      }),
      function: textParameter({
        label: { 'en-US': 'Action or function', 'pt-BR': 'Ação ou função' },
        help: {
          'en-US': 'of OData, when no service is given; "subscribe" in Business Central',
          'pt-BR': 'do OData, quando não há serviço; "subscribe" no Business Central',
        },
      }),
      ...ODATA_CALL_PARAMETERS,
      entity_set: { ...ODATA_CALL_PARAMETERS.entity_set, placeholder: 'DataManagementDefinitionGroups' },
    },
  },
  // Ours come first, also in the order of the form.
  settings: { ...OWN, ...HTTP_SETTINGS, ...OWN },
};

function textParameter(own: Pick<Setting, 'label' | 'help' | 'placeholder'>): Setting {
  return { kind: 'text', group: 'connection', ...own };
}
