import type { Recognition, SourceRecord } from '../connectors/contract';
import { namesIn } from '../mapping/expressions/names';
import { parsePath, rootOf } from '../mapping/paths';
import { IntegrationError } from '../model/errors';
import type { FieldMapping, Filter } from '../model/mapping';
import { phrase } from '../model/phrase';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import { keyFieldsOf } from './keys';
import { canonicalKey } from './plan';
import { truth } from './runs/run-rows';
import type { Ends, MappingLike } from './stream';
import { type Asked, hasSent, isSending, type SentRecord, sentRecords } from './writes/links';

/** A record of the source that the hub itself has written there. */
export interface OwnRecord extends SentRecord {
  /** Fields that the import may fill in the record it was made of: what its export does not read is the source's to say. */
  theirs: readonly string[];
}

/** An export to the system that an import reads. */
interface OwnExport {
  id: number;
  name: string;
  isActive: boolean;
  recognition: Recognition;
  theirs: readonly string[];
  /** It has sent something, as far as anybody looked. */
  isBegun: boolean;
}

interface ExportMapping {
  id: number;
  name: string;
  isActive: boolean;
  sourceEntity: string;
  fieldMappings: FieldMapping[];
  filters: Filter[];
  keyFields: string[];
}

/**
 * Recognises what exports to the same system have written there, so that an import brings no second record of it: by our own key
 * that the other system keeps, else by the name that it gave the record.
 */
export class OwnRecords {
  /** The transaction in which exports were last looked for that have begun. */
  private lookedIn: SqlTransaction | undefined;

  private constructor(
    private readonly database: SqlDatabase,
    private readonly exports: readonly OwnExport[],
    /** By which the platform tells its records. */
    readonly keyFields: readonly string[],
  ) {}

  /** Null where nothing that the import reads can be the hub's own. @throws what the external side throws when it is asked */
  static async open(
    database: SqlDatabase,
    mapping: MappingLike,
    { external, platform }: Pick<Ends, 'external' | 'platform'>,
    outputFields: readonly string[],
    signal: AbortSignal,
  ): Promise<OwnRecords | null> {
    if (external.connector.recognise === undefined) return null;
    const candidates = await exportsBeside(database, mapping);
    if (candidates.length === 0) return null;
    const description = await platform.connector.describe?.(platform.entity, signal);
    const entity = { key: description?.info.key ?? [], schema: description?.schema ?? {} };
    const exports: OwnExport[] = [];
    for (const { id, name, isActive, ...definition } of candidates) {
      const keys = keyFieldsOf({ key_fields: definition.keyFields, field_mappings: definition.fieldMappings }, entity);
      const written = { entity: definition.sourceEntity, keyFields: externalNames(keys, definition.fieldMappings) };
      const recognition = await external.connector.recognise(external.entity, written, signal).catch(notThere);
      if (recognition === null) continue;
      const ours = fieldsRead(definition);
      const isTheirs = (field: string) => ours?.has(field) === false && !entity.key.includes(field);
      exports.push({ id, name, isActive, recognition, theirs: outputFields.filter(isTheirs), isBegun: false });
    }
    return exports.length === 0 ? null : new OwnRecords(database, exports, entity.key);
  }

  /** What has to be read of records, so that they are recognised. */
  get fields(): string[] {
    return this.exports.flatMap(({ recognition }) => recognition.fields);
  }

  /** For each record, what it was made of; undefined for those that came about in the source. */
  async find(
    records: readonly SourceRecord[],
    transaction: SqlTransaction | undefined,
  ): Promise<(OwnRecord | undefined)[]> {
    const found: (OwnRecord | undefined)[] = records.map(() => undefined);
    const executor = this.seeing(transaction);
    for (const { id, recognition, theirs } of await this.begun(transaction)) {
      const names = [
        ['own_key', recognition.ownKey],
        ['target_key', recognition.externalKey],
      ] as const;
      for (const [name, nameOf] of names) {
        const open = records.flatMap((record, index) => (found[index] === undefined ? [{ record, index }] : []));
        const named = open.flatMap(({ record, index }) => {
          const value = nameOf(record);
          return value == null ? [] : [{ index, value }];
        });
        if (named.length === 0) continue;
        const values = [...new Set(named.map(({ value }) => value))];
        const sent = await sentRecords(executor, id, name, values);
        for (const { index, value } of named) {
          const record = sent.get(value);
          if (record !== undefined) found[index] = { ...record, theirs };
        }
      }
    }
    return found;
  }

  /**
   * Whether the platform has it under another key than the import gives it.
   * @param keyFields of the mapping
   */
  isElsewhere({ originKey, key }: SentRecord, data: Record<string, unknown>, keyFields: readonly string[]): boolean {
    return originKey === null
      ? key !== canonicalKey(data, keyFields)
      : originKey !== canonicalKey(data, this.keyFields);
  }

  /**
   * To be asked before records are created that were not recognised.
   * @throws transient PCP_OWN_IN_DOUBT while an export is sending records and one of these may be among them
   */
  async assertForeign(records: readonly SourceRecord[], transaction: SqlTransaction | undefined): Promise<void> {
    for (const { id, name, isActive, isBegun, recognition } of this.exports) {
      // Nobody is going to find out for one that does not run any more.
      if (!isActive || !isBegun || records.every((record) => recognition.ownKey(record) !== undefined)) continue;
      if (await isSending(this.seeing(transaction), id)) throw inDoubt(name);
    }
  }

  /** Those that may have sent what was read: of an export that has sent nothing yet, nothing is looked for. */
  private async begun(transaction: SqlTransaction | undefined): Promise<OwnExport[]> {
    const isAlone = this.database.dialect === 'sqlite' && transaction !== undefined;
    // While it is open no export announces anything.
    if (!isAlone || transaction !== this.lookedIn) {
      const executor = isAlone ? transaction : this.seeing(transaction);
      for (const each of this.exports) each.isBegun ||= await hasSent(executor, each.id);
      this.lookedIn = transaction;
    }
    return this.exports.filter(({ isBegun }) => isBegun);
  }

  /**
   * What was announced before a record was read. A transaction of MariaDB sees the state in which it began; of SQLite, it would have
   * a question wait for all that is being written.
   */
  private seeing(transaction: SqlTransaction | undefined): Asked {
    const { database } = this;
    const { dialect, aside } = database;
    if (dialect === 'sqlite') return { dialect, query: (sql, parameters) => aside.query(sql, parameters) };
    return transaction === undefined || dialect === 'mariadb' || dialect === 'mysql' ? database : transaction;
  }
}

/** Mappings that only export, from the entity and to the system of an import. */
async function exportsBeside(
  database: SqlDatabase,
  { connection_id, peer_connection_id, target_entity }: MappingLike,
): Promise<ExportMapping[]> {
  const rows = await database.query(
    `SELECT id, name, is_active, source_entity, field_mappings, filters, key_fields FROM integration_mappings
     WHERE connection_id = ? AND direction = 'export' AND target_entity = ? AND COALESCE(peer_connection_id, 0) = ?
     ORDER BY id`,
    [connection_id, target_entity, peer_connection_id ?? 0],
  );
  return rows.map((row) => ({
    id: Number(row.id),
    name: String(row.name),
    isActive: truth(row.is_active),
    sourceEntity: String(row.source_entity),
    fieldMappings: JSON.parse(String(row.field_mappings)) as FieldMapping[],
    filters: JSON.parse(String(row.filters)) as Filter[],
    keyFields: JSON.parse(String(row.key_fields)) as string[],
  }));
}

/** Fields of the external side that hold a key; empty where a part of it has none. */
function externalNames(keys: readonly string[], fields: readonly FieldMapping[]): string[] {
  const names = keys.map((key) => fields.find(({ target, source }) => target === key && source !== undefined)?.source);
  return names.every((name) => name !== undefined) ? names : [];
}

/** Fields of the platform that an export reads: what changes in them may have to be sent. Null = any. */
function fieldsRead({ fieldMappings, filters, keyFields }: ExportMappingDefinition): Set<string> | null {
  const plain = filters.flatMap((filter) => ('field' in filter ? [rootOf(parsePath(filter.field))] : []));
  const fields = new Set([...keyFields, ...fieldMappings.map(({ target }) => rootOf(parsePath(target))), ...plain]);
  const expressions = [
    ...fieldMappings.map(({ export_expression: expression }) => expression),
    ...filters.map((filter) => ('expression' in filter ? filter.expression : undefined)),
  ];
  for (const expression of expressions) {
    const names = expression === undefined ? [] : namesIn(expression);
    if (names === null) return null;
    for (const name of names) fields.add(name);
  }
  return fields;
}

type ExportMappingDefinition = Pick<ExportMapping, 'fieldMappings' | 'filters' | 'keyFields'>;

/** An export that cannot run has nothing that comes back, and keeps no import from running. */
function notThere(thrown: unknown): null {
  if (IntegrationError.from(thrown).class === 'config') return null;
  throw thrown;
}

function inDoubt(name: string): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_OWN_IN_DOUBT',
    phrase`"${name}" is sending records, and what the other side has of them cannot be told from its own yet.`,
    { hint: `Let "${name}" run to its end: it finds out what became of each record. Then run the import again.` },
  );
}
