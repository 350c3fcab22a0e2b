import { parseExactJson } from '../../model/exact-json';
import { phrase } from '../../model/phrase';
import { show, ValueProblem } from '../problems';

const MAX_DEPTH = 64;

/**
 * @returns a plain JSON value. Text is parsed, and a number that a binary float cannot hold stays text; undefined for a blank one.
 * @throws ValueProblem PCP_VALUE_TYPE for text that is not JSON, values JSON does not know, keys named __proto__ and
 * nesting deeper than 64
 */
export function jsonOf(value: unknown): unknown {
  let parsed = value;
  if (typeof value === 'string') {
    if (value.trim() === '') return undefined;
    try {
      parsed = parseExactJson(value);
    } catch {
      throw new ValueProblem('PCP_VALUE_TYPE', 'json', phrase`${show(value)} is not JSON`, value);
    }
  }
  return checked(parsed, 0, value);
}

function checked(value: unknown, depth: number, original: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date && Number.isFinite(value.getTime())) return value.toISOString();
  if (typeof value !== 'object') {
    throw new ValueProblem('PCP_VALUE_TYPE', 'json', phrase`${show(value)} is nothing that JSON can hold`, original);
  }
  if (depth >= MAX_DEPTH) {
    throw new ValueProblem(
      'PCP_VALUE_RANGE',
      'json_depth',
      phrase`the value is nested deeper than ${MAX_DEPTH} levels`,
      null,
    );
  }
  if (Array.isArray(value)) return value.map((item) => checked(item === undefined ? null : item, depth + 1, original));
  const copy: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) {
    if (key === '__proto__') {
      const said = phrase`the value holds a key named __proto__, which is not allowed`;
      throw new ValueProblem('PCP_VALUE_TYPE', 'unsafe_key', said, null);
    }
    if (part !== undefined) copy[key] = checked(part, depth + 1, original);
  }
  return copy;
}
