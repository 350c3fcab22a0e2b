import { hash } from 'node:crypto';

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

/** 132 bits: two versions of one record never agree by chance, and a link stays small. */
const HASH_CHARACTERS = 22;

/**
 * Hashes records of one shape: the first 132 bits of SHA-256 over the fields' names and values in order, base64url. Values arrive normalised by
 * the mapping (decimals without idle zeros, instants in UTC), so equal content gives equal hashes whatever its spelling.
 */
export function recordHasher(fields: readonly string[]): (data: Record<string, unknown>) => string {
  const prefix = shortDigest(JSON.stringify(fields));
  return (data) => {
    let text = prefix;
    for (const field of fields) {
      const value = data[field];
      text += typeof value === 'string' ? `\u0001${value}` : `\u0002${canonicalJson(value)}`;
    }
    return shortDigest(text);
  };
}

function shortDigest(text: string): string {
  return digest(text).slice(0, HASH_CHARACTERS);
}

/** A short digest for look-ups by long keys, base64url. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}
