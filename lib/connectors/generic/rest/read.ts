import { IntegrationError } from '../../../model/errors';
import type { Filter } from '../../../model/mapping';
import { type Phrase, phrase, render } from '../../../model/phrase';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../protocols/http/client';
import type { Batch, ConnectorEnvironment, ReadQuery, SourceRecord } from '../../contract';
import { ask, type Page, readPage, recordsIn, requestRefused } from './answer';
import { mayHaveMore, Surroundings, signOfMore } from './more-pages';
import { Paging, type Position } from './paging';
import { Pass, type Progress } from './pass';
import type { RestEntity, RestSettings } from './settings';
import { fillPath, placeholders, plainText, withQuery } from './template';

/** A list in one piece may be long, not endless; silence is limited by the client. */
const LONGEST_DOWNLOAD_MS = 6 * 3_600_000;
const LARGEST_DOWNLOAD = 16 * 1024 ** 3;
/** How an API says that there is no such page, or that a cursor is too old. */
const NO_SUCH_PAGE = [400, 404, 410, 416, 422];

type Parameter = readonly [name: string, value: string | number | boolean];

/** An entity of an open connection, as it is read. */
export interface Source {
  client: HttpClient;
  settings: RestSettings;
  entity: RestEntity;
  log: ConnectorEnvironment['log'];
}

/**
 * One pass over an entity, page by page. An interrupted one goes on at the page in hand; a list in one piece begins anew.
 * @throws config PCP_NOT_READABLE, PCP_REST_...; what the HTTP client throws
 */
export async function* readBatches(source: Source, query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
  const { entity } = source;
  const pass = new Pass(entity, query);
  const fixed = [...filterParameters(entity, query.filters ?? []), ...pass.parameters()];
  const { paging = { type: 'none' as const } } = entity;
  if (paging.type === 'none') yield* readWhole(source, pass, fixed, query.batchSize, signal);
  else yield* readPages(source, pass, fixed, query.batchSize, signal);
}

/** Some records of the first page of an entity: for descriptions and tests of a connection. */
export async function firstRecords(source: Source, most: number, signal: AbortSignal): Promise<SourceRecord[]> {
  const { entity, client, settings } = source;
  const parameters = new Paging(entity, client, settings).parameters(null);
  const response = await askForList(source, { ...listRequest(entity, parameters), signal });
  if ((entity.paging?.type ?? 'none') !== 'none') return (await readPage(response, entity)).records.slice(0, most);
  const records: SourceRecord[] = [];
  for await (const some of recordsIn(response, entity)) {
    records.push(...some.slice(0, most - records.length));
    if (records.length === most) break;
  }
  return records;
}

/** What a list that has no pages answers; undefined when it is too long to be held. */
export async function wholeAnswer(source: Source, signal: AbortSignal): Promise<Page | undefined> {
  const { entity } = source;
  const response = await askForList(source, { ...listRequest(entity, []), signal });
  try {
    return await readPage(response, entity);
  } catch (thrown) {
    if (IntegrationError.from(thrown).code === 'PCP_HTTP_TOO_LARGE') return undefined;
    throw thrown;
  }
}

/** While the records of a page are worked on, the next one is asked for: never more than one ahead. */
async function* readPages(
  source: Source,
  pass: Pass,
  fixed: readonly Parameter[],
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const { entity } = source;
  const paging = new Paging(entity, source.client, source.settings);
  const leaving = new AbortController();
  const fetch = (at: Position, mayBeMissing: boolean): Promise<Page | null> => {
    const page = fetchPage(source, paging, at, fixed, mayBeMissing, AbortSignal.any([signal, leaving.signal]));
    // Whoever comes to take the page is told why there is none; one who has left is not.
    page.catch(() => undefined);
    return page;
  };
  let { at, skip, read }: Progress = pass.start;
  let resumes = at !== null;
  let coming = fetch(at, resumes);
  const warnings: Phrase[] = [];
  try {
    for (;;) {
      const page = await coming;
      if (page === null && resumes) {
        source.log('info', `"${entity.name}": the place where the read was interrupted is gone; it begins anew.`);
        ({ at, skip, read } = { at: null, skip: 0, read: 0 });
        resumes = false;
        coming = fetch(at, false);
        continue;
      }
      if (page === null) break;
      resumes = false;
      pass.answered(page.headers);
      pass.saw(page.records);
      const next = paging.next(at, page, read);
      const total = paging.total(page);
      if (pass.told(total)) {
        const shorter = phrase`"${entity.name}" got shorter while it was read: some of its records may not have come.`;
        source.log('warn', render(shorter));
        warnings.push(shorter);
      }
      const { length } = page.records;
      if (next !== null) coming = fetch(next, paging.mayEndAfter(page));
      const after = next === null ? pass.end() : pass.cursor({ at: next, skip: 0, read: read + length });
      for (let from = skip; from < length; from += size) {
        signal.throwIfAborted();
        const to = from + size;
        const cursorAfter = to >= length ? after : pass.cursor({ at, skip: to, read });
        const part = batch(entity, page.records.slice(from, to), cursorAfter, at, from);
        yield { ...part, ...(total !== undefined && { total }) };
      }
      if (next === null && skip < length) return;
      if (next === null) break;
      ({ at, skip, read } = { at: next, skip: 0, read: read + length });
    }
    yield { records: [], cursorAfter: pass.end(), warnings };
  } finally {
    leaving.abort();
  }
}

async function* readWhole(
  source: Source,
  pass: Pass,
  fixed: readonly Parameter[],
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const { entity } = source;
  const limits = { timeoutMs: LONGEST_DOWNLOAD_MS, maxBytes: LARGEST_DOWNLOAD };
  const response = await askForList(source, { ...listRequest(entity, fixed), ...limits, signal });
  pass.answered(response.headers);
  const unmoved = pass.cursor({ at: null, skip: 0, read: 0 });
  let held: SourceRecord[] = [];
  let from = 0;
  let count = 0;
  const surroundings = mayHaveMore(entity) ? new Surroundings() : undefined;
  for await (const records of recordsIn(response, entity, surroundings?.take)) {
    pass.saw(records);
    count += records.length;
    held = held.length === 0 ? records : held.concat(records);
    for (; held.length > size; held = held.slice(size), from += size) {
      yield batch(entity, held.slice(0, size), unmoved, null, from);
      signal.throwIfAborted();
    }
  }
  const { document } = surroundings ?? {};
  // Of what was asked for in part, a total says nothing.
  const sign = surroundings && signOfMore({ document, headers: response.headers }, fixed.length > 0 ? Infinity : count);
  yield {
    ...batch(entity, held, pass.end(), null, from),
    ...(sign !== undefined && { warnings: [unread(entity, sign)] }),
  };
}

function unread({ name }: RestEntity, sign: string): Phrase {
  return phrase`The API seems to have more of "${name}" than it gave (${sign}): say in "paging" how the next page is asked for, or that its type is none.`;
}

/** @returns null when there is no such page, and that is nothing unexpected */
async function fetchPage(
  source: Source,
  paging: Paging,
  at: Position,
  fixed: readonly Parameter[],
  mayBeMissing: boolean,
  signal: AbortSignal,
): Promise<Page | null> {
  const { entity } = source;
  const link = paging.link(at);
  const request =
    link === undefined
      ? listRequest(entity, [...fixed, ...paging.parameters(at)])
      : { target: link, headers: entity.headers ?? {} };
  try {
    const response = await askForList(source, { ...request, signal }, mayBeMissing ? NO_SUCH_PAGE : []);
    return response && (await readPage(response, entity));
  } catch (thrown) {
    throw link === undefined && at !== null ? pageRefused(source, at, thrown) : thrown;
  }
}

/** After a page that was full a refusal may be the end or a fault: to take it for the end could lose records. */
function pageRefused({ entity: { name } }: Source, at: Position, thrown: unknown): unknown {
  const { code, said } = IntegrationError.from(thrown);
  if (code !== 'PCP_HTTP_NOT_FOUND' && code !== 'PCP_REST_REQUEST_REFUSED') return thrown;
  const message = phrase`Page ${at ?? ''} of "${name}" was refused, and nothing says whether the list ends there: ${said}`;
  return new IntegrationError('config', 'PCP_REST_PAGE_REFUSED', message, {
    path: `/config/entities/${name}/paging`,
    hint: 'Say in "total" or "more" of "paging" where the API tells how long the list is.',
    cause: thrown,
  });
}

function askForList(source: Source, request: HttpRequest): Promise<HttpResponse>;
function askForList(source: Source, request: HttpRequest, absent: readonly number[]): Promise<HttpResponse | null>;
async function askForList(
  { client, entity }: Source,
  request: HttpRequest,
  absent: readonly number[] = [],
): Promise<HttpResponse | null> {
  try {
    return await ask(client, request, absent);
  } catch (thrown) {
    throw requestRefused(thrown, 'config', `/config/entities/${entity.name}`);
  }
}

/** The request for a list, with the parameters of the entity and those given. */
function listRequest(entity: RestEntity, given: readonly Parameter[]): Omit<HttpRequest, 'signal'> {
  const { path, method = 'GET', body, parameters = {}, parameters_in, headers = {} } = entity;
  if (path === undefined) {
    throw new IntegrationError('config', 'PCP_NOT_READABLE', phrase`"${entity.name}" cannot be read: it has no path.`, {
      path: `/config/entities/${entity.name}/path`,
      hint: 'Add "path" to the entity, if the API has a list of it.',
    });
  }
  const inPath = placeholders(path);
  const taken = new Set([...inPath, ...given.map(([name]) => name)]);
  const own = Object.entries(parameters).filter(([name]) => !taken.has(name));
  const all: Parameter[] = [...own, ...given];
  const missing = inPath.find((name) => (parameters[name] ?? '') === '');
  if (missing !== undefined) {
    throw new IntegrationError(
      'config',
      'PCP_REST_PARAMETER',
      phrase`The path ${path} needs a value for "${missing}".`,
      {
        path: `/config/entities/${entity.name}/parameters/${missing}`,
        hint: `Give it one in "parameters" of "${entity.name}".`,
      },
    );
  }
  const filled = fillPath(path, (name) => parameters[name]);
  if (method === 'GET' || parameters_in !== 'body') {
    const target = withQuery(
      filled,
      all.map(([name, value]) => [name, String(value)]),
    );
    if (method === 'GET') return { target, headers };
    return {
      method,
      target,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body ?? {}),
    };
  }
  const content = JSON.stringify({ ...(body as object | undefined), ...Object.fromEntries(all) });
  return { method, target: filled, headers: { 'content-type': 'application/json', ...headers }, body: content };
}

/** Only what the entity declares goes to the API; the mapping applies all filters again. */
function filterParameters({ filters = {} }: RestEntity, wanted: readonly Filter[]): Parameter[] {
  return wanted.flatMap((filter): Parameter[] => {
    if ('expression' in filter) return [];
    const parameter = filters[filter.field]?.[filter.operator];
    const values = (Array.isArray(filter.value) ? filter.value : [filter.value]).map(plainText);
    if (parameter === undefined || values.length === 0 || values.includes(undefined)) return [];
    // In a list it would be two.
    if (filter.operator === 'in' && values.some((value) => value?.includes(','))) return [];
    return [[parameter, values.join(',')]];
  });
}

function batch(
  { key = [] }: RestEntity,
  records: SourceRecord[],
  cursorAfter: Batch['cursorAfter'],
  at: Position,
  from: number,
): Batch {
  const place = (index: number) => `${at === null ? '' : `page ${at}, `}record ${from + index + 1}`;
  const identity = (index: number) => key.map((name) => `${name}=${String(records[index]?.[name])}`).join(', ');
  return { records, cursorAfter, positions: key.length > 0 ? identity : place };
}
