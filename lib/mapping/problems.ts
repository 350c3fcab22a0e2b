import { IntegrationError } from '../model/errors';
import { phrase, render, type Said } from '../model/phrase';

/** Codes of what can be wrong with a single value. All are of class `data`. */
export type ValueCode =
  | 'PCP_VALUE_TYPE'
  | 'PCP_VALUE_REQUIRED'
  | 'PCP_VALUE_LOOKUP'
  | 'PCP_VALUE_RANGE'
  | 'PCP_VALUE_DATE'
  | 'PCP_VALUE_ROUND_TRIP'
  | 'PCP_VALUE_SCHEMA';

const SHOWN_CHARACTERS = 80;
const KEPT_CHARACTERS = 200;

/** Thrown by conversions, which know the value but not the field; the caller turns it into an IntegrationError. */
export class ValueProblem extends Error {
  constructor(
    readonly code: ValueCode,
    /** Stable name of the rule that was broken ("decimal", "scale", "lookup"). */
    readonly rule: string,
    /** Continues a sentence that begins with the field: "is not a decimal number". */
    readonly said: Said,
    readonly value: unknown,
    readonly hint?: string,
  ) {
    super(render(said));
    this.name = 'ValueProblem';
  }
}

/** @returns the value as a message shows it, at most about 80 characters */
export function show(value: unknown): string {
  const text = asJson(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** @returns the value as a dead letter keeps it: plain JSON, long texts cut */
export function shorten(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'string') return value.length > KEPT_CHARACTERS ? `${value.slice(0, KEPT_CHARACTERS)}…` : value;
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return value;
  const text = asJson(value);
  return text.length > KEPT_CHARACTERS ? `${text.slice(0, KEPT_CHARACTERS)}…` : plain(text);
}

/** @param source where the value came from, when that is another name than the field's */
export function fieldError(problem: ValueProblem, field: string, source: string | undefined): IntegrationError {
  const where = source === undefined || source === field ? field : phrase`${field} (from ${source})`;
  return new IntegrationError('data', problem.code, phrase`${where}: ${problem.said}.`, {
    path: source ?? field,
    value: shorten(problem.value),
    ...(problem.hint !== undefined && { hint: problem.hint }),
  });
}

/** @param path RFC 6901 pointer into the mapping, e.g. "/field_mappings/3/lookup" */
export function mappingError(path: string, message: Said, hint?: string): IntegrationError {
  return new IntegrationError('config', 'PCP_MAPPING_INVALID', message, { path, ...(hint !== undefined && { hint }) });
}

function asJson(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol' || value === undefined) return typeof value;
  try {
    return (
      JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? 'undefined'
    );
  } catch {
    return 'a value that cannot be shown';
  }
}

function plain(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
