import type { EntityInfo } from '../../model/entity';
import { IntegrationError } from '../../model/errors';
import { EntityTypeStore } from '../../platform/entity-types';
import { type EntityShape, shapeOf } from '../../platform/shape';
import { TableReader } from '../../platform/table-reader';
import { ensureTable } from '../../platform/tables';
import { keyValues } from '../../platform/values';
import type { SqlDatabase, SqlTransaction, SqlValue } from '../../protocols/sql/database';
import type {
  Batch,
  Connector,
  ConnectorFactory,
  EntityDescription,
  ReadQuery,
  SourceRecord,
  TestDetail,
  TestReport,
  TestStep,
  Writer,
  WriteTarget,
} from '../contract';
import { undefinedIfRefused } from '../refused-key';
import { readRecords } from './reader';
import { PlatformWriter } from './writer';

/** The platform's entities as any other system's: sources of exports and targets of imports. */
export const create: ConnectorFactory = (_connection, environment) => {
  if (environment.store === undefined) {
    throw new IntegrationError('bug', 'PCP_INTERNAL', 'The platform connector was opened without the store.');
  }
  return new PlatformConnector(environment.store);
};

const KEYS_PER_QUERY = 100;

/** Unknown names of entities are the mapping's fault, not a missing page. */
const HINT = 'GET /integrations/entities lists the entity types; POST makes one.';

class PlatformConnector implements Connector {
  readonly #database: SqlDatabase;
  readonly #types: EntityTypeStore;
  /** Looked up once: a look-up inside of a transaction could not ask the store outside of it. */
  readonly #tables = new Map<string, EntityShape>();

  constructor(database: SqlDatabase) {
    this.#database = database;
    this.#types = new EntityTypeStore(database);
  }

  async test(signal: AbortSignal): Promise<TestReport> {
    const started = performance.now();
    const steps: TestStep[] = [];
    const checks: [TestStep['name'], () => Promise<TestDetail>][] = [
      ['connect', async () => `${this.#database.dialect}, ${(await this.#database.now()).toISOString()}`],
      ['read', async () => entityTypes((await this.#types.list()).length)],
    ];
    for (const [name, check] of checks) {
      try {
        signal.throwIfAborted();
        steps.push({ name, ok: true, detail: await check() });
      } catch (error) {
        steps.push({ name, ok: false, error: IntegrationError.from(error).toJSON() });
        break;
      }
    }
    return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    signal.throwIfAborted();
    return (await this.#types.list()).map(toInfo);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    signal.throwIfAborted();
    const type = await this.#type(entity);
    return { info: toInfo(type), schema: type.schema };
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncIterable<Batch> {
    signal.throwIfAborted();
    yield* readRecords(this.#database, await this.#table(query.entity), query, signal);
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    signal.throwIfAborted();
    return new PlatformWriter(this.#database, await this.#table(target.entity), target);
  }

  async lookup(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
    transaction?: SqlTransaction,
  ): Promise<(SourceRecord | null | undefined)[]> {
    const shape = await this.#table(target.entity);
    const reader = new TableReader(this.#database, shape);
    const given = keys.map((key) => undefinedIfRefused(() => keyValues(shape, this.#database.dialect, key)));
    const wanted = given.filter((key) => key !== undefined);
    const found = new Map<string, SourceRecord>();
    for (let start = 0; start < wanted.length; start += KEYS_PER_QUERY) {
      signal.throwIfAborted();
      const records = await reader.withKeys(wanted.slice(start, start + KEYS_PER_QUERY), transaction);
      for (const record of records) found.set(identity(reader.keyParameters(reader.keyOf(record))), { ...record });
    }
    return given.map((key) => key && (found.get(identity(key)) ?? null));
  }

  /** The store belongs to the hub, which closes it. */
  async close(): Promise<void> {}

  async #table(entity: string): Promise<EntityShape> {
    const known = this.#tables.get(entity);
    if (known !== undefined) return known;
    const shape = shapeOf(await this.#type(entity));
    await ensureTable(this.#database, shape);
    this.#tables.set(entity, shape);
    return shape;
  }

  async #type(entity: string) {
    try {
      return await this.#types.get(entity);
    } catch (error) {
      if (!(error instanceof IntegrationError && error.code === 'PCP_NOT_FOUND')) throw error;
      throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `The platform has no entity type "${entity}".`, {
        hint: HINT,
      });
    }
  }
}

function entityTypes(count: number) {
  return { 'en-US': `${count} entity types`, 'pt-BR': `${count} tipos de entidade` };
}

function identity(key: readonly SqlValue[]): string {
  return JSON.stringify(key);
}

function toInfo({ type, title, key }: { type: string; title: string; key: string[] }): EntityInfo {
  return { name: type, label: title, kind: 'entity', key, readable: true, writable: true };
}
