import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
import type {
  DescribedRequest,
  DescribedWrite,
  Resolution,
  WriteRecord,
  WriteResult,
  Writer,
  WriteTarget,
} from '../../contract';
import { WriteRun } from '../../write-run';
import { inTermsOf, isAlike, isHeld } from './alike';
import { ask, GONE, readDocument } from './answer';
import { bulkResults, leavesNothing, refusedResults } from './bulk';
import { isFoundByUpdate } from './guarantee';
import { judged, unknown } from './judgement';
import { type Found, findRecord } from './lookup';
import { absent, missing, nameless, overtaken, unchangeable } from './not-written';
import { valueAt } from './pointer';
import { ownKeyOf } from './recognise';
import { Sender } from './sender';
import type { RestEntity, RestSettings } from './settings';
import { plainText } from './template';
import {
  addressOf,
  bulkRequest,
  described,
  type Known,
  needsId,
  type RequestMaker,
  requestMaker,
  valuesOf,
  type WriteRequest,
} from './write-request';

const DEFAULT_BULK_SIZE = 100;

/** What is to be done with a record. */
type Step =
  | { operation: 'create' }
  | { operation: 'update'; known: Known; orCreate: boolean }
  | { operation: 'none'; result: WriteResult };

/** Writes the records of an entity: one request each, several at a time, or many with one request. */
export class RestWriter implements Writer {
  readonly #client: HttpClient;
  readonly #entity: RestEntity;
  readonly #target: Pick<WriteTarget, 'keyFields' | 'assertSafeToWrite'>;
  readonly #concurrency: number;
  readonly #sender: Sender;
  readonly #makers: Partial<Record<'create' | 'update' | 'delete', RequestMaker>> = {};

  /** @throws config PCP_NOT_WRITABLE */
  constructor(
    client: HttpClient,
    entity: RestEntity,
    target: Pick<WriteTarget, 'keyFields' | 'assertSafeToWrite'>,
    settings: RestSettings,
  ) {
    this.#client = client;
    this.#entity = entity;
    this.#target = target;
    this.#concurrency = settings.maxConcurrency;
    this.#sender = new Sender(client, target, settings.secrets);
    for (const operation of ['create', 'update', 'delete'] as const) {
      if (entity[operation] !== undefined) this.#makers[operation] = requestMaker(entity, operation);
    }
    if (entity.create ?? entity.update ?? entity.bulk) return;
    throw new IntegrationError('config', 'PCP_NOT_WRITABLE', phrase`"${entity.name}" cannot be written.`, {
      path: `/config/entities/${entity.name}`,
      hint: 'Add "create", "update" or "bulk" to the entity.',
    });
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    signal.throwIfAborted();
    const run = new WriteRun(records.length, this.#concurrency, signal, this.#target);
    const all = [...records.keys()];
    const { bulk } = this.#entity;
    if (bulk?.upsert === true) {
      await this.#writeTogether(run, records, all, signal);
      return run.end();
    }
    const together: number[] = [];
    await run.each(chunks(all, 1), ([index]) => this.#writeAlone(run, records, index!, together, signal));
    await this.#writeTogether(run, records, together, signal);
    return run.end();
  }

  async delete(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    signal.throwIfAborted();
    if (this.#entity.delete === undefined) throw this.#lacks('delete');
    const run = new WriteRun(records.length, this.#concurrency, signal, this.#target);
    const each = chunks([...records.keys()], 1);
    await run.each(each, async ([index]) => {
      run.results[index!] = await this.#remove(records[index!]!, signal);
    });
    return run.end();
  }

  async resolve(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]> {
    signal.throwIfAborted();
    return Promise.all(records.map((record) => this.#resolve(record, signal)));
  }

  /** What `write` would do with a record now. */
  async describeWrite(record: WriteRecord, signal: AbortSignal): Promise<DescribedWrite> {
    const found = this.#entity.lookup === undefined ? undefined : await this.#find(record, signal);
    const request = await this.#describedRequest(record, found, signal);
    const current = found === null ? null : found?.data;
    return { current, request, unchanged: request === null };
  }

  async #describedRequest(
    record: WriteRecord,
    found: Found | null | undefined,
    signal: AbortSignal,
  ): Promise<DescribedRequest | null> {
    if (this.#entity.bulk?.upsert === true) return described(this.#client, bulkRequest(this.#entity, [record]));
    const step = await this.#step(record, signal, found);
    if (step.operation === 'none') {
      if ('error' in step.result) throw step.result.error;
      return null;
    }
    if (step.operation === 'create' && this.#entity.bulk !== undefined) {
      return described(this.#client, bulkRequest(this.#entity, [record]));
    }
    const known = step.operation === 'update' ? await this.#versioned(record, step.known, signal) : {};
    return described(this.#client, this.#makers[step.operation]!(record, known ?? {}));
  }

  ownKey({ data }: WriteRecord): string | undefined {
    return ownKeyOf(data, this.#target.keyFields);
  }

  async finish(): Promise<void> {
    // Every record is with the API when it is written.
  }

  async abandon(): Promise<void> {
    // As for finish: there is nothing to take back.
  }

  /**
   * Looks before it creates, so that a repeated write finds what the first one made.
   * @param looked what was found when somebody has looked already
   */
  #step(record: WriteRecord, signal: AbortSignal, looked?: Found | null): Step | Promise<Step> {
    const { create, update, bulk, lookup } = this.#entity;
    const canCreate = create !== undefined || bulk !== undefined;
    const { externalKey, version } = record;
    if (externalKey !== undefined && update !== undefined) {
      return { operation: 'update', known: { id: externalKey, version }, orCreate: false };
    }
    if (externalKey !== undefined) return { operation: 'none', result: { outcome: 'failed', error: unchangeable() } };
    if (lookup !== undefined) {
      if (looked !== undefined) return this.#whenLooked(record, looked);
      return this.#find(record, signal).then((found) => this.#whenLooked(record, found));
    }
    if (update !== undefined && !needsId(update, record)) {
      return { operation: 'update', known: { version }, orCreate: canCreate };
    }
    // Created before, under a name that the API did not tell: another create would make a second one.
    if (record.wasWritten === true) return { operation: 'none', result: { outcome: 'failed', error: nameless() } };
    if (canCreate) return { operation: 'create' };
    throw new IntegrationError(
      'config',
      'PCP_REST_ID',
      phrase`"${this.#entity.name}" needs to know what the API calls a record.`,
      {
        path: `/config/entities/${this.#entity.name}/update/path`,
        hint: 'Add "lookup" to the entity, or use fields of the record in the path of "update".',
      },
    );
  }

  #whenLooked(record: WriteRecord, found: Found | null): Step {
    if (found !== null) return this.#whenFound(record, found);
    if ((this.#entity.create ?? this.#entity.bulk) !== undefined) return { operation: 'create' };
    return { operation: 'none', result: { outcome: 'failed', error: missing() } };
  }

  #whenFound(record: WriteRecord, found: Found): Step {
    const { update, lookup } = this.#entity;
    const { id, version } = found;
    const known = { id, version: record.version ?? version };
    // What a template adds is not seen, and what a late look-up shows may be the past.
    const isJudged = update === undefined || (update.body === undefined && lookup?.consistency !== 'eventual');
    const isSame = Object.entries(record.data).every(([name, value]) => {
      const held = found.data[name];
      // Where it cannot be changed anyway, what the API does not show counts as equal.
      return held === undefined ? update === undefined : isAlike(value, held);
    });
    if (!isJudged || (!isSame && update !== undefined)) return { operation: 'update', known, orCreate: false };
    const result: WriteResult = isSame
      ? { outcome: 'unchanged', ...(id !== undefined && { externalKey: id }) }
      : { outcome: 'failed', error: unchangeable() };
    return { operation: 'none', result };
  }

  async #create(record: WriteRecord, signal: AbortSignal): Promise<WriteResult> {
    const setting = this.#entity.create!;
    const { said } = await this.#sender.send(this.#makers.create!(record, {}), setting, signal);
    return 'outcome' in said ? said : judged(said, setting, 'created');
  }

  /** @returns null when the API does not have the record */
  async #update(record: WriteRecord, known: Known, signal: AbortSignal): Promise<WriteResult | null> {
    const setting = this.#entity.update!;
    const versioned = await this.#versioned(record, known, signal);
    if (versioned === null) return null;
    const request = this.#makers.update!(record, versioned);
    const answer = await this.#sender.send(request, setting, signal, GONE).catch((thrown: unknown) => {
      if (isOutdated(request, thrown)) return thrown;
      throw thrown;
    });
    if (answer instanceof IntegrationError) return this.#whenOutdated(record, versioned, answer, signal);
    const { status, said } = answer;
    if (GONE.includes(status)) return null;
    if ('outcome' in said) return said;
    const { id } = known;
    const result = judged(said, setting, status === 201 ? 'created' : 'updated');
    return id === undefined || 'error' in result ? result : { externalKey: id, ...result };
  }

  /**
   * What is refused for its version may be what the API holds already, since an earlier request of the same change, whose answer
   * was lost, took place late.
   * @returns null when the API does not have the record any more
   */
  async #whenOutdated(
    record: WriteRecord,
    known: Known,
    refusal: IntegrationError,
    signal: AbortSignal,
  ): Promise<WriteResult | null> {
    const held = await this.#held(record, known, signal);
    if (held === null) return null;
    const { id } = known;
    if (isHeld(record.data, held)) return { outcome: 'updated', ...(id !== undefined && { externalKey: id }) };
    if (record.wasSent !== true) throw refusal;
    return { outcome: 'failed', error: overtaken(refusal, record.idempotencyKey) };
  }

  /** What the API has of a record now. */
  async #held(record: WriteRecord, known: Known, signal: AbortSignal): Promise<Record<string, unknown> | null> {
    if (this.#entity.lookup !== undefined) return (await this.#find(record, signal))?.data ?? null;
    const { headers = {}, update } = this.#entity;
    const response = await ask(this.#client, { target: addressOf(update!, record, known), headers, signal }, GONE);
    if (response === null) return null;
    const held = valueAt(await readDocument(response), update!.wrap ?? '');
    return typeof held === 'object' && held !== null ? (held as Record<string, unknown>) : {};
  }

  async #remove(record: WriteRecord, signal: AbortSignal): Promise<WriteResult> {
    const setting = this.#entity.delete!;
    const found =
      record.externalKey === undefined && this.#entity.lookup !== undefined
        ? await this.#find(record, signal)
        : undefined;
    if (found === null) return { outcome: 'deleted' };
    const named = { id: record.externalKey ?? found?.id, version: record.version ?? found?.version };
    const known = await this.#versioned(record, named, signal);
    if (known === null) return { outcome: 'deleted' };
    const request = this.#makers.delete!(record, known);
    const { status, said } = await this.#sender.send(request, setting, signal, GONE);
    if (GONE.includes(status)) return { outcome: 'deleted' };
    return 'outcome' in said ? said : judged(said, setting, 'deleted');
  }

  /** @param together gets the record when it is new and goes with others */
  async #writeAlone(
    run: WriteRun,
    records: readonly WriteRecord[],
    index: number,
    together: number[],
    signal: AbortSignal,
  ): Promise<void> {
    const record = records[index]!;
    const step = await this.#step(record, signal);
    const done = step.operation === 'update' ? await this.#update(record, step.known, signal) : null;
    if (done !== null) run.results[index] = done;
    else if (step.operation === 'none') run.results[index] = step.result;
    else if (step.operation === 'update' && !step.orCreate) throw absent(step.known.id);
    else if (this.#entity.bulk !== undefined) together.push(index);
    else run.results[index] = await this.#create(record, signal);
  }

  async #writeTogether(
    run: WriteRun,
    records: readonly WriteRecord[],
    indexes: readonly number[],
    signal: AbortSignal,
  ): Promise<void> {
    const { bulk, lookup } = this.#entity;
    if (bulk === undefined || indexes.length === 0) return;
    const send = async (chunk: readonly number[]): Promise<void> => {
      const some = chunk.map((index) => records[index]!);
      const set = (results: readonly WriteResult[]) =>
        chunk.forEach((index, position) => {
          run.results[index] = results[position];
        });
      let request: WriteRequest;
      try {
        request = bulkRequest(this.#entity, some);
      } catch (error) {
        if (chunk.length === 1) throw error;
        // One that cannot be written keeps no other from being sent.
        return run.each(chunks(chunk, Math.ceil(chunk.length / 2)), send);
      }
      const answer = await this.#sender.answer(request, signal);
      if (answer.response.ok) {
        const said = this.#sender.saidIn(answer, bulk);
        set('outcome' in said ? some.map(() => said) : bulkResults(said, bulk, some));
        return;
      }
      const error = await this.#sender.refusal(request, answer, bulk);
      if (!(error instanceof IntegrationError) || !['data', 'conflict'].includes(error.class) || chunk.length === 1) {
        throw error;
      }
      let left: number[] = [];
      const told = refusedResults(this.#sender.wordsOf(answer), bulk, some);
      if (leavesNothing(bulk, answer.response.status)) left = [...chunk];
      else if (told !== null) set(told);
      else if (lookup !== undefined && lookup.consistency !== 'eventual') {
        await run.each(chunks(chunk, 1), async ([index]) => {
          await this.#writeAlone(run, records, index!, left, signal);
          // It was not there before.
          const { outcome, ...found } = run.results[index!] ?? {};
          if (outcome === 'unchanged') run.results[index!] = { ...found, outcome: 'created' };
        });
      } else
        set(some.map(() => unknown(phrase`${error.said} Some of its ${some.length} records may have been written`)));
      // Halved until the record that it was refused for stands alone.
      if (left.length > 0) await run.each(chunks(left, Math.ceil(left.length / 2)), send);
    };
    await run.each(chunks(indexes, bulk.size ?? DEFAULT_BULK_SIZE), send);
  }

  async #resolve(record: WriteRecord, signal: AbortSignal): Promise<Resolution> {
    // What is there by then is found by the update, which goes before the next create.
    if (isFoundByUpdate(this.#entity)) return { state: 'absent' };
    if (this.#entity.lookup === undefined) return { state: 'unknown', error: this.#lacks('lookup') };
    try {
      const found = await this.#find(record, signal);
      if (found === null) return { state: 'absent' };
      const { id, version, data } = found;
      return {
        state: 'found',
        data: inTermsOf(record.data, data),
        ...(id !== undefined && { externalKey: id }),
        ...(version !== undefined && { version }),
      };
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (error.class !== 'data') throw error;
      return { state: 'unknown', error };
    }
  }

  #find(record: WriteRecord, signal: AbortSignal): Promise<Found | null> {
    const key = Object.fromEntries(this.#target.keyFields.map((name) => [name, record.data[name]]));
    return findRecord(this.#client, this.#entity, key, valuesOf(record, { id: record.externalKey }), signal);
  }

  /** With the version that the record has now, where changes depend on it; null when it is gone. */
  async #versioned(record: WriteRecord, known: Known, signal: AbortSignal): Promise<Known | null> {
    const { etag, update, delete: remove, headers = {} } = this.#entity;
    if (!etag || known.version !== undefined) return known;
    const target = addressOf((update ?? remove)!, record, known);
    const response = await ask(this.#client, { target, headers, signal }, GONE);
    if (response === null) return null;
    if (etag === true) {
      response.discard();
      return { ...known, version: response.headers.etag };
    }
    const version = valueAt(await readDocument(response), etag);
    return { ...known, version: plainText(version) };
  }

  #lacks(what: string): IntegrationError {
    return new IntegrationError('config', 'PCP_REST_LACKS', phrase`"${this.#entity.name}" has no "${what}".`, {
      path: `/config/entities/${this.#entity.name}/${what}`,
      hint: `Add "${what}" to the entity.`,
    });
  }
}

function isOutdated({ headers }: WriteRequest, thrown: unknown): thrown is IntegrationError {
  return thrown instanceof IntegrationError && thrown.class === 'conflict' && headers['if-match'] !== undefined;
}

function chunks(indexes: readonly number[], size: number): number[][] {
  const result: number[][] = [];
  for (let from = 0; from < indexes.length; from += size) result.push(indexes.slice(from, from + size));
  return result;
}
