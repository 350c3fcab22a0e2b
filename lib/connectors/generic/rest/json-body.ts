import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';

/** A number as JSON writes it. */
export const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** In the language since ECMAScript 2025: text that `JSON.stringify` takes over as it is. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * The record with the named fields as JSON numbers, digit by digit. A name may lead through objects and lists:
 * "lines.quantity".
 * @throws data PCP_REST_NUMBER
 */
export function withNumbers(record: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  let result = record;
  for (const field of fields) result = nested(result, Object.hasOwn(record, field) ? [field] : field.split('.'), field);
  return result;
}

function nested<T>(value: T, keys: string[], field: string): T {
  if (Array.isArray(value)) return value.map((item) => nested(item, keys, field)) as T;
  const [key, ...rest] = keys;
  if (typeof value !== 'object' || value === null || key === undefined || !Object.hasOwn(value, key)) return value;
  const inner = (value as Record<string, unknown>)[key];
  return { ...value, [key]: rest.length === 0 ? numeric(inner, field) : nested(inner, rest, field) };
}

function numeric(value: unknown, field: string): unknown {
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'string' && NUMBER.test(value)) return rawJSON(value);
  throw new IntegrationError('data', 'PCP_REST_NUMBER', phrase`The field "${field}" is no number.`, {
    path: field,
    value,
    hint: 'Map it as decimal or integer, or take it out of "numbers" of the entity.',
  });
}
