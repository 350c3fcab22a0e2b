import type { ConnectorDescriptor } from '../connectors/descriptor';
import { digest } from '../model/digest';
import { canonicalJson } from './hash';

const DIGEST_CHARACTERS = 22;

/** Where one end of a stream is. Checkpoints remember both ends, as what is known of one place says nothing of another. */
export interface Place {
  /** Of the system: the settings of the connection that say where it is. */
  system: string;
  entity: string;
}

/**
 * @param definition whether another definition of the entity counts as another entity
 * @param more what else does
 */
export function placeOf(
  descriptor: ConnectorDescriptor,
  config: Record<string, unknown>,
  entity: string,
  definition: boolean,
  more: readonly string[],
): Place {
  const address: unknown[] = [descriptor.type];
  const definitions: unknown[] = [entity, ...more];
  for (const [name, setting] of Object.entries(descriptor.settings)) {
    const value = config[name] || ('default' in setting && setting.default) || null;
    if (setting.group === 'connection') address.push(name, value);
    else if (setting.group === 'entities' && definition) definitions.push(definitionIn(value, entity));
  }
  return { system: shortDigest(address), entity: shortDigest(definitions) };
}

export function placeText({ system, entity }: Place): string {
  return `${system}.${entity}`;
}

export function placeOfText(text: string): Place {
  const [system = '', entity = ''] = text.split('.');
  return { system, entity };
}

/** Checkpoints of before places were kept tell none. */
export function isElsewhere(before: unknown, now: Place): boolean {
  return before !== null && before !== placeText(now);
}

function definitionIn(value: unknown, entity: string): unknown {
  const isNamed = typeof value === 'object' && value !== null && Object.hasOwn(value, entity);
  return isNamed ? (value as Record<string, unknown>)[entity] : null;
}

function shortDigest(parts: unknown[]): string {
  return digest(canonicalJson(parts)).slice(0, DIGEST_CHARACTERS);
}
