import type { ConnectorDescriptor } from '../../descriptor';
import { HTTP_SETTINGS, httpSetting } from '../../http-settings';
import { ODATA_CALL_PARAMETERS } from '../odata/call-parameters';
import { ODATA_WRITE_SETTINGS } from '../odata/write-settings';

const TEXT_10 = { type: 'string', maxLength: 10 };

export const descriptor: ConnectorDescriptor = {
  type: 'erp.sap',
  title: { 'en-US': 'SAP', 'pt-BR': 'SAP' },
  description: {
    'en-US':
      'Reads, writes and calls SAP ECC and S/4HANA by OData: materials, production orders, confirmations, stock.',
    'pt-BR': 'Lê, grava e chama SAP ECC e S/4HANA por OData: materiais, ordens de produção, apontamentos, estoque.',
  },
  node: 'pcp-sap',
  icon: 'pcp-sap.svg',
  color: '#9CC3DE',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'call', 'discover', 'describe', 'incremental', 'delete'],
  writes: { upsertByKey: false, idempotencyKey: false, lookup: 'strong', transactional: false, snapshot: false },
  batchSize: { default: 1000, maximum: 5000 },
  needsCursorField: true,
  drivers: ['undici'],
  operations: ['read', 'write', 'delete', 'call'],
  call: {
    operation: 'function',
    parameters: {
      service: {
        kind: 'text',
        group: 'connection',
        label: { 'en-US': 'Service', 'pt-BR': 'Serviço' },
        help: {
          'en-US': 'name of the OData service; empty for functions that have a name here',
          'pt-BR': 'nome do serviço OData; vazio para funções que têm nome aqui',
        },
        placeholder: 'API_PRODUCTION_ORDER_2_SRV',
      },
      function: {
        kind: 'text',
        group: 'connection',
        label: { 'en-US': 'Function', 'pt-BR': 'Função' },
        help: {
          'en-US': 'function import or action to call, or a name such as release_production_order',
          'pt-BR': 'function import ou action a chamar, ou um nome como release_production_order',
        },
        placeholder: 'ReleaseOrder',
      },
      ...ODATA_CALL_PARAMETERS,
    },
  },
  settings: {
    ...HTTP_SETTINGS,
    base_url: httpSetting('base_url', {
      help: {
        'en-US': 'Host and port of the gateway; the paths of the services come after it.',
        'pt-BR': 'Servidor e porta do gateway; os caminhos dos serviços vêm depois.',
      },
      placeholder: 'https://sap.example.com:44300',
    }),
    authentication: httpSetting('authentication', { default: 'basic' }),
    api_key_name: httpSetting('api_key_name', { default: 'APIKey' }),
    client: {
      kind: 'text',
      group: 'connection',
      pattern: '^(\\d{3})?$',
      label: { 'en-US': 'Client (sap-client)', 'pt-BR': 'Mandante (sap-client)' },
      help: {
        'en-US': 'Three digits; when empty, the default client of the system.',
        'pt-BR': 'Três dígitos; se vazio, o mandante padrão do sistema.',
      },
      placeholder: '100',
    },
    language: {
      kind: 'text',
      group: 'connection',
      pattern: '^([A-Za-z]{2})?$',
      label: { 'en-US': 'Language (sap-language)', 'pt-BR': 'Idioma (sap-language)' },
      help: {
        'en-US': 'Of texts and messages, and of the units without an ISO code.',
        'pt-BR': 'De textos e mensagens, e das unidades sem código ISO.',
      },
      placeholder: 'EN',
    },
    services: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Services', 'pt-BR': 'Serviços' },
      help: {
        'en-US': 'Paths of OData services by name: your own, or standard ones that have another path here.',
        'pt-BR': 'Caminhos de serviços OData por nome: os próprios, ou os padrão que têm outro caminho aqui.',
      },
      schema: {
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z0-9_.;=-]+$' },
        additionalProperties: { type: 'string', pattern: '^/' },
      },
      default: {},
      example: {
        ZPCP_ORDERS: '/sap/opu/odata/sap/ZPCP_ORDERS_SRV',
        API_BILL_OF_MATERIAL_SRV: '/sap/opu/odata/sap/API_BILL_OF_MATERIAL_SRV;v=0002',
        CE_PRODUCTIONORDER_0001: '/sap/opu/odata4/sap/api_productionorder/srvd_a2x/sap/productionorder/0001',
      },
    },
    sender: {
      kind: 'text',
      group: 'entities',
      maxLength: 40,
      label: { 'en-US': 'Sender', 'pt-BR': 'Remetente' },
      help: {
        'en-US': 'Tells your documents from those of other plants that post to the same system. Never change it later.',
        'pt-BR': 'Distingue seus documentos dos de outras plantas que lançam no mesmo sistema. Nunca altere depois.',
      },
    },
    idoc: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'IDocs', 'pt-BR': 'IDocs' },
      help: {
        'en-US': 'Sends IDocs as XML: ports and logical systems of the partner profile, and your own basic types.',
        'pt-BR': 'Envia IDocs em XML: portas e sistemas lógicos do acordo de parceiros, e seus próprios tipos básicos.',
      },
      schema: {
        type: 'object',
        properties: {
          path: { type: 'string', pattern: '^/' },
          ...Object.fromEntries(['sender_port', 'sender', 'receiver_port', 'receiver'].map((name) => [name, TEXT_10])),
          types: {
            type: 'array',
            items: {
              type: 'object',
              required: ['type', 'message', 'direction', 'segments'],
              properties: {
                type: { type: 'string', pattern: '^[A-Z0-9_/]+$' },
                message: { type: 'string', pattern: '^[A-Z0-9_/]+$' },
                direction: { enum: ['in', 'out'] },
                segments: { type: 'array', items: { type: 'object', required: ['name', 'fields'] } },
              },
            },
          },
        },
        additionalProperties: false,
      },
      default: {},
      example: { sender_port: 'PCP', sender: 'PCP', receiver_port: 'SAPTST', receiver: 'TSTCLNT100' },
    },
    csrf: {
      kind: 'choice',
      group: 'advanced',
      label: { 'en-US': 'CSRF token', 'pt-BR': 'Token CSRF' },
      options: [
        { value: 'auto', label: { 'en-US': 'HEAD, else GET', 'pt-BR': 'HEAD, senão GET' } },
        { value: 'head', label: { 'en-US': 'HEAD', 'pt-BR': 'HEAD' } },
        { value: 'get', label: { 'en-US': 'GET', 'pt-BR': 'GET' } },
        { value: 'off', label: { 'en-US': 'None', 'pt-BR': 'Nenhum' } },
      ],
      default: 'auto',
    },
    update_method: {
      kind: 'choice',
      group: 'advanced',
      label: { 'en-US': 'Changes by', 'pt-BR': 'Alterações por' },
      help: { 'en-US': 'In services of OData 2.', 'pt-BR': 'Em serviços do OData 2.' },
      options: ['merge', 'patch', 'put'].map((value) => {
        const name = value.toUpperCase();
        return { value, label: { 'en-US': name, 'pt-BR': name } };
      }),
      default: 'merge',
    },
    ...ODATA_WRITE_SETTINGS,
    parallel_writes: {
      ...ODATA_WRITE_SETTINGS.parallel_writes,
      help: {
        'en-US': 'Each takes a work process of the system.',
        'pt-BR': 'Cada uma ocupa um processo do sistema.',
      },
    },
  },
};
