import type { ConnectorDescriptor, LocalizedText, Setting } from '../../descriptor';
import { FORBIDDEN_SCHEMA, TAGS_EXAMPLE, TAGS_SCHEMA, WRITABLE_EXAMPLE, WRITABLE_SCHEMA } from './tag-schema';

const NETWORK = { transport: ['tcp', 'rtu_over_tcp'] };
const SERIAL = { transport: ['rtu'] };

/** A text that is the same in every language. */
const same = (text: string): LocalizedText => ({ 'en-US': text, 'pt-BR': text });
const integer = (
  label: LocalizedText,
  help: LocalizedText,
  limits: { default?: number; minimum: number; maximum: number },
): Setting => ({ kind: 'integer', group: 'advanced', label, help, ...limits });

export const descriptor: ConnectorDescriptor = {
  type: 'iot.modbus',
  title: same('Modbus'),
  description: {
    'en-US':
      'Reads and polls devices by Modbus TCP, RTU and RTU over TCP with few requests, and writes what is allowed.',
    'pt-BR':
      'Lê e monitora dispositivos por Modbus TCP, RTU e RTU sobre TCP com poucas requisições e grava o permitido.',
  },
  node: 'pcp-modbus',
  icon: 'pcp-modbus.svg',
  color: '#C9B7A0',
  since: '0.1.0',
  capabilities: ['test', 'read', 'call', 'subscribe', 'discover', 'describe', 'browse'],
  batchSize: { default: 5000, maximum: 20_000 },
  drivers: ['serialport'],
  operations: ['subscribe', 'read_tags', 'write_tags', 'read', 'call'],
  call: {
    operation: 'import_tags',
    outputs: { tags: { type: 'number', help: { 'en-US': 'how many tags there are', 'pt-BR': 'quantas tags há' } } },
    parameters: {
      format: {
        kind: 'choice',
        group: 'connection',
        label: { 'en-US': 'Format', 'pt-BR': 'Formato' },
        help: { 'en-US': 'of the register map', 'pt-BR': 'do mapa de registradores' },
        options: [
          { value: 'csv', label: { 'en-US': 'CSV table', 'pt-BR': 'Tabela CSV' } },
          { value: 'sunspec', label: { 'en-US': 'SunSpec model (JSON)', 'pt-BR': 'Modelo SunSpec (JSON)' } },
        ],
        default: 'csv',
      },
      content: {
        kind: 'json',
        group: 'connection',
        schema: {},
        label: { 'en-US': 'Register map', 'pt-BR': 'Mapa de registradores' },
        help: { 'en-US': 'as text; without it the payload', 'pt-BR': 'como texto; sem ele, o payload' },
      },
      base_address: {
        showWhen: { format: ['sunspec'] },
        kind: 'integer',
        group: 'connection',
        label: { 'en-US': 'First register', 'pt-BR': 'Primeiro registrador' },
        help: {
          'en-US': "of a SunSpec model, counted from 0: where the model's id is",
          'pt-BR': 'de um modelo SunSpec, contado de 0: onde está o id do modelo',
        },
        minimum: 0,
        maximum: 65_535,
      },
      prefix: {
        showWhen: { format: ['sunspec'] },
        kind: 'text',
        group: 'connection',
        label: { 'en-US': 'Prefix', 'pt-BR': 'Prefixo' },
        help: { 'en-US': 'of the names of SunSpec tags', 'pt-BR': 'dos nomes das tags SunSpec' },
      },
      repeats: {
        showWhen: { format: ['sunspec'] },
        kind: 'integer',
        group: 'connection',
        label: { 'en-US': 'Repetitions', 'pt-BR': 'Repetições' },
        help: {
          'en-US': 'of the groups that a SunSpec model repeats',
          'pt-BR': 'dos grupos que um modelo SunSpec repete',
        },
        minimum: 1,
        maximum: 1000,
      },
      unit_id: {
        showWhen: { format: ['sunspec'] },
        kind: 'integer',
        group: 'connection',
        label: { 'en-US': 'Unit id', 'pt-BR': 'Id da unidade' },
        help: { 'en-US': 'of the tags from a SunSpec model', 'pt-BR': 'das tags de um modelo SunSpec' },
        minimum: 0,
        maximum: 255,
      },
    },
  },
  tagImport: {
    accept: '.csv,.txt,.json',
    jsonFormat: 'sunspec',
    jsonParameters: ['base_address', 'unit_id', 'prefix', 'repeats'],
  },
  settings: {
    transport: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Transport', 'pt-BR': 'Transporte' },
      options: [
        { value: 'tcp', label: same('Modbus TCP') },
        {
          value: 'rtu_over_tcp',
          label: { 'en-US': 'RTU over TCP (serial server)', 'pt-BR': 'RTU sobre TCP (servidor serial)' },
        },
        { value: 'rtu', label: { 'en-US': 'RTU (serial line)', 'pt-BR': 'RTU (linha serial)' } },
      ],
      default: 'tcp',
    },
    host: {
      kind: 'text',
      group: 'connection',
      label: same('Host'),
      required: true,
      showWhen: NETWORK,
      placeholder: '192.168.0.10',
    },
    port: {
      kind: 'integer',
      group: 'connection',
      label: { 'en-US': 'Port', 'pt-BR': 'Porta' },
      showWhen: NETWORK,
      default: 502,
      minimum: 1,
      maximum: 65_535,
    },
    serial_port: {
      kind: 'text',
      group: 'connection',
      label: { 'en-US': 'Serial port', 'pt-BR': 'Porta serial' },
      required: true,
      showWhen: SERIAL,
      placeholder: '/dev/ttyUSB0',
    },
    baud_rate: {
      kind: 'integer',
      group: 'connection',
      label: { 'en-US': 'Baud rate', 'pt-BR': 'Velocidade (baud)' },
      showWhen: SERIAL,
      default: 9600,
      minimum: 300,
      maximum: 4_000_000,
    },
    parity: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Parity', 'pt-BR': 'Paridade' },
      showWhen: SERIAL,
      options: [
        { value: 'none', label: { 'en-US': 'None', 'pt-BR': 'Nenhuma' } },
        { value: 'even', label: { 'en-US': 'Even', 'pt-BR': 'Par' } },
        { value: 'odd', label: { 'en-US': 'Odd', 'pt-BR': 'Ímpar' } },
      ],
      default: 'none',
    },
    data_bits: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Data bits', 'pt-BR': 'Bits de dados' },
      showWhen: SERIAL,
      options: ['8', '7'].map((value) => ({ value, label: same(value) })),
      default: '8',
    },
    stop_bits: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Stop bits', 'pt-BR': 'Bits de parada' },
      showWhen: SERIAL,
      options: ['1', '2'].map((value) => ({ value, label: same(value) })),
      default: '1',
    },
    unit_id: {
      kind: 'integer',
      group: 'connection',
      label: { 'en-US': 'Unit id', 'pt-BR': 'Id da unidade' },
      help: {
        'en-US': 'Of tags that name none. Several units may be on one line.',
        'pt-BR': 'Das tags que não indicam uma. Várias unidades podem estar em uma linha.',
      },
      default: 1,
      minimum: 0,
      maximum: 255,
    },
    addressing: {
      kind: 'choice',
      group: 'entities',
      label: { 'en-US': 'Addressing', 'pt-BR': 'Endereçamento' },
      help: {
        'en-US': 'How the addresses of tags and ranges are counted; look at the first register in the manual.',
        'pt-BR': 'Como se contam os endereços de tags e faixas; veja no manual o primeiro registrador.',
      },
      options: [
        { value: 'zero_based', label: { 'en-US': 'From 0, as in the protocol', 'pt-BR': 'De 0, como no protocolo' } },
        { value: 'one_based', label: { 'en-US': 'From 1', 'pt-BR': 'De 1' } },
        {
          value: 'modicon',
          label: { 'en-US': '40001: first digit is the table', 'pt-BR': '40001: o primeiro dígito é a tabela' },
        },
      ],
      default: 'zero_based',
    },
    byte_order: {
      kind: 'choice',
      group: 'entities',
      label: { 'en-US': 'Byte order', 'pt-BR': 'Ordem dos bytes' },
      help: {
        'en-US': 'Of numbers that name none. A is the highest byte.',
        'pt-BR': 'Dos números que não indicam uma. A é o byte mais alto.',
      },
      options: [
        { value: 'ABCD', label: { 'en-US': 'ABCD: big-endian', 'pt-BR': 'ABCD: big-endian' } },
        { value: 'CDAB', label: { 'en-US': 'CDAB: words swapped', 'pt-BR': 'CDAB: palavras trocadas' } },
        { value: 'BADC', label: { 'en-US': 'BADC: bytes swapped', 'pt-BR': 'BADC: bytes trocados' } },
        { value: 'DCBA', label: { 'en-US': 'DCBA: little-endian', 'pt-BR': 'DCBA: little-endian' } },
      ],
      default: 'ABCD',
    },
    tags: {
      kind: 'json',
      group: 'entities',
      label: same('Tags'),
      help: {
        'en-US': 'Values by name: address, table, type, byte order, scale and unit of each.',
        'pt-BR': 'Valores por nome: endereço, tabela, tipo, ordem dos bytes, escala e unidade de cada um.',
      },
      schema: TAGS_SCHEMA,
      default: {},
      example: TAGS_EXAMPLE,
    },
    poll_interval_ms: {
      ...integer(
        { 'en-US': 'Polling interval (ms)', 'pt-BR': 'Intervalo de leitura (ms)' },
        { 'en-US': 'Of tags that name none.', 'pt-BR': 'Das tags que não indicam um.' },
        { default: 1000, minimum: 10, maximum: 86_400_000 },
      ),
      group: 'entities',
    },
    writes_enabled: {
      kind: 'boolean',
      group: 'security',
      label: { 'en-US': 'Writes to machines', 'pt-BR': 'Gravação em máquinas' },
      help: {
        'en-US': 'Off: no request that writes leaves. On: only what "Writable" names.',
        'pt-BR': 'Desligado: nenhuma requisição de gravação sai. Ligado: só o que "Gravável" indica.',
      },
      default: false,
    },
    writable: {
      kind: 'json',
      group: 'security',
      label: { 'en-US': 'Writable', 'pt-BR': 'Gravável' },
      help: {
        'en-US':
          'What may be written: unit, functions (5, 6, 15, 16, 22, 23), addresses, least and most, writes a minute.',
        'pt-BR':
          'O que pode ser gravado: unidade, funções (5, 6, 15, 16, 22, 23), endereços, mínimo e máximo, gravações por minuto.',
      },
      showWhen: { writes_enabled: [true] },
      schema: WRITABLE_SCHEMA,
      default: [],
      example: WRITABLE_EXAMPLE,
    },
    timeout_ms: integer(
      { 'en-US': 'Timeout (ms)', 'pt-BR': 'Tempo limite (ms)' },
      { 'en-US': 'For each answer.', 'pt-BR': 'De cada resposta.' },
      { default: 1000, minimum: 20, maximum: 60_000 },
    ),
    max_in_flight: {
      ...integer(
        { 'en-US': 'Requests in flight', 'pt-BR': 'Requisições simultâneas' },
        {
          'en-US': 'More than one only where the device takes several at once; many lose all but the first.',
          'pt-BR':
            'Mais de uma só se o dispositivo aceita várias ao mesmo tempo; muitos perdem todas menos a primeira.',
        },
        { default: 1, minimum: 1, maximum: 64 },
      ),
      showWhen: { transport: ['tcp'] },
    },
    pause_ms: integer(
      { 'en-US': 'Pause between requests (ms)', 'pt-BR': 'Pausa entre requisições (ms)' },
      {
        'en-US': 'Empty: none by TCP, 3.5 characters on a serial line.',
        'pt-BR': 'Vazio: nenhuma por TCP, 3,5 caracteres na linha serial.',
      },
      { minimum: 0, maximum: 10_000 },
    ),
    max_gap: integer(
      { 'en-US': 'Widest gap', 'pt-BR': 'Maior lacuna' },
      {
        'en-US': 'Registers that are read along to save a request. Empty: 50 by TCP, 10 by RTU.',
        'pt-BR': 'Registradores lidos junto para poupar uma requisição. Vazio: 50 por TCP, 10 por RTU.',
      },
      { minimum: 0, maximum: 2000 },
    ),
    max_registers: integer(
      { 'en-US': 'Registers in a request', 'pt-BR': 'Registradores por requisição' },
      { 'en-US': 'Most that the device gives at once.', 'pt-BR': 'Máximo que o dispositivo entrega de uma vez.' },
      { default: 125, minimum: 1, maximum: 125 },
    ),
    max_bits: integer(
      { 'en-US': 'Bits in a request', 'pt-BR': 'Bits por requisição' },
      { 'en-US': 'Most that the device gives at once.', 'pt-BR': 'Máximo que o dispositivo entrega de uma vez.' },
      { default: 2000, minimum: 1, maximum: 2000 },
    ),
    forbidden: {
      kind: 'json',
      group: 'advanced',
      label: { 'en-US': 'Forbidden ranges', 'pt-BR': 'Faixas proibidas' },
      help: {
        'en-US': 'Never read, not even between others: registers that change when they are read.',
        'pt-BR': 'Nunca lidas, nem entre outras: registradores que mudam ao serem lidos.',
      },
      schema: FORBIDDEN_SCHEMA,
      default: [],
      example: [{ table: 'holding', from: 200, to: 219 }],
    },
  },
};
