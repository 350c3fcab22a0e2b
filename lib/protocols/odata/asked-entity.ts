import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { valueAt } from './address';
import { isAlike } from './alike';
import type { Entity } from './entity';
import type { EntitySet, ServiceModel } from './model';
import { findProperty } from './structure';

/** @throws config PCP_ODATA_FILTER_IGNORED for an entity with another key than the one that was asked for */
export function requireAsked(
  set: EntitySet,
  key: Record<string, unknown>,
  { data }: Entity,
  model: ServiceModel,
): void {
  const other = set.isSingleton ? undefined : set.type.key.find((path) => isOther(key, data, path, set, model));
  if (other !== undefined) throw otherEntity(set, other);
}

/** Of the types that have one notation; times may be written in several. */
function isOther(
  key: Record<string, unknown>,
  data: Record<string, unknown>,
  path: string,
  { type }: EntitySet,
  model: ServiceModel,
): boolean {
  const theirs = valueAt(data, path);
  const isPlain = /^Edm\.(String|Guid|Decimal|S?Byte|Int\d\d)$/.test(findProperty(path, type, model)?.type ?? '');
  return isPlain && theirs !== undefined && !isAlike(valueAt(key, path), theirs);
}

function otherEntity({ name }: EntitySet, path: string): IntegrationError {
  const message = phrase`Asked for one entity of "${name}", the service answers with one that has another "${path}".`;
  return new IntegrationError('config', 'PCP_ODATA_FILTER_IGNORED', message, {
    path,
    hint: 'The service does not follow the key of an address: have it corrected.',
  });
}
