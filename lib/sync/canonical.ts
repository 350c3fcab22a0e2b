import { decimalOf } from '../mapping/conversions/decimals';
import type { JsonSchema } from '../model/entity';
import { canonicalJson } from './hash';

/** A date and time as they are written, where the day may stand alone and the fraction has any number of digits. */
const DATE_TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** One text for all spellings that a type has for a value: "1.5" and "1.500". */
export function canonical(value: unknown, { type, format }: JsonSchema): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object') return canonicalJson(value);
  const types = [type].flat();
  const text = String(value);
  if (format === 'decimal' || types.includes('integer') || types.includes('number')) {
    return decimalText(typeof value === 'boolean' ? String(Number(value)) : text);
  }
  if (types.includes('boolean')) return text === '1' ? 'true' : text === '0' ? 'false' : text;
  if (format === 'date-time') return instantText(text);
  if (format === 'date') return DATE_TIME.exec(text)?.[1] ?? text;
  return text;
}

/** In UTC, without idle zeros of the fraction: what the target does not keep, it cannot give back. */
function instantText(text: string): string {
  const parts = DATE_TIME.exec(text);
  if (parts === null) return text;
  const [, day, time = '00:00', seconds = '00', fraction = '', zone = 'Z'] = parts;
  const offset = zone.toUpperCase() === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
  // The fraction aside, which may be finer than a Date.
  const instant = Date.parse(`${day}T${time}:${seconds}${offset}`);
  if (Number.isNaN(instant)) return text;
  const digits = fraction.replace(/0+$/, '');
  return `${new Date(instant).toISOString().slice(0, -5)}${digits && `.${digits}`}`;
}

function decimalText(text: string): string {
  try {
    return decimalOf(text) ?? text;
  } catch {
    return text;
  }
}
