import { IntegrationError } from '../../../model/errors';
import { entityPath } from '../../../protocols/odata/address';
import type { Entity } from '../../../protocols/odata/entity';
import { GONE } from '../../../protocols/odata/fault';
import type { ServiceRequest } from '../../../protocols/odata/operations';
import type { DescribedWrite, Resolution, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import { inTermsOf, isSame, withoutNothing } from '../same-record';
import { isWritable, type SapEntity } from './catalogue';
import { findEntity, preparedData } from './lookup';
import type { SapSettings } from './settings';

type Data = Record<string, unknown>;

/** Writes the records of an entity one by one, a few at a time; each is looked for before it is posted. */
export class SapWriter implements Writer {
  readonly #entity: SapEntity;
  readonly #keyFields: readonly string[];
  readonly #settings: SapSettings;

  /** @throws config PCP_NOT_WRITABLE */
  constructor(entity: SapEntity, { keyFields }: Pick<WriteTarget, 'keyFields'>, settings: SapSettings) {
    this.#entity = entity;
    this.#keyFields = keyFields;
    this.#settings = settings;
    if (isWritable(entity)) return;
    throw new IntegrationError('config', 'PCP_NOT_WRITABLE', `"${entity.name}" cannot be written.`, {
      path: '/source_entity',
      hint: 'The service gives it for reading only.',
    });
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    return this.#each(records, signal, (record) => this.#write(record, signal));
  }

  async delete(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    const { set, name } = this.#entity;
    if (!set.deletable || this.#entity.preset?.is_document === true) {
      throw new IntegrationError('config', 'PCP_NOT_DELETABLE', `Records of "${name}" cannot be deleted.`, {
        hint: 'Cancel the document or mark it for deletion by a function of the service.',
      });
    }
    return this.#each(records, signal, (record) => this.#remove(record, signal));
  }

  async resolve(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    return Promise.all(
      records.map(async (record): Promise<Resolution> => {
        try {
          const found = await this.#find(record, signal);
          if (found === null) return { state: 'absent' };
          const { version } = found;
          const data = inTermsOf(record.data, this.#fieldsOf(record), found.data);
          return {
            state: 'found',
            externalKey: this.#keyOf(found),
            data,
            ...(version !== undefined && { version }),
          };
        } catch (thrown) {
          const error = IntegrationError.from(thrown);
          if (error.class !== 'data') throw error;
          return { state: 'unknown', error };
        }
      }),
    );
  }

  /** What `write` would do with a record now. */
  async describeWrite(record: WriteRecord, signal: AbortSignal): Promise<DescribedWrite> {
    const found = await this.#find(record, signal);
    const { service, set, preset } = this.#entity;
    const current = found?.data ?? null;
    if (found !== null && (preset?.is_document === true || !set.updatable)) return { current, request: null };
    const { method, path, headers, body } = found === null ? this.#creation(record) : this.#modification(record, found);
    const url = `${String(service.client.baseUrl).replace(/\/$/, '')}${service.options.path}/${path}`;
    return { current, request: { method, url, headers, body: body ?? null } };
  }

  async finish(): Promise<void> {
    // Every record is with the system when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  async #each(
    records: readonly WriteRecord[],
    signal: AbortSignal,
    work: (record: WriteRecord) => Promise<WriteResult>,
  ): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const run = new WriteRun(records.length, this.#settings.parallelWrites, signal);
    await run.each(
      records.map((_, index) => [index]),
      async ([index]) => {
        run.results[index!] = await work(records[index!]!);
      },
    );
    return run.end();
  }

  async #write(record: WriteRecord, signal: AbortSignal): Promise<WriteResult> {
    const { set, preset } = this.#entity;
    const found = await this.#find(record, signal);
    if (found === null) {
      if (record.externalKey !== undefined && preset?.is_document !== true) throw gone(record.externalKey);
      if (!set.creatable) throw notThere(this.#entity.name);
      const created = await this.#send(this.#creation(record), false, signal);
      return { outcome: 'created', ...this.#createdKey(created) };
    }
    const externalKey = this.#keyOf(found);
    if (preset?.is_document === true || !set.updatable) {
      if (isSame(this.#fieldsOf(record), found.data)) return { outcome: 'unchanged', externalKey };
      throw postedBefore(externalKey);
    }
    await this.#send(this.#modification(record, found), found.version === undefined, signal);
    return { outcome: 'updated', externalKey };
  }

  async #remove(record: WriteRecord, signal: AbortSignal): Promise<WriteResult> {
    const { service, set, model } = this.#entity;
    const found = await this.#find(record, signal);
    if (found === null) return { outcome: 'deleted' };
    const request = service.removal(set, found.data, model, this.#condition(record, found));
    await this.#send(request, true, signal).catch((thrown: unknown) => {
      if (!(thrown instanceof IntegrationError) || thrown.code !== GONE) throw thrown;
    });
    return { outcome: 'deleted' };
  }

  #creation(record: WriteRecord): ServiceRequest {
    const { service, set, model } = this.#entity;
    return service.creation(set, withoutNothing(this.#fieldsOf(record)) as Data, model);
  }

  #modification(record: WriteRecord, found: Entity): ServiceRequest {
    const { service, set, model } = this.#entity;
    const fields = Object.entries(this.#fieldsOf(record)).filter(([name]) => !set.type.navigations.has(name));
    const change = { ...this.#condition(record, found), key: found.data };
    return service.modification(set, Object.fromEntries(fields), model, change);
  }

  #condition(record: WriteRecord, found: Entity): { version?: string } {
    const version = record.version ?? found.version;
    return version === undefined ? {} : { version };
  }

  #find(record: WriteRecord, signal: AbortSignal): Promise<Entity | null> {
    return findEntity(this.#entity, record.data, this.#keyFields, this.#settings.sender, signal);
  }

  #fieldsOf({ data }: WriteRecord): Data {
    return preparedData(this.#entity, data, this.#settings.sender);
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
    const { set, model } = this.#entity;
    return decodeURIComponent(entityPath(set, data, model)).slice(set.name.length);
  }

  /** @throws LostAnswer where it is not known what became of the request */
  async #send(request: ServiceRequest, repeatable: boolean, signal: AbortSignal): Promise<Entity | null> {
    const { service, set } = this.#entity;
    try {
      return await service.change(request, set, signal);
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      throw error.outcomeUnknown ? new LostAnswer(error, repeatable) : error;
    }
  }
}

function gone(key: string): IntegrationError {
  return new IntegrationError('conflict', GONE, `Record ${key} is gone from the other system.`, {
    hint: 'Create it there again, or take it out of the mapping.',
  });
}

function notThere(name: string): IntegrationError {
  return new IntegrationError('data', 'PCP_SAP_NOT_THERE', `SAP has no such record of "${name}", and creates none.`, {
    hint: 'Correct the key of the record, or create it there.',
  });
}

function postedBefore(key: string): IntegrationError {
  const message = `It was posted before as ${key}, with other values; a document cannot be changed.`;
  return new IntegrationError('data', 'PCP_SAP_POSTED_BEFORE', message, {
    hint: 'Cancel the document in SAP, and post the corrected record under a key of its own.',
  });
}
