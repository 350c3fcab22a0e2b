import { IntegrationError } from '../../model/errors';
import { literal } from './address';
import type { EntitySet, ODataVersion, Property, ServiceModel, StructuredType } from './model';

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
  const parameters: [string, string | undefined][] = [
    ['$filter', filterOf(query, set, model)],
    ['$select', select?.length ? selection(select, expand, model) : undefined],
    ['$expand', expand.length === 0 ? undefined : expansion(expand, model.version)],
    ['$orderby', query.orderBy?.length ? query.orderBy.join(',') : undefined],
    ['$top', top?.toString()],
    ['$skip', skip ? String(skip) : undefined],
    model.version === 2 ? ['$inlinecount', count ? 'allpages' : undefined] : ['$count', count ? 'true' : undefined],
    ...Object.entries(custom),
  ];
  return parameterText(parameters.filter((each): each is [string, string] => each[1] !== undefined));
}

/** "?name=value&..." or empty. */
export function parameterText(parameters: readonly (readonly [string, string])[]): string {
  if (parameters.length === 0) return '';
  return `?${parameters.map(([name, value]) => `${plainName(name)}=${encodeURIComponent(value)}`).join('&')}`;
}

/** The property at a path through complex values, "Address/City". @throws config PCP_ODATA_FIELD */
export function propertyAt(path: string, type: StructuredType, model: ServiceModel): Property {
  let at: StructuredType | undefined = type;
  let found: Property | undefined;
  for (const name of path.split('/')) {
    found = at?.properties.get(name);
    const next: string | undefined = found?.type ?? at?.navigations.get(name)?.target;
    at = next === undefined ? undefined : model.types.get(next);
  }
  if (found !== undefined) return found;
  throw new IntegrationError('config', 'PCP_ODATA_FIELD', `"${path}" is no field of ${type.name}.`, {
    path,
    hint: 'Correct it in the mapping, or take it out if this service does not have it.',
  });
}

function filterOf({ conditions = [], filter }: Query, set: EntitySet, model: ServiceModel): string | undefined {
  const terms = conditions.map((condition) => term(condition, set, model));
  if (filter !== undefined && filter.trim() !== '') terms.push(terms.length === 0 ? filter : `(${filter})`);
  return terms.length === 0 ? undefined : terms.join(' and ');
}

function term({ field, operator, value }: Condition, { type }: EntitySet, model: ServiceModel): string {
  const property = propertyAt(field, type, model);
  const written = (each: unknown) => literal(field, each, property, model);
  if (operator === 'in') {
    const choices = (value as readonly unknown[]).map((each) => `${field} eq ${written(each)}`);
    return choices.length === 1 ? (choices[0] as string) : `(${choices.join(' or ')})`;
  }
  if (operator !== 'contains') return `${field} ${operator} ${written(value)}`;
  return model.version === 2 ? `substringof(${written(value)},${field})` : `contains(${field},${written(value)})`;
}

/** Version 2 gives of an expanded navigation only what is selected. */
function selection(select: readonly string[], expand: readonly string[], { version }: ServiceModel): string {
  return [...new Set(version === 2 ? [...select, ...expand] : select)].join(',');
}

/** "a,a/b" is "a($expand=b)" in version 4. */
function expansion(paths: readonly string[], version: ODataVersion): string {
  if (version === 2) return [...new Set(paths)].join(',');
  const below = new Map<string, string[]>();
  for (const path of paths) {
    const [first = '', ...rest] = path.split('/');
    const inner = below.get(first) ?? [];
    if (rest.length > 0) inner.push(rest.join('/'));
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
