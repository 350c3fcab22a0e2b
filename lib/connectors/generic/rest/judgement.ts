import { type ErrorClass, IntegrationError } from '../../../model/errors';
import { phrase, type Said as Spoken } from '../../../model/phrase';
import { redactText } from '../../../security/redact';
import type { WriteResult } from '../../contract';
import { type Explanation, explanation, explanationIn } from './explanation';
import { valueAt, valueIn } from './pointer';
import type { JudgementSetting } from './settings';

/** What the API said about one record: an answer of its own, or its part of the answer to many. */
export interface Said {
  document: unknown;
  headers: Readonly<Record<string, string>>;
  /** Must not come into any message, though the API repeats them. */
  secrets: readonly string[];
}

/** Where the API says what it calls a record, and the path of the list that the record was added to. */
type Naming = Pick<JudgementSetting, 'id'> & { path?: string };

const LONGEST_TEXT = 500;
const SUCCESS = /^(true|ok|success|succeeded|successful|created|updated|unchanged|done|2\d\d)$/i;
const FAILURE = /^(false|error|errors|failed|failure|fail|rejected|refused|invalid|conflict|[345]\d\d)$/i;
/** Where the results of many records usually say how each one went. */
const USUAL_RESULTS = ['/status', '/statusCode', '/status_code', '/success', '/ok'];
const USUAL_ERRORS = ['/error', '/errors'];

/** Judges what the API said to a request that it did not refuse. */
export function judged(
  said: Said,
  setting: JudgementSetting & Naming,
  outcome: 'created' | 'updated' | 'deleted',
): WriteResult {
  const { result, ok, error } = setting;
  const externalKey = externalKeyOf(said, setting);
  if (result !== undefined) {
    const value = valueAt(said.document, result);
    if (value === undefined || value === null) return unknown(phrase`nothing stands at "${result}"`);
    const isSuccess =
      ok === undefined ? SUCCESS.test(String(value)) : ok.some((each) => String(each) === String(value));
    if (!isSuccess) return failed(said, error, String(value));
  } else if (error !== undefined && explanation(valueAt(said.document, error)) !== null) {
    return failed(said, error, '');
  }
  return { outcome, ...(externalKey !== undefined && { externalKey }) };
}

/** Judges one of many results; where nothing is configured, by what such results usually hold. */
export function judgedItem(
  said: Said,
  setting: JudgementSetting & Naming,
  outcome: 'created' | 'updated',
): WriteResult {
  if (typeof said.document !== 'object' || said.document === null)
    return unknown(phrase`the answer holds no result for it`);
  if (setting.result !== undefined || setting.error !== undefined) return judged(said, setting, outcome);
  const error = USUAL_ERRORS.find((pointer) => explanation(valueAt(said.document, pointer)) !== null);
  const result = USUAL_RESULTS.find((pointer) => isVerdict(valueAt(said.document, pointer)));
  if (result !== undefined) return judged(said, { ...setting, result, ...(error !== undefined && { error }) }, outcome);
  if (error !== undefined) return failed(said, error, '');
  if (externalKeyOf(said, setting) !== undefined) return judged(said, setting, outcome);
  return unknown(phrase`its result says neither yes nor no; set "result" or "error" of "bulk"`);
}

/** What the API calls the record: the value at a pointer, or what a Location names. */
export function externalKeyOf(said: Omit<Said, 'secrets'>, { id, path }: Naming): string | undefined {
  const value = valueIn(said, id);
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  if (id?.toLowerCase() === 'location') return nameIn(text, path);
  return text === '' ? undefined : text;
}

/**
 * "/orders/5" and "/orders?id=5" are 5. The list itself names no record, unless it is asked for one by a parameter that stands
 * alone: "/orders?number=5".
 */
function nameIn(location: string, list: string | undefined): string | undefined {
  const [, path = '', query = ''] = /^([^?#]*)\??([^#]*)/.exec(location) ?? [];
  const parameters = [...new URLSearchParams(query)];
  const id = parameters.find(([name]) => name.toLowerCase() === 'id')?.[1];
  if (id !== undefined && id !== '') return id;
  const last = lastSegment(path);
  if (last === '' || last === lastSegment(list ?? '')) return parameters.length === 1 ? parameters[0]![1] : undefined;
  try {
    return decodeURIComponent(last);
  } catch {
    // Not encoded as a URL is: then it is what it is.
    return last;
  }
}

function lastSegment(path: string): string {
  return /([^/?#]*)\/?(?:[?#].*)?$/.exec(path)?.[1] ?? '';
}

export function unknown(why: Spoken): WriteResult {
  const message = phrase`Whether the record was written is not known: ${why}.`;
  const error = new IntegrationError('transient', 'PCP_REST_OUTCOME_UNKNOWN', message, {
    hint: 'Look for it in the other system before it is sent again.',
    outcomeUnknown: true,
  });
  return { outcome: 'unknown', error };
}

function failed({ document, secrets }: Said, pointer: string | undefined, result: string): WriteResult {
  const errorClass: ErrorClass = result === '409' || result === '412' ? 'conflict' : 'data';
  const why = explanationIn(document, pointer) ?? { text: result };
  return { outcome: 'failed', error: refused(errorClass, why, secrets) };
}

/** @param secrets that the API may have repeated */
export function refused(errorClass: ErrorClass, why: Explanation, secrets: readonly string[]): IntegrationError {
  const { field } = why;
  const silence = phrase`it does not say why`;
  const text = redactText(why.text, secrets).slice(0, LONGEST_TEXT);
  return new IntegrationError(errorClass, 'PCP_REST_REFUSED', phrase`The API refused the record: ${text || silence}`, {
    ...(field !== undefined && { path: field }),
    hint: errorClass === 'conflict' ? 'It was changed there meanwhile.' : 'Correct the record or the mapping.',
  });
}

/** Not the "status" of the record itself, which many answers repeat. */
function isVerdict(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  return SUCCESS.test(text) || FAILURE.test(text);
}
