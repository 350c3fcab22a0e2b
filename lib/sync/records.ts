import type { WriteInterruption, WriteRecord, WriteResult } from '../connectors/contract';
import { compileMapping } from '../mapping/compile';
import type { CompiledMapping, Mapped } from '../mapping/contract';
import type { OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { Direction } from '../model/mapping';
import type { MessageTarget } from '../model/processes';
import type { MappingInput } from '../model/services';
import { digest, recordHasher } from './hash';
import { keyFieldsOf, optionalKeys } from './keys';
import { type End, type EngineContext, guaranteeOf, openEnd } from './stream';

/** Mappings compiled for nodes: a flow maps with a handful of them, again and again. */
const MAX_COMPILED = 50;

/** Maps records outside of any run. */
export class RecordMapper {
  private readonly compiled = new Map<string, CompiledMapping>();

  constructor(private readonly context: EngineContext) {}

  /** @throws config PCP_MAPPING_INVALID; failures of single records stand in the results */
  async map(
    mapping: MappingInput,
    direction: Direction,
    records: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<Mapped[]> {
    const identity = JSON.stringify([direction, mapping]);
    let compiled = this.compiled.get(identity);
    if (compiled === undefined) {
      compiled = await compileForRecords(this.context, mapping, direction, signal);
      const [oldest] = this.compiled.keys();
      if (this.compiled.size >= MAX_COMPILED && oldest !== undefined) this.compiled.delete(oldest);
      this.compiled.set(identity, compiled);
    }
    return compiled.map(records, signal);
  }
}

async function compileForRecords(
  context: EngineContext,
  mapping: MappingInput,
  direction: Direction,
  signal: AbortSignal,
): Promise<CompiledMapping> {
  const platform = await openEnd(context, mapping.peer_connection_id ?? 0, mapping.target_entity);
  try {
    const description = await platform.connector.describe?.(platform.entity, signal);
    const validated = direction === 'import' && (mapping.peer_connection_id ?? null) === null;
    const entity = { key: description?.info.key ?? [], schema: description?.schema ?? {} };
    const definition = { transformations: [], filters: [], key_fields: [], ...mapping };
    const key_fields = keyFieldsOf(definition, entity);
    return compileMapping({ ...definition, key_fields }, direction, {
      expressions: context.expressions,
      ...(validated && { targetSchema: entity.schema }),
      optionalKeys: optionalKeys(key_fields, entity.schema),
    });
  } finally {
    await platform.connector.close();
  }
}

/** Writes records outside of any run, to one target one message after another: two at once would overwrite one file's end. */
export class RecordWriter {
  private readonly tails = new Map<string, Promise<void>>();

  constructor(private readonly context: EngineContext) {}

  /**
   * Writes the records of a message to an entity: no mapping, no links, no dead letters. One result per record.
   * @throws config PCP_NOT_WRITABLE, or what the target throws when nothing can be said about single records
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
    const fields = [...new Set(records.flatMap((record) => Object.keys(record)))];
    const keyFields = target.keyFields.length > 0 ? target.keyFields : await ownKey(end, signal);
    const hashOf = recordHasher(fields);
    const writes = records.map((data, index): WriteRecord => {
      const key = JSON.stringify(keyFields.map((field) => data[field] ?? null));
      const record: WriteRecord = { data, key, hash: hashOf(data), sourceKey: key };
      if (target.message !== undefined) record.idempotencyKey = keyOfMessage(target, record, index, records.length);
      return record;
    });
    const writer = await connector.openWriter!(
      { entity: target.entity, keyFields, fields, resume: null, runId: 0, mappingId: 0 },
      signal,
    );
    try {
      const results = guarantee.transactional
        ? await context.database.transaction(async (transaction) => {
            await writer.hashes?.(writes, transaction);
            return writer.write(writes, signal, transaction);
          })
        : await writer.write(writes, signal);
      await writer.finish();
      return results;
    } catch (thrown) {
      await writer.abandon(false);
      const { results } = thrown as WriteInterruption;
      if (results === undefined || results.every((result) => result === undefined)) throw thrown;
      // Part of the message was written: whoever sends it again must know which.
      const error = IntegrationError.from(thrown);
      return results.map((result) => result ?? { outcome: 'failed', error });
    }
  } finally {
    await connector.close();
  }
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
