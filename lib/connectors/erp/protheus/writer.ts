import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { refuseWebPage } from '../../../protocols/http/web-page';
import type { DescribedWrite, Resolution, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import type { Catalogue, ProtheusEntity } from './catalogue';
import { ModelRecords } from './models/records';
import { PostedRows } from './posted-rows';
import { ApiRecords, type Found, type Records, type WriteRequest } from './records';

/** Writes records one by one, few at a time; each is looked for before it is posted. */
export class ProtheusWriter implements Writer {
  readonly #records: Records;

  /** @throws config PCP_NOT_WRITABLE */
  constructor(
    private readonly catalogue: Catalogue,
    entity: ProtheusEntity,
    private readonly target: Pick<WriteTarget, 'keyFields' | 'assertSafeToWrite'>,
  ) {
    this.#records = recordsOf(catalogue, entity, target.keyFields);
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    return this.#each(records, signal, (record) => this.#write(record, signal));
  }

  async delete(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    return this.#each(records, signal, (record) => this.#remove(record, signal));
  }

  /** What identifies it there is known before it is sent. */
  ownKey({ data }: WriteRecord): string {
    return this.#records.keyOf(this.#records.fieldsOf(data));
  }

  async resolve(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    const resolutions: Resolution[] = [];
    for (const record of records) resolutions.push(await this.#resolve(record, signal));
    return resolutions;
  }

  /** What `write` would do with a record now. */
  async describeWrite(record: WriteRecord, signal: AbortSignal): Promise<DescribedWrite> {
    const records = this.#records;
    const data = records.fieldsOf(record.data);
    const found = await records.find(data, signal);
    const current = found?.data ?? null;
    const request = found === null ? await records.creation(data, signal) : records.isDocument ? null : found.change();
    if (request === null) return { current, request };
    const { method = '', target, headers = {}, body } = request;
    const url = `${String(this.catalogue.session.client.baseUrl).replace(/\/$/, '')}${String(target)}`;
    return { current, request: { method, url, headers, body: body === undefined ? null : String(body) } };
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
    // The threads and licences of a REST server are few.
    const run = new WriteRun(records.length, this.catalogue.settings.http.maxConcurrency ?? 1, signal, this.target);
    await run.each(
      records.map((_, index) => [index]),
      async ([index]) => {
        run.results[index!] = await work(records[index!]!);
      },
    );
    return run.end();
  }

  async #write(record: WriteRecord, signal: AbortSignal): Promise<WriteResult> {
    const records = this.#records;
    const data = records.fieldsOf(record.data);
    const found = await records.find(data, signal);
    const key = records.keyOf(data);
    if (isReversed(found)) throw reversed(key);
    if (found === null) {
      await this.#send(await records.creation(data, signal), false, signal);
      return { outcome: 'created', externalKey: key };
    }
    const change = found.change();
    if (change === null) return { outcome: 'unchanged', externalKey: key };
    if (records.isDocument) throw postedBefore(key);
    await this.#send(change, true, signal);
    return { outcome: 'updated', externalKey: key };
  }

  async #remove(record: WriteRecord, signal: AbortSignal): Promise<WriteResult> {
    const records = this.#records;
    const found = await records.find(records.fieldsOf(record.data), signal);
    if (found === null || isReversed(found)) return { outcome: 'deleted' };
    await this.#send(found.removal(), true, signal).catch((thrown: unknown) => {
      if (!(thrown instanceof IntegrationError) || !records.isGone(thrown)) throw thrown;
    });
    return { outcome: 'deleted' };
  }

  async #resolve(record: WriteRecord, signal: AbortSignal): Promise<Resolution> {
    try {
      const records = this.#records;
      const data = records.fieldsOf(record.data);
      const found = await records.find(data, signal);
      if (found === null) return { state: 'absent' };
      return { state: 'found', externalKey: records.keyOf(data), data: found.inTermsOf(record.data) };
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (error.class !== 'data') throw error;
      return { state: 'unknown', error };
    }
  }

  /** @throws LostAnswer where it is not known what became of the request */
  async #send(request: WriteRequest, repeatable: boolean, signal: AbortSignal): Promise<void> {
    const { assertSafeToWrite: beforeSend } = this.target;
    try {
      const response = await this.catalogue.session.ask({ ...request, signal, ...(beforeSend && { beforeSend }) });
      refuseWebPage(response);
      response.discard();
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      throw error.outcomeUnknown ? new LostAnswer(error, repeatable) : error;
    }
  }
}

/** @throws config PCP_NOT_WRITABLE */
function recordsOf(catalogue: Catalogue, entity: ProtheusEntity, keyFields: readonly string[]): Records {
  if (entity.kind === 'model')
    return new ModelRecords(catalogue, entity, keyFields.length > 0 ? keyFields : entity.key);
  if (entity.kind === 'table' && entity.preset?.posting !== undefined)
    return new PostedRows(catalogue, entity, entity.preset.posting);
  if (entity.kind === 'api' && entity.preset.writes !== undefined) return new ApiRecords(catalogue, entity);
  throw new IntegrationError('config', 'PCP_NOT_WRITABLE', phrase`"${entity.name}" cannot be written.`, {
    path: '/source_entity',
    hint: 'Tables are read only: write by a model that is published ("fwmodel/..."), or call a routine of your own by the operation "request".',
  });
}

function isReversed(found: Found | null): boolean {
  return found?.data.ReversedReport === true;
}

/** Posted again, it would undo what somebody decided there. */
function reversed(key: string): IntegrationError {
  const message = phrase`It was posted as ${key}, and reversed in Protheus.`;
  return new IntegrationError('data', 'PCP_PROTHEUS_REVERSED', message, {
    hint: 'Discard it; or post it under a key of its own, when it is to count after all.',
  });
}

function postedBefore(key: string): IntegrationError {
  const message = phrase`It was posted before as ${key}, with other values; a document cannot be changed.`;
  return new IntegrationError('data', 'PCP_PROTHEUS_POSTED_BEFORE', message, {
    isFixed: true,
    hint: 'Reverse it in Protheus, and post the corrected record under a key of its own.',
  });
}
