import { IntegrationError } from '../../model/errors';
import { literal } from './address';
import type { EntitySet, ODataVersion, ServiceModel } from './model';
import { propertyAt, requestPath, TYPE_FIELD } from './structure';

export interface Query {
  /** Fields and paths of expanded ones; absent = all. */
  select?: readonly string[];
  /** Paths of navigations: "to_Item", "to_Item/to_Batch". */
  expand?: readonly string[];
  conditions?: readonly Condition[];
  /** An expression of the service's own language, beside the conditions. */
  filter?: string;
  orderBy?: readonly string[];
  top?: number;
  skip?: number;
  /** Asks how many there are in all. */
  count?: boolean;
  /** Parameters beside those of OData, as "sap-language". */
  custom?: Readonly<Record<string, string>>;
}

export type Condition =
  | { field: string; operator: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'contains'; value: unknown }
  | { field: string; operator: 'in'; value: readonly unknown[] };

/**
 * The query of a request, percent-encoded, with its "?" or empty.
 * @throws config PCP_ODATA_FIELD; data PCP_ODATA_VALUE
 */
export function queryText(query: Query, set: EntitySet, model: ServiceModel): string {
  const { select, expand = [], top, skip, count, custom = {} } = query;
  const written = (path: string) => requestPath(path, set.type, model);
  const parameters: [string, string | undefined][] = [
    ['$filter', filterOf(query, set, model)],
    ['$select', select?.length ? selection(select, expand, set, model) : undefined],
    ['$expand', expand.length === 0 ? undefined : expansion(expand.map(written), model.version)],
    ['$orderby', query.orderBy?.length ? ordered(query.orderBy, set, model) : undefined],
    ['$top', top?.toString()],
    ['$skip', skip ? String(skip) : undefined],
    model.version === 2 ? ['$inlinecount', count ? 'allpages' : undefined] : ['$count', count ? 'true' : undefined],
    ...Object.entries(custom),
  ];
  return parameterText(parameters.filter((each): each is [string, string] => each[1] !== undefined));
}

/** @throws config PCP_ODATA_FILTER_REQUIRED when the service gives a list only on conditions that the query lacks */
export function requireConditions({ conditions = [], filter = '' }: Query, set: EntitySet): void {
  const isAsked = (name: string) => conditions.some(({ field }) => field === name) || filter.includes(name);
  const missing = set.requiredInFilter.filter((name) => !isAsked(name));
  const isBare = set.requiresFilter && conditions.length === 0 && filter.trim() === '';
  if (!isBare && missing.length === 0) return;
  const of = missing.length === 0 ? '' : ` for ${missing.join(', ')}`;
  const message = `"${set.name}" is not read without a condition${of}.`;
  throw new IntegrationError('config', 'PCP_ODATA_FILTER_REQUIRED', message, {
    path: '/filters',
    hint: 'Add a filter to the mapping that says which values are wanted: equal to one, or one of several.',
  });
}

/** "?name=value&..." or empty. */
export function parameterText(parameters: readonly (readonly [string, string])[]): string {
  if (parameters.length === 0) return '';
  return `?${parameters.map(([name, value]) => `${plainName(name)}=${encodeURIComponent(value)}`).join('&')}`;
}

function filterOf({ conditions = [], filter }: Query, set: EntitySet, model: ServiceModel): string | undefined {
  const terms = conditions.map((condition) => term(condition, set, model));
  if (filter !== undefined && filter.trim() !== '') terms.push(terms.length === 0 ? filter : `(${filter})`);
  return terms.length === 0 ? undefined : terms.join(' and ');
}

function term({ field, operator, value }: Condition, { type }: EntitySet, model: ServiceModel): string {
  const property = propertyAt(field, type, model);
  const path = requestPath(field, type, model);
  const written = (each: unknown) => literal(field, each, property, model);
  if (operator === 'in') {
    const choices = (value as readonly unknown[]).map((each) => `${path} eq ${written(each)}`);
    return choices.length === 1 ? (choices[0] as string) : `(${choices.join(' or ')})`;
  }
  if (operator !== 'contains') return `${path} ${operator} ${written(value)}`;
  return model.version === 2 ? `substringof(${written(value)},${path})` : `contains(${path},${written(value)})`;
}

/** "Name", "Name desc". */
function ordered(fields: readonly string[], { type }: EntitySet, model: ServiceModel): string {
  return fields.map((field) => field.replace(/^\S+/, (path) => requestPath(path, type, model))).join(',');
}

/** Version 2 gives of an expanded navigation only what is selected. */
function selection(
  select: readonly string[],
  expand: readonly string[],
  { type }: EntitySet,
  model: ServiceModel,
): string {
  const fields = select.filter((name) => name !== TYPE_FIELD).map((name) => requestPath(name, type, model));
  return [...new Set(model.version === 2 ? [...fields, ...expand] : fields)].join(',');
}

/** "a,a/b" is "a($expand=b)" in version 4. */
function expansion(paths: readonly string[], version: ODataVersion): string {
  if (version === 2) return [...new Set(paths)].join(',');
  const below = new Map<string, string[]>();
  for (const path of paths) {
    // The name of a type, which has a dot, belongs to what comes after it.
    const [, first = '', rest] = /^((?:[^/]*\.[^/]*\/)*[^/]*)(?:\/(.*))?$/.exec(path) ?? [];
    const inner = below.get(first) ?? [];
    if (rest !== undefined) inner.push(rest);
    below.set(first, inner);
  }
  const written = [...below].map(([name, inner]) =>
    inner.length === 0 ? name : `${name}($expand=${expansion(inner, version)})`,
  );
  return written.join(',');
}

function plainName(name: string): string {
  return encodeURIComponent(name).replace(/^%24/, '$');
}
