import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { EntitySet } from '../../../protocols/odata/model';
import type { LocalizedText } from '../../descriptor';
import { isWritable, type ODataPreset } from './entity';

/** An entity set as it is, by the name that the connection has for it. */
export function setInfo(name: string, set: EntitySet, kind = 'entity set'): EntityInfo {
  const { label, addressable } = set;
  return {
    ...{ name, ...(label !== undefined && { label }), kind, key: keyOf(set) },
    ...{ readable: addressable, writable: isWritable({ set }) },
  };
}

/** An entity of the plant. @param found its set, or why there is none */
export function presetInfo(
  preset: ODataPreset & { entity: string; titles: LocalizedText },
  found: EntitySet | IntegrationError,
): EntityInfo {
  const { entity: name, titles } = preset;
  const info = { name, label: titles['en-US'], labels: { ...titles }, kind: 'entity' };
  if (found instanceof IntegrationError) {
    return { ...info, key: [], readable: false, writable: false, error: found.toJSON() };
  }
  return { ...info, key: keyOf(found), readable: true, writable: isWritable({ set: found, preset }) };
}

/** In a list of entities, a service of the connection that does not tell which it has. */
export function silentService(name: string, error: IntegrationError): EntityInfo {
  return { name, kind: 'service', key: [], readable: false, writable: false, error: error.toJSON() };
}

/** A set that an entity of the plant needs, and the service lacks. */
export function noSet(message: string, hint: string): IntegrationError {
  return new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', message, { hint });
}

/** As mappings write paths. */
function keyOf({ type }: EntitySet): string[] {
  return type.key.map((path) => path.replaceAll('/', '.'));
}
