import type { ConnectorDescriptor } from '../../descriptor';
import { SPARKPLUG_SETTINGS } from './sparkplug-settings';
import { TOPICS_EXAMPLE, TOPICS_SCHEMA, WILL_SCHEMA } from './topics-schema';

export const descriptor: ConnectorDescriptor = {
  type: 'iot.mqtt',
  title: { 'en-US': 'MQTT', 'pt-BR': 'MQTT' },
  description: {
    'en-US': 'Receives and publishes messages of an MQTT broker; none is acknowledged before it is safe.',
    'pt-BR': 'Recebe e publica mensagens de um broker MQTT; nenhuma é confirmada antes de estar segura.',
  },
  node: 'pcp-mqtt',
  icon: 'pcp-mqtt.svg',
  color: '#C7B4DC',
  since: '0.1.0',
  capabilities: ['test', 'write', 'subscribe', 'discover', 'describe', 'browse'],
  // What holds for topics that are not retained; each topic says its own.
  writes: { upsertByKey: false, idempotencyKey: false, lookup: 'none', transactional: false, snapshot: false },
  queuesWrites: true,
  batchSize: { default: 500, maximum: 10_000 },
  drivers: ['mqtt', 'ws', 'cborg'],
  operations: ['subscribe', 'write', 'read_tags', 'write_tags'],
  settings: {
    url: {
      kind: 'text',
      group: 'connection',
      required: true,
      label: { 'en-US': 'Broker', 'pt-BR': 'Broker' },
      help: {
        'en-US': 'URL with mqtt:, mqtts:, ws: or wss:. Several of one cluster, parted by commas, are tried in order.',
        'pt-BR':
          'URL com mqtt:, mqtts:, ws: ou wss:. Várias de um cluster, separadas por vírgula, são tentadas em ordem.',
      },
      placeholder: 'mqtts://broker.example.com:8883',
    },
    protocol_version: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Protocol version', 'pt-BR': 'Versão do protocolo' },
      options: [
        { value: '5', label: { 'en-US': 'MQTT 5', 'pt-BR': 'MQTT 5' } },
        { value: '3.1.1', label: { 'en-US': 'MQTT 3.1.1', 'pt-BR': 'MQTT 3.1.1' } },
      ],
      default: '5',
    },
    client_id: {
      kind: 'text',
      group: 'connection',
      maxLength: 200,
      label: { 'en-US': 'Client ID', 'pt-BR': 'ID do cliente' },
      help: {
        'en-US':
          'Of this connection alone. When empty, the hub has one of its own for it, the same after each restart.',
        'pt-BR': 'Só desta conexão. Se vazio, o hub tem um próprio para ela, o mesmo após cada reinício.',
      },
    },
    session_expiry_s: {
      kind: 'integer',
      group: 'connection',
      default: 3600,
      minimum: 0,
      maximum: 4_294_967_295,
      label: { 'en-US': 'Session kept for (s)', 'pt-BR': 'Sessão mantida por (s)' },
      help: {
        'en-US':
          'How long the broker collects messages while the connection is away. 0: not at all. MQTT 3.1.1 knows only whether.',
        'pt-BR':
          'Por quanto tempo o broker guarda mensagens enquanto a conexão está fora. 0: nada. O MQTT 3.1.1 só conhece sim ou não.',
      },
    },
    keepalive_s: {
      kind: 'integer',
      group: 'connection',
      default: 30,
      minimum: 5,
      maximum: 65_535,
      label: { 'en-US': 'Keep-alive (s)', 'pt-BR': 'Keep-alive (s)' },
      help: {
        'en-US': 'A silent connection is found dead after one and a half times this.',
        'pt-BR': 'Uma conexão muda é dada como morta após uma vez e meia este tempo.',
      },
    },
    username: {
      kind: 'text',
      group: 'authentication',
      label: { 'en-US': 'User', 'pt-BR': 'Usuário' },
    },
    password: {
      kind: 'secret',
      group: 'authentication',
      label: { 'en-US': 'Password', 'pt-BR': 'Senha' },
    },
    certificate: {
      kind: 'secret',
      multiline: true,
      group: 'authentication',
      label: { 'en-US': 'Client certificate (PEM)', 'pt-BR': 'Certificado de cliente (PEM)' },
    },
    private_key: {
      kind: 'secret',
      multiline: true,
      group: 'authentication',
      label: { 'en-US': 'Private key (PEM)', 'pt-BR': 'Chave privada (PEM)' },
    },
    passphrase: {
      kind: 'secret',
      group: 'authentication',
      label: { 'en-US': 'Passphrase', 'pt-BR': 'Senha da chave' },
    },
    topics: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Topics', 'pt-BR': 'Tópicos' },
      help: {
        'en-US':
          'Kinds of messages, each an entity: its topic, the format of its payload, and how records are published.',
        'pt-BR':
          'Tipos de mensagem, cada um uma entidade: tópico, formato do payload e como os registros são publicados.',
      },
      schema: TOPICS_SCHEMA,
      default: {},
      example: TOPICS_EXAMPLE,
    },
    ...SPARKPLUG_SETTINGS,
    tls_ca: {
      kind: 'text',
      multiline: true,
      group: 'security',
      maxLength: 100_000,
      label: { 'en-US': 'Certificate authority (PEM)', 'pt-BR': 'Autoridade certificadora (PEM)' },
      help: {
        'en-US': 'Trusted besides the public ones, for brokers with a certificate of your own.',
        'pt-BR': 'Aceita além das públicas, para brokers com certificado próprio.',
      },
    },
    tls_servername: {
      kind: 'text',
      group: 'security',
      maxLength: 255,
      label: { 'en-US': 'Name in the certificate', 'pt-BR': 'Nome no certificado' },
      help: { 'en-US': 'When it is not the host of the URL.', 'pt-BR': 'Quando não for o servidor da URL.' },
    },
    tls_alpn: {
      kind: 'text',
      group: 'security',
      maxLength: 255,
      label: { 'en-US': 'ALPN protocol', 'pt-BR': 'Protocolo ALPN' },
      help: {
        'en-US': 'For brokers that tell protocols apart by it, on port 443.',
        'pt-BR': 'Para brokers que distinguem protocolos por ele, na porta 443.',
      },
    },
    writes_enabled: {
      kind: 'boolean',
      group: 'security',
      default: false,
      label: { 'en-US': 'Publishing allowed', 'pt-BR': 'Publicação permitida' },
      help: {
        'en-US': 'Machines may obey what is published; without this nothing is.',
        'pt-BR': 'Máquinas podem obedecer ao que é publicado; sem isto nada é publicado.',
      },
    },
    writable: {
      kind: 'json',
      group: 'security',
      showWhen: { writes_enabled: [true] },
      label: { 'en-US': 'Topics to publish to', 'pt-BR': 'Tópicos para publicar' },
      help: {
        'en-US':
          'Filters of topics, and of Sparkplug tags to command (group/node/#), those with bounds of the value as {"filter","min","max"}. When empty, the topics of "Topics".',
        'pt-BR':
          'Filtros de tópicos e de tags Sparkplug a comandar (grupo/nó/#), estas com limites do valor como {"filter","min","max"}. Se vazio, os tópicos de "Tópicos".',
      },
      schema: {
        type: 'array',
        items: {
          anyOf: [
            { type: 'string', minLength: 1 },
            {
              type: 'object',
              required: ['filter'],
              properties: {
                filter: { type: 'string', minLength: 1 },
                min: { type: 'number' },
                max: { type: 'number' },
              },
              additionalProperties: false,
            },
          ],
        },
      },
      default: [],
      example: ['plant/+/order'],
    },
    will: {
      kind: 'json',
      group: 'advanced',
      label: { 'en-US': 'Will', 'pt-BR': 'Testamento' },
      help: {
        'en-US':
          'What the broker publishes when the connection is lost: topic, payload, qos, retain, delay_s, expiry_s.',
        'pt-BR': 'O que o broker publica quando a conexão se perde: topic, payload, qos, retain, delay_s, expiry_s.',
      },
      schema: WILL_SCHEMA,
      example: { topic: 'plant/hub/state', payload: 'offline', qos: 1, retain: true },
    },
    receive_maximum: {
      kind: 'integer',
      group: 'advanced',
      default: 1000,
      minimum: 1,
      maximum: 65_535,
      label: { 'en-US': 'Unacknowledged messages', 'pt-BR': 'Mensagens sem confirmação' },
      help: {
        'en-US': 'How many the broker may send ahead (MQTT 5), and how many are published ahead.',
        'pt-BR': 'Quantas o broker pode adiantar (MQTT 5), e quantas são publicadas adiante.',
      },
    },
    max_message_bytes: {
      kind: 'integer',
      group: 'advanced',
      default: 1_048_576,
      minimum: 1024,
      maximum: 268_435_455,
      label: { 'en-US': 'Largest message (bytes)', 'pt-BR': 'Maior mensagem (bytes)' },
      help: {
        'en-US': 'Larger ones are left out, with a line in the log.',
        'pt-BR': 'As maiores são descartadas, com uma linha no log.',
      },
    },
    timeout_ms: {
      kind: 'integer',
      group: 'advanced',
      default: 8000,
      minimum: 100,
      maximum: 600_000,
      label: { 'en-US': 'Time limit (ms)', 'pt-BR': 'Tempo limite (ms)' },
      help: {
        'en-US': 'For each answer of the broker, and for dialling each server.',
        'pt-BR': 'Para cada resposta do broker e para a conexão a cada servidor.',
      },
    },
  },
};
