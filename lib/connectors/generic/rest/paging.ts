import { hash } from 'node:crypto';
import { IntegrationError } from '../../../model/errors';
import { type Phrase, phrase } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
import type { SourceRecord } from '../../contract';
import type { Page } from './answer';
import { valueIn } from './pointer';
import type { PagingSetting, RestEntity, RestSettings } from './settings';

/** Where a page is: its number, its offset, its cursor, or the path and query of its link; null = the first one. */
export type Position = number | string | null;

const DEFAULT_SIZE = 100;
const MAX_PAGES = 100_000;
/** A list that goes round repeats a page within so many. */
const REMEMBERED_PAGES = 3;

/** The way through the pages of one list. */
export class Paging {
  readonly #setting: PagingSetting;
  readonly #client: HttpClient;
  readonly #secretParameter: string | undefined;
  readonly #name: string;
  readonly #key: readonly string[];
  readonly #positions = new Set<Position>();
  readonly #digests: string[] = [];
  #alike = 0;
  #pages = 0;

  constructor({ name, key = [], paging = { type: 'none' } }: RestEntity, client: HttpClient, settings: RestSettings) {
    this.#name = name;
    this.#key = key;
    this.#setting = paging;
    this.#client = client;
    this.#secretParameter = settings.secretParameter;
  }

  /** Parameters that ask for a page; a link has its own. */
  parameters(at: Position): [string, string | number][] {
    const { type, page_parameter, start, offset_parameter, size_parameter, size, cursor_parameter } = this.#setting;
    const parameters: [string, string | number][] = [];
    if (type === 'page') parameters.push([page_parameter ?? 'page', at ?? start ?? 1]);
    if (type === 'offset') parameters.push([offset_parameter ?? 'offset', at ?? 0]);
    if (type === 'cursor' && at !== null) parameters.push([cursor_parameter ?? 'cursor', at]);
    if (size_parameter !== undefined) parameters.push([size_parameter, size ?? DEFAULT_SIZE]);
    return parameters;
  }

  link(at: Position): URL | undefined {
    const isLink = this.#setting.type === 'next_link' || this.#setting.type === 'link_header';
    return isLink && at !== null ? this.#client.resolveLink(String(at), this.#client.baseUrl) : undefined;
  }

  /** How many records there are, when the API says it. */
  total(page: Page): number | undefined {
    const said = valueIn(page, this.#setting.total);
    return /^\d+$/.test(String(said)) ? Number(said) : undefined;
  }

  /**
   * After a page shorter than asked for, an API may refuse to give the one that is not there. Where no size was asked for, or
   * its total says that records are missing, a refusal is one.
   */
  mayEndAfter(page: Page): boolean {
    const { type, size_parameter, size } = this.#setting;
    const isShort = size_parameter !== undefined && page.records.length < (size ?? DEFAULT_SIZE);
    return (type === 'page' || type === 'offset') && isShort && this.total(page) === undefined;
  }

  /**
   * A short page says nothing: servers cut pages as they like. Only an empty page, or what the API says itself, is the end.
   * @param read records of the pages before this one
   * @returns null at the end
   * @throws config PCP_REST_PAGE_REPEATED; guard PCP_REST_PAGES_LIMIT
   */
  next(at: Position, page: Page, read: number): Position {
    this.#pages++;
    const next = this.#following(at, page, read);
    if (page.records.length > 0) this.#assertNew(page);
    if (next === null) return null;
    if (typeof next === 'string') {
      if (at !== null) this.#positions.add(at);
      if (this.#positions.has(next)) {
        throw this.#repeated(
          phrase`Page ${this.#pages} of "${this.#name}" leads back to a page that was read already; the read was ended.`,
        );
      }
      this.#positions.add(next);
    }
    const limit = this.#setting.max_pages ?? MAX_PAGES;
    if (this.#pages < limit) return next;
    const message = phrase`"${this.#name}" has more than ${limit} pages; the read was ended.`;
    throw new IntegrationError('guard', 'PCP_REST_PAGES_LIMIT', message, {
      hint: 'Read larger pages (size), or only what changed (incremental).',
    });
  }

  #following(at: Position, page: Page, read: number): Position {
    const { type, start, cursor, next, more } = this.#setting;
    const total = this.total(page);
    const isComplete = total !== undefined && read + page.records.length >= total;
    const another = valueIn(page, more);
    // In a header it is a text, as whatever language writes it.
    const saysNo = another === null || /^(false|0|no|)$/i.test(String(another));
    if (saysNo || isComplete) return null;
    switch (type) {
      case 'none':
        return null;
      case 'page':
        return page.records.length === 0 ? null : Number(at ?? start ?? 1) + 1;
      case 'offset':
        return page.records.length === 0 ? null : Number(at ?? 0) + page.records.length;
      case 'cursor':
        return textOf(valueIn(page, cursor));
      case 'next_link':
        return this.#kept(textOf(valueIn(page, next ?? '/next')), page.url);
      case 'link_header':
        return this.#kept(nextOfLinkHeader(page.headers.link ?? ''), page.url);
    }
  }

  /** A link as it may be kept in a cursor: on this origin, without the API key. */
  #kept(link: string | null, base: URL): string | null {
    if (link === null) return null;
    const url = this.#client.resolveLink(link, base);
    if (this.#secretParameter !== undefined) url.searchParams.delete(this.#secretParameter);
    return `${url.pathname}${url.search}`;
  }

  #assertNew(page: Page): void {
    const digest = hash('sha256', JSON.stringify(identityOf(page.records, this.#key)), 'base64url');
    if (!this.#digests.includes(digest)) this.#alike = 0;
    // Records without a key, such as readings, may all be alike: only three such pages in a row are one.
    else if (this.#key.length > 0 || ++this.#alike === 2) {
      throw this.#repeated(
        phrase`Page ${this.#pages} of "${this.#name}" is the same as one before; the read was ended.`,
      );
    }
    this.#digests.push(digest);
    if (this.#digests.length > REMEMBERED_PAGES) this.#digests.shift();
  }

  #repeated(message: Phrase): IntegrationError {
    return new IntegrationError('config', 'PCP_REST_PAGE_REPEATED', message, {
      path: '/config/entities',
      hint: 'Check the names of the paging parameters; when the API repeats its last page, set "total" or "more".',
    });
  }
}

/** What tells a page from others: where its records have keys of their own, these and the first record; else all it holds. */
function identityOf(records: readonly SourceRecord[], key: readonly string[]): unknown {
  const [name, ...others] = key;
  if (name === undefined) return records;
  const keys = records.map((record) =>
    others.length === 0 ? record[name] : JSON.stringify(key.map((part) => record[part])),
  );
  return new Set(keys).size === keys.length ? [records[0], keys] : records;
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** RFC 8288: `<https://host/orders?page=2>; rel="next"`. */
export function nextOfLinkHeader(header: string): string | null {
  for (const [, link, parameters] of header.matchAll(/<([^>]*)>([^<]*)/g)) {
    const relations = /;\s*rel\s*=\s*"?([^";,]*)/i.exec(parameters ?? '')?.[1] ?? '';
    if (relations.toLowerCase().split(/\s+/).includes('next')) return link ?? null;
  }
  return null;
}
