import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpRequest } from '../../../protocols/http/client';
import { refuseWebPage } from '../../../protocols/http/web-page';
import type { Json } from '../../../protocols/totvs/answer';
import { NOT_FOUND } from '../../../protocols/totvs/fault';
import type { DescribedWrite, Resolution, WriteRecord, WriteResult, Writer, WriteTarget } from '../../contract';
import { LostAnswer, WriteRun } from '../../write-run';
import { externalKey } from '../external-key';
import { inTermsOf, isSame, withoutNothing } from '../same-record';
import type { ApiEntity, Catalogue, ProtheusEntity } from './catalogue';
import { addressOf, findRecord } from './lookup';
import { bodyOf, withOurMoments } from './record';

const JSON_BODY = { 'content-type': 'application/json' };

/** Writes the records of an API one by one, few at a time; each is looked for before it is posted. */
export class ProtheusWriter implements Writer {
  readonly #entity: ApiEntity;

  /** @throws config PCP_NOT_WRITABLE */
  constructor(
    private readonly catalogue: Catalogue,
    entity: ProtheusEntity,
    private readonly target: Pick<WriteTarget, 'assertSafeToWrite'>,
  ) {
    if (entity.kind === 'api' && entity.preset.writes !== undefined) {
      this.#entity = entity;
      return;
    }
    throw new IntegrationError('config', 'PCP_NOT_WRITABLE', phrase`"${entity.name}" cannot be written.`, {
      path: '/source_entity',
      hint: 'Tables are read only; a routine of your own that writes is called by the operation "request".',
    });
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    return this.#each(records, signal, (record) => this.#write(record, signal));
  }

  async delete(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    return this.#each(records, signal, (record) => this.#remove(record, signal));
  }

  async resolve(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    const resolutions: Resolution[] = [];
    for (const record of records) resolutions.push(await this.#resolve(record, signal));
    return resolutions;
  }

  /** What `write` would do with a record now. */
  async describeWrite(record: WriteRecord, signal: AbortSignal): Promise<DescribedWrite> {
    const data = this.#fieldsOf(record);
    const current = await this.#find(data, signal);
    if (current !== null && this.#entity.preset.writes === 'document') return { current, request: null };
    const { method = '', target, headers = {}, body } = this.#request(data, current !== null);
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
    const data = this.#fieldsOf(record);
    const isDocument = this.#entity.preset.writes === 'document';
    const found = await this.#find(data, signal);
    const key = this.#keyOf(data);
    if (isReversed(found)) throw reversed(key);
    if (found !== null && isSame(data, found)) return { outcome: 'unchanged', externalKey: key };
    if (found !== null && isDocument) throw postedBefore(key);
    await this.#send(this.#request(data, found !== null), !isDocument && found !== null, signal);
    return { outcome: found === null ? 'created' : 'updated', externalKey: key };
  }

  async #remove(record: WriteRecord, signal: AbortSignal): Promise<WriteResult> {
    const { preset } = this.#entity;
    const data = this.#fieldsOf(record);
    const found = await this.#find(data, signal);
    if (found === null || isReversed(found)) return { outcome: 'deleted' };
    const target = `${addressOf(this.#entity, data)}${preset.writes === 'document' ? '/reversal' : ''}`;
    await this.#send({ method: 'DELETE', target }, true, signal).catch((thrown: unknown) => {
      if (!(thrown instanceof IntegrationError) || thrown.code !== NOT_FOUND) throw thrown;
    });
    return { outcome: 'deleted' };
  }

  async #resolve(record: WriteRecord, signal: AbortSignal): Promise<Resolution> {
    try {
      const data = this.#fieldsOf(record);
      const found = await this.#find(data, signal);
      if (found === null) return { state: 'absent' };
      return { state: 'found', externalKey: this.#keyOf(data), data: inTermsOf(record.data, data, found) };
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (error.class !== 'data') throw error;
      return { state: 'unknown', error };
    }
  }

  #request(data: Json, isChange: boolean): Omit<HttpRequest, 'signal'> {
    const { path, preset } = this.#entity;
    const body = bodyOf(isChange ? data : (withoutNothing(data) as Json), preset);
    if (isChange) return { method: 'PUT', target: addressOf(this.#entity, data), headers: JSON_BODY, body };
    return { method: 'POST', target: path, headers: JSON_BODY, body };
  }

  async #find(data: Json, signal: AbortSignal): Promise<Json | null> {
    const found = await findRecord(this.catalogue, this.#entity, data, this.#entity.key, signal);
    return found && withOurMoments(found, data, this.#entity.preset);
  }

  /** The fields of a record with our own key as the system keeps it. */
  #fieldsOf({ data }: WriteRecord): Json {
    const { external_key: field } = this.#entity.preset;
    const value = field === undefined ? undefined : data[field];
    if (field === undefined || value === undefined || value === null || value === '') return data;
    const { stopKeyLength: length, sender } = this.catalogue.settings;
    return { ...data, [field]: externalKey(value, { form: 'short', length }, sender) };
  }

  #keyOf(data: Json): string {
    return this.#entity.key.map((name) => String(data[name] ?? '')).join('/');
  }

  /** @throws LostAnswer where it is not known what became of the request */
  async #send(request: Omit<HttpRequest, 'signal'>, repeatable: boolean, signal: AbortSignal): Promise<void> {
    try {
      const response = await this.catalogue.session.ask({ ...request, signal });
      refuseWebPage(response);
      response.discard();
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      throw error.outcomeUnknown ? new LostAnswer(error, repeatable) : error;
    }
  }
}

function isReversed(found: Json | null): boolean {
  return found?.ReversedReport === true;
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
    hint: 'Reverse it in Protheus, and post the corrected record under a key of its own.',
  });
}
