import type { JsonSchema } from '../../../model/entity';
import { isDecimal } from '../../../model/formats';
import { phrase } from '../../../model/phrase';
import { readField, refusedValue } from '../../../protocols/totvs/field';
import type { ApiPreset } from './presets';

const OFFSET = /(Z|[+-]\d\d:?\d\d)$/;
const MINUTE_MS = 60_000;

type Data = Record<string, unknown>;

/** In the language since ECMAScript 2025: text that `JSON.stringify` takes over as it is. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** A record of an API, as records are here: texts without padding, days as ISO 8601, decimals as text. */
export function readRecord(json: Data, { properties }: ApiPreset): Data {
  const read = ([name, value]: [string, unknown]): [string, unknown] => [name, readValue(value, properties[name])];
  return Object.fromEntries(Object.entries(json).map(read));
}

/**
 * The body that posts a record.
 * @throws data PCP_TOTVS_VALUE: nothing was sent then
 */
export function bodyOf(data: Data, { properties, required = [] }: ApiPreset): string {
  for (const name of required) {
    if ((data[name] ?? '') === '') throw refusedValue(name, undefined, phrase`must not be empty`);
  }
  const written = Object.entries(data).map(([name, value]) => {
    const property = properties[name];
    if (property === undefined) throw refusedValue(name, undefined, phrase`is none of this API`);
    return [name, value === null ? null : writtenValue(name, value, property)];
  });
  return JSON.stringify(Object.fromEntries(written));
}

/** What the system holds, with moments written as the record writes them where they are the same: it keeps minutes only. */
export function withOurMoments(held: Data, record: Data, { properties }: ApiPreset): Data {
  const same = Object.entries(record).filter(
    ([name, value]) => properties[name]?.format === 'date-time' && isSameMinute(value, held[name]),
  );
  return { ...held, ...Object.fromEntries(same) };
}

/** A moment as the minute that it is in, in UTC where it has an offset. */
export function minuteOf(value: unknown): string {
  const text = String(value ?? '');
  const time = OFFSET.test(text) ? Date.parse(text) : Number.NaN;
  return (Number.isNaN(time) ? text : new Date(time).toISOString()).slice(0, 16);
}

/** A moment without its offset is on the clock of the plant, as ours is. */
export function isSameMinute(ours: unknown, theirs: unknown): boolean {
  if (typeof ours !== 'string' || typeof theirs !== 'string') return false;
  if (ours.slice(0, 16) === theirs.slice(0, 16)) return true;
  const [left, right] = [ours, theirs].map((text) => (OFFSET.test(text) ? Date.parse(text) : Number.NaN));
  return Math.floor(left! / MINUTE_MS) === Math.floor(right! / MINUTE_MS);
}

function readValue(value: unknown, property: JsonSchema | undefined): unknown {
  if (property === undefined || value === null || typeof value === 'object') return value;
  if (property.format === 'decimal') return readField(value, 'N');
  if (property.format === 'date') return readField(value, 'D');
  if (property.type === 'boolean') return typeof value === 'boolean' ? value : readField(value, 'L');
  return property.type === 'string' ? readField(value, 'C') : value;
}

function writtenValue(name: string, value: unknown, { type, format, maxLength }: JsonSchema): unknown {
  if (type === 'boolean') {
    if (typeof value === 'boolean') return value;
    throw refusedValue(name, value, phrase`must be true or false`);
  }
  if (type === 'array') {
    if (Array.isArray(value)) return value;
    throw refusedValue(name, undefined, phrase`must be a list`);
  }
  if (typeof value === 'object') throw refusedValue(name, undefined, phrase`must be a text or a number`);
  const text = String(value);
  if (type === 'integer' || format === 'decimal') {
    if (isDecimal(text) && (type !== 'integer' || /^-?\d+$/.test(text)))
      return rawJSON(text.replace(/^(-?)0+(?=\d)/, '$1'));
    throw refusedValue(name, value, type === 'integer' ? phrase`must be a whole number` : phrase`must be a number`);
  }
  const { length } = [...text];
  if (maxLength !== undefined && length > maxLength) {
    throw refusedValue(name, value, phrase`holds ${length} characters, ${maxLength} at most`);
  }
  return text;
}
