import { IntegrationError } from '../../model/errors';
import { parseExactJson } from '../../model/exact-json';
import { phrase } from '../../model/phrase';
import type { HttpResponse } from '../http/client';

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const WINDOWS_1252 = new TextDecoder('windows-1252');

export type Json = Record<string, unknown>;

/** One page of a list: `{"items": [...], "hasNext": true}`. */
export interface Page {
  items: Json[];
  /** Undefined where the server does not say. */
  hasNext: boolean | undefined;
  /** Of all pages, when it was told. */
  total?: number;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Protheus keeps its texts in Windows-1252, and some routes give them as they are: what is not UTF-8 is that. */
export async function textOf(response: HttpResponse): Promise<string> {
  const bytes = await response.bytes();
  try {
    return UTF_8.decode(bytes);
  } catch {
    return WINDOWS_1252.decode(bytes);
  }
}

/** @throws transient PCP_TOTVS_ANSWER */
export async function readJson(response: HttpResponse): Promise<unknown> {
  const text = await textOf(response);
  try {
    return parseExactJson(text);
  } catch (cause) {
    const message = phrase`${response.url.pathname} answered with what is no JSON.`;
    throw new IntegrationError('transient', 'PCP_TOTVS_ANSWER', message, {
      hint: 'The answer was cut off, or a page of a proxy or of the server itself came in its place.',
      cause,
    });
  }
}

/** @throws transient PCP_TOTVS_ANSWER */
export async function readPage(response: HttpResponse): Promise<Page> {
  const json = await readJson(response);
  const body = isObject(json) ? json : {};
  const items = Array.isArray(json) ? json : body.items;
  if (!Array.isArray(items)) {
    const message = phrase`${response.url.pathname} answered without a list of "items".`;
    throw new IntegrationError('transient', 'PCP_TOTVS_ANSWER', message, {
      hint: 'Look at what the server answers to the same address.',
    });
  }
  const total = Number(body.total ?? Number.NaN);
  return {
    items: items.filter(isObject),
    hasNext: typeof body.hasNext === 'boolean' ? body.hasNext : undefined,
    ...(Number.isFinite(total) && { total }),
  };
}
