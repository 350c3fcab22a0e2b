import type { JsonSchema } from '../../../model/entity';
import type { ConnectorDescriptor, Setting } from '../../descriptor';
import { HTTP_SETTINGS, httpSetting } from '../../http-settings';

/** Signs in at the token endpoint. */
const totvs = { authentication: ['usual', 'totvs'], product: ['protheus'] };
const signIn = { authentication: ['usual', 'totvs', 'basic', 'oauth2'] };
const protheus = { product: ['protheus'] };

const names = {
  type: 'array',
  items: { type: 'string', pattern: '^[A-Z][A-Z0-9]{1,2}_[A-Z0-9_]{1,10}$' },
  minItems: 1,
};
const MODELS_SCHEMA: JsonSchema = {
  type: 'object',
  propertyNames: { pattern: '^[A-Za-z0-9_]+$' },
  additionalProperties: {
    type: 'object',
    properties: {
      key: names,
      id: { type: 'string', minLength: 1 },
      main: { type: 'string', minLength: 1 },
      fields: { type: 'object', additionalProperties: { enum: ['C', 'N', 'D', 'L', 'M'] } },
      row_keys: { type: 'object', additionalProperties: names },
    },
    additionalProperties: false,
  },
};

export const descriptor: ConnectorDescriptor = {
  type: 'erp.protheus',
  title: { 'en-US': 'TOTVS Protheus', 'pt-BR': 'TOTVS Protheus' },
  description: {
    'en-US':
      'Reads tables of TOTVS Protheus and the APIs of its PCP module, and reads and writes published models (FWRestModel); posts stops, requests of maintenance and scrap reasons, and calls routines.',
    'pt-BR':
      'Lê tabelas do TOTVS Protheus e as APIs do módulo PCP, lê e grava modelos publicados (FWRestModel); lança paradas, solicitações de serviço e motivos de refugo, e chama rotinas próprias.',
  },
  node: 'pcp-protheus',
  icon: 'pcp-protheus.svg',
  color: '#A8D5CF',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'call', 'discover', 'describe', 'incremental', 'delete'],
  writes: { upsertByKey: false, idempotencyKey: false, lookup: 'strong', transactional: false, snapshot: false },
  batchSize: { default: 100, maximum: 1000 },
  needsCursorField: true,
  drivers: ['undici'],
  operations: ['read', 'write', 'delete', 'call'],
  call: {
    operation: 'request',
    parameters: {
      method: {
        kind: 'choice',
        group: 'connection',
        label: { 'en-US': 'Method', 'pt-BR': 'Método' },
        options: ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'].map((value) => {
          return { value, label: { 'en-US': value, 'pt-BR': value } };
        }),
        default: 'POST',
      },
      path: {
        kind: 'text',
        group: 'connection',
        label: { 'en-US': 'Path', 'pt-BR': 'Caminho' },
        help: { 'en-US': 'of a route, below the base URL', 'pt-BR': 'de uma rota, abaixo da URL base' },
        placeholder: '/mntsrws/api/v1/request',
      },
      parameters: {
        kind: 'json',
        group: 'connection',
        schema: { type: 'object' },
        label: { 'en-US': 'Parameters', 'pt-BR': 'Parâmetros' },
        help: { 'en-US': 'of the query, by name', 'pt-BR': 'da consulta, por nome' },
      },
      module: {
        kind: 'text',
        group: 'connection',
        pattern: '^([A-Z0-9]{3})?$',
        label: { 'en-US': 'Module', 'pt-BR': 'Módulo' },
        help: {
          'en-US': 'of the routine, without SIGA, where the route asks for it (x-erp-module)',
          'pt-BR': 'da rotina, sem SIGA, quando a rota o exige (x-erp-module)',
        },
        placeholder: 'MNT',
      },
    },
  },
  settings: {
    ...HTTP_SETTINGS,
    base_url: httpSetting('base_url', {
      help: {
        'en-US': 'Of the REST server, with its path: usually "/rest".',
        'pt-BR': 'Do servidor REST, com o caminho dele: em geral "/rest".',
      },
      placeholder: 'https://protheus.example.com:8443/rest',
    }),
    product: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Product', 'pt-BR': 'Produto' },
      help: {
        'en-US':
          'Tables by genericQuery and the APIs of the PCP module are of Protheus; the others have published APIs.',
        'pt-BR': 'Tabelas por genericQuery e as APIs do módulo PCP são do Protheus; os outros têm APIs publicadas.',
      },
      options: [
        { value: 'protheus', label: { 'en-US': 'Protheus', 'pt-BR': 'Protheus' } },
        { value: 'rm', label: { 'en-US': 'RM', 'pt-BR': 'RM' } },
        { value: 'datasul', label: { 'en-US': 'Datasul', 'pt-BR': 'Datasul' } },
        { value: 'logix', label: { 'en-US': 'Logix', 'pt-BR': 'Logix' } },
      ],
      default: 'protheus',
    },
    tenant_id: {
      kind: 'text',
      group: 'connection',
      maxLength: 60,
      pattern: '^([^,]+,\\S.*)?$',
      label: { 'en-US': 'Company and branch (TenantId)', 'pt-BR': 'Empresa e filial (TenantId)' },
      help: {
        'en-US': 'Separated by a comma without a space after it; a branch may hold blanks.',
        'pt-BR': 'Separadas por vírgula, sem espaço depois dela; uma filial pode ter espaços.',
      },
      placeholder: 'T1,D MG 01',
    },
    authentication: {
      kind: 'choice',
      group: 'authentication',
      label: { 'en-US': 'Authentication', 'pt-BR': 'Autenticação' },
      options: [
        {
          value: 'usual',
          label: {
            'en-US': 'As usual for the product: Protheus by token, the others by user and password',
            'pt-BR': 'O usual do produto: Protheus por token, os outros por usuário e senha',
          },
        },
        {
          value: 'totvs',
          label: { 'en-US': 'Token of the REST server (OAuth TOTVS)', 'pt-BR': 'Token do servidor REST (OAuth TOTVS)' },
        },
        ...(HTTP_SETTINGS.authentication as Setting & { kind: 'choice' }).options,
      ],
      default: 'usual',
    },
    username: httpSetting('username', { showWhen: signIn }),
    password: httpSetting('password', { showWhen: signIn }),
    credentials_in: {
      kind: 'choice',
      group: 'authentication',
      showWhen: totvs,
      label: { 'en-US': 'User and password sent in', 'pt-BR': 'Usuário e senha enviados em' },
      help: {
        'en-US': 'In the query they stand in the access logs of the server and of every proxy.',
        'pt-BR': 'Na consulta, ficam nos logs de acesso do servidor e de todo proxy.',
      },
      options: [
        { value: 'header', label: { 'en-US': 'Headers', 'pt-BR': 'Cabeçalhos' } },
        { value: 'query', label: { 'en-US': 'Query', 'pt-BR': 'Consulta' } },
      ],
      default: 'header',
    },
    sender: {
      kind: 'text',
      group: 'entities',
      showWhen: protheus,
      maxLength: 40,
      label: { 'en-US': 'Sender', 'pt-BR': 'Remetente' },
      help: {
        'en-US': 'Tells your stops from those of other systems that post to the same branch. Never change it later.',
        'pt-BR': 'Distingue suas paradas das de outros sistemas que lançam na mesma filial. Nunca altere depois.',
      },
    },
    stop_key_length: {
      kind: 'integer',
      group: 'entities',
      showWhen: protheus,
      default: 6,
      minimum: 6,
      maximum: 10,
      label: { 'en-US': 'Length of the key of a stop', 'pt-BR': 'Tamanho da chave de uma parada' },
      help: {
        'en-US': 'Characters of the field H6_IDENT in your dictionary.',
        'pt-BR': 'Caracteres do campo H6_IDENT no seu dicionário.',
      },
    },
    models: {
      kind: 'json',
      group: 'entities',
      showWhen: protheus,
      label: { 'en-US': 'Published models (FWRestModel)', 'pt-BR': 'Modelos publicados (FWRestModel)' },
      help: {
        'en-US':
          'Models of the MVC by the name they are published under, each with the fields that identify a record; they are the entities "fwmodel/<name>". Types of fields and names of parts are needed only where the server does not show them.',
        'pt-BR':
          'Modelos do MVC pelo nome de publicação, cada um com os campos que identificam um registro; são as entidades "fwmodel/<nome>". Tipos de campos e nomes de partes só são necessários onde o servidor não os mostra.',
      },
      schema: MODELS_SCHEMA,
      default: {},
      example: { MATA010RETAIL: { key: ['B1_COD'] } },
    },
    token_path: pathSetting('/api/oauth2/v1/token', 'Path of the token endpoint', 'Caminho do endpoint de token', {
      authentication: ['usual', 'totvs'],
    }),
    pcp_path: pathSetting(
      '/api/pcp/v1',
      'Path of the APIs of the PCP module',
      'Caminho das APIs do módulo PCP',
      protheus,
    ),
    query_path: pathSetting(
      '/api/framework/v1/genericQuery',
      'Path of the route for queries (genericQuery)',
      'Caminho da rota de consultas (genericQuery)',
      protheus,
    ),
    model_path: pathSetting('/fwmodel', 'Path of published models', 'Caminho dos modelos publicados', protheus),
    query_parameters_in: {
      kind: 'choice',
      group: 'advanced',
      showWhen: protheus,
      label: { 'en-US': 'Parameters of queries in', 'pt-BR': 'Parâmetros das consultas em' },
      options: [
        { value: 'query', label: { 'en-US': 'Query', 'pt-BR': 'Consulta' } },
        { value: 'header', label: { 'en-US': 'Headers', 'pt-BR': 'Cabeçalhos' } },
      ],
      default: 'query',
    },
    max_concurrency: httpSetting('max_concurrency', {
      default: 2,
      maximum: 16,
      help: {
        'en-US': 'Each takes a thread of the REST server, and often a licence.',
        'pt-BR': 'Cada uma ocupa uma thread do servidor REST e, muitas vezes, uma licença.',
      },
    } as Partial<Setting>),
    timeout_ms: httpSetting('timeout_ms', { default: 60_000 } as Partial<Setting>),
  },
};

function pathSetting(path: string, en: string, pt: string, showWhen?: Record<string, string[]>): Setting {
  const label = { 'en-US': en, 'pt-BR': pt };
  return { kind: 'text', group: 'advanced', pattern: '^/', label, default: path, ...(showWhen && { showWhen }) };
}
