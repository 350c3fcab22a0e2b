import { phrase } from '../../model/phrase';
import { show, ValueProblem } from '../problems';

/**
 * Exact decimals as text. Canonical: no exponent, no plus sign, no leading zeros, no trailing zeros after the point,
 * no point without digits after it, and "0" for every zero.
 */

/** Digits that a decimal may have, before and after the point together; `isDecimal` of the model takes no more. */
const MAX_DIGITS = 78;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;
const GENERAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?(-?)$/;

export type Separator = '.' | ',';

/**
 * @param separator the decimal separator; when given, the other one of the two is taken as thousands separator (in
 * groups of three, the first without leading zeros: "0.123" is no number with a comma). Without it, only the point is known and "1,234" is refused as ambiguous.
 * @returns the canonical text, or undefined for a blank text
 * @throws ValueProblem PCP_VALUE_TYPE, PCP_VALUE_RANGE
 */
export function decimalOf(value: unknown, separator?: Separator): string | undefined {
  if (typeof value === 'string') return decimalOfText(value, separator);
  if (typeof value === 'number') return decimalOfNumber(value);
  if (typeof value === 'bigint') return String(value);
  throw notDecimal(value);
}

function decimalOfNumber(value: number): string {
  if (!Number.isFinite(value)) throw notDecimal(value);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw new ValueProblem(
      'PCP_VALUE_RANGE',
      'precision',
      phrase`${value} lost digits before it came here, because it is a binary number above 2^53`,
      value,
      'Let the source give the number as text.',
    );
  }
  if (Number.isInteger(value)) return value === 0 ? '0' : String(value);
  const text = String(value);
  return text.includes('e') ? generalDecimal(text, value) : text;
}

function decimalOfText(text: string, separator: Separator | undefined): string | undefined {
  const simple = simpleDecimal(text, separator === ',' ? 44 : 46);
  if (simple !== undefined) return simple;
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return generalDecimal(separator === undefined ? trimmed : ungrouped(trimmed, separator, text), text);
}

/** The common case without regular expressions: sign, digits, separator, digits. */
function simpleDecimal(text: string, separator: number): string | undefined {
  const length = text.length;
  if (length === 0 || length > MAX_DIGITS) return undefined;
  let at = text.charCodeAt(0) === MINUS ? 1 : 0;
  const negative = at === 1;
  const first = at;
  while (at < length && text.charCodeAt(at) === ZERO) at++;
  const integerStart = at;
  let code = 0;
  while (at < length) {
    code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) break;
    at++;
  }
  const integerEnd = at;
  let fractionEnd = at + 1;
  if (at < length) {
    if (code !== separator) return undefined;
    for (at++; at < length; at++) {
      code = text.charCodeAt(at);
      if (code < ZERO || code > NINE) return undefined;
      if (code !== ZERO) fractionEnd = at + 1;
    }
    if (length - first === 1) return undefined;
  } else if (integerEnd === first) {
    return undefined;
  }
  const hasFraction = fractionEnd > integerEnd + 1;
  if (!hasFraction) {
    if (integerEnd === integerStart) return '0';
    if (integerEnd === length && integerStart === first) return text;
    const integer = text.slice(integerStart, integerEnd);
    return negative ? `-${integer}` : integer;
  }
  if (separator === 46 && integerStart === first && integerEnd > integerStart && fractionEnd === length) return text;
  const integer = integerEnd === integerStart ? '0' : text.slice(integerStart, integerEnd);
  return `${negative ? '-' : ''}${integer}.${text.slice(integerEnd + 1, fractionEnd)}`;
}

function ungrouped(text: string, separator: Separator, original: unknown): string {
  const group = separator === ',' ? '.' : ',';
  const split = text.indexOf(separator);
  const integer = split < 0 ? text : text.slice(0, split);
  if (text.includes(group)) {
    const groups = integer.replace(/^[+-]|-$/g, '').split(group);
    const wellGrouped = groups.every((part, index) => (index === 0 ? /^[1-9]\d{0,2}$/ : /^\d{3}$/).test(part));
    if (!wellGrouped || (split >= 0 && text.indexOf(group, split) >= 0)) throw notDecimal(original);
  }
  const fraction = split < 0 ? '' : `.${text.slice(split + 1)}`;
  if (fraction.indexOf('.', 1) >= 0) throw notDecimal(original);
  return integer.replaceAll(group, '') + fraction;
}

/** Also reads a plus sign, an exponent, and the minus sign behind the digits that SAP prints. */
function generalDecimal(text: string, original: unknown): string {
  const parts = text.length > 2 * MAX_DIGITS ? null : GENERAL.exec(text);
  if (parts === null)
    throw text.length > 2 * MAX_DIGITS && /^[\d.+-]+$/.test(text) ? tooLong(original) : notDecimal(original);
  const [, sign, integer = '', fraction = '', exponent, trailing] = parts;
  if (integer.length + fraction.length === 0 || (sign !== '' && trailing !== '')) throw notDecimal(original);
  const shifted = shiftPoint(integer, fraction, exponent === undefined ? 0 : Number(exponent), original);
  return sign === '-' || trailing === '-' ? negated(shifted) : shifted;
}

function shiftPoint(integer: string, fraction: string, places: number, original: unknown): string {
  if (Math.abs(places) > MAX_DIGITS && /[1-9]/.test(integer + fraction)) throw tooLong(original);
  const digits = integer + fraction;
  const point = Math.max(-MAX_DIGITS, Math.min(integer.length + places, digits.length + MAX_DIGITS));
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const split = point <= 0 ? 1 : point;
  const whole = padded.slice(0, split).replace(/^0+(?=\d)/, '');
  const rest = padded.slice(split).replace(/0+$/, '');
  if (whole.length + rest.length > MAX_DIGITS) throw tooLong(original);
  return rest === '' ? whole : `${whole}.${rest}`;
}

/** Moves the point of a canonical decimal: `shiftDecimal("12.5", 3)` is "12500". */
export function shiftDecimal(canonical: string, places: number): string {
  if (places === 0) return canonical;
  const negative = canonical.charCodeAt(0) === MINUS;
  const [integer = '', fraction = ''] = (negative ? canonical.slice(1) : canonical).split('.');
  const shifted = shiftPoint(integer, fraction, places, canonical);
  return negative ? negated(shifted) : shifted;
}

/** Number of digits after the point of a canonical decimal. */
export function scaleOf(canonical: string): number {
  const point = canonical.indexOf('.');
  return point < 0 ? 0 : canonical.length - point - 1;
}

/**
 * Gives a canonical decimal exactly `scale` digits after the point.
 * @param round when more digits are there: round half away from zero, or refuse
 * @throws ValueProblem PCP_VALUE_RANGE rule "scale"
 */
export function toScale(canonical: string, scale: number, round: boolean): string {
  const digits = scaleOf(canonical);
  if (digits === scale) return canonical;
  if (digits < scale) return `${canonical}${digits === 0 ? '.' : ''}${'0'.repeat(scale - digits)}`;
  if (!round) {
    throw new ValueProblem(
      'PCP_VALUE_RANGE',
      'scale',
      phrase`${show(canonical)} has more than ${scale} decimals`,
      canonical,
      'Raise "scale", or set "round" to accept the loss.',
    );
  }
  const point = canonical.length - digits - 1;
  const kept = BigInt(canonical.slice(0, point) + canonical.slice(point + 1, point + 1 + scale));
  const up = canonical.charCodeAt(point + 1 + scale) >= ZERO + 5 ? 1n : 0n;
  const rounded = canonical.charCodeAt(0) === MINUS ? -(magnitude(kept) + up) : kept + up;
  return fixedText(rounded, scale);
}

/** The decimal `units / 10^scale`, with all its `scale` digits. */
export function fixedText(units: bigint, scale: number): string {
  const digits = String(magnitude(units)).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return units < 0n ? `-${text}` : text;
}

/** -1, 0 or 1. */
export function compareDecimals(a: string, b: string): number {
  if (a === b) return 0;
  const scale = Math.max(scaleOf(a), scaleOf(b));
  const left = unitsOf(a, scale);
  const right = unitsOf(b, scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The decimal times 10^scale, where scale is at least its own. */
export function unitsOf(canonical: string, scale: number): bigint {
  return BigInt(canonical.replace('.', '') + '0'.repeat(scale - scaleOf(canonical)));
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function negated(canonical: string): string {
  return canonical === '0' ? '0' : `-${canonical}`;
}

function notDecimal(value: unknown): ValueProblem {
  const grouped = typeof value === 'string' && /^[\s+-]*[\d.,\s]*\d[\d.,\s-]*$/.test(value);
  return new ValueProblem(
    'PCP_VALUE_TYPE',
    'decimal',
    phrase`${show(value)} is not a decimal number`,
    value,
    grouped ? 'Say with "decimal_separator" whether the comma or the point separates the decimals.' : undefined,
  );
}

function tooLong(value: unknown): ValueProblem {
  return new ValueProblem(
    'PCP_VALUE_RANGE',
    'digits',
    phrase`${show(value)} has more than ${MAX_DIGITS} digits`,
    value,
  );
}
