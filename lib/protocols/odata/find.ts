import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { hasKey, valueAt } from './address';
import { isAlike } from './alike';
import type { Batching } from './batching';
import type { Entity } from './entity';
import type { Page } from './feed';
import { Links } from './links';
import type { EntitySet } from './model';
import type { Query } from './query';
import type { ODataService } from './service';

type Selection = Pick<Query, 'select' | 'expand'>;

/** Characters of the conditions in one address; some servers refuse those above 8,000 when they are encoded. */
const LONGEST_QUESTION = 2000;
/** The service answers with other entities than those asked for. */
const FILTER_IGNORED = 'PCP_ODATA_FILTER_IGNORED';

/**
 * The entities that have these values, at most two: whoever looks for one needs to know whether it is the only one. Those that
 * have them exactly come before those that the service takes for the same, as "ab" for "AB ".
 * @throws config PCP_ODATA_FILTER_IGNORED when the service answers with others, so that nothing can be found by it
 */
export async function findMatches(
  service: ODataService,
  set: EntitySet,
  values: Readonly<Record<string, unknown>>,
  selection: Selection,
  signal: AbortSignal,
): Promise<Entity[]> {
  const fields = Object.keys(values);
  const conditions = fields.map((field) => ({ field, operator: 'eq' as const, value: values[field] }));
  const first = await service.page(set, { ...selection, conditions, ...atMost(2, set) }, signal);
  const found = await firstOf(2, { service, set }, first, signal);
  if (!found.every((entity) => has(values, entity))) throw filterIgnored(set, fields);
  return withVersion(service, set, exactFirst(found, values), selection, signal);
}

/**
 * The same for each of many values of one field, with as few requests as that takes.
 * @param fixed values of other fields that all of them have
 * @returns in their order; an error where it is about one value
 */
export async function findEach(
  batching: Batching,
  field: string,
  values: readonly unknown[],
  selection: Selection,
  signal: AbortSignal,
  fixed: Readonly<Record<string, unknown>> = {},
): Promise<(Entity[] | IntegrationError)[]> {
  const { service, set } = batching;
  const found = values.length < 2 ? null : await findTogether(batching, field, values, selection, signal, fixed);
  const results: (Entity[] | IntegrationError)[] = [];
  for (const value of values) {
    const wanted = { ...fixed, [field]: value };
    try {
      results.push(
        found === null
          ? await findMatches(service, set, wanted, selection, signal)
          : await withVersion(service, set, exactFirst(found, wanted), selection, signal),
      );
    } catch (thrown) {
      const error = IntegrationError.from(thrown);
      if (error.class !== 'data') throw error;
      results.push(error);
    }
  }
  return results;
}

/** Null where it has to be asked for each value by itself: one of them is wrong, is held by many, or "or" is not understood. */
async function findTogether(
  batching: Batching,
  field: string,
  values: readonly unknown[],
  selection: Selection,
  signal: AbortSignal,
  fixed: Readonly<Record<string, unknown>>,
): Promise<Entity[] | null> {
  const own = Object.entries(fixed).map(([name, value]) => ({ field: name, operator: 'eq' as const, value }));
  const groups = questions(field, [...new Set(values)]);
  const queries = groups.map((value) => ({
    ...selection,
    conditions: [...own, { field, operator: 'in' as const, value }],
    ...atMost(2 * value.length, batching.set),
  }));
  const found: Entity[] = [];
  try {
    for (const [index, page] of (await batching.pages(queries, signal)).entries()) {
      const most = 2 * groups[index]!.length;
      const entities = await firstOf(most, batching, page, signal);
      if (entities.length >= most) return null;
      for (const entity of entities) found.push(entity);
    }
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (!['data', 'config'].includes(error.class)) throw error;
    return null;
  }
  const isAsked = (entity: Entity) => values.some((value) => has({ ...fixed, [field]: value }, entity));
  if (!found.every(isAsked)) throw filterIgnored(batching.set, [field]);
  return found;
}

function atMost(top: number, { pageable }: EntitySet): { top?: number } {
  return pageable ? { top } : {};
}

function questions(field: string, values: readonly unknown[]): unknown[][] {
  const groups: unknown[][] = [];
  let room = 0;
  for (const value of values) {
    const length = field.length + String(value).length + ' eq  or '.length;
    if (length > room) {
      groups.push([]);
      room = LONGEST_QUESTION;
    }
    groups.at(-1)!.push(value);
    room -= length;
  }
  return groups;
}

/** A page may be empty and lead on. */
async function firstOf(
  count: number,
  { service, set }: Pick<Batching, 'service' | 'set'>,
  first: Page,
  signal: AbortSignal,
): Promise<Entity[]> {
  const links = new Links(set.name);
  let found = first.entities;
  for (let page = first; found.length < count && page.next !== undefined; ) {
    links.add(page.next);
    page = await service.follow(page.next, page.base, set, signal);
    found = found.concat(page.entities);
  }
  return found;
}

function has(values: Readonly<Record<string, unknown>>, { data }: Entity): boolean {
  return Object.keys(values).every((field) => isAlike(values[field], valueAt(data, field)));
}

function exactFirst(found: readonly Entity[], values: Readonly<Record<string, unknown>>): Entity[] {
  const exact = found.filter(({ data }) =>
    Object.keys(values).every((field) => valueAt(data, field) === values[field]),
  );
  return (exact.length > 0 ? exact : found.filter((entity) => has(values, entity))).slice(0, 2);
}

/** Some services give the version with an entity by its key only. */
async function withVersion(
  service: ODataService,
  set: EntitySet,
  found: Entity[],
  selection: Selection,
  signal: AbortSignal,
): Promise<Entity[]> {
  const [only] = found;
  const isWanted = set.updatable || set.deletable;
  if (found.length !== 1 || only === undefined || only.version !== undefined || !isWanted) return found;
  if (!hasKey(set, only.data)) return found;
  const whole = await service.entity(set, only.data, selection, signal);
  return whole === null ? [] : [whole];
}

function filterIgnored({ name }: EntitySet, fields: readonly string[]): IntegrationError {
  const message = phrase`Asked for ${fields.join(', ')}, "${name}" answers with records that have other values.`;
  return new IntegrationError('config', FILTER_IGNORED, message, {
    path: fields[0] ?? '',
    hint: 'The service does not follow $filter: let the key of the entity identify the record, or have the service corrected.',
  });
}
