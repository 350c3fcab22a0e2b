import { type ErrorClass, IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { redactText } from '../../security/redact';
import type { HttpResponse } from '../http/client';
import { isObject, type Json, textOf } from './answer';

/** Why a server refused something, in its own words. */
export interface Fault {
  code: string;
  message: string;
  /** Written in the standard of the APIs; what the server itself says about a path that it does not have is not. */
  isStandard: boolean;
  /** The field that a model refused; empty where it was none of them. Absent: it is no model's refusal. */
  field?: string;
}

const LONGEST_TEXT = 500;
const LONGEST_REFUSAL = 10_000;
/** Code of an error that says that a route is not there, and of one that says that a route has no such record. */
export const NO_ROUTE = 'PCP_TOTVS_NO_ROUTE';
export const NOT_FOUND = 'PCP_TOTVS_NOT_FOUND';

/**
 * Reads `{"code", "message", "detailedMessage", "details"}`, the older `{"errorCode", "errorMessage"}`, and the messages of
 * routes that take many records; null where the body is none of them.
 */
export function readFault(body: string): Fault | null {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    // Its lines may stand in the text as they are, which is no JSON.
    const refusal = readRefusal(body);
    return refusal && { ...refusal, isStandard: false };
  }
  if (!isObject(json)) return null;
  if (Array.isArray(json._messages)) return { ...joined(json._messages.filter(isObject)), isStandard: true };
  const isStandard = json.detailedMessage !== undefined && text(json.message) !== '';
  const code = text(json.code ?? json.errorCode);
  const details = Array.isArray(json.details) ? json.details.filter(isObject) : [];
  const own = { message: json.message ?? json.errorMessage, detailedMessage: json.detailedMessage };
  const { message } = joined([own, ...details]);
  const refusal = readRefusal(message);
  if (refusal !== null) return { ...refusal, isStandard: false };
  // The server's own words for a path without a service look like the standard, but have no code of an API.
  return message === '' && code === '' ? null : { code, message, isStandard: isStandard && code !== '404' };
}

/**
 * A model that does not take a record says so in one text: "Id field error: [B1_UM]", "Error menssage: [...]" and so on, each
 * in a line of its own (FWRestModel). Null for any other text.
 */
function readRefusal(message: string): Pick<Fault, 'code' | 'message' | 'field'> | null {
  const beginning = message.slice(0, LONGEST_REFUSAL);
  const said = (name: string) =>
    new RegExp(`^[ \\t]*${name}: *\\[([\\s\\S]*?)\\][ \\t\\r]*$`, 'im').exec(beginning)?.[1]?.trim() ?? '';
  if (!/^[ \t]*Id submodel error:/im.test(beginning)) return null;
  const words = [said('Error mens?sage'), said('Solution mens?sage')].filter((each) => each !== '');
  return { code: said('Id error'), message: words.join(' '), field: said('Id field error') || said('Id field origin') };
}

/** A failed answer as an error: its class by the status, its words by the body. */
export async function failureOf(response: HttpResponse, secrets: readonly string[]): Promise<IntegrationError> {
  const fault = readFault(await textOf(response).catch(() => ''));
  const error = await response.failure('');
  const missing = fault?.isStandard === true ? NOT_FOUND : NO_ROUTE;
  // What a model refused was not kept, whatever status came with it.
  const isRefused = fault?.field !== undefined || (response.status === 404 && missing === NOT_FOUND);
  const errorClass: ErrorClass = isRefused ? 'data' : error.class;
  const isRecord = errorClass === 'data' || errorClass === 'conflict';
  const code = response.status === 404 ? missing : isRecord ? 'PCP_TOTVS_REFUSED' : error.code;
  const words = fault === null ? '' : `${fault.message}${fault.code === '' ? '' : ` (${fault.code})`}`;
  const said = redactText(words, secrets).slice(0, LONGEST_TEXT);
  return new IntegrationError(
    errorClass,
    code,
    said === ''
      ? phrase`${response.url.pathname} answered ${response.status}`
      : phrase`${response.url.pathname} answered ${response.status}: ${said}`,
    {
      ...(fault?.field && { path: fault.field }),
      ...(error.hint !== undefined && { hint: error.hint }),
      ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
      outcomeUnknown: error.outcomeUnknown && !isRefused,
    },
  );
}

function joined(faults: readonly Json[]): { code: string; message: string } {
  const texts = faults.flatMap(({ message, detailedMessage }) => [text(message), text(detailedMessage)]);
  return { code: text(faults[0]?.code), message: [...new Set(texts.filter((each) => each !== ''))].join(' ') };
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}
