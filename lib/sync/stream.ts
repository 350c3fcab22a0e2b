import type { Connector, ConnectorEnvironment, SourceRecord, WriteGuarantee } from '../connectors/contract';
import type { ConnectorDescriptor } from '../connectors/descriptor';
import type { ConnectorRegistry } from '../connectors/registry';
import type { CompiledMapping, ExpressionEvaluator } from '../mapping/contract';
import { compilePath } from '../mapping/paths';
import type { OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { Direction, FieldMapping, Mapping, MappingOptions } from '../model/mapping';
import { phrase } from '../model/phrase';
import type { SqlDatabase } from '../protocols/sql/database';
import { compilerOf } from './compiler';
import { OwnRecords } from './own-records';
import { type Place, placeOf } from './place';
import { canonicalKey, type PlanContext } from './plan';
import { blaming } from './runs/blame';
import { needsIntents, takesTwice } from './writes/guarantee';
import { TwoWay } from './writes/two-way';

/** What the engine works with; the runner builds it once per process. */
export interface EngineContext {
  database: SqlDatabase;
  registry: Pick<ConnectorRegistry, 'load'>;
  expressions: ExpressionEvaluator;
  /** A connection with its secrets; id 0 is the platform. */
  openConnection(id: number): Promise<OpenConnection & { timezone: string | null }>;
  environment: ConnectorEnvironment;
}

/** Records that are in memory at once: so few that they are gone before the garbage collector would copy them. */
const PAGE = 500;
/** Pages of one commit in an embedded store that is written to in a thread of its own. */
const PAGES_OF_EMBEDDED = 8;

export type MappingLike = Omit<
  Mapping,
  | 'id'
  | 'version'
  | 'managed_by'
  | 'node_id'
  | 'created_at'
  | 'updated_at'
  | 'schedule'
  | 'schedule_options'
  | 'depends_on'
>;

/** One end of a stream: an entity of an open connector. */
export interface End {
  connectionId: number;
  connector: Connector;
  descriptor: ConnectorDescriptor;
  entity: string;
}

/** An end with what its connection says besides its secrets. */
export interface OpenEnd extends End {
  timezone: string | null;
  config: Record<string, unknown>;
}

/** A mapping in one direction between two open connectors, compiled. */
export interface Stream {
  direction: Direction;
  source: End;
  target: End;
  compiled: CompiledMapping;
  /** The key alone, of records of which something else cannot be converted. */
  compileKey(): CompiledMapping;
  guarantee: WriteGuarantee;
  plan: PlanContext;
  options: MappingOptions;
  places: { source: Place; target: Place };
  /** Of a mapping that goes both ways: tells what only this side has changed. */
  twoWay: TwoWay | null;
  /** Of an import: what the hub itself has written to its source, if it may have written anything. */
  own: OwnRecords | null;
  /** Of a source whose records may come back from the target: how it tells them apart, as canonical JSON array. */
  originKey: ((record: SourceRecord) => string) | null;
  /** Records of one commit, at most. */
  batchSize: number;
  /** Records that are read, mapped and written at once, at most. */
  pageSize: number;
  close(): Promise<void>;
}

/**
 * Opens both ends of a mapping and compiles it.
 * @param source stands in for the connector of the external side
 * @throws whatever class the connectors or the compiler find: config for an unknown entity, auth for a wrong password, ...
 */
export async function openStream(
  context: EngineContext,
  mapping: MappingLike,
  direction: Direction,
  signal: AbortSignal,
  source?: Connector,
): Promise<Stream> {
  const ends = await openEnds(context, mapping, source);
  try {
    return await compileStream(context, mapping, direction, ends, signal);
  } catch (error) {
    await ends.close();
    throw error;
  }
}

/** Both sides of a mapping, open. */
export interface Ends {
  external: OpenEnd;
  platform: OpenEnd;
  close(): Promise<void>;
}

export async function openEnds(
  context: EngineContext,
  mapping: Pick<MappingLike, 'connection_id' | 'source_entity' | 'target_entity'> & {
    peer_connection_id?: number | null;
  },
  source?: Connector,
): Promise<Ends> {
  const external = await openEnd(context, mapping.connection_id, mapping.source_entity, source);
  try {
    const platform = await openEnd(context, mapping.peer_connection_id ?? 0, mapping.target_entity);
    const close = async (): Promise<void> => {
      await Promise.allSettled([external.connector.close(), platform.connector.close()]);
    };
    return { external, platform, close };
  } catch (error) {
    await external.connector.close();
    throw error;
  }
}

async function compileStream(
  context: EngineContext,
  mapping: MappingLike,
  direction: Direction,
  { external, platform, close }: Ends,
  signal: AbortSignal,
): Promise<Stream> {
  const importing = direction === 'import';
  const { keyFields, fieldMappings, compile } = await compilerOf(context, mapping, { external, platform }, signal);
  const compiled = compile(direction);
  const source = importing ? external : platform;
  const target = importing ? platform : external;
  const guarantee = guaranteeOf(target);
  if (mapping.direction === 'bidirectional') requireTwoWay(external);
  const twoWay =
    mapping.direction === 'bidirectional' && !guarantee.snapshot
      ? new TwoWay({
          direction,
          target,
          targetKeyFields: compiled.keyFields,
          toPlatform: importing ? compiled : compile('import'),
          policy: mapping.options.conflict_policy ?? 'manual',
        })
      : null;
  return {
    direction,
    source,
    target,
    compiled,
    compileKey: () =>
      compile(
        direction,
        fieldMappings.filter(({ target }) => keyFields.includes(target)),
      ),
    guarantee,
    twoWay,
    own:
      importing && mapping.direction === 'import'
        ? await OwnRecords.open(context.database, mapping, { external, platform }, compiled.outputFields, signal)
        : null,
    originKey: importing ? null : await originKeyReader(source, target, signal),
    places: {
      source: placeOfEnd(source, true),
      // Who corrects how a record is sent has not moved the target, where that would mean to send all of them once more.
      target: placeOfEnd(target, takesTwice(guarantee)),
    },
    plan: {
      keyFields: compiled.keyFields,
      outputFields: compiled.outputFields,
      sourceKey: sourceKeyReader(fieldMappings, keyFields, importing),
      check: compiled.check,
      lastWins: mapping.sync_mode === 'live',
    },
    options: mapping.options,
    ...sizes(context, mapping, source, target),
    close,
  };
}

/** Fields of its source that a stream needs, beside those of a cursor; undefined = it cannot be told, so all of them. */
export function fieldsToRead(
  { compiled: { inputFields }, own }: Pick<Stream, 'compiled' | 'own'>,
  cursorField: string | null = null,
): string[] | undefined {
  const beside = [...(cursorField === null ? [] : [cursorField]), ...(own?.fields ?? [])];
  return inputFields && [...new Set([...inputFields, ...beside])];
}

async function openEnd(
  context: EngineContext,
  connectionId: number,
  entity: string,
  standIn?: Connector,
): Promise<OpenEnd> {
  const connection = await context.openConnection(connectionId);
  const { descriptor, create } = await context.registry.load(connection.connector_type);
  const connector = blaming(standIn ?? create(connection, context.environment), connectionId);
  const { timezone, config } = connection;
  return { connectionId, connector, descriptor, entity, timezone, config };
}

function placeOfEnd({ descriptor, config, entity, connector, timezone }: OpenEnd, definition: boolean): Place {
  // Local times of another zone are other instants.
  const more = definition ? timezone : connector.place?.(entity).output;
  return placeOf(descriptor, config, entity, definition, more == null ? [] : [more]);
}

/** @throws config PCP_NOT_WRITABLE */
export function guaranteeOf(target: End): WriteGuarantee {
  const guarantee = target.connector.guarantee?.(target.entity) ?? target.descriptor.writes;
  if (guarantee === undefined || target.connector.openWriter === undefined) {
    throw new IntegrationError(
      'config',
      'PCP_NOT_WRITABLE',
      `${target.descriptor.title['en-US']} cannot be written to.`,
      {
        path: '/direction',
      },
    );
  }
  return guarantee;
}

/**
 * Both ways take a target that can be asked for single records, and that takes the same record twice for once: what it was
 * read from must not be created there a second time.
 * @throws config PCP_TWO_WAY_TARGET
 */
function requireTwoWay(external: End): void {
  const guarantee = guaranteeOf(external);
  if (guarantee.snapshot || (external.connector.lookup !== undefined && !needsIntents(guarantee))) return;
  throw new IntegrationError(
    'config',
    'PCP_TWO_WAY_TARGET',
    phrase`"${external.entity}" cannot be kept alike in both directions: it is not written by the record's own key.`,
    { path: '/direction', hint: 'Make two mappings of it, one for each direction, over different fields.' },
  );
}

function sizes(
  { database }: EngineContext,
  { options, sync_mode }: MappingLike,
  source: End,
  target: End,
): Pick<Stream, 'batchSize' | 'pageSize'> {
  const [from, to] = [source.descriptor.batchSize, target.descriptor.batchSize];
  const guarantee = guaranteeOf(target);
  const joinsCommit = guarantee.transactional;
  const isUnderWay = guarantee.upsertByKey && !joinsCommit;
  const best = Math.min(from.default, to.default, isUnderWay ? PAGE : Number.POSITIVE_INFINITY);
  // An embedded store takes no other writer during a commit, so these are short.
  const isEmbedded = database.dialect === 'sqlite' && (joinsCommit || needsIntents(guarantee));
  // Of a commit that takes what is there already, the source says nothing.
  const ofEmbedded = joinsCommit && database.isConcurrent ? PAGES_OF_EMBEDDED * PAGE : Math.min(best, PAGE);
  const wanted = options.batch_size ?? (isEmbedded ? ofEmbedded : best);
  const batchSize = Math.max(1, Math.min(wanted, from.maximum, to.maximum));
  // What is live is committed page by page, as it comes: larger pages are fewer commits.
  const isPaged = joinsCommit && sync_mode !== 'live';
  const pageSize = Math.min(batchSize, PAGE, options.batch_size ?? from.default);
  return { batchSize, pageSize: isPaged ? pageSize : batchSize };
}

async function originKeyReader(source: End, target: End, signal: AbortSignal): Promise<Stream['originKey']> {
  if (target.connector.recognise === undefined) return null;
  const key = (await source.connector.describe?.(source.entity, signal))?.info.key ?? [];
  return key.length === 0 ? null : (record) => canonicalKey(record, key);
}

/** Reads the parts of a record's own key where the mapping says that they stand; null when a part is computed. */
function sourceKeyReader(
  fields: readonly FieldMapping[],
  keyFields: readonly string[],
  importing: boolean,
): (record: SourceRecord) => string | null {
  const paths = importing
    ? keyFields.flatMap((key) => {
        const field = fields.find(({ target }) => target === key);
        return field?.constant !== undefined ? [] : [field?.source];
      })
    : [...keyFields];
  if (paths.length === 0 || paths.includes(undefined)) return () => null;
  const readers = (paths as string[]).map(compilePath);
  // Written without an array, as every record that is written comes by.
  return (record) => {
    let text = '';
    let isEmpty = true;
    for (const read of readers) {
      const part = read(record) ?? null;
      isEmpty &&= part === null || part === '';
      text += `${text === '' ? '[' : ','}${JSON.stringify(part)}`;
    }
    return isEmpty ? null : `${text}]`;
  };
}
