import Ajv2020 from 'ajv/dist/2020';
import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import type { RecordFormat } from '../../../protocols/formats/create-parser';
import type { CsvOptions } from '../../../protocols/formats/csv-parser';
import type { Encoding } from '../../../protocols/formats/encodings';
import type { XmlOptions } from '../../../protocols/formats/xml-parser';
import { descriptor } from './descriptor';
import { ENTITIES_SCHEMA } from './entity-schema';
import { hasWildcards, type PathPattern, parsePattern } from './glob';
import { assertRelative } from './root-folder';
import { hasPlaceholders, templateToPattern } from './templates';

/** The connection's settings with their defaults. */
export interface FileSettings {
  root: string;
  encoding: Encoding;
  settle_seconds: number;
  done_folder: string;
  error_folder: string;
  neutralise_formulas: boolean;
  max_record_bytes: number;
  max_file_bytes: number;
  max_compression_ratio: number;
  entities: Record<string, EntitySetting>;
}

/** An entry of "entities" as it is configured. */
interface EntitySetting {
  path: string;
  format?: RecordFormat;
  delimiter?: string;
  quote?: string;
  header?: boolean;
  columns?: string[];
  comment?: string;
  encoding?: Encoding;
  decimal_separator?: '.' | ',';
  records_path?: string;
  record_element?: string;
  strip_prefix?: boolean;
  after_read?: 'keep' | 'move' | 'delete';
  after_error?: 'keep' | 'move';
  write?: {
    mode?: 'replace' | 'append';
    path?: string;
    max_bytes?: number;
    max_records?: number;
    root_element?: string;
  };
}

/** An entity ready to be read or written. */
export interface FileEntity {
  name: string;
  path: string;
  pattern: PathPattern;
  format: RecordFormat;
  encoding: Encoding;
  /** True when the entity itself names it, so that only a byte order mark is stronger. */
  encodingIsGiven: boolean;
  decimalSeparator: '.' | ',';
  csv: CsvOptions;
  xml: XmlOptions;
  recordsPath: string[];
  afterRead: 'keep' | 'move' | 'delete';
  afterError: 'keep' | 'move';
  write: {
    /** Template of the name, or null when the entity can only be read. */
    path: string | null;
    mode: 'replace' | 'append';
    maxBytes: number;
    maxRecords: number;
    rootElement: string;
  };
}

const EXTENSIONS: Record<string, RecordFormat> = {
  csv: 'csv',
  tsv: 'csv',
  tab: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  xml: 'xml',
};

let validateEntities: ReturnType<Ajv2020['compile']> | undefined;

/** @throws config PCP_SETTING_INVALID with the path of the setting */
export function parseSettings(connection: OpenConnection): FileSettings {
  const settings: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(descriptor.settings)) {
    const value = connection.config[name] ?? ('default' in setting ? setting.default : undefined);
    const expected = { text: 'string', choice: 'string', integer: 'number', boolean: 'boolean' }[
      setting.kind as string
    ];
    if (setting.required && (value === undefined || value === '')) throw invalid(`/config/${name}`, 'it is missing');
    if (expected !== undefined && typeof value !== expected)
      throw invalid(`/config/${name}`, `it must be a ${expected}`);
    if (setting.kind === 'choice' && !setting.options.some((option) => option.value === value)) {
      throw invalid(`/config/${name}`, `"${value}" is not one of its values`);
    }
    if (setting.kind === 'integer') {
      const isInRange =
        (value as number) >= (setting.minimum ?? 0) && (value as number) <= (setting.maximum ?? Infinity);
      if (!Number.isInteger(value) || !isInRange) throw invalid(`/config/${name}`, `${value} is out of its range`);
    }
    if (setting.kind === 'text' && setting.pattern && !new RegExp(setting.pattern).test(value as string)) {
      throw invalid(`/config/${name}`, `"${value}" is not a plain name`);
    }
    settings[name] = value;
  }
  validateEntities ??= new Ajv2020({ strict: false }).compile(ENTITIES_SCHEMA);
  if (!validateEntities(settings.entities)) {
    const [problem] = validateEntities.errors ?? [];
    const extra = problem?.params?.additionalProperty;
    const what = `${problem?.message}${extra === undefined ? '' : ` ("${extra}")`}`;
    throw invalid(`/config/entities${problem?.instancePath ?? ''}`, what);
  }
  return settings as unknown as FileSettings;
}

/**
 * An entry of "entities", or a path or pattern whose extension tells the format.
 * @throws config PCP_ENTITY_UNKNOWN, PCP_SETTING_INVALID; permission PCP_PATH_OUTSIDE_ROOT
 */
export function resolveEntity(name: string, settings: FileSettings): FileEntity {
  const configured = Object.hasOwn(settings.entities, name) ? settings.entities[name] : undefined;
  const setting = configured ?? { path: name };
  const at = `/config/entities/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const format = setting.format ?? EXTENSIONS[extensionOf(setting.path)];
  if (format === undefined) {
    if (configured) throw invalid(`${at}/format`, 'it is missing, and the extension does not tell it');
    throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${name}" is neither a configured file nor a path.`, {
      path: '/source_entity',
      hint: 'Name an entry of "entities", or a path under the root that ends in .csv, .tsv, .json, .ndjson or .xml.',
    });
  }
  assertRelative(setting.path);
  const writePath = setting.write?.path ?? setting.path;
  assertRelative(writePath);
  const recordElement = setting.record_element ?? '';
  const afterRead = setting.after_read ?? 'keep';
  return {
    name,
    path: setting.path,
    pattern: patternOf(setting.path, at),
    format,
    encoding: setting.encoding ?? settings.encoding,
    encodingIsGiven: setting.encoding !== undefined,
    decimalSeparator: setting.decimal_separator ?? '.',
    csv: csvOptions(setting),
    xml: { recordElement, stripPrefix: setting.strip_prefix ?? true },
    recordsPath: setting.records_path ? setting.records_path.split('.') : [],
    afterRead,
    afterError: setting.after_error ?? (afterRead === 'keep' ? 'keep' : 'move'),
    write: {
      path: hasWildcards(writePath) ? null : writePath,
      mode: setting.write?.mode ?? 'replace',
      maxBytes: setting.write?.max_bytes ?? Infinity,
      maxRecords: setting.write?.max_records ?? Infinity,
      rootElement: setting.write?.root_element ?? rootOf(recordElement),
    },
  };
}

/** True for paths whose extension is one of a known format. */
export function isKnownFile(path: string): boolean {
  return EXTENSIONS[extensionOf(path)] !== undefined;
}

function csvOptions(setting: EntitySetting): CsvOptions {
  const isTabbed = ['tsv', 'tab'].includes(extensionOf(setting.path));
  return {
    delimiter: setting.delimiter ?? (isTabbed ? '\t' : ','),
    quote: setting.quote ?? '"',
    header: setting.header ?? setting.columns === undefined,
    columns: setting.columns,
    comment: setting.comment ?? '',
  };
}

function patternOf(path: string, at: string): PathPattern {
  try {
    return parsePattern(hasPlaceholders(path) ? templateToPattern(path) : path);
  } catch (thrown) {
    throw invalid(`${at}/path`, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function rootOf(recordElement: string): string {
  const parts = recordElement.split('/').filter((part) => part !== '');
  return parts.length > 1 ? parts[0]! : 'Records';
}

function extensionOf(path: string): string {
  return /\.([^./]+?)(\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
}

function invalid(path: string, what: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', `The setting ${path.slice(8)} is wrong: ${what}.`, {
    path,
    hint: 'Correct it in the connection.',
  });
}
