import type { ConnectorDescriptor } from '../../descriptor';
import { ENTITIES_EXAMPLE, ENTITIES_SCHEMA } from './entity-schema';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export const descriptor: ConnectorDescriptor = {
  type: 'generic.file',
  title: { 'en-US': 'Files', 'pt-BR': 'Arquivos' },
  description: {
    'en-US': 'Reads and writes CSV, JSON, NDJSON and XML files in one folder, also compressed with gzip.',
    'pt-BR': 'Lê e grava arquivos CSV, JSON, NDJSON e XML em uma pasta, inclusive compactados com gzip.',
  },
  node: 'pcp-file',
  icon: 'pcp-file.svg',
  color: '#D9C69A',
  since: '0.1.0',
  capabilities: ['test', 'read', 'write', 'discover', 'describe', 'incremental', 'arrival'],
  // A run goes on from the offset of its last commit: what was written after it is cut off, so repeating is harmless.
  writes: {
    upsertByKey: false,
    idempotencyKey: false,
    lookup: 'none',
    transactional: false,
    snapshot: true,
    resumable: true,
  },
  batchSize: { default: 5000, maximum: 20_000 },
  drivers: [],
  operations: ['read', 'write'],
  settings: {
    root: {
      kind: 'text',
      group: 'connection',
      required: true,
      label: { 'en-US': 'Root folder', 'pt-BR': 'Pasta raiz' },
      help: {
        'en-US': 'Everything is read and written below this folder; nothing outside of it is ever touched.',
        'pt-BR': 'Tudo é lido e gravado abaixo desta pasta; nada fora dela é tocado.',
      },
      placeholder: '/data/pcp',
    },
    entities: {
      kind: 'json',
      group: 'entities',
      label: { 'en-US': 'Files', 'pt-BR': 'Arquivos' },
      help: {
        'en-US':
          'Named files or patterns with their format. A file with a known extension can also be used by its path, without an entry here.',
        'pt-BR':
          'Arquivos ou padrões com nome e formato. Um arquivo de extensão conhecida também pode ser usado pelo caminho, sem constar aqui.',
      },
      schema: ENTITIES_SCHEMA,
      default: {},
      example: ENTITIES_EXAMPLE,
    },
    encoding: {
      kind: 'choice',
      group: 'connection',
      label: { 'en-US': 'Encoding', 'pt-BR': 'Codificação' },
      help: {
        'en-US': 'Of files that name none of their own. A byte that does not fit is an error, never a wrong letter.',
        'pt-BR': 'Dos arquivos que não indicam a sua. Um byte inválido é erro, nunca uma letra trocada.',
      },
      options: [
        { value: 'utf-8', label: { 'en-US': 'UTF-8', 'pt-BR': 'UTF-8' } },
        { value: 'windows-1252', label: { 'en-US': 'Windows-1252 (Western)', 'pt-BR': 'Windows-1252 (ocidental)' } },
        { value: 'iso-8859-1', label: { 'en-US': 'ISO-8859-1 (Latin 1)', 'pt-BR': 'ISO-8859-1 (Latin 1)' } },
        { value: 'utf-16le', label: { 'en-US': 'UTF-16 little-endian', 'pt-BR': 'UTF-16 little-endian' } },
        { value: 'utf-16be', label: { 'en-US': 'UTF-16 big-endian', 'pt-BR': 'UTF-16 big-endian' } },
      ],
      default: 'utf-8',
    },
    settle_seconds: {
      kind: 'integer',
      group: 'advanced',
      label: { 'en-US': 'Settle time (s)', 'pt-BR': 'Tempo de estabilização (s)' },
      help: {
        'en-US': 'A file is read once its size and time have not changed for this long. 0: at once.',
        'pt-BR': 'O arquivo só é lido depois de não mudar de tamanho e data por este tempo. 0: imediatamente.',
      },
      default: 2,
      minimum: 0,
      maximum: 3600,
    },
    done_folder: {
      kind: 'text',
      group: 'advanced',
      label: { 'en-US': 'Folder for files read', 'pt-BR': 'Pasta dos arquivos lidos' },
      help: {
        'en-US': 'Beside the file, for "after_read": "move".',
        'pt-BR': 'Ao lado do arquivo, para "after_read": "move".',
      },
      default: 'done',
      pattern: '^[^/\\\\.][^/\\\\]*$',
    },
    error_folder: {
      kind: 'text',
      group: 'advanced',
      label: { 'en-US': 'Folder for broken files', 'pt-BR': 'Pasta dos arquivos com erro' },
      help: {
        'en-US': 'Beside the file, for "after_error": "move". The reason is put there as <name>.reason.json.',
        'pt-BR': 'Ao lado do arquivo, para "after_error": "move". O motivo fica lá em <nome>.reason.json.',
      },
      default: 'error',
      pattern: '^[^/\\\\.][^/\\\\]*$',
    },
    neutralise_formulas: {
      kind: 'boolean',
      group: 'security',
      label: { 'en-US': 'Neutralise formulas', 'pt-BR': 'Neutralizar fórmulas' },
      help: {
        'en-US':
          "Exported CSV cells that a spreadsheet would run as a formula (= + - @) get a ' in front, which is taken off when they are read. Plain numbers stay as they are.",
        'pt-BR':
          "Células de CSV exportado que uma planilha executaria como fórmula (= + - @) recebem um ' na frente, que é tirado na leitura. Números simples ficam como estão.",
      },
      default: true,
    },
    max_record_bytes: {
      kind: 'integer',
      group: 'security',
      label: { 'en-US': 'Largest record (bytes)', 'pt-BR': 'Maior registro (bytes)' },
      help: {
        'en-US': 'A larger record means a broken file: the read stops instead of filling the memory.',
        'pt-BR': 'Um registro maior indica arquivo corrompido: a leitura para em vez de encher a memória.',
      },
      default: 8 * MIB,
      minimum: 1024,
      maximum: 64 * MIB,
    },
    max_file_bytes: {
      kind: 'integer',
      group: 'security',
      label: { 'en-US': 'Largest file (bytes, decompressed)', 'pt-BR': 'Maior arquivo (bytes, descompactado)' },
      help: {
        'en-US': 'Reading stops with an error beyond this size.',
        'pt-BR': 'A leitura para com erro além deste tamanho.',
      },
      default: 64 * GIB,
      minimum: 1024,
    },
    max_compression_ratio: {
      kind: 'integer',
      group: 'security',
      label: { 'en-US': 'Largest gzip ratio', 'pt-BR': 'Maior taxa de compactação gzip' },
      help: {
        'en-US': 'A file that grows more than this when decompressed is refused as a gzip bomb (judged after 16 MiB).',
        'pt-BR': 'Um arquivo que cresce mais do que isto ao descompactar é recusado como bomba gzip (após 16 MiB).',
      },
      default: 200,
      minimum: 2,
      maximum: 1100,
    },
  },
};
