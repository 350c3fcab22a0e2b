import type { ConnectorDescriptor, LocalizedText } from '../../descriptor';
import { CALL_PARAMETERS } from './call-parameters';
import {
  EVENTS_EXAMPLE,
  EVENTS_SCHEMA,
  TAGS_EXAMPLE,
  TAGS_SCHEMA,
  WRITABLE_EXAMPLE,
  WRITABLE_SCHEMA,
} from './tag-schema';

const same = (text: string): LocalizedText => ({ 'en-US': text, 'pt-BR': text });
const secured = { security_policy: ['best', 'Aes256_Sha256_RsaPss', 'Aes128_Sha256_RsaOaep', 'Basic256Sha256'] };

export const descriptor: ConnectorDescriptor = {
  type: 'iot.opcua',
  title: same('OPC UA'),
  description: {
    'en-US': 'Reads, watches and writes the values of OPC UA servers, calls their methods and reads their history.',
    'pt-BR': 'Lê, acompanha e grava valores de servidores OPC UA, chama seus métodos e lê seu histórico.',
  },
  node: 'pcp-opcua',
  icon: 'pcp-opcua.svg',
  color: '#C4B7DB',
  since: '0.1.0',
  capabilities: ['test', 'read', 'call', 'subscribe', 'discover', 'describe', 'browse'],
  batchSize: { default: 1000, maximum: 10_000 },
  drivers: ['node-opcua-client'],
  operations: ['subscribe', 'read_tags', 'write_tags', 'read', 'call'],
  call: {
    operation: 'service',
    audited: {
      method: ['node', 'object', 'arguments'],
      acknowledge: ['node', 'event_id', 'comment'],
      confirm: ['node', 'event_id', 'comment'],
      trust_certificate: ['thumbprint'],
    },
    parameters: CALL_PARAMETERS,
  },
  tagImport: { accept: '.xml,.csv,.txt' },
  tagAddress: 'node_id',
  settings: {
    endpoint_url: {
      kind: 'text',
      group: 'connection',
      required: true,
      label: { 'en-US': 'Endpoint', 'pt-BR': 'Endpoint' },
      help: {
        'en-US': 'Address of the server, whatever name it calls itself.',
        'pt-BR': 'Endereço do servidor, qualquer que seja o nome que ele próprio informe.',
      },
      placeholder: 'opc.tcp://192.168.0.10:4840',
    },
    profile: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Server', 'pt-BR': 'Servidor' },
      help: {
        'en-US': 'Its limits are used where the server does not tell its own.',
        'pt-BR': 'Os limites dele valem quando o servidor não informa os seus.',
      },
      options: [
        { value: 'generic', label: { 'en-US': 'Any', 'pt-BR': 'Qualquer' } },
        { value: 's7-1200', label: same('Siemens S7-1200') },
        { value: 's7-1500', label: same('Siemens S7-1500') },
        { value: 'kepware', label: same('Kepware') },
        { value: 'ignition', label: same('Ignition') },
      ],
      default: 'generic',
    },
    authentication: {
      kind: 'choice',
      group: 'authentication',
      required: true,
      label: { 'en-US': 'Authentication', 'pt-BR': 'Autenticação' },
      options: [
        { value: 'anonymous', label: { 'en-US': 'Anonymous', 'pt-BR': 'Anônima' } },
        { value: 'username', label: { 'en-US': 'User and password', 'pt-BR': 'Usuário e senha' } },
        { value: 'certificate', label: { 'en-US': "User's certificate", 'pt-BR': 'Certificado do usuário' } },
      ],
    },
    username: {
      kind: 'text',
      group: 'authentication',
      required: true,
      showWhen: { authentication: ['username'] },
      label: { 'en-US': 'User', 'pt-BR': 'Usuário' },
    },
    password: {
      kind: 'secret',
      group: 'authentication',
      showWhen: { authentication: ['username'] },
      label: { 'en-US': 'Password', 'pt-BR': 'Senha' },
    },
    certificate: {
      kind: 'secret',
      multiline: true,
      group: 'authentication',
      required: true,
      showWhen: { authentication: ['certificate'] },
      label: { 'en-US': 'Certificate (PEM)', 'pt-BR': 'Certificado (PEM)' },
    },
    private_key: {
      kind: 'secret',
      multiline: true,
      group: 'authentication',
      required: true,
      showWhen: { authentication: ['certificate'] },
      label: { 'en-US': 'Private key (PEM)', 'pt-BR': 'Chave privada (PEM)' },
    },
    passphrase: {
      kind: 'secret',
      group: 'authentication',
      showWhen: { authentication: ['certificate'] },
      label: { 'en-US': 'Passphrase', 'pt-BR': 'Senha da chave' },
    },
    security_policy: {
      kind: 'choice',
      group: 'security',
      label: { 'en-US': 'Security policy', 'pt-BR': 'Política de segurança' },
      help: {
        'en-US': 'None sends everything, passwords included, so that anybody on the network can read and change it.',
        'pt-BR': 'Sem segurança, qualquer um na rede pode ler e alterar tudo, inclusive senhas.',
      },
      options: [
        {
          value: 'best',
          label: { 'en-US': 'Strongest that the server offers', 'pt-BR': 'A mais forte que o servidor oferece' },
        },
        { value: 'Aes256_Sha256_RsaPss', label: same('Aes256_Sha256_RsaPss') },
        { value: 'Aes128_Sha256_RsaOaep', label: same('Aes128_Sha256_RsaOaep') },
        { value: 'Basic256Sha256', label: same('Basic256Sha256') },
        { value: 'None', label: { 'en-US': 'None (insecure)', 'pt-BR': 'Nenhuma (insegura)' } },
      ],
      default: 'best',
    },
    security_mode: {
      kind: 'choice',
      group: 'security',
      showWhen: secured,
      label: { 'en-US': 'Messages', 'pt-BR': 'Mensagens' },
      options: [
        { value: 'SignAndEncrypt', label: { 'en-US': 'Signed and encrypted', 'pt-BR': 'Assinadas e criptografadas' } },
        { value: 'Sign', label: { 'en-US': 'Signed', 'pt-BR': 'Assinadas' } },
      ],
      default: 'SignAndEncrypt',
    },
    certificate_host: {
      kind: 'text',
      group: 'security',
      showWhen: secured,
      label: { 'en-US': "Host in the server's certificate", 'pt-BR': 'Host no certificado do servidor' },
      help: {
        'en-US': 'Where the certificate is for another name than the one in the endpoint, as behind a router.',
        'pt-BR': 'Quando o certificado é para outro nome que não o do endpoint, como atrás de um roteador.',
      },
      placeholder: 'plc-7.line1.local',
    },
    tags: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Tags', 'pt-BR': 'Tags' },
      help: {
        'en-US': 'Names of nodes, with unit, scale, sampling and deadband.',
        'pt-BR': 'Nomes para nós, com unidade, escala, amostragem e banda morta.',
      },
      schema: TAGS_SCHEMA,
      default: {},
      example: TAGS_EXAMPLE,
    },
    events: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Events', 'pt-BR': 'Eventos' },
      help: {
        'en-US':
          'Node that events and alarms are taken from (all of the server when empty), and fields besides the usual ones.',
        'pt-BR': 'Nó de onde vêm eventos e alarmes (todo o servidor, se vazio) e campos além dos usuais.',
      },
      schema: EVENTS_SCHEMA,
      default: {},
      example: EVENTS_EXAMPLE,
    },
    writes_enabled: {
      kind: 'boolean',
      group: 'security',
      label: { 'en-US': 'Allow writes', 'pt-BR': 'Permitir gravações' },
      help: {
        'en-US': 'A write moves a machine: only what is listed below can be written.',
        'pt-BR': 'Uma gravação movimenta uma máquina: só se grava o que está na lista abaixo.',
      },
      default: false,
    },
    writable: {
      kind: 'json',
      group: 'security',
      showWhen: { writes_enabled: [true] },
      label: { 'en-US': 'What may be written', 'pt-BR': 'O que pode ser gravado' },
      help: {
        'en-US': 'Tags, with the bounds of their values.',
        'pt-BR': 'Tags, com os limites de seus valores.',
      },
      schema: WRITABLE_SCHEMA,
      default: [],
      example: WRITABLE_EXAMPLE,
    },
    publishing_interval_ms: {
      kind: 'integer',
      group: 'advanced',
      default: 1000,
      minimum: 10,
      maximum: 3_600_000,
      label: { 'en-US': 'Publishing interval (ms)', 'pt-BR': 'Intervalo de publicação (ms)' },
      help: {
        'en-US': 'How often the server sends what changed.',
        'pt-BR': 'De quanto em quanto tempo o servidor envia o que mudou.',
      },
    },
    reverse_listen: {
      kind: 'text',
      group: 'advanced',
      label: { 'en-US': 'Listen for the server', 'pt-BR': 'Esperar o servidor em' },
      help: {
        'en-US': 'For servers that connect from their side (reverse connect): address and port of this machine.',
        'pt-BR':
          'Para servidores que conectam por iniciativa própria (reverse connect): endereço e porta desta máquina.',
      },
      placeholder: 'opc.tcp://0.0.0.0:4841',
    },
    reverse_server_uri: {
      kind: 'text',
      group: 'advanced',
      label: { 'en-US': 'Application URI of that server', 'pt-BR': 'URI de aplicação desse servidor' },
      help: { 'en-US': 'No other is let in.', 'pt-BR': 'Nenhum outro é aceito.' },
      placeholder: 'urn:plc:line1',
    },
    gap_fill: {
      kind: 'boolean',
      group: 'advanced',
      default: true,
      label: { 'en-US': 'Fill gaps from history', 'pt-BR': 'Preencher lacunas com o histórico' },
      help: {
        'en-US': 'After an interruption, what the server recorded meanwhile is read and marked as backfilled.',
        'pt-BR':
          'Depois de uma interrupção, o que o servidor gravou nesse meio-tempo é lido e marcado como backfilled.',
      },
    },
    session_timeout_ms: {
      kind: 'integer',
      group: 'advanced',
      default: 60_000,
      minimum: 5000,
      maximum: 3_600_000,
      label: { 'en-US': 'Session timeout (ms)', 'pt-BR': 'Validade da sessão (ms)' },
      help: {
        'en-US':
          'How long the server keeps the session of a lost connection, and with it the values that changed meanwhile.',
        'pt-BR':
          'Por quanto tempo o servidor guarda a sessão de uma conexão perdida e, com ela, os valores que mudaram.',
      },
    },
    timeout_ms: {
      kind: 'integer',
      group: 'advanced',
      default: 5000,
      minimum: 500,
      maximum: 60_000,
      label: { 'en-US': 'Time limit (ms)', 'pt-BR': 'Tempo limite (ms)' },
      help: { 'en-US': 'Of one request.', 'pt-BR': 'De uma requisição.' },
    },
  },
};
