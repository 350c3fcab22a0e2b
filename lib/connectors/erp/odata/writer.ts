import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { asked } from '../../../model/question';
import { hasKey } from '../../../protocols/odata/address';
import { Batching, type Changed } from '../../../protocols/odata/batching';
import type { Entity } from '../../../protocols/odata/entity';
import { GONE } from '../../../protocols/odata/fault';
import type { ServiceRequest } from '../../../protocols/odata/operations';
import type { DescribedWrite, Resolution, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import { inTermsOf, isSame, withoutNothing } from '../same-record';
import { isWritable, type ODataEntity } from './entity';
import { findEntities, findEntity, identityOf, preparedData } from './lookup';
import { externalKeyOf, ownKeyOf } from './recognise';

type Data = Record<string, unknown>;
export type ODataTarget = Pick<WriteTarget, 'keyFields' | 'assertSafeToWrite'>;

export interface WriterOptions {
  /** Tells our documents from those of others that post to the same system. */
  sender: string;
  parallelWrites: number;
  /** 1 = each by itself. */
  changesPerRequest: number;
}

/** Writes the records of an entity, many with one request where the service takes it; each is looked for before it is posted. */
export class ODataWriter implements Writer {
  readonly #entity: ODataEntity;
  readonly #target: ODataTarget;
  readonly #settings: WriterOptions;
  readonly #batching: Batching;

  /** @throws config PCP_NOT_WRITABLE */
  constructor(entity: ODataEntity, target: ODataTarget, settings: WriterOptions) {
    this.#entity = entity;
    this.#target = target;
    this.#settings = settings;
    this.#batching = new Batching(entity.service, entity.set, entity.model);
    if (isWritable(entity)) return;
    throw new IntegrationError('config', 'PCP_NOT_WRITABLE', phrase`"${entity.name}" cannot be written.`, {
      path: '/source_entity',
      hint: 'The service gives it for reading only.',
    });
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    const created = new Set<string>();
    return this.#each(records, signal, (item, found) => {
      if (found === null) this.#assertNew(item, created);
      return this.#planWrite(item, found);
    });
  }

  async delete(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    const { set, name } = this.#entity;
    if (!set.deletable || this.#entity.preset?.is_document === true) {
      throw new IntegrationError('config', 'PCP_NOT_DELETABLE', phrase`Records of "${name}" cannot be deleted.`, {
        hint: 'Cancel the document or mark it for deletion by a function of the service.',
      });
    }
    return this.#each(records, signal, (item, found) => this.#planRemoval(item, found));
  }

  ownKey({ data }: WriteRecord): string | undefined {
    const sent = { ...data, ...preparedData(this.#entity, data, this.#settings.sender) };
    return ownKeyOf(this.#entity, sent, this.#target.keyFields);
  }

  async resolve(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    const { shape } = this.#entity;
    const items = records.map((record) => this.#prepared(record));
    const groups = groupsOf(items, this.#settings.changesPerRequest);
    const found = await Promise.all(groups.map((indexes) => this.#find(items, indexes, signal)));
    return found.flat().map((there, index): Resolution => {
      if (there === null) return { state: 'absent' };
      if (there instanceof IntegrationError) return { state: 'unknown', error: there };
      const { record, fields } = items[index]!;
      const { version } = there;
      const held = shape.fromService(there.data);
      const data = inTermsOf(record.data, shape.fromService({ ...fields }), held);
      return { state: 'found', externalKey: this.#keyOf(there), data, ...(version !== undefined && { version }) };
    });
  }

  /** What `write` would do with a record now. */
  async describeWrite(record: WriteRecord, signal: AbortSignal): Promise<DescribedWrite> {
    const { sender } = this.#settings;
    const found = await findEntity(this.#entity, record.data, this.#target.keyFields, sender, signal);
    const { service, set, preset, shape } = this.#entity;
    const current = found && shape.fromService({ ...found.data });
    if (found !== null && (preset?.is_document === true || !set.updatable)) return { current, request: null };
    const item = this.#prepared(record);
    const { method, path, headers, body } = found === null ? this.#creation(item) : this.#modification(item, found);
    const url = `${String(service.client.baseUrl).replace(/\/$/, '')}${service.options.path}/${path}`;
    return { current, request: { method, url, headers, body: body ?? null } };
  }

  async finish(): Promise<void> {
    // Every record is with the system when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  /**
   * Some records with few requests: one that looks for them, one that changes what is to be changed.
   * @param plan what is to be done about a record, given what is there
   */
  async #each(
    records: readonly WriteRecord[],
    signal: AbortSignal,
    plan: (item: Item, found: Entity | null) => Change | WriteResult,
  ): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const run = new WriteRun(records.length, this.#settings.parallelWrites, signal, this.#target);
    const items = records.map((record) => this.#prepared(record));
    await run.each(groupsOf(items, this.#settings.changesPerRequest), async (indexes) => {
      const found = await this.#find(items, indexes, signal);
      const changes: [number, Change][] = [];
      for (const [position, index] of indexes.entries()) {
        try {
          const there = found[position] ?? null;
          if (there instanceof IntegrationError) throw there;
          const planned = plan(items[index]!, there);
          if ('outcome' in planned) run.results[index] = planned;
          else changes.push([index, planned]);
        } catch (thrown) {
          run.fail([index], thrown);
        }
      }
      await this.#make(changes, run, signal);
    });
    return run.end();
  }

  async #make(changes: readonly [number, Change][], run: WriteRun, signal: AbortSignal): Promise<void> {
    const requests = changes.map(([, { request }]) => request);
    const made = await this.#batching
      .change(requests, signal, this.#target.assertSafeToWrite)
      .catch((thrown: unknown) => {
        const error = IntegrationError.from(thrown);
        for (const repeatable of [false, true]) {
          const indexes = changes.filter(([, change]) => change.repeatable === repeatable).map(([index]) => index);
          if (indexes.length > 0) run.fail(indexes, error.outcomeUnknown ? new LostAnswer(error, repeatable) : error);
        }
        return [];
      });
    for (const [position, [index, { repeatable, resultOf }]] of changes.entries()) {
      const done = made[position];
      if (done === undefined) continue;
      try {
        run.results[index] = resultOf(done);
      } catch (thrown) {
        const error = IntegrationError.from(thrown);
        run.fail([index], error.outcomeUnknown ? new LostAnswer(error, repeatable) : error);
      }
    }
  }

  /** Whoever was looked for before another one was created would be created a second time. */
  #assertNew({ fields }: Item, created: Set<string>): void {
    const { keyFields } = this.#target;
    const identity = identityOf(this.#entity, fields, keyFields);
    if (created.has(identity)) throw twice(identity);
    created.add(identity);
  }

  #planWrite(item: Item, found: Entity | null): Change | WriteResult {
    const { set, preset } = this.#entity;
    const { record, fields } = item;
    if (found === null) {
      if (record.externalKey !== undefined && preset?.is_document !== true) throw gone(record.externalKey);
      if (!set.creatable) throw notThere(this.#entity.name);
      const created = (entity: Entity | null) => ({ outcome: 'created' as const, ...this.#createdKey(entity) });
      const repeatable = this.#entity.upserts === true;
      return { request: this.#creation(item), repeatable, resultOf: (done) => created(entityOf(done)) };
    }
    const externalKey = this.#keyOf(found);
    if (preset?.is_document === true || !set.updatable) {
      if (isSame(fields, found.data)) return { outcome: 'unchanged', externalKey };
      throw postedBefore(externalKey);
    }
    return {
      request: this.#modification(item, found),
      repeatable: this.#entity.upserts === true || found.version === undefined,
      resultOf: (done) => {
        entityOf(done);
        return { outcome: 'updated', externalKey };
      },
    };
  }

  #planRemoval({ record }: Item, found: Entity | null): Change | WriteResult {
    const { service, set, model } = this.#entity;
    if (found === null) return { outcome: 'deleted' };
    return {
      request: service.removal(set, found.data, model, this.#condition(record, found)),
      repeatable: true,
      resultOf: (done) => {
        if (!('error' in done) || done.error.code !== GONE) entityOf(done);
        return { outcome: 'deleted' };
      },
    };
  }

  #creation({ fields }: Item): ServiceRequest {
    const { service, set, model, upserts } = this.#entity;
    const data = withoutNothing(fields) as Data;
    if (upserts !== true) return service.creation(set, data, model);
    const isWhole = hasKey(set, data);
    const key = isWhole ? set.type.key : this.#target.keyFields;
    const keyAliases = isWhole ? set.type.keyAliases : new Map<string, string>();
    const type = { ...set.type, key, keyAliases };
    return service.modification({ ...set, type, isKeyNamed: !isWhole }, data, model);
  }

  #modification({ record, fields }: Item, found: Entity): ServiceRequest {
    const { service, set, model } = this.#entity;
    // What PUT does not name would become empty.
    const isWhole = model.version === 2 && service.options.updateMethod === 'PUT';
    const all = isWhole ? { ...found.data, ...fields } : fields;
    const own = Object.entries(all).filter(([name]) => !set.type.navigations.has(name));
    const change = { ...this.#condition(record, found), key: found.data };
    return service.modification(set, Object.fromEntries(own), model, change);
  }

  #condition(record: WriteRecord, found: Entity): { version?: string } {
    const version = record.version ?? found.version;
    return version === undefined ? {} : { version };
  }

  #find(
    items: readonly Item[],
    indexes: readonly number[],
    signal: AbortSignal,
  ): Promise<(Entity | null | IntegrationError)[]> {
    const data = indexes.map((index) => items[index]!.fields);
    return asked(findEntities(this.#entity, this.#batching, data, this.#target.keyFields, signal));
  }

  #prepared(record: WriteRecord): Item {
    return { record, fields: preparedData(this.#entity, record.data, this.#settings.sender) };
  }

  /** It is created, whatever the answer lacks. */
  #createdKey(created: Entity | null): { externalKey?: string } {
    try {
      return created === null ? {} : { externalKey: this.#keyOf(created) };
    } catch {
      return {};
    }
  }

  #keyOf({ data }: Entity): string {
    return externalKeyOf(this.#entity, data);
  }
}

/** A record, and its fields with our own key as the system keeps it. */
interface Item {
  record: WriteRecord;
  fields: Data;
}

/** A change that is wanted, and what its answer makes of the record. */
interface Change {
  request: ServiceRequest;
  /** Sending it again has the same effect. */
  repeatable: boolean;
  /** @throws what the service refused it with */
  resultOf(done: Changed): WriteResult;
}

function entityOf(done: Changed): Entity | null {
  if ('error' in done) throw done.error;
  return done.entity;
}

/** Positions of the records that go together. */
function groupsOf(records: readonly unknown[], size: number): number[][] {
  const groups: number[][] = [];
  for (let begin = 0; begin < records.length; begin += size) {
    groups.push(Array.from({ length: Math.min(size, records.length - begin) }, (_, n) => begin + n));
  }
  return groups;
}

function gone(key: string): IntegrationError {
  return new IntegrationError('conflict', GONE, phrase`Record ${key} is gone from the other system.`, {
    hint: 'Create it there again, or take it out of the mapping.',
  });
}

function notThere(name: string): IntegrationError {
  return new IntegrationError(
    'data',
    'PCP_ODATA_NOT_THERE',
    phrase`The system has no such record of "${name}", and creates none.`,
    {
      hint: 'Correct the key of the record, or create it there.',
    },
  );
}

function twice(identity: string): IntegrationError {
  const message = phrase`Another record of the same batch stands for the same one, ${identity}; the first one was sent.`;
  return new IntegrationError('data', 'PCP_DUPLICATE_KEY', message, {
    hint: 'Let each record have a key of its own.',
  });
}

function postedBefore(key: string): IntegrationError {
  const message = phrase`It was posted before as ${key}, with other values; a document cannot be changed.`;
  return new IntegrationError('data', 'PCP_ODATA_POSTED_BEFORE', message, {
    isFixed: true,
    hint: 'Cancel the document there, and post the corrected record under a key of its own.',
  });
}
