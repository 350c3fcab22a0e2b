import { IntegrationError } from '../../../model/errors';
import type { Cursor } from '../../../model/sync';
import { keyText } from '../../../protocols/odata/address';
import type { Page } from '../../../protocols/odata/feed';
import { Links } from '../../../protocols/odata/links';
import { propertyAt, TYPE_FIELD } from '../../../protocols/odata/structure';
import type { Batch, ReadQuery } from '../../contract';
import type { ODataEntity } from '../odata/entity';
import { pushedDown, selectionOf } from '../odata/read';

/** Cursor field that stands for change tracking: the table itself tells what changed since the last pass. */
export const CHANGES = '@odata.deltaLink';

/** Where a pass is: at a page of a list, or, between two of them, where the changes since begin. */
interface Place {
  next: string | null;
  delta: string | null;
}

/**
 * One pass over a table by the links of the service; by change tracking it gives what changed since the pass before. Where
 * the table does not track its changes, or no longer knows the place that it gave, everything is read. What was deleted is
 * not among the records.
 * @throws config PCP_ODATA_FIELD; what the HTTP client throws
 */
export async function* readPages(entity: ODataEntity, query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
  const { service, set, model } = entity;
  const { batchSize, cursorField } = query;
  const isTracked = cursorField === CHANGES;
  for (const name of query.namedFields ?? []) {
    const isKnown = name === TYPE_FIELD || name === CHANGES || set.type.navigations.has(name) || set.type.isOpen;
    if (!isKnown) propertyAt(name, set.type, model);
  }
  const size = { prefer: `odata.maxpagesize=${batchSize}` };
  const selection = selectionOf(
    entity,
    query.fields?.filter((name) => name !== CHANGES),
  );
  const whole = { ...selection, conditions: pushedDown(entity, query.filters ?? []) };
  const begin = async (): Promise<Page> => {
    if (!isTracked) return service.page(set, whole, signal, size);
    try {
      // With conditions a table does not tell its changes.
      const tracked = { prefer: `odata.track-changes,odata.maxpagesize=${batchSize}` };
      const { select } = selection;
      return await service.page(set, { ...(select !== undefined && { select }) }, signal, tracked);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      return service.page(set, whole, signal, size);
    }
  };
  const known = placeIn(query.cursor, set.name, cursorField);
  const from = known?.next ?? known?.delta ?? null;
  let page =
    from === null
      ? await begin()
      : await service.follow(from, service.address, set, signal, size).catch((thrown: unknown) => {
          if (!isRefusal(thrown)) throw thrown;
          return begin();
        });
  const links = new Links(set.name);
  for (;;) {
    const { next, delta } = page;
    const place = { next: next ?? null, delta: delta ?? null };
    const entities = page.entities.filter(({ isRemoved }) => isRemoved !== true);
    yield {
      records: entities.map(({ data }) => data),
      cursorAfter: cursorOf(set.name, cursorField, place),
      positions: (index) => keyText(set, entities[index]?.data ?? {}),
    };
    if (next === undefined) return;
    links.add(next);
    signal.throwIfAborted();
    page = await service.follow(next, page.base, set, signal, size);
  }
}

function placeIn(cursor: Cursor | null, set: string, field: string | undefined): Place | undefined {
  const isOurs = cursor?.kind === 'delta_token' && cursor.set === set && (cursor.field ?? null) === (field ?? null);
  if (!isOurs) return undefined;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return { next: text(cursor.next), delta: text(cursor.delta) };
}

function cursorOf(set: string, field: string | undefined, { next, delta }: Place): Cursor {
  return { v: 1, kind: 'delta_token', set, field: field ?? null, next, delta };
}

function isRefusal(thrown: unknown): boolean {
  return ['data', 'config'].includes(IntegrationError.from(thrown).class);
}
