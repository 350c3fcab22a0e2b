import { type Answer, type Asked, TestApi } from '../unit/rest/server';

const TYPE = `<EntityType Name="Part"><Key><PropertyRef Name="Code"/></Key>
  <Property Name="Code" Type="Edm.String" MaxLength="40" Nullable="false"/><Property Name="Text" Type="Edm.String"/>
  <Property Name="Amount" Type="Edm.Decimal" Precision="31" Scale="14"/><Property Name="Long" Type="Edm.Int64"/></EntityType>
  <EntityContainer Name="C"><EntitySet Name="Parts" EntityType="N.Part"/></EntityContainer>`;
const DOCUMENTS = {
  2: `<Edmx Version="1.0"><DataServices><Schema Namespace="N">${TYPE}</Schema></DataServices></Edmx>`,
  4: `<Edmx Version="4.0"><DataServices><Schema Namespace="N">${TYPE}</Schema></DataServices></Edmx>`,
};
const NUMBERS = ['Amount', 'Long'];

type Row = Record<string, unknown>;

/** In the language since ECMAScript 2025: a number with the digits that it was written with. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * A stand-in for an OData service that keeps what it is given to the byte, and is strict about how: numbers of version 2
 * are texts; those of version 4 are numbers, unless header fields say IEEE754Compatible (OData JSON Format 4.01, 3.2).
 */
export class KeepingService extends TestApi {
  /** By key; numbers as their digits. */
  readonly rows = new Map<string, Row>();

  constructor(
    private readonly root: string,
    private readonly version: 2 | 4,
  ) {
    super();
    this.handler = (asked) => this.#answer(asked);
  }

  #answer(asked: Asked): Answer | undefined {
    const { method, headers, body } = asked;
    const path = decodeURIComponent(asked.path.slice(this.root.length));
    if (path === '/$metadata') return { body: DOCUMENTS[this.version], headers: { 'content-type': 'application/xml' } };
    if (path === '/Parts' && method === 'POST') {
      const row = this.#taken(body, headers['content-type'] ?? '');
      if (row === undefined)
        return { status: 400, body: { error: { code: '400', message: `wrong numbers: ${body}` } } };
      this.rows.set(String(row.Code), row);
      return { status: 201, ...this.#one(row, headers.accept) };
    }
    if (path === '/Parts' && method === 'GET') return this.#list(asked.query.get('$filter'), headers.accept);
    const [, key] = /^\/Parts\('(.*)'\)$/.exec(path) ?? [];
    const row = this.rows.get((key ?? '').replaceAll("''", "'"));
    return row === undefined
      ? { status: 404, body: { error: { code: '404', message: 'no such part' } } }
      : this.#one(row, headers.accept);
  }

  #taken(body: string, contentType: string): Row | undefined {
    const areTexts = this.version === 2 || contentType.includes('IEEE754Compatible=true');
    const row = JSON.parse(body, ((_: string, value: unknown, { source = '' }: { source?: string }) =>
      typeof value === 'number' ? { digits: source } : value) as never) as Row;
    for (const name of NUMBERS) {
      const { digits } = (row[name] ?? {}) as { digits?: string };
      if (areTexts !== (digits === undefined)) return undefined;
      row[name] = digits ?? row[name];
    }
    return row;
  }

  #list(filter: string | null, accept: string | undefined): Answer {
    const [, from] = /Code ge '(.*)'/.exec(filter ?? '') ?? [];
    const [, is] = /Code eq '(.*)'/.exec(filter ?? '') ?? [];
    const rows = [...this.rows.values()]
      .filter(({ Code }) => (from === undefined || String(Code) >= from) && (is === undefined || Code === is))
      .sort((a, b) => (String(a.Code) < String(b.Code) ? -1 : 1))
      .map((row) => this.#given(row, accept));
    return { body: this.version === 2 ? { d: { results: rows, __count: String(rows.length) } } : { value: rows } };
  }

  #one(row: Row, accept: string | undefined): Answer {
    const given = this.#given(row, accept);
    return { body: this.version === 2 ? { d: given } : { '@odata.context': '$metadata#Parts/$entity', ...given } };
  }

  #given(row: Row, accept = ''): Row {
    if (this.version === 2 || accept.includes('IEEE754Compatible=true')) return row;
    return { ...row, ...Object.fromEntries(NUMBERS.map((name) => [name, rawJSON(String(row[name]))])) };
  }
}
