import { IntegrationError } from '../../model/errors';
import { sendBatch } from './batch';
import type { Entity } from './entity';
import { readPart } from './feed';
import type { EntitySet, ServiceModel } from './model';
import type { ServiceRequest } from './operations';
import type { ODataService } from './service';

/** What became of a change: what the service made of the entity, null where it does not say. */
export type Changed = { entity: Entity | null } | { error: IntegrationError };

/** How several changes go out: as one batch of either notation, or one by one. */
type Form = 'json' | 'multipart' | 'single';

/** Makes changes that do not depend on each other, many with one request as far as the service takes it. */
export class Changes {
  #form: Form;

  constructor(
    private readonly service: ODataService,
    private readonly set: EntitySet,
    private readonly model: ServiceModel,
  ) {
    this.#form = model.version === 4 ? 'json' : 'multipart';
  }

  /**
   * @returns for each request what became of it; undefined = not sent, since those before it showed an outage
   * @throws what is about all of them; `outcomeUnknown` tells whether they may have been made
   */
  async make(requests: readonly ServiceRequest[], signal: AbortSignal): Promise<(Changed | undefined)[]> {
    while (requests.length > 1 && this.#form !== 'single') {
      try {
        return await this.#together(requests, this.#form, signal);
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        // Nothing was done: the service does not know this notation, or no batches at all.
        this.#form = this.#form === 'json' ? 'multipart' : 'single';
      }
    }
    return this.#each(requests, signal);
  }

  async #together(requests: readonly ServiceRequest[], form: 'json' | 'multipart', signal: AbortSignal) {
    const items = await sendBatch(this.service, requests, signal, form);
    return items.map((item): Changed => {
      if ('error' in item) return item;
      try {
        return { entity: readPart(item.answers[0]!, this.set.type, this.model) };
      } catch (thrown) {
        return { error: IntegrationError.from(thrown) };
      }
    });
  }

  async #each(requests: readonly ServiceRequest[], signal: AbortSignal): Promise<(Changed | undefined)[]> {
    const results: (Changed | undefined)[] = requests.map(() => undefined);
    for (const [index, request] of requests.entries()) {
      try {
        results[index] = { entity: await this.service.change(request, this.set, signal) };
      } catch (thrown) {
        const error = IntegrationError.from(thrown);
        results[index] = { error };
        if (!['data', 'conflict', 'permission'].includes(error.class)) break;
      }
    }
    return results;
  }
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof IntegrationError && !thrown.outcomeUnknown && ['data', 'config'].includes(thrown.class);
}
