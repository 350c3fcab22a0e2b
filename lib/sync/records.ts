import type { WriteInterruption, WriteRecord, WriteResult } from '../connectors/contract';
import type { ConnectorDescriptor } from '../connectors/descriptor';
import type { CompiledMapping, Mapped } from '../mapping/contract';
import type { OpenConnection } from '../model/connection';
import { digest } from '../model/digest';
import { IntegrationError } from '../model/errors';
import type { Direction } from '../model/mapping';
import { phrase } from '../model/phrase';
import type { MessageTarget } from '../model/processes';
import type { MappingInput } from '../model/services';
import type { SqlTransaction } from '../protocols/sql/database';
import { compilerOf } from './compiler';
import { recordHasher } from './hash';
import { type End, type EngineContext, guaranteeOf, openEnds } from './stream';

/** Mappings compiled for nodes: a flow maps with a handful of them, again and again. */
const MAX_COMPILED = 50;
/** After these milliseconds a mapping is compiled anew: its connection or its entity types may have changed. */
const COMPILED_FOR_MS = 2000;

interface Kept {
  compiled: CompiledMapping;
  until: number;
}

/** Maps records outside of any run, as a run would. */
export class RecordMapper {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly context: EngineContext) {}

  /** @throws config PCP_MAPPING_INVALID, or what a connector throws when it is asked; failures of single records stand in the results */
  async map(
    mapping: MappingInput,
    direction: Direction,
    records: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<Mapped[]> {
    const identity = JSON.stringify([direction, mapping]);
    let kept = this.kept.get(identity);
    if (kept === undefined || kept.until <= Date.now()) {
      this.kept.delete(identity);
      kept = { compiled: await this.compile(mapping, direction, signal), until: Date.now() + COMPILED_FOR_MS };
      const [oldest] = this.kept.keys();
      if (this.kept.size >= MAX_COMPILED && oldest !== undefined) this.kept.delete(oldest);
      this.kept.set(identity, kept);
    }
    return kept.compiled.map(records, signal);
  }

  private async compile(mapping: MappingInput, direction: Direction, signal: AbortSignal): Promise<CompiledMapping> {
    // An import that is applied backwards writes as an export does.
    const way = mapping.direction === 'import' ? direction : mapping.direction;
    const definition = { transformations: [], filters: [], key_fields: [], ...mapping, direction: way };
    const ends = await openEnds(this.context, mapping);
    try {
      const { compile } = await compilerOf(this.context, definition, ends, signal);
      return compile(direction);
    } finally {
      await ends.close();
    }
  }
}

/** Writes records outside of any run, to one target one message after another: two at once would overwrite one file's end. */
export class RecordWriter {
  private readonly tails = new Map<string, Promise<void>>();

  constructor(private readonly context: EngineContext) {}

  /**
   * Writes the records of a message to an entity, or deletes them there: no mapping, no links, no dead letters. One result per
   * record.
   * @throws config PCP_NOT_WRITABLE, PCP_NOT_DELETABLE, or what the target throws when nothing can be said about single records
   */
  write(
    connection: OpenConnection,
    target: MessageTarget,
    records: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<WriteResult[]> {
    const place = JSON.stringify([connection.id, target.entity]);
    const result = (this.tails.get(place) ?? Promise.resolve()).then(() => {
      signal.throwIfAborted();
      return writeRecords(this.context, connection, target, records, signal);
    });
    const leave = (): void => {
      if (this.tails.get(place) === tail) this.tails.delete(place);
    };
    const tail = result.then(leave, leave);
    this.tails.set(place, tail);
    return result;
  }
}

async function writeRecords(
  context: EngineContext,
  connection: OpenConnection,
  target: MessageTarget,
  records: Record<string, unknown>[],
  signal: AbortSignal,
): Promise<WriteResult[]> {
  const { descriptor, create } = await context.registry.load(connection.connector_type);
  const connector = create(connection, context.environment);
  try {
    const end = { connectionId: connection.id, connector, descriptor, entity: target.entity };
    const guarantee = guaranteeOf(end);
    const keyFields = target.keyFields.length > 0 ? target.keyFields : await ownKey(end, signal);
    const hashOf = recordHasher(fieldsOf(records));
    const writes = records.map((data, index): WriteRecord => {
      const key = JSON.stringify(keyFields.map((field) => data[field] ?? null));
      const record: WriteRecord = { data, key, hash: hashOf(data), sourceKey: key };
      if (target.message !== undefined) record.idempotencyKey = keyOfMessage(target, record, index, records.length);
      return record;
    });
    // A file is written as a whole, with the same fields in each of its records.
    const isFile = guarantee.snapshot || guarantee.resumable === true;
    const groups = isFile ? [writes] : bySameFields(writes, guarantee.lookup === 'strong' && keyFields.length > 0);
    const results = new Map<WriteRecord, WriteResult>();
    const writeAll = async (transaction?: SqlTransaction): Promise<void> => {
      for (const group of groups) await writeGroup(end, { ...target, keyFields }, group, results, signal, transaction);
    };
    try {
      await (guarantee.transactional ? context.database.transaction(writeAll) : writeAll());
    } catch (thrown) {
      if (guarantee.transactional || results.size === 0) throw thrown;
      // Part of the message was written: whoever sends it again must know which.
      const error = IntegrationError.from(thrown);
      for (const record of writes) if (!results.has(record)) results.set(record, { outcome: 'failed', error });
    }
    return writes.map((record) => results.get(record)!);
  } finally {
    await connector.close();
  }
}

/** @param results what became of each record; where the writer throws, of those of which that is known */
async function writeGroup(
  { connector, descriptor }: End,
  { entity, keyFields, deletes }: MessageTarget,
  records: WriteRecord[],
  results: Map<WriteRecord, WriteResult>,
  signal: AbortSignal,
  transaction: SqlTransaction | undefined,
): Promise<void> {
  const fields = fieldsOf(records.map(({ data }) => data));
  const writer = await connector.openWriter!(
    { entity, keyFields, fields, resume: null, runId: 0, mappingId: 0 },
    signal,
  );
  const keep = (all: readonly (WriteResult | undefined)[]): void =>
    all.forEach((result, index) => {
      if (result !== undefined) results.set(records[index]!, result);
    });
  try {
    if (deletes && writer.delete === undefined) throw notDeletable(descriptor);
    if (transaction !== undefined) await writer.hashes?.(records, transaction);
    const written = deletes ? await writer.delete!(records, signal) : await writer.write(records, signal, transaction);
    await writer.finish();
    keep(written);
  } catch (thrown) {
    await writer.abandon(false);
    keep((thrown as WriteInterruption).results ?? []);
    throw thrown;
  }
}

function notDeletable({ title }: ConnectorDescriptor): IntegrationError {
  return new IntegrationError('config', 'PCP_NOT_DELETABLE', phrase`Records of ${title['en-US']} cannot be deleted.`);
}

function fieldsOf(records: readonly WriteRecord['data'][]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

/**
 * A record leaves alone what it does not name, which its neighbour may. The records of one key stay in their order.
 * @param isLookedUp each is looked for before it is written: of two with one key the second one has to find the first
 */
function bySameFields(records: readonly WriteRecord[], isLookedUp: boolean): WriteRecord[][] {
  const groups: WriteRecord[][] = [];
  let open = new Map<string, WriteRecord[]>();
  let groupOf = new Map<string, WriteRecord[]>();
  for (const record of records) {
    const fields = JSON.stringify(Object.keys(record.data).sort());
    const before = groupOf.get(record.key);
    if (before !== undefined && (isLookedUp || before !== open.get(fields))) {
      open = new Map();
      groupOf = new Map();
    }
    let group = open.get(fields);
    if (group === undefined) {
      group = [];
      open.set(fields, group);
      groups.push(group);
    }
    group.push(record);
    groupOf.set(record.key, group);
  }
  return groups;
}

/** The same with every attempt of one message; without a key of the flow's own, another one for other contents. */
function keyOfMessage({ entity, message }: MessageTarget, { hash }: WriteRecord, index: number, count: number): string {
  const { id, idempotencyKey } = message!;
  if (idempotencyKey === undefined) return digest([id, entity, index, hash].join('|'));
  return count === 1 ? idempotencyKey : `${idempotencyKey}-${index + 1}`;
}

async function ownKey(end: End, signal: AbortSignal): Promise<string[]> {
  const description = await end.connector.describe?.(end.entity, signal);
  return description?.info.key ?? [];
}
