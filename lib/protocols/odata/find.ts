import { IntegrationError } from '../../model/errors';
import { hasKey, valueAt } from './address';
import { isAlike } from './alike';
import type { Entity } from './entity';
import type { Page } from './feed';
import type { EntitySet } from './model';
import type { Query } from './query';
import type { ODataService } from './service';

/**
 * The entities that have these values, at most two: whoever looks for one needs to know whether it is the only one. Those that
 * have them exactly come before those that the service takes for the same, as "ab" for "AB ".
 * @throws config PCP_ODATA_FILTER_IGNORED when the service answers with others, so that nothing can be found by it
 */
export async function findMatches(
  service: ODataService,
  set: EntitySet,
  values: Readonly<Record<string, unknown>>,
  selection: Pick<Query, 'select' | 'expand'>,
  signal: AbortSignal,
): Promise<Entity[]> {
  const fields = Object.keys(values);
  const conditions = fields.map((field) => ({ field, operator: 'eq' as const, value: values[field] }));
  const found: Entity[] = [];
  let page: Page | undefined;
  // A page may be empty and lead on.
  while (found.length < 2 && (page === undefined || page.next !== undefined)) {
    const { next, base }: Partial<Page> = page ?? {};
    page =
      next === undefined || base === undefined
        ? await service.page(set, { ...selection, conditions, top: 2 }, signal)
        : await service.follow(next, base, set, signal);
    found.push(...page.entities);
  }
  const other = found.find(({ data }) => !fields.every((field) => isAlike(values[field], valueAt(data, field))));
  if (other !== undefined) throw filterIgnored(set, fields);
  const exact = found.filter(({ data }) => fields.every((field) => valueAt(data, field) === values[field]));
  const all = (exact.length > 0 ? exact : found).slice(0, 2);
  const [only] = all;
  // Some services give the version with an entity by its key only.
  if (all.length !== 1 || only === undefined || only.version !== undefined || !hasKey(set, only.data)) return all;
  const whole = await service.entity(set, only.data, selection, signal);
  return whole === null ? [] : [whole];
}

function filterIgnored({ name }: EntitySet, fields: readonly string[]): IntegrationError {
  const message = `Asked for ${fields.join(', ')}, "${name}" answers with records that have other values.`;
  return new IntegrationError('config', 'PCP_ODATA_FILTER_IGNORED', message, {
    path: fields[0] ?? '',
    hint: 'The service does not follow $filter: let the key of the entity identify the record, or have the service corrected.',
  });
}
