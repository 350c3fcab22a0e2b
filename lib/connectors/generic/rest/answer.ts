import { IntegrationError } from '../../../model/errors';
import { parseExactJson } from '../../../model/exact-json';
import { phrase } from '../../../model/phrase';
import { createParser, type FormatOptions } from '../../../protocols/formats/create-parser';
import { ENCODINGS, type Encoding, StrictDecoder } from '../../../protocols/formats/encodings';
import { isDeeperThan, MAX_DEPTH, type ParserContext } from '../../../protocols/formats/parser';
import { XmlParser } from '../../../protocols/formats/xml-parser';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../protocols/http/client';
import type { SourceRecord } from '../../contract';
import { pointerKeys, valueAt } from './pointer';
import type { EntitySetting } from './settings';

const MAX_RECORD_LENGTH = 8 * 1024 * 1024;
const MOST_NAMES = 10;
/** How an API says that it does not have a record. */
export const GONE = [404, 410];

/** A page of a list, complete. */
export interface Page {
  records: SourceRecord[];
  /** All of a JSON answer. */
  document?: unknown;
  headers: Readonly<Record<string, string>>;
  url: URL;
}

/**
 * Asks the API for something.
 * @param absent statuses by which it says that there is nothing; null then
 * @throws the API's refusal as an error of its class; what the client throws
 */
export function ask(client: HttpClient, request: HttpRequest): Promise<HttpResponse>;
export function ask(client: HttpClient, request: HttpRequest, absent: readonly number[]): Promise<HttpResponse | null>;
export async function ask(
  client: HttpClient,
  request: HttpRequest,
  absent: readonly number[] = [],
): Promise<HttpResponse | null> {
  request.signal.throwIfAborted();
  const response = await client.request(request);
  if (absent.includes(response.status)) {
    response.discard();
    return null;
  }
  if (!response.ok) throw await response.failure();
  return response;
}

/** Of a request that is about no record, a refusal by its contents. */
export function requestRefused(thrown: unknown, errorClass: 'config' | 'data', path?: string): unknown {
  if (!(thrown instanceof IntegrationError) || thrown.code !== 'PCP_HTTP_REJECTED') return thrown;
  return new IntegrationError(errorClass, 'PCP_REST_REQUEST_REFUSED', thrown.said, {
    hint: 'Check its path, parameters and contents; the message holds what the API says.',
    cause: thrown,
    ...(path !== undefined && { path }),
  });
}

/** @throws transient PCP_REST_JSON; config PCP_REST_ITEMS; data PCP_REST_RECORD and what the parsers of other formats throw */
export async function readPage(response: HttpResponse, entity: EntitySetting): Promise<Page> {
  const { headers, url } = response;
  if (response.status === 204) {
    response.discard();
    return { records: [], headers, url };
  }
  if ((entity.format ?? 'json') !== 'json') {
    const records: SourceRecord[] = [];
    for await (const some of recordsIn(response, entity)) for (const record of some) records.push(record);
    return { records, headers, url };
  }
  const document = parseJson(await response.jsonText(), url);
  return { records: itemsOf(document, entity.items ?? '', url), document, headers, url };
}

/**
 * The records of an answer of any size as they come, in pieces of any length.
 * @param beside told of what stands beside the records of JSON
 * @throws data as the parsers of lib/protocols/formats
 */
export async function* recordsIn(
  response: HttpResponse,
  entity: EntitySetting,
  beside?: ParserContext['beside'],
): AsyncGenerator<SourceRecord[]> {
  if (response.status === 204) return response.discard();
  // A web page in place of data is told by the client, in words of HTTP.
  if (response.headers['content-type']?.includes('text/html')) await response.jsonText();
  const fileName = response.url.pathname;
  let found: SourceRecord[] = [];
  const context = { fileName, maxRecordLength: MAX_RECORD_LENGTH, ...(beside && { beside }) };
  const parser = createParser(formatOf(entity), context, (record) => found.push(record));
  const decoder = new StrictDecoder(encodingOf(response), fileName, 0);
  const stream = response.stream();
  let isFirst = true;
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      const text = decoder.write(piece);
      parser.write(isFirst && text.startsWith('\ufeff') ? text.slice(1) : text);
      isFirst &&= text === '';
      if (found.length > 0) yield found;
      found = [];
    }
    decoder.end();
    parser.end();
    if (found.length > 0) yield found;
  } catch (thrown) {
    throw inWordsOfHttp(thrown, entity, response.url);
  } finally {
    stream.destroy();
  }
}

/** @throws transient PCP_REST_JSON; data PCP_JSON_DEPTH */
export function parseJson(text: string, url: URL): unknown {
  let document: unknown;
  try {
    document = parseExactJson(text);
  } catch (thrown) {
    throw brokenJson(url, thrown);
  }
  if (!isDeeperThan(document, MAX_DEPTH)) return document;
  const message = phrase`${url.pathname} answered with JSON nested deeper than ${MAX_DEPTH} levels.`;
  throw new IntegrationError('data', 'PCP_JSON_DEPTH', message, { hint: 'Ask the API for flatter records.' });
}

/** The records at a place of a JSON answer: a list, or one object in its place; null is an empty list. */
export function itemsOf(document: unknown, pointer: string, url: URL): SourceRecord[] {
  const found = valueAt(document, pointer);
  if (found === null) return [];
  if (typeof found !== 'object') {
    const names = Object.keys(typeof document === 'object' ? (document ?? {}) : {}).slice(0, MOST_NAMES);
    throw noItems(pointer, url, ` At the top there are: ${names.join(', ') || 'no names'}.`);
  }
  const records = Array.isArray(found) ? found : [found];
  const odd = records.findIndex((record) => typeof record !== 'object' || record === null || Array.isArray(record));
  if (odd === -1) return records;
  throw new IntegrationError('data', 'PCP_REST_RECORD', phrase`Record ${odd} of ${url.pathname} is no object.`, {
    hint: 'Set "items" of the entity to a list of objects.',
  });
}

function noItems(pointer: string, url: URL, more: string): IntegrationError {
  const message = phrase`The answer of ${url.pathname} holds no records at "${pointer}".`;
  return new IntegrationError('config', 'PCP_REST_ITEMS', message, {
    path: '/config/entities',
    hint: `Set "items" of the entity to where they are.${more}`,
  });
}

function brokenJson(url: URL, cause: unknown): IntegrationError {
  return new IntegrationError('transient', 'PCP_REST_JSON', phrase`${url.pathname} answered with broken JSON.`, {
    hint: 'The answer was cut off, or is no JSON: look at it with a tool such as curl.',
    cause,
  });
}

/** The parsers of formats speak of files. */
function inWordsOfHttp(thrown: unknown, { items = '' }: EntitySetting, url: URL): unknown {
  const { code } = IntegrationError.from(thrown);
  if (code === 'PCP_JSON_PATH') return noItems(items, url, '');
  return code === 'PCP_JSON_INVALID' || code === 'PCP_JSON_TRUNCATED' ? brokenJson(url, thrown) : thrown;
}

function formatOf({ format = 'json', items = '', delimiter = ',', columns }: EntitySetting): FormatOptions {
  return {
    format,
    csv: { delimiter, quote: '"', header: columns === undefined, columns, comment: '' },
    xml: { recordElement: items, stripPrefix: true },
    recordsPath: format === 'json' ? pointerKeys(items) : [],
  };
}

function encodingOf(response: HttpResponse): Encoding {
  const charset = /charset="?([\w-]+)/i.exec(response.headers['content-type'] ?? '')?.[1]?.toLowerCase();
  return ENCODINGS.find((encoding) => encoding === charset) ?? 'utf-8';
}

/**
 * What is said about a write; undefined when it is nothing that pointers lead into. Of XML it is the content of the root,
 * of NDJSON the list of its lines.
 */
export function documentIn(text: string, headers: HttpResponse['headers']): unknown {
  try {
    if (isXml(headers)) return parseXml(text, 'answer');
    if (/ndjson|jsonl/i.test(headers['content-type'] ?? '')) {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      return lines.map((line) => parseExactJson(line));
    }
    return text === '' ? undefined : parseExactJson(text);
  } catch {
    // What it is, the client has told in its own words.
    return undefined;
  }
}

/** A whole answer that pointers lead into. @throws transient PCP_REST_JSON, PCP_REST_XML; data PCP_JSON_DEPTH */
export async function readDocument(response: HttpResponse): Promise<unknown> {
  const { url, headers } = response;
  if (!isXml(headers)) return parseJson(await response.jsonText(), url);
  const text = await response.text();
  try {
    return parseXml(text, url.pathname);
  } catch (cause) {
    const { said } = IntegrationError.from(cause);
    throw new IntegrationError('transient', 'PCP_REST_XML', phrase`An answer is broken XML: ${said}`, {
      hint: 'Look at the answer with a tool such as curl: it was cut off, or is no XML.',
      cause,
    });
  }
}

/** Whether one element may stand for a list of one. */
export function isXml(headers: HttpResponse['headers']): boolean {
  return /[/+]xml\b/i.test(headers['content-type'] ?? '');
}

function parseXml(text: string, fileName: string): unknown {
  let root: unknown;
  const options = { recordElement: '/', stripPrefix: true };
  const parser = new XmlParser(options, { fileName, maxRecordLength: MAX_RECORD_LENGTH }, (content) => {
    root = content;
  });
  parser.write(text);
  parser.end();
  return root;
}
