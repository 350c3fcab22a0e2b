type Json = Record<string, unknown>;

/** Of two states, the members that differ. */
export function differences(before: Json, after: Json): { changed: string[]; before: Json; after: Json } {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  const of = (state: Json) => Object.fromEntries(changed.map((name) => [name, state[name]]));
  return { changed, before: of(before), after: of(after) };
}
