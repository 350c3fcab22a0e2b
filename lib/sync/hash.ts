import { shortDigest } from '../model/digest';

/**
 * Canonical text of a value: own keys sorted, no blanks, as RFC 8785 orders them. Values are what the mapping gives: strings,
 * booleans, finite numbers, null and plain objects or arrays of them.
 */
export function canonicalJson(value: unknown): string {
  if (value === undefined) return 'null';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const object = value as Record<string, unknown>;
  const parts = Object.keys(object)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name])}`);
  return `{${parts.join(',')}}`;
}

/**
 * Canonical text of records of one shape, in one line: a JSON array of what stands for the fields' names, and of the values in
 * order. Values arrive normalised by the mapping (decimals without idle zeros, instants in UTC), so equal content gives equal
 * texts whatever its spelling.
 */
export function recordText(fields: readonly string[]): (data: Record<string, unknown>) => string {
  const empty: unknown[] = [shortDigest(JSON.stringify(fields)), ...fields];
  return (data) => {
    const parts = empty.slice();
    for (let index = 0; index < fields.length; index++) {
      const value = data[fields[index] as string];
      parts[index + 1] = typeof value === 'object' && value !== null ? [canonicalJson(value)] : value;
    }
    return JSON.stringify(parts);
  };
}

/** Hashes records of one shape. */
export function recordHasher(fields: readonly string[]): (data: Record<string, unknown>) => string {
  const textOf = recordText(fields);
  return (data) => shortDigest(textOf(data));
}
