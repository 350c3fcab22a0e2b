import type { HttpClient } from '../../../lib/protocols/http/client';
import { openHttp } from '../../../lib/protocols/http/open';
import type { ServiceModel } from '../../../lib/protocols/odata/model';
import { ODataService, type ServiceOptions } from '../../../lib/protocols/odata/service';
import { type Answer, type Asked, TestApi } from '../rest/server';
import { documentText } from './documents';

export type Row = Record<string, unknown>;

/** How the stand-in pages; real services do each of these. */
export interface Manner {
  /** Gives a link after so many. */
  linkAfter?: number;
  /** Gives no more than this, without a word. */
  silentLimit?: number;
  ignoresTop?: boolean;
  ignoresSkip?: boolean;
  ignoresFilter?: boolean;
  /** Answers every comparison with nothing. */
  comparesNothing?: boolean;
  countsNothing?: boolean;
  /** Its link leads to itself. */
  circles?: boolean;
  /** Sorts texts as people do, but compares their characters. */
  sortsOtherwise?: boolean;
  /** Answers 400 to these. */
  refuses?: string[];
}

/** One entity set of a service that understands "Field ge 'x'", $orderby, $top, $skip and $inlinecount or $count. */
export class ListService extends TestApi {
  rows: Row[] = [];
  manner: Manner = {};
  document: Parameters<typeof documentText>[0] = 'orders';
  context = '$metadata#X';
  #links = new Map<string, Row[]>();
  /** Called before each list is answered. */
  onPage: (asked: Asked) => void = () => undefined;

  override handler: TestApi['handler'] = (asked) => {
    if (asked.path.endsWith('/$metadata')) return xml(documentText(this.document));
    return this.list(asked);
  };

  list(asked: Asked): Answer {
    const { query } = asked;
    this.onPage(asked);
    const { refuses = [] } = this.manner;
    if (refuses.some((name) => query.has(name))) return { status: 400, body: { error: { message: 'not supported' } } };
    const token = query.get('$skiptoken');
    if (token !== null) return this.#answer(this.#links.get(token) ?? [], undefined);
    const [, field = '', value = ''] = /(\w+) ge '([^']*)'/.exec(query.get('$filter') ?? '') ?? [];
    const matching = this.rows.filter(
      (row) =>
        field === '' || this.manner.ignoresFilter || (!this.manner.comparesNothing && String(row[field]) >= value),
    );
    const order = query.get('$orderby')?.split(',') ?? [];
    const sorted = [...matching].sort((a, b) => {
      const decisive = order.find((name) => a[name] !== b[name]);
      if (decisive !== undefined && this.manner.sortsOtherwise) {
        return String(a[decisive]).localeCompare(String(b[decisive]), 'en');
      }
      return decisive === undefined ? 0 : String(a[decisive]) < String(b[decisive]) ? -1 : 1;
    });
    const skip = this.manner.ignoresSkip ? 0 : Number(query.get('$skip') ?? 0);
    const top = this.manner.ignoresTop ? Infinity : Number(query.get('$top') ?? Infinity);
    const limited = Math.min(top, this.manner.silentLimit ?? Infinity);
    return this.#answer(sorted.slice(skip, skip + limited), this.manner.countsNothing ? undefined : matching.length);
  }

  #answer(rows: Row[], count: number | undefined): Answer {
    const { linkAfter = Infinity } = this.manner;
    const rest = rows.slice(linkAfter);
    const token = this.manner.circles ? 't0' : `t${this.#links.size}`;
    if (rest.length > 0) this.#links.set(token, this.manner.circles ? rows : rest);
    const isV2 = this.document !== 'plant';
    // As behind a proxy: the service knows itself by another name.
    const next = isV2
      ? `http://inside:8000/api/svc/${this.set}?$skiptoken=${token}`
      : `${this.set}?%24skiptoken=${token}`;
    const given = rows.slice(0, linkAfter);
    if (!isV2) {
      return {
        body: {
          '@odata.context': this.context,
          ...(count !== undefined && { '@odata.count': count }),
          ...(rest.length > 0 && { '@odata.nextLink': next }),
          value: given,
        },
      };
    }
    const counted = count === undefined ? {} : { __count: String(count) };
    return { body: { d: { results: given, ...counted, ...(rest.length > 0 && { __next: next }) } } };
  }

  get set(): string {
    return this.document === 'plant' ? 'Orders' : 'A_ProductionOrder_2';
  }
}

/** Answers each path with what stands there, or what a function makes of the question. */
export class ScriptedService extends TestApi {
  document = documentText('plant');
  answers = new Map<string, Answer | ((asked: Asked) => Answer)>();

  override handler: TestApi['handler'] = (asked) => {
    if (asked.path === '/svc/$metadata') return xml(this.document);
    const answer = this.answers.get(`${asked.method} ${decodeURIComponent(asked.path)}`);
    return typeof answer === 'function' ? answer(asked) : answer;
  };
}

export function xml(body: string): Answer {
  return { body, headers: { 'content-type': 'application/xml' } };
}

/** A service on a server of a test, and its client. */
export async function openService(
  api: TestApi,
  options: Partial<ServiceOptions> = {},
): Promise<{ service: ODataService; client: HttpClient; model: ServiceModel }> {
  const client = openHttp({ baseUrl: api.url, timeouts: { total: 5000 } });
  const service = new ODataService(client, { path: '/svc', ...options });
  return { service, client, model: await service.model(new AbortController().signal) };
}
