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

const READ_REFUSED = 'PCP_TOTVS_READ_REFUSED';
const READ_HINT = 'Look at the filters and fields of the mapping, and at company and branch (TenantId).';
const WRONG_TENANT = /tenant\s?id/i;
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

/**
 * A failed answer as an error: its class by the status, its words by the body.
 * @param method of the request; what refuses to be read is no record
 */
export async function failureOf(
  response: HttpResponse,
  secrets: readonly string[],
  method = 'GET',
): Promise<IntegrationError> {
  const fault = readFault(await textOf(response).catch(() => ''));
  const error = await response.failure('');
  // Whoever is asked for another company's data says it in words only.
  if (response.status < 500 && WRONG_TENANT.test(fault?.message ?? ''))
    return wrongTenant(fault?.message ?? '', secrets);
  const missing = fault?.isStandard === true ? NOT_FOUND : NO_ROUTE;
  // What a model refused was not kept, whatever status came with it.
  const isRefused = fault?.field !== undefined || (response.status === 404 && missing === NOT_FOUND);
  const errorClass: ErrorClass = isRefused ? 'data' : error.class;
  const isRecord = errorClass === 'data' || errorClass === 'conflict';
  const code = response.status === 404 ? missing : isRecord ? refusalOf(method) : error.code;
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
      ...(code === READ_REFUSED ? { hint: READ_HINT } : error.hint !== undefined && { hint: error.hint }),
      ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
      outcomeUnknown: error.outcomeUnknown && !isRefused,
    },
  );
}

function refusalOf(method: string): string {
  return method === 'GET' ? READ_REFUSED : 'PCP_TOTVS_REFUSED';
}

function wrongTenant(message: string, secrets: readonly string[]): IntegrationError {
  const words = redactText(message, secrets).slice(0, LONGEST_TEXT);
  return new IntegrationError(
    'config',
    'PCP_TOTVS_TENANT',
    phrase`The server does not open this company and branch: ${words}`,
    {
      path: '/config/tenant_id',
      hint: 'Write TenantId as the server has it: company, a comma without a space, and the branch with all its characters ("T1,D MG 01").',
    },
  );
}

function joined(faults: readonly Json[]): { code: string; message: string } {
  const texts = faults.flatMap(({ message, detailedMessage }) => [text(message), text(detailedMessage)]);
  const said = [...new Set(texts.filter((each) => each !== ''))];
  // The longer one often begins with the shorter one.
  const told = said.filter((each) => !said.some((other) => other !== each && other.startsWith(each)));
  return { code: text(faults[0]?.code), message: told.join(' ') };
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}
