import { entityPath, placeOf } from './address';
import { keyIn } from './entity';
import type { EntitySet, ServiceModel } from './model';

/** A set, or an entity of it with its key; quotes inside of a key are doubled. */
const STEP = /^([^/('"]+)(\((?:[^']|'[^']*')*?\))?(?:\/|$)/;

/**
 * What an entity leads to, as a set of its own: entities that are in no other one, and what a view with parameters gives,
 * "Stock(Plant='1010')/Set". Undefined where the name is none of these.
 * @throws data PCP_ODATA_KEY, PCP_ODATA_VALUE
 */
export function setBelow(name: string, model: ServiceModel): EntitySet | undefined {
  let rest = name;
  let at: EntitySet | undefined;
  while (rest !== '') {
    const [step = '', member = '', key] = STEP.exec(rest) ?? [];
    if (step === '') return undefined;
    rest = rest.slice(step.length);
    const set: EntitySet | undefined = at === undefined ? model.entitySets.get(member) : belowOne(at, member, model);
    if (set === undefined) return undefined;
    at = key === undefined ? set : entityOf(set, key, model);
  }
  return at && { ...at, name };
}

/** One entity, as a place from which others are reached. */
function entityOf(set: EntitySet, key: string, model: ServiceModel): EntitySet {
  return { ...set, place: entityPath(set, keyIn(key, set.type, model), model), isSingleton: true };
}

function belowOne(from: EntitySet, name: string, model: ServiceModel): EntitySet | undefined {
  const navigation = from.type.navigations.get(name);
  const type = model.types.get(navigation?.target ?? '');
  if (!from.isSingleton || navigation === undefined || type === undefined) return undefined;
  // Where they are a set as well, they may be used as that one.
  const same = navigation.contains
    ? undefined
    : [...model.entitySets.values()].find((set) => set.type.name === type.name);
  const place = `${placeOf(from)}/${encodeURIComponent(name)}`;
  const allowed = { creatable: true, updatable: true, deletable: true, pageable: true, countable: true };
  const open = { ...allowed, requiresFilter: false, requiredInFilter: [] };
  return {
    ...open,
    ...same,
    type: same?.type ?? type,
    name,
    place,
    addressable: true,
    isSingleton: !navigation.isCollection,
  };
}
