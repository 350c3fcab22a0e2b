import type { ConnectorDescriptor } from '../../descriptor';
import { HTTP_SETTINGS } from '../../http-settings';
import { ENTITIES_EXAMPLE, ENTITIES_SCHEMA } from './entity-schema';

export const descriptor: ConnectorDescriptor = {
  type: 'generic.rest',
  title: { 'en-US': 'REST API', 'pt-BR': 'API REST' },
  description: {
    'en-US': 'Reads, writes and calls any HTTP API that speaks JSON, NDJSON, CSV or XML; its entities are settings.',
    'pt-BR': 'Lê, grava e chama qualquer API HTTP em JSON, NDJSON, CSV ou XML; as entidades são configurações.',
  },
  node: 'pcp-rest',
  icon: 'pcp-rest.svg',
  color: '#A9C9A4',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'call', 'discover', 'describe', 'incremental', 'delete'],
  // What holds for an entity without look-up and idempotency header; each entity says its own.
  writes: { upsertByKey: false, idempotencyKey: false, lookup: 'none', transactional: false, snapshot: false },
  batchSize: { default: 1000, maximum: 10_000 },
  drivers: ['undici'],
  operations: ['read', 'write', 'delete', 'call'],
  call: {
    operation: 'request',
    outputs: {
      statusCode: {
        type: 'number',
        help: {
          'en-US': 'status of the answer; any but 2xx is an error instead (Catch node)',
          'pt-BR': 'status da resposta; qualquer um fora de 2xx é um erro (nó Catch)',
        },
      },
      headers: { type: 'object', help: { 'en-US': 'headers of the answer', 'pt-BR': 'cabeçalhos da resposta' } },
    },
    parameters: {
      method: {
        kind: 'choice',
        group: 'connection',
        label: { 'en-US': 'Method', 'pt-BR': 'Método' },
        help: { 'en-US': 'of the request', 'pt-BR': 'da requisição' },
        options: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'].map((value) => ({
          value,
          label: { 'en-US': value, 'pt-BR': value },
        })),
        default: 'GET',
      },
      path: {
        kind: 'text',
        group: 'connection',
        label: { 'en-US': 'Path', 'pt-BR': 'Caminho' },
        help: {
          'en-US': 'below the base URL of the connection, whose host it cannot leave',
          'pt-BR': 'abaixo da URL base da conexão, sem sair do servidor dela',
        },
        placeholder: '/orders/1000001/release',
      },
      query: {
        kind: 'json',
        group: 'connection',
        schema: { type: 'object' },
        label: { 'en-US': 'Query', 'pt-BR': 'Consulta' },
        help: {
          'en-US': 'parameters of the query; a list repeats its name',
          'pt-BR': 'parâmetros da consulta; uma lista repete o nome',
        },
      },
      request_headers: {
        kind: 'json',
        group: 'connection',
        schema: { type: 'object' },
        label: { 'en-US': 'Headers', 'pt-BR': 'Cabeçalhos' },
        help: {
          'en-US': 'headers of the request, such as If-Match or Idempotency-Key; the connection signs in',
          'pt-BR': 'cabeçalhos da requisição, como If-Match ou Idempotency-Key; a conexão autentica',
        },
      },
      body: {
        kind: 'json',
        group: 'connection',
        schema: {},
        label: { 'en-US': 'Body', 'pt-BR': 'Corpo' },
        help: {
          'en-US': 'sent as JSON, text and Buffers as they are; without it POST, PUT and PATCH send the payload',
          'pt-BR': 'enviado como JSON, texto e Buffers como estão; sem ele, POST, PUT e PATCH enviam o payload',
        },
      },
    },
  },
  settings: {
    ...HTTP_SETTINGS,
    entities: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Entities', 'pt-BR': 'Entidades' },
      help: {
        'en-US': 'Kinds of records, each with its paths and how it is paged, looked up and written.',
        'pt-BR': 'Tipos de registro, cada um com seus caminhos e a forma de paginar, localizar e gravar.',
      },
      schema: ENTITIES_SCHEMA,
      default: {},
      example: ENTITIES_EXAMPLE,
    },
    openapi: {
      kind: 'text',
      group: 'entities',
      label: { 'en-US': 'OpenAPI document', 'pt-BR': 'Documento OpenAPI' },
      help: {
        'en-US':
          'Path or URL of the description (JSON or YAML) on the same host, or the description itself. Entities are drafted from it, to be checked and taken over.',
        'pt-BR':
          'Caminho ou URL da descrição (JSON ou YAML) no mesmo servidor, ou a própria descrição. Dela saem rascunhos de entidades, para revisar e adotar.',
      },
      placeholder: '/openapi.json',
      maxLength: 1_000_000,
    },
  },
};
