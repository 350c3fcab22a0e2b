import { IntegrationError } from '../../lib/model/errors';

export type PlainRecord = Record<string, unknown>;

/** "a, b" or ["a", "b"] as a list of names. */
export function nameList(value: unknown): string[] {
  const parts = Array.isArray(value) ? value.map(String) : String(value ?? '').split(',');
  return parts.map((part) => part.trim()).filter(Boolean);
}

/**
 * A JSON property of a node: the editor keeps objects, imported flows and environment variables may hold text.
 * @throws config PCP_NODE_SETTING when it is no JSON
 */
export function jsonProperty<T>(value: unknown, name: string, fallback: T): T {
  if (value === undefined || value === null || value === '') return fallback;
  if (typeof value !== 'string') return value as T;
  try {
    return JSON.parse(value) as T;
  } catch (cause) {
    throw new IntegrationError('config', 'PCP_NODE_SETTING', `The node's ${name} are not valid JSON.`, {
      path: name,
      cause,
    });
  }
}

/** Names or addresses of tags, which may hold commas: then they stand as a JSON array. */
export function tagList(value: unknown): string[] {
  if (typeof value === 'string' && value.trim().startsWith('[')) return nameList(jsonProperty(value, 'tags', []));
  return nameList(value);
}

/** A number of a node's form, which may be text or an environment variable's text. Out of range: the nearest end. */
export function numberProperty(value: unknown, range: { fallback: number; minimum: number; maximum: number }): number {
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value ?? Number.NaN);
  if (!Number.isFinite(number)) return range.fallback;
  return Math.min(range.maximum, Math.max(range.minimum, Math.trunc(number)));
}

export function isPlainRecord(value: unknown): value is PlainRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Buffer.isBuffer(value)) return false;
  return !(value instanceof Date);
}

/**
 * The records of a message: one object, or an array of them.
 * @throws data PCP_PAYLOAD_INVALID naming what was found instead
 */
export function payloadRecords(payload: unknown): { records: PlainRecord[]; single: boolean } {
  if (isPlainRecord(payload)) return { records: [payload], single: true };
  if (Array.isArray(payload)) {
    const wrong = payload.findIndex((item) => !isPlainRecord(item));
    if (wrong < 0) return { records: payload, single: false };
    throw payloadError(`msg.payload[${wrong}] is ${described(payload[wrong])}`);
  }
  throw payloadError(`msg.payload is ${described(payload)}`);
}

function payloadError(found: string): IntegrationError {
  return new IntegrationError('data', 'PCP_PAYLOAD_INVALID', `${found}, where a record was expected.`, {
    path: 'payload',
    hint: 'Send one object, or an array of objects.',
  });
}

function described(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (Buffer.isBuffer(value)) return 'a Buffer';
  return value instanceof Date ? 'a Date' : `a ${typeof value}`;
}
