import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../model/errors';
import { listed, phrase, type Said } from '../../model/phrase';
import { redactText } from '../../security/redact';
import type { HttpResponse } from '../http/client';
import { isObject, type Json } from './message';

/** Why the gateway refused a request, in its own words. */
export interface Fault {
  code: string;
  message: string;
  resolution: string;
}

const LONGEST_TEXT = 500;
/** The alias or the method is not deployed. */
const NOT_DEPLOYED = 'PCP_ISG_NOT_DEPLOYED';
export const REFUSED = 'PCP_ISG_REFUSED';

/** Codes that say what is wrong whatever the status. */
const CLASSES: Readonly<Record<string, [ErrorClass, string]>> = {
  ISG_INVALID_ALIAS: ['config', NOT_DEPLOYED],
  ISG_INVALID_FUNCTION: ['config', NOT_DEPLOYED],
  ISG_SERVICE_AUTH_FAILURE: ['permission', 'PCP_ISG_NO_GRANT'],
};

/** Reads `{"ISGServiceFault": {"Code", "Message", "Resolution"}}`, or the same as XML; null where the body is neither. */
export function readFault(body: string): Fault | null {
  const found = fromJson(body) ?? fromXml(body);
  return found !== null && found.code + found.message !== '' ? found : null;
}

/** An answer that is no success, as an error. */
export async function failureOf(response: HttpResponse, secrets: readonly string[]): Promise<IntegrationError> {
  const fault = readFault(await response.text().catch(() => ''));
  const error = await response.failure('');
  const { pathname } = response.url;
  if (fault === null) {
    const code = response.status === 404 ? NOT_DEPLOYED : error.code;
    return new IntegrationError(error.class, code, phrase`${pathname} answered ${response.status}`, detailsOf(error));
  }
  return faultError(fault, phrase`${pathname} answered ${response.status}`, secrets, error);
}

/** @param error what the status alone says */
export function faultError(
  { code, message, resolution }: Fault,
  where: Said,
  secrets: readonly string[],
  error?: IntegrationError,
): IntegrationError {
  const said = redactText(`${message}${code === '' ? '' : ` (${code})`}`, secrets).slice(0, LONGEST_TEXT);
  const [errorClass, own] = CLASSES[code] ?? [error?.class ?? 'data', REFUSED];
  const advice = redactText(resolution, secrets).slice(0, LONGEST_TEXT);
  return new IntegrationError(errorClass, own, listed([where, said], ': '), {
    ...(error !== undefined && detailsOf(error)),
    ...(advice !== '' && { hint: advice }),
    // A gateway that names such a code has not called the service.
    ...(code in CLASSES && { outcomeUnknown: false }),
  });
}

/**
 * What a PL/SQL API says about its own work: an answer with the status 200 that holds E or U is a failure.
 * @returns null when it went well
 */
export function refusalOf(output: Json, where: string, secrets: readonly string[]): IntegrationError | null {
  const named = (pattern: RegExp) => Object.entries(output).find(([name]) => pattern.test(name))?.[1];
  const status = named(/^[XPO]_RETURN_STATUS$/i) ?? named(/^RETURN_STATUS$/i);
  if (!['E', 'U'].includes(String(status ?? '').toUpperCase())) return null;
  const words = String(named(/MSG_DATA$/i) ?? '').trim() || messagesOf(output).join('; ');
  const count = Number(named(/MSG_COUNT$/i) ?? 0);
  const said = redactText(words, secrets).slice(0, LONGEST_TEXT);
  const text = said === '' ? phrase`${count} messages, of which it gives none` : said;
  return new IntegrationError('data', REFUSED, phrase`${where} returned ${String(status)}: ${text}`, {
    hint:
      String(status).toUpperCase() === 'U'
        ? 'An unexpected error of the API: look at its log (FND: Debug Log) with whoever administers E-Business Suite.'
        : 'Correct the values that the API refuses, and send them again.',
  });
}

/**
 * An API with several messages gives none in X_MSG_DATA; some give them as a table. Source: the answer of PROCESS_ORDER in the
 * samples of Oracle's E-Business Suite adapter (X_MESSAGES with MESSAGE_TEXT).
 */
function messagesOf(output: Json): string[] {
  const rows = Object.values(output).flatMap((value) => (Array.isArray(value) ? value : []));
  return rows.flatMap((row: unknown) => (isObject(row) ? text(row.MESSAGE_TEXT) : '')).filter((each) => each !== '');
}

function detailsOf({ hint, retryAfterMs, outcomeUnknown }: IntegrationError): ErrorDetails {
  return {
    ...(hint !== undefined && { hint }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    outcomeUnknown,
  };
}

function fromJson(body: string): Fault | null {
  try {
    const json: unknown = JSON.parse(body);
    const fault = isObject(json) ? json.ISGServiceFault : undefined;
    if (!isObject(fault)) return null;
    return { code: text(fault.Code), message: text(fault.Message), resolution: text(fault.Resolution) };
  } catch {
    return null;
  }
}

function fromXml(body: string): Fault | null {
  if (!/<(\w+:)?ISGServiceFault\b/.test(body)) return null;
  const element = (name: string) => new RegExp(`<(?:\\w+:)?${name}>([^<]*)<`).exec(body)?.[1]?.trim() ?? '';
  return { code: element('Code'), message: element('Message'), resolution: element('Resolution') };
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}
