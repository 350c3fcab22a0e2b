import { IntegrationError } from '../../model/errors';
import { keyText, valueAt } from './address';
import type { Entity } from './entity';
import type { Page } from './feed';
import { Links, unmovable } from './links';
import type { EntitySet, ServiceModel } from './model';
import type { Condition, Query } from './query';
import type { ODataService } from './service';
import { findProperty, propertyAt } from './structure';
import { isOrdered } from './values';

/** How far a list was read; a later read goes on after it, on another connection, too. */
export interface Position {
  /** Of the field that orders the list, in the last entity; absent where the list is counted only. */
  value?: unknown;
  /** Entities read that have this value; all of them where the list is counted. */
  count: number;
  /** Key of the last one; empty where it is not there any more. */
  last: string;
}

export interface Piece {
  entities: Entity[];
  /** After these. */
  position: Position;
  /** Of all, when the service told. */
  total?: number;
}

export interface ListQuery extends Pick<Query, 'select' | 'expand' | 'conditions' | 'filter'> {
  /** Field that orders the list before its key; it must never be empty in what is read. */
  orderBy?: string;
  pageSize: number;
}

/**
 * `order`: each page begins at the value where the last one ended, so that entities which come or go do not move the others.
 * `count`: by $skip, for keys that cannot be compared. `links`: as the service pages by itself, where it cannot do either.
 */
type Strategy = 'order' | 'count' | 'links';

/**
 * Reads a list of any length page by page, whatever paging the service has: its links are followed, and where it ends a page
 * without one the next is asked for by the key. Each page asks for the last entity of the one before again: when it is not
 * there, the list moved, and some entities are read twice rather than left out.
 * @throws config PCP_ODATA_PAGING when the service gives the same page for ever
 */
export async function* readList(
  service: ODataService,
  set: EntitySet,
  query: ListQuery,
  from: Position | undefined,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const list = new List(set, query, await service.model(signal));
  let at = list.strategy === 'links' ? undefined : from;
  let total: number | undefined;
  /** What the service said is to come: some give fewer than asked for without a word. */
  let left: number | undefined;
  /** It said so at all. */
  let isTold = false;
  /** Last key before the list was read back a little. */
  let missed: string | undefined;
  /** Entities that were given so far. */
  let given = 0;
  for (;;) {
    signal.throwIfAborted();
    const asked = at;
    const overlap = asked === undefined || asked.last === '' ? 0 : 1;
    const top = query.pageSize + overlap;
    let page: Page;
    try {
      page = await service.page(set, list.request(asked, top, left === undefined), signal);
    } catch (thrown) {
      const { strategy } = list;
      if (!list.yields(thrown)) throw thrown;
      if (list.strategy !== strategy) at = undefined;
      continue;
    }
    if (page.count !== undefined && from === undefined) total ??= page.count;
    if (left === undefined) {
      isTold = page.count !== undefined;
      left = page.count === undefined ? 0 : page.count - (asked?.count ?? 0);
    }
    const first = page;
    let { entities } = page;
    let received = entities.length;
    let known = 0;
    if (asked !== undefined && overlap === 1) {
      const index = entities.findIndex(({ data }) => keyText(set, data) === asked.last);
      if (index === -1) {
        const { strategy } = list;
        at = list.before(asked);
        // Counted from the beginning it comes again, at its place.
        missed = list.strategy === strategy ? asked.last : undefined;
        left = undefined;
        continue;
      }
      if (list.isUnfiltered(entities.slice(0, index), asked) && list.weaken()) {
        at = from === undefined ? { count: given, last: asked.last } : undefined;
        left = undefined;
        continue;
      }
      known = index + 1;
      entities = entities.slice(known);
    }
    const links = new Links(set.name);
    for (;;) {
      // A service may give more at once than was asked for.
      for (let begin = 0; begin < entities.length; begin += query.pageSize) {
        const piece = entities.slice(begin, begin + query.pageSize);
        at = list.after(at, piece);
        given += piece.length;
        yield { entities: piece, position: at, ...(total !== undefined && { total }) };
      }
      if (page.next === undefined) break;
      links.add(page.next);
      signal.throwIfAborted();
      page = await service.follow(page.next, page.base, set, signal);
      entities = page.entities;
      received += entities.length;
    }
    left -= received - known;
    // More than asked for, and no more announced: the service gives all of it at once.
    if (list.strategy === 'links' || set.isSingleton || (received > top && left <= 0)) return;
    // Only a number that came true is believed. Services may give fewer than asked for without a word: one more question
    // shows the end.
    if (received < top && isTold && left === 0) return;
    // Links that end say the end, as a service without them does not.
    if (received < top && left <= 0 && page !== first) return;
    if (received === known && received !== top) {
      if (left <= 0 || !list.weaken()) return;
      // It compares otherwise than it sorts, or the list became shorter: counted once more, so that nothing is missing.
      at = undefined;
      left = undefined;
      continue;
    }
    if (at === undefined || at.last === missed || (asked?.last === at.last && asked.count === at.count)) {
      // It may not compare at all: then by $skip.
      if (!list.weaken()) throw unmovable(set.name);
      at = undefined;
      left = undefined;
    }
  }
}

const NOT_ABOUT_PAGING = new Set(['PCP_HTTP_NOT_FOUND', 'PCP_ODATA_FILTER_REQUIRED']);

/** How one list is asked for. */
class List {
  strategy: Strategy;
  #counts: boolean;
  readonly #field: string;
  readonly #key: readonly string[];

  constructor(
    private readonly set: EntitySet,
    private readonly query: ListQuery,
    model: ServiceModel,
  ) {
    this.strategy = strategyOf(set, query, model);
    this.#counts = set.countable;
    this.#key = set.type.key;
    this.#field = query.orderBy ?? this.#key[0] ?? '';
  }

  /** Goes on by counting from the beginning, where it did not count before. */
  weaken(): boolean {
    if (this.strategy !== 'order') return false;
    this.strategy = 'count';
    return true;
  }

  /** Whether entities come before the last one that the page should have begun with: the service does not follow $filter. */
  isUnfiltered(before: readonly Entity[], { value }: Position): boolean {
    return this.strategy === 'order' && before.some(({ data }) => valueAt(data, this.#field) !== value);
  }

  /** What the service does not understand is not asked for again: first the number, the comparison, order and places. */
  yields(thrown: unknown): boolean {
    const isRefused = thrown instanceof IntegrationError && ['data', 'config'].includes(thrown.class);
    if (!isRefused || NOT_ABOUT_PAGING.has(thrown.code) || this.strategy === 'links') return false;
    if (this.#counts) this.#counts = false;
    else if (!this.weaken()) this.strategy = 'links';
    return true;
  }

  request(at: Position | undefined, top: number, count: boolean): Query {
    const { select, expand, conditions = [], filter, orderBy } = this.query;
    const field = this.#field;
    const begins: Condition[] = at?.value === undefined ? [] : [{ field, operator: 'ge', value: at.value }];
    // The later bound says all that an earlier one says.
    const others = begins.length === 0 ? conditions : conditions.filter((each) => !isLowerBound(each, field));
    const order = [...new Set(orderBy === undefined ? this.#key : [orderBy, ...this.#key])];
    const skip = at === undefined ? 0 : Math.max(0, at.count - (at.last === '' ? 0 : 1));
    return {
      ...(select !== undefined && { select: [...new Set([...select, ...order])] }),
      ...(expand !== undefined && { expand }),
      conditions: [...others, ...begins],
      ...(filter !== undefined && { filter }),
      count: count && this.#counts && this.strategy !== 'links',
      ...(this.strategy !== 'links' && { orderBy: order, top, skip }),
    };
  }

  after(at: Position | undefined, entities: readonly Entity[]): Position {
    const last = keyText(this.set, entities.at(-1)!.data);
    if (this.strategy !== 'order') return { count: (at?.count ?? 0) + entities.length, last };
    const value = valueAt(entities.at(-1)!.data, this.#field);
    const same = entities.filter(({ data }) => valueAt(data, this.#field) === value).length;
    return { value, count: same + (at !== undefined && at.value === value ? at.count : 0), last };
  }

  /** Where to begin again when the last entity is not where it was, so that nothing slips through. */
  before({ value, count }: Position): Position | undefined {
    // Keys seldom go, but some services compare them otherwise than they sort; times of changes move on all the time.
    if (value !== undefined && this.query.orderBy === undefined && this.weaken()) return undefined;
    if (value !== undefined) return { value, count: 0, last: '' };
    return { count: Math.max(0, count - this.query.pageSize), last: '' };
  }
}

function strategyOf({ type, isSingleton, pageable }: EntitySet, { orderBy }: ListQuery, model: ServiceModel): Strategy {
  const fields = type.key.map((name) => findProperty(name, type, model));
  if (isSingleton || !pageable || fields.length === 0) return 'links';
  if (fields.some((field) => field === undefined || !field.sortable)) return 'links';
  const first = orderBy === undefined ? fields[0] : propertyAt(orderBy, type, model);
  return first?.filterable && isOrdered(first.type) ? 'order' : 'count';
}

function isLowerBound({ field, operator }: Condition, ordered: string): boolean {
  return field === ordered && (operator === 'ge' || operator === 'gt');
}
