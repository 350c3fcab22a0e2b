import { type ErrorClass, IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { redactText } from '../../security/redact';
import type { HttpResponse } from '../http/client';
import { type FailedAnswer, statusError } from '../http/errors';
import { isObject } from './entity';

/** Why a service refused something, in its own words. */
export interface Fault {
  code: string;
  message: string;
  /** Field of the record that it is about. */
  field?: string;
}

const LONGEST_TEXT = 500;
const CHANGES = new Set(['MERGE', 'PATCH', 'PUT', 'DELETE']);
/** Code of an error that says that what was to be changed is not there any more. */
export const GONE = 'PCP_TARGET_DELETED';

/** Reads the error of an answer of any version, in JSON or XML; null where the body is none. */
export function readFault(body: string): Fault | null {
  const text = body.trim();
  if (text.startsWith('<')) return xmlFault(text);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const error = isObject(json) ? (json.error ?? json['odata.error']) : undefined;
  if (!isObject(error)) return null;
  const inner = isObject(error.innererror) ? error.innererror : {};
  const details = [error.details, inner.errordetails]
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .filter(isObject);
  const main = textOf(isObject(error.message) ? error.message.value : error.message);
  const fieldOf = (said: Record<string, unknown>) => fieldName(said.target) || fieldName(said.propertyref);
  const fields = new Set(details.map(fieldOf).filter((name) => name !== ''));
  // Where several fields are wrong, each is named at what is said about it.
  const words = (detail: Record<string, unknown>) => {
    const [name, said] = [fieldOf(detail), textOf(isObject(detail.message) ? detail.message.value : detail.message)];
    return fields.size > 1 && name !== '' && said !== '' && !said.includes(name) ? `${name}: ${said}` : said;
  };
  // Dynamics says no more than "An error has occurred." outside.
  const all = [main, textOf(inner.message), ...details.map(words)];
  const texts = [...new Set(all.filter((each) => each !== ''))];
  const field = fieldOf(error) || [...fields][0];
  return { code: textOf(error.code), message: texts.join(' '), ...(field !== undefined && field !== '' && { field }) };
}

/**
 * A failed answer as an error: its class by the status, its words by the body.
 * @param method of the request, where it asked for entities or changed one
 */
export async function failureOf(
  response: HttpResponse,
  secrets: readonly string[],
  method?: string,
): Promise<IntegrationError> {
  const body = await response.text().catch(() => '');
  return worded(
    await response.failure(body),
    { status: response.status, ...(method && { method }) },
    readFault(body),
    secrets,
  );
}

/** The same for an answer inside of a batch. */
export function partFailure(answer: Omit<FailedAnswer, 'secrets'>, secrets: readonly string[]): IntegrationError {
  return worded(statusError({ ...answer, secrets }), answer, readFault(answer.body ?? ''), secrets);
}

function worded(
  error: IntegrationError,
  { status, method = '' }: { status: number; method?: string },
  fault: Fault | null,
  secrets: readonly string[],
): IntegrationError {
  const isMissing = status === 404 || status === 410;
  // What is changed was there before, so its address is right.
  if (isMissing && CHANGES.has(method)) return gone(error, fault, secrets);
  if (fault === null || (fault.message === '' && fault.code === '')) return error;
  const code = fault.code === '' ? '' : ` (${fault.code})`;
  const said = redactText(`${fault.message}${code}`, secrets).slice(0, LONGEST_TEXT);
  const errorClass: ErrorClass = isMissing ? 'config' : status === 428 ? 'conflict' : error.class;
  const isRecord = errorClass === 'data' || errorClass === 'conflict';
  return new IntegrationError(
    errorClass,
    isRecord ? (method === 'GET' ? 'PCP_ODATA_READ_REFUSED' : 'PCP_ODATA_REFUSED') : error.code,
    phrase`The service answered ${status}: ${said}`,
    {
      // Of a record that is sent; what is asked for is corrected elsewhere.
      ...(error.hint !== undefined && !(isRecord && method === 'GET') && { hint: error.hint }),
      ...(fault.field !== undefined && { path: fault.field }),
      ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
      outcomeUnknown: error.outcomeUnknown,
      cause: error,
    },
  );
}

function gone(error: IntegrationError, fault: Fault | null, secrets: readonly string[]): IntegrationError {
  const words = redactText(fault?.message ?? '', secrets).slice(0, LONGEST_TEXT);
  const said =
    words === ''
      ? phrase`The record is gone from the other system.`
      : phrase`The record is gone from the other system: ${words}`;
  return new IntegrationError('conflict', GONE, said, {
    hint: 'Create it there again, or take it out of the mapping.',
    cause: error,
  });
}

function xmlFault(text: string): Fault | null {
  if (!/<(\w+:)?error[\s>]/.test(text)) return null;
  const content = (name: string) =>
    decoded(new RegExp(`<(?:\\w+:)?${name}(?:\\s[^>]*)?>([^<]*)<`).exec(text)?.[1] ?? '').trim();
  return { code: content('code'), message: content('message') };
}

function decoded(xml: string): string {
  return xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => {
    return { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }[name] as string;
  });
}

/** "/#TRANSIENT#/to_Item(1)/Quantity" and "ProdnOrdConf2/OrderID" name their last part. */
function fieldName(target: unknown): string {
  const name = textOf(target).replace(/^\/?#TRANSIENT#/, '');
  return name.slice(name.lastIndexOf('/') + 1);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}
