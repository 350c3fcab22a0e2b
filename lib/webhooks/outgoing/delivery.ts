import { IntegrationError } from '../../model/errors';
import type { HttpClient, HttpResponse } from '../../protocols/http/client';
import { pauseAskedFor } from '../../protocols/http/rate-headers';
import { redactText } from '../../security/redact';
import type { Message } from './message';

/** Of an answer, so much is kept. */
const KEPT_CHARACTERS = 2048;
/** Read before that is cut, so that no half of a secret is left. */
const READ_BYTES = 2 * KEPT_CHARACTERS;

/** What an attempt came to. */
export interface Delivery {
  delivered: boolean;
  status: number | null;
  /** The beginning of the answer. */
  body: string | null;
  failure: IntegrationError | null;
  /** No other attempt will do better. */
  isFinal: boolean;
  /** The receiver wants nothing more. */
  isGone: boolean;
  /** How long it wants to be left alone, in milliseconds. */
  pauseMs: number;
}

/** @param secrets that the answer may repeat and that are not to be kept */
export async function deliver(
  client: HttpClient,
  url: URL,
  message: Message,
  timeoutMs: number,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<Delivery> {
  const { method, headers, body } = message;
  let response: HttpResponse;
  try {
    response = await client.request({
      method,
      target: url,
      headers,
      ...(body !== undefined && { body }),
      timeoutMs,
      signal,
    });
  } catch (thrown) {
    return failed(IntegrationError.from(thrown));
  }
  const { status, headers: answered } = response;
  const said = await beginningOf(response);
  const kept = redactText(response.redacted(said), secrets).slice(0, KEPT_CHARACTERS).toWellFormed();
  // Names and values as receivers of Svix know them.
  const wish = answered['webhook-delivery'];
  const isGone = status === 410 || wish === 'disable';
  const answer = { status, body: kept === '' ? null : kept };
  if (response.ok) return { ...answer, delivered: true, failure: null, isFinal: true, isGone, pauseMs: 0 };
  return {
    ...answer,
    delivered: false,
    failure: await response.failure(said),
    isFinal: isGone || wish === 'abort-message',
    isGone,
    pauseMs: pauseAskedFor(status, answered) ?? 0,
  };
}

/** No answer came, or there was nothing to send. */
export function failed(failure: IntegrationError, isFinal = false): Delivery {
  const pauseMs = failure.retryAfterMs ?? 0;
  return { delivered: false, status: null, body: null, failure, isFinal, isGone: false, pauseMs };
}

/** The head has said what became of it: a body that breaks off, or has no end, changes nothing. */
async function beginningOf(response: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.stream() as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= READ_BYTES) break;
    }
  } catch {
    // What came of it is kept.
  }
  return Buffer.concat(chunks).toString('utf8').replaceAll('\u0000', '');
}
