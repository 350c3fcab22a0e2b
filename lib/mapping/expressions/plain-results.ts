const MAX_DEPTH = 64;
const MAX_CHARACTERS = 1_048_576;

/**
 * Results of JSONata have null prototypes, carry flags on their lists and may hold functions. This gives the plain JSON
 * value, or undefined for "nothing".
 * @throws Error saying why the result cannot be one
 */
export function plainResult(result: unknown): unknown {
  if (result === undefined) return undefined;
  const budget = { characters: MAX_CHARACTERS };
  return plain(result, 0, budget);
}

function plain(value: unknown, depth: number, budget: { characters: number }): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return spend(value, value.length, budget);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error('the result is a number that is not finite');
    return spend(value, 8, budget);
  }
  if (typeof value !== 'object') throw new Error(`the result is or holds a ${typeof value}`);
  if (depth >= MAX_DEPTH) throw new Error(`the result is nested deeper than ${MAX_DEPTH} levels`);
  spend(value, 2, budget);
  if (Array.isArray(value)) return Array.from(value, (item) => plain(item ?? null, depth + 1, budget));
  if ('_jsonata_lambda' in value || '_jsonata_function' in value) throw new Error('the result is or holds a function');
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new Error('the result holds a key named __proto__');
    const part = (value as Record<string, unknown>)[key];
    spend(key, key.length, budget);
    if (part !== undefined) copy[key] = plain(part, depth + 1, budget);
  }
  return copy;
}

function spend<T>(value: T, characters: number, budget: { characters: number }): T {
  budget.characters -= characters;
  if (budget.characters < 0) throw new Error(`the result is larger than ${MAX_CHARACTERS} characters`);
  return value;
}
