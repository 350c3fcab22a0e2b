import { randomUUID } from 'node:crypto';
import { IntegrationError } from '../../model/errors';
import { parseExactJson } from '../../model/exact-json';
import type { HttpResponse } from '../http/client';
import { isObject } from './entity';
import { failureOf, partFailure } from './fault';
import { multipartBody, multipartResponses } from './multipart';
import type { ServiceRequest } from './operations';
import { jsonType } from './payload';
import { parameterText } from './query';
import type { BeforeSend, ODataService } from './service';

/**
 * Version 4 may write a batch as JSON; every service knows the other notation. In JSON, some services take only addresses that
 * begin with a slash at the root of the service, others only those without.
 */
export type BatchFormat = 'json' | 'json-relative' | 'multipart';

/** One request, or several that the service does wholly or not at all. */
export type BatchItem = ServiceRequest | readonly ServiceRequest[];

export interface PartAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** What became of one item: an answer for each of its requests, or of all of them together when they were refused. */
export type ItemAnswer = { answers: PartAnswer[] } | { error: IntegrationError };

/** Code of an error that says that the answer leaves open what became of a request. */
export const UNCLEAR = 'PCP_ODATA_BATCH';
/** In version 4 a service may otherwise stop at the first request that it refuses; version 2 does not know it. */
const GO_ON = 'odata.continue-on-error';

/**
 * Sends many requests as one.
 * @returns one answer per item, in their order
 * @throws transient PCP_ODATA_BATCH with `outcomeUnknown` when the answer does not say what became of them
 */
export async function sendBatch(
  service: ODataService,
  items: readonly BatchItem[],
  signal: AbortSignal,
  format: BatchFormat = 'multipart',
  beforeSend?: BeforeSend,
): Promise<ItemAnswer[]> {
  const boundary = `batch_${randomUUID()}`;
  const response = await service.send(
    {
      method: 'POST',
      path: `$batch${parameterText(Object.entries(service.options.parameters ?? {}))}`,
      ...(format !== 'multipart'
        ? {
            headers: { 'content-type': 'application/json', prefer: GO_ON },
            body: jsonBody(items, format === 'json' ? '/' : ''),
          }
        : {
            headers: {
              'content-type': `multipart/mixed; boundary=${boundary}`,
              accept: 'multipart/mixed',
              prefer: GO_ON,
            },
            body: multipartBody(items, boundary, jsonType(await service.model(signal))),
          }),
    },
    signal,
    beforeSend,
  );
  const { secrets = [] } = service.options;
  if (!response.ok) throw await failureOf(response, secrets);
  const parts = await partsOf(response, items);
  // Services of version 4 may stop at the first that they refuse.
  const stopped = parts.at(-1)?.some(({ status }) => status >= 400) === true;
  return items.map((item, index) => {
    const answers = parts[index] ?? [];
    const wanted = isGroup(item) ? item.length : 1;
    const refusal = answers.find(({ status }) => status >= 400);
    // A group that failed has one answer for all.
    if (refusal !== undefined) {
      const { method } = isGroup(item) ? (item[0] as ServiceRequest) : item;
      return { error: partFailure({ method, url: response.url, ...refusal }, secrets) };
    }
    if (answers.length === wanted) return { answers };
    if (answers.length === 0 && stopped) return { error: notDone(response.url) };
    return { error: unclear(response.url, `it holds ${answers.length} answers to ${wanted} requests`) };
  });
}

export function isGroup(item: BatchItem): item is readonly ServiceRequest[] {
  return Array.isArray(item);
}

async function partsOf(response: HttpResponse, items: readonly BatchItem[]): Promise<PartAnswer[][]> {
  const type = response.headers['content-type'] ?? '';
  const text = await response.text();
  if (/\bjson\b/i.test(type)) return jsonAnswers(text, items, response.url);
  const found = multipartResponses(text, type);
  if (found !== null) return found;
  throw unclear(response.url, 'it is no multipart answer');
}

function jsonBody(items: readonly BatchItem[], root: string): string {
  const requests = items.flatMap((item, index) => {
    const group = isGroup(item) ? item : [item];
    return group.map(({ method, path, headers, body }, at) => {
      const head = JSON.stringify({
        id: idOf(index, at),
        ...(isGroup(item) && { atomicityGroup: `g${index}` }),
        method,
        url: `${root}${path}`,
        headers: { accept: 'application/json', ...headers },
      });
      // The body goes in as it is written, so that no number changes.
      return body === undefined ? head : `${head.slice(0, -1)},"body":${body}}`;
    });
  });
  return `{"requests":[${requests.join(',')}]}`;
}

function jsonAnswers(text: string, items: readonly BatchItem[], url: URL): PartAnswer[][] {
  let json: unknown;
  try {
    json = parseExactJson(text);
  } catch {
    throw unclear(url, 'it is broken JSON');
  }
  const responses = isObject(json) && Array.isArray(json.responses) ? json.responses.filter(isObject) : [];
  const ids = items.flatMap((item, index) => (isGroup(item) ? item : [item]).map((_, at) => idOf(index, at)));
  // Some services forget the ids, and answer in order.
  const isNamed = responses.some(({ id }) => id !== undefined);
  const byId = new Map(responses.map((each, at) => [isNamed ? String(each.id) : ids[at], each]));
  return items.map((item, index) =>
    (isGroup(item) ? item : [item]).flatMap((_, at) => {
      const answer = byId.get(idOf(index, at)) ?? (at === 0 ? byId.get(`g${index}`) : undefined);
      return answer === undefined ? [] : [partAnswer(answer)];
    }),
  );
}

function partAnswer({ status, headers, body }: Record<string, unknown>): PartAnswer {
  const named = Object.entries(isObject(headers) ? headers : {}).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ]);
  const text = body === undefined || body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return { status: Number(status), headers: Object.fromEntries(named), body: text };
}

function idOf(item: number, at: number): string {
  return `${item}.${at}`;
}

function notDone({ pathname }: URL): IntegrationError {
  const message = `${pathname} stopped at a request that it refused, before this one.`;
  return new IntegrationError('transient', 'PCP_ODATA_BATCH_STOPPED', message, { hint: 'It is sent again.' });
}

function unclear({ pathname }: URL, why: string): IntegrationError {
  const message = `The answer of ${pathname} does not say what became of the requests: ${why}.`;
  return new IntegrationError('transient', UNCLEAR, message, {
    hint: 'Look for the records in the other system before they are sent again.',
    outcomeUnknown: true,
  });
}
