import type { JsonSchema } from '../model/entity';
import { type Phrase, phrase } from '../model/phrase';

type Resolve = (schema: JsonSchema) => JsonSchema;

/**
 * Where a schema knows a name that it refuses at a place: inside a neighbour, or further up.
 * @param pointer of the object that has the name
 * @param resolve gives what a reference stands for
 */
export function whereKnown(name: string, pointer: string, root: JsonSchema, resolve: Resolve): Phrase | undefined {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const levels = [resolve(root)];
  for (const step of steps) levels.push(resolve(below(levels.at(-1)!, step)));
  for (let depth = steps.length; depth >= 0; depth--) {
    const level = levels[depth]!;
    if (depth < steps.length && takes(level, name)) return phrase`is not known here, but beside "${steps[depth]}"`;
    const inside = Object.entries(level.properties ?? {}).find(([, schema]) => takes(resolve(schema), name));
    if (inside !== undefined) return phrase`is not known here, but inside "${inside[0]}"`;
  }
  return undefined;
}

function below(schema: JsonSchema, step: string): JsonSchema {
  const { properties = {}, items } = schema;
  return (Object.hasOwn(properties, step) ? properties[step] : items) ?? {};
}

/** What is left aside, or only read, has no place in a request. */
function takes({ properties = {} }: JsonSchema, name: string): boolean {
  return Object.hasOwn(properties, name) && properties[name]?.readOnly !== true;
}
