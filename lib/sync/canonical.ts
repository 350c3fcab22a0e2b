import { decimalOf } from '../mapping/conversions/decimals';
import type { JsonSchema } from '../model/entity';
import { canonicalJson } from './hash';

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
  // Without zone and idle zeros of the fraction: what the target does not keep, it cannot give back.
  if (format === 'date-time')
    return text.replace(' ', 'T').replace(/(?:\.(\d*?)0*)?Z?$/, (_, digits) => (digits ? `.${digits}` : ''));
  return text;
}

function decimalText(text: string): string {
  try {
    return decimalOf(text) ?? text;
  } catch {
    return text;
  }
}
