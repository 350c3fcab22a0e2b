import type { PushedFilter } from '../../../model/mapping';
import type { Cursor } from '../../../model/sync';
import { keyText, valueAt } from '../../../protocols/odata/address';
import type { Entity } from '../../../protocols/odata/entity';
import { type Position, readList } from '../../../protocols/odata/paging';
import type { Condition } from '../../../protocols/odata/query';
import { findProperty, isNavigation, propertyAt, TYPE_FIELD } from '../../../protocols/odata/structure';
import { canBeLiteral, isOrdered } from '../../../protocols/odata/values';
import type { Batch, ReadQuery } from '../../contract';
import { oneAhead } from '../../one-ahead';
import type { ODataEntity } from './entity';
import { isUnstamped, madeSince, reversalFields, takenBack } from './unstamped';
import { earlier, earliest, later } from './watermark';

/** SEMANTICS 2.3: what a slow transaction of the other side may still stamp behind its clock. */
const DEFAULT_LAG_S = 300;

/** A pass: from where it reads, the latest change that it has seen, and how far it is. */
interface Pass {
  field: string | null;
  lo: unknown;
  /** The next pass begins here, less the lag. */
  high: unknown;
  /** After what changed comes what was made and never changed since. */
  list: 'changed' | 'made';
  at: Position | undefined;
}

const AT_FIRST = { high: null, list: 'changed', at: undefined } as const;

/**
 * One pass over an entity, page by page. An interrupted one goes on where it was.
 * @throws config PCP_ODATA_FIELD, PCP_ODATA_PAGING; what the HTTP client throws
 */
export async function* readBatches(entity: ODataEntity, query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
  const { service, set, model, shape } = entity;
  for (const name of query.namedFields ?? []) {
    // What the service does not have would read as empty in every record.
    const isKnown = name === TYPE_FIELD || set.type.isOpen || shape.has(name);
    if (!isKnown && !isNavigation(name, set.type, model)) propertyAt(name, set.type, model);
  }
  const pass = beginning(entity, query);
  const { field, lo } = pass;
  // Changes made while a list is read by its key may be behind what is read last, so what counts is the latest one before.
  const wanted = pushedDown(entity, query.filters ?? []);
  if (field !== null && lo === null && pass.high === null) pass.high = await latest(entity, field, wanted, signal);
  const asked = query.fields && reversalFields(entity, shape.asked(query.fields));
  const list = { pageSize: query.batchSize, ...selectionOf(entity, asked) };
  const isFrom = field !== null && lo !== null;
  if (pass.list === 'changed') {
    const changed = {
      ...list,
      conditions: [...wanted, ...(isFrom ? [{ field, operator: 'ge', value: lo } as const] : [])],
      ...(isFrom ? { orderBy: field } : entity.pageBy !== undefined && { orderBy: entity.pageBy }),
    };
    const pieces = oneAhead((until) => readList(service, set, changed, pass.at, until), signal);
    for await (const { entities, position, total } of pieces) {
      if (isFrom) for (const { data } of entities) pass.high = later(pass.high, data[field]);
      const others = isFrom ? await takenBack(entity, entities, list, signal) : [];
      pass.at = position;
      yield {
        ...batchOf(entity, [...entities, ...others], cursorOf(entity, pass)),
        ...(total !== undefined && { total }),
      };
    }
  }
  const made = isFrom ? madeSince(entity, lo) : undefined;
  if (made !== undefined && field !== null) {
    if (pass.list === 'changed') Object.assign(pass, { list: 'made', at: undefined });
    const unchanged = { ...list, conditions: [...wanted, made], orderBy: made.field };
    const pieces = oneAhead((until) => readList(service, set, unchanged, pass.at, until), signal);
    for await (const { entities, position } of pieces) {
      pass.at = position;
      const others = entities.filter(({ data }) => isUnstamped(data[field]));
      yield batchOf(entity, others, cursorOf(entity, pass));
    }
  }
  yield { records: [], cursorAfter: cursorOf(entity, next(entity, query, pass)) };
}

/** Fields and navigations to ask for; navigations come expanded where they are wanted. */
export function selectionOf(
  { set, preset, model }: ODataEntity,
  fields: readonly string[] | undefined,
): { select?: string[]; expand?: string[] } {
  const leadsOn = (name: string) => isNavigation(name, set.type, model);
  const usual = preset?.expand ?? [];
  const within = (name: string) => usual.filter((path) => path === name || path.startsWith(`${name}/`));
  const wanted = fields?.filter(leadsOn);
  const expand = wanted?.flatMap((name) => (within(name).length === 0 ? [name] : within(name))) ?? usual;
  // An open type may have fields that it does not declare.
  const isField = (name: string) => findProperty(name, set.type, model) !== undefined;
  const own = fields?.filter((name) => isField(name) || (set.type.isOpen && !leadsOn(name)));
  return { ...(own !== undefined && { select: own }), ...(expand.length > 0 && { expand }) };
}

function batchOf({ set, shape }: ODataEntity, entities: readonly Entity[], cursorAfter: Cursor): Batch {
  const { key } = set.type;
  return {
    records: entities.map(({ data }) => shape.fromService(data)),
    cursorAfter,
    positions: (index) => {
      const data = entities[index]?.data ?? {};
      return key.map((name) => `${name}=${String(valueAt(data, name))}`).join(', ') || keyText(set, data);
    },
  };
}

function beginning({ set, model }: ODataEntity, { cursor, cursorField }: ReadQuery): Pass {
  const field = cursorField ?? null;
  if (field !== null) propertyAt(field, set.type, model);
  const known = cursor?.set === set.name && (cursor.field ?? null) === field ? cursor : undefined;
  return {
    field,
    lo: known?.lo ?? null,
    high: known?.high ?? null,
    list: known?.list === 'made' ? 'made' : 'changed',
    at: (known?.at ?? undefined) as Position | undefined,
  };
}

function next({ set, model, preset }: ODataEntity, { lookbackSeconds }: ReadQuery, { field, lo, high }: Pass): Pass {
  if (field === null || high === null) return { ...AT_FIRST, field, lo };
  const property = propertyAt(field, set.type, model);
  const lag = lookbackSeconds ?? preset?.lag_seconds ?? DEFAULT_LAG_S;
  const begin = earlier(high, Math.max(0, lag), property);
  return { ...AT_FIRST, field, lo: later(lo, begin) };
}

function cursorOf({ set }: ODataEntity, { field, lo, high, list, at }: Pass): Cursor {
  const place = { field, lo, high, at: at ?? null, ...(list === 'made' && { list }) };
  return { v: 1, kind: field === null ? 'keyset' : 'window', set: set.name, ...place };
}

async function latest(
  { service, set, model }: ODataEntity,
  field: string,
  conditions: readonly Condition[],
  signal: AbortSignal,
): Promise<unknown> {
  const first = async (more: readonly Condition[]) => {
    const order = { select: [field, ...set.type.key], orderBy: [`${field} desc`], top: 1 };
    const [entity] = (await service.page(set, { ...order, conditions: [...conditions, ...more] }, signal)).entities;
    return entity?.data[field] ?? null;
  };
  const found = await first([]);
  const value = earliest(propertyAt(field, set.type, model));
  // Empty ones come first where the system sorts them so.
  return isUnstamped(found) && value !== undefined ? first([{ field, operator: 'ge', value }]) : found;
}

/** What the service decides as the mapping would; texts are equal for both, but not in the same order. */
export function pushedDown({ set, model, fixed = {} }: ODataEntity, filters: readonly PushedFilter[]): Condition[] {
  const own = Object.entries(fixed).map(([field, value]): Condition => ({ field, operator: 'eq', value }));
  const theirs = filters.flatMap((filter): Condition[] => {
    if ('expression' in filter) return [];
    const { field, operator, value } = filter;
    const property = set.type.properties.get(field);
    if (property === undefined || !property.filterable || property.isCollection) return [];
    // The mapping compares a number with a text by its value ("007" = 7), the service by its characters.
    const isText = property.type === 'Edm.String';
    const fits = (each: unknown) =>
      (!isText || (typeof each === 'string' && filter.byValue !== true)) && canBeLiteral(each, property, model);
    const isComparable = isOrdered(property.type) && !isText;
    switch (operator) {
      case 'eq':
        return fits(value) ? [{ field, operator, value }] : [];
      case 'in':
        return Array.isArray(value) && value.length > 0 && value.every(fits) ? [{ field, operator, value }] : [];
      case 'lt':
      case 'le':
      case 'gt':
      case 'ge':
        return isComparable && fits(value) ? [{ field, operator, value }] : [];
      case 'between': {
        const [from, to] = Array.isArray(value) ? value : [];
        if (!isComparable || !fits(from) || !fits(to)) return [];
        return [
          { field, operator: 'ge', value: from },
          { field, operator: 'le', value: to },
        ];
      }
    }
    return [];
  });
  return [...own, ...theirs];
}
