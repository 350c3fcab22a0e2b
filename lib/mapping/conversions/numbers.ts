import { phrase } from '../../model/phrase';
import { show, ValueProblem } from '../problems';
import { decimalOf, type Separator } from './decimals';

const ZERO = 48;
const NINE = 57;
/** Longest run of digits that always fits a safe integer. */
const SAFE_DIGITS = 15;

/**
 * @returns a safe integer, or undefined for a blank text
 * @throws ValueProblem PCP_VALUE_TYPE rule "integer", PCP_VALUE_RANGE above 2^53 - 1
 */
export function integerOf(value: unknown, separator?: Separator): number | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  if (typeof value === 'string') {
    const simple = digitsOf(value);
    if (simple >= 0) return simple;
  }
  const text = exact(value, 'integer', separator);
  if (text === undefined) return undefined;
  return integerOfDecimal(text, value);
}

/** @param original what the message shows */
export function integerOfDecimal(canonical: string, original: unknown): number {
  if (canonical.includes('.') && /[1-9]/.test(canonical.slice(canonical.indexOf('.')))) {
    throw new ValueProblem('PCP_VALUE_TYPE', 'integer', phrase`${show(original)} is not an integer`, original);
  }
  const number = Number(canonical);
  if (!Number.isSafeInteger(number)) {
    const message = phrase`${show(original)} is outside of the integers that can be kept exactly (±(2^53 - 1))`;
    throw new ValueProblem('PCP_VALUE_RANGE', 'integer', message, original, 'Use type decimal or string.');
  }
  return number;
}

/**
 * @returns a finite number (IEEE 754 double), or undefined for a blank text
 * @throws ValueProblem PCP_VALUE_TYPE rule "number", PCP_VALUE_RANGE on overflow
 */
export function numberOf(value: unknown, separator?: Separator): number | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return value === 0 ? 0 : value;
  if (typeof value === 'string') {
    const simple = digitsOf(value);
    if (simple >= 0) return simple;
    const exponent = /^\s*[+-]?\d*\.?\d*[eE]\+?\d+\s*$/.test(value);
    if (exponent && !Number.isFinite(Number(value))) throw overflow(value);
  }
  const text = exact(value, 'number', separator);
  return text === undefined ? undefined : numberOfDecimal(text, value);
}

export function numberOfDecimal(canonical: string, original: unknown): number {
  const number = Number(canonical);
  if (!Number.isFinite(number)) throw overflow(original);
  return number;
}

/** The value of a short text of digits alone, else -1. */
function digitsOf(text: string): number {
  const length = text.length;
  if (length === 0 || length > SAFE_DIGITS) return -1;
  let number = 0;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) return -1;
    number = number * 10 + (code - ZERO);
  }
  return number;
}

function exact(value: unknown, rule: 'integer' | 'number', separator: Separator | undefined): string | undefined {
  try {
    return decimalOf(value, separator);
  } catch (problem) {
    if (!(problem instanceof ValueProblem) || problem.code !== 'PCP_VALUE_TYPE') throw problem;
    const said = rule === 'integer' ? phrase`${show(value)} is not an integer` : phrase`${show(value)} is not a number`;
    throw new ValueProblem('PCP_VALUE_TYPE', rule, said, value, problem.hint);
  }
}

function overflow(value: unknown): ValueProblem {
  return new ValueProblem('PCP_VALUE_RANGE', 'number', phrase`${show(value)} is too large for a number`, value);
}
