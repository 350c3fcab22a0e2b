import { IntegrationError } from '../../model/errors';
import { type BatchFormat, type ItemAnswer, sendBatch, UNCLEAR } from './batch';
import type { Entity } from './entity';
import { GONE } from './fault';
import { type Page, pageOfPart, readPart } from './feed';
import type { EntitySet, ServiceModel } from './model';
import type { ServiceRequest } from './operations';
import type { Query } from './query';
import type { BeforeSend, ODataService } from './service';

/** What became of a change: what the service made of the entity, null where it does not say. */
export type Changed = { entity: Entity | null } | { error: IntegrationError };

/** How several requests go out: as one batch of either notation, or one by one. */
type Form = BatchFormat | 'single';

/** What is tried after one that the service does not know. */
const NEXT = { json: 'json-relative', 'json-relative': 'multipart', multipart: 'single' } as const;

/** Requests that do not depend on each other, many sent as one as far as the service takes it. */
export class Batching {
  #form: Form;
  /** It has found what was asked for in this form. */
  #isKnown = false;
  /** Some services know changes in a batch only. */
  #readsApart = false;

  constructor(
    readonly service: ODataService,
    readonly set: EntitySet,
    private readonly model: ServiceModel,
  ) {
    this.#form = service.options.batchFormat ?? (model.version === 4 ? 'json' : 'multipart');
  }

  /** The first page of each query. @throws what the first that fails was refused with */
  async pages(queries: readonly Query[], signal: AbortSignal): Promise<Page[]> {
    const answers = this.#readsApart ? null : await this.#pagesTogether(queries, signal);
    if (answers !== null) return answers;
    const pages: Page[] = [];
    for (const query of queries) pages.push(await this.service.page(this.set, query, signal));
    return pages;
  }

  async #pagesTogether(queries: readonly Query[], signal: AbortSignal): Promise<Page[] | null> {
    const requests = queries.map((query) => this.service.question(this.set, query, this.model));
    const items = await this.#together(requests, signal).catch((thrown: unknown) => {
      if (IntegrationError.from(thrown).code !== UNCLEAR) throw thrown;
      return null;
    });
    const pages: Page[] = [];
    for (const item of items ?? []) {
      const isUnclear = 'error' in item && item.error.code === UNCLEAR;
      if ('error' in item && !isUnclear) throw item.error;
      if ('answers' in item) {
        pages.push(pageOfPart(item.answers[0]!, this.service.address, this.set.type, this.model));
      }
    }
    if (pages.length === queries.length) {
      for (const { entities } of pages) await this.service.complete(entities, signal);
      return pages;
    }
    this.#readsApart = true;
    return null;
  }

  /**
   * Makes changes.
   * @param beforeSend as that of each request which carries some of them
   * @returns for each request what became of it; undefined = not sent, since those before it showed an outage
   * @throws what is about all of them; `outcomeUnknown` tells whether they may have been made
   */
  async change(
    requests: readonly ServiceRequest[],
    signal: AbortSignal,
    beforeSend?: BeforeSend,
  ): Promise<(Changed | undefined)[]> {
    const items = await this.#together(requests, signal, beforeSend);
    if (items === null) return this.#oneByOne(requests, signal, beforeSend);
    return items.map((item): Changed => {
      if ('error' in item) return item;
      try {
        return { entity: readPart(item.answers[0]!, this.service.address, this.set.type, this.model) };
      } catch (thrown) {
        return { error: IntegrationError.from(thrown) };
      }
    });
  }

  /** Null where they have to go out one by one. */
  async #together(
    requests: readonly ServiceRequest[],
    signal: AbortSignal,
    beforeSend?: BeforeSend,
  ): Promise<ItemAnswer[] | null> {
    for (let form = this.#form; requests.length > 1 && form !== 'single'; form = this.#form) {
      try {
        const answers = await sendBatch(this.service, requests, signal, form, beforeSend);
        this.#isKnown ||= !answers.every(isNotFound);
        if (this.#isKnown) return answers;
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
      }
      // Nothing was done: the service does not know this notation, or no batches at all.
      // Others may have found that out meanwhile.
      if (this.#form === form) this.#form = NEXT[form];
    }
    return null;
  }

  async #oneByOne(
    requests: readonly ServiceRequest[],
    signal: AbortSignal,
    beforeSend?: BeforeSend,
  ): Promise<(Changed | undefined)[]> {
    const results: (Changed | undefined)[] = requests.map(() => undefined);
    for (const [index, request] of requests.entries()) {
      try {
        results[index] = { entity: await this.service.change(request, this.set, signal, beforeSend) };
      } catch (thrown) {
        const error = IntegrationError.from(thrown);
        results[index] = { error };
        if (!['data', 'conflict', 'permission'].includes(error.class)) break;
      }
    }
    return results;
  }
}

function isNotFound(answer: ItemAnswer): boolean {
  return 'error' in answer && ['PCP_HTTP_NOT_FOUND', GONE].includes(answer.error.code);
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof IntegrationError && !thrown.outcomeUnknown && ['data', 'config'].includes(thrown.class);
}
