import assert from 'node:assert/strict';
import { signal, withApi } from './server';

const YAML = `# A comment, which JSON has not
openapi: 3.0.3
info: {title: Fábrica, version: "1"}
paths:
  /ordens:
    get:
      parameters:
        - {name: pagina, in: query, schema: {type: integer}}
        - {name: limite, in: query, description: "máximo de 200 por página", schema: {type: integer}}
        - {name: dataAlteracaoInicial, in: query, schema: {type: string, format: date}}
      responses:
        200: &page
          content:
            application/json:
              schema:
                type: object
                properties:
                  totalRegistros: {type: integer}
                  dados: {type: array, items: {$ref: '#/components/schemas/Ordem'}}
  /ordens/{id}:
    $ref: '#/components/pathItems/Ordem'
  /paradas:
    get: {responses: {200: *page}}
components:
  pathItems:
    Ordem: {patch: {responses: {}}}
  schemas:
    Ordem:
      type: object
      properties:
        id: {type: integer}
        dataAlteracao: {type: string, format: date-time}
`;

const ORDENS = {
  path: '/ordens',
  items: '/dados',
  key: ['id'],
  paging: { type: 'page', page_parameter: 'pagina', size_parameter: 'limite', size: 200, total: '/totalRegistros' },
  incremental: { parameter: 'dataAlteracaoInicial', field: 'dataAlteracao', format: 'date' },
  update: { method: 'PATCH', path: '/ordens/{id}' },
};
const PARADAS = { path: '/paradas', items: '/dados', key: ['id'] };

describe('generic.rest: OpenAPI documents', () => {
  const context = withApi();

  const listed = async (openapi: string, body?: unknown, headers: Record<string, string> = {}) => {
    context.api.handler = () => (body === undefined ? undefined : { body, headers });
    const infos = await context.open({}, { openapi }).discover!(signal);
    return {
      drafts: Object.fromEntries(infos.filter(({ error }) => !error).map(({ name, draft }) => [name, draft])),
      error: infos.find(({ error }) => error)?.error,
    };
  };

  it('in YAML, wherever they come from, are drafted from as those in JSON are, in Portuguese as well', async () => {
    const drafts = { ordens: ORDENS, paradas: PARADAS };
    for (const type of ['application/yaml', 'text/plain', 'application/octet-stream']) {
      assert.deepEqual(await listed('/openapi.yaml', YAML, { 'content-type': type }), { drafts, error: undefined });
    }
    const asked = context.api.asked.length;
    assert.deepEqual(await listed(YAML), { drafts, error: undefined });
    assert.equal(context.api.asked.length, asked, 'the document itself needs no request');
  });

  it('that cannot be read say why, where and what to do', async () => {
    for (const [body, message] of [
      [
        'openapi: 3.0.0\npaths:\n\t/a: {}\n',
        /\/openapi\.yaml is neither JSON nor YAML: tab characters .*, in line 3\.$/,
      ],
      ['{"openapi": "3.0.0", "paths": {', /\/openapi\.yaml is no JSON: /],
      ['just: text', /\/openapi\.yaml is no OpenAPI document: it has no "paths"\.$/],
      ['- 1\n- 2\n', /no OpenAPI document/],
      ['<!doctype html><title>Swagger UI</title>', /a web page or XML instead of JSON/],
      [undefined, /404/],
    ] as const) {
      const { drafts, error } = await listed('/openapi.yaml', body);
      assert.deepEqual(drafts, {});
      assert.match(error?.message ?? '', message);
      assert.ok(error?.hint, error?.message);
    }
  });

  it('in several files are drafted from as far as they go, and the other files are named', async () => {
    const split = YAML.replace("'#/components/pathItems/Ordem'", "'paths/ordem.yaml'").replace(
      "'#/components/schemas/Ordem'",
      "'schemas.yaml#/Ordem'",
    );
    const { drafts, error } = await listed(split);
    assert.deepEqual(drafts, {});
    assert.equal(error?.code, 'PCP_REST_OPENAPI');
    assert.match(error?.message ?? '', /are in others, which are not read: paths\/ordem\.yaml, schemas\.yaml\.$/);
    assert.match(error?.hint ?? '', /bundle/);
  });

  it('that mean to wear the hub out are refused', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, n) => `a${n}: &a${n} [${Array(9).fill(n === 0 ? 'x' : `*a${n - 1}`)}]`,
    );
    assert.equal(
      (await listed(`${levels.join('\n')}\n${YAML}`)).error,
      undefined,
      'names that are not looked at cost nothing',
    );
    assert.match((await listed(`a: &a {}\nb: [${Array(20_000).fill('*a')}]\n`)).error?.message ?? '', /maxAliases/);
    assert.match((await listed(`a: ${'['.repeat(5000)}\n`)).error?.message ?? '', /maxDepth/);
    const names = Array.from({ length: 3000 }, (_, n) => [`p${n}`, { $ref: '#/components/schemas/A' }]);
    const A = { type: 'object', properties: Object.fromEntries(names) };
    const schema = { $ref: '#/components/schemas/A' };
    const get = { responses: { 200: { content: { 'application/json': { schema } } } } };
    const circles = JSON.stringify({ paths: { '/a': { get } }, components: { schemas: { A } } });
    assert.match((await listed(circles)).error?.message ?? '', /too large, or too entangled/);
    const polluting = await listed(`__proto__: {polluted: true}\n${YAML}`);
    assert.deepEqual([Object.keys(polluting.drafts), 'polluted' in {}], [['ordens', 'paradas'], false]);
  });

  it('of APIs that take forms, and go on after the last record, are drafted as such', async () => {
    const body = { content: { 'application/x-www-form-urlencoded': { schema: { type: 'object' } } } };
    const Charge = { type: 'object', properties: { id: { type: 'string' } } };
    const page = {
      type: 'object',
      properties: { data: { type: 'array', items: Charge }, has_more: { type: 'boolean' }, url: { type: 'string' } },
    };
    const query = (name: string, schema: object) => ({ name, in: 'query', schema });
    const optional = { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] };
    const get = {
      parameters: [query('limit', { type: 'integer', maximum: 100 }), query('starting_after', { type: 'string' })],
      responses: { 200: { content: { 'application/json': { schema: page } } } },
    };
    const post = { requestBody: body, responses: { 200: { content: { 'application/json': { schema: Charge } } } } };
    const charges = { path: '/charges', items: '/data', key: ['id'] };
    const document = { paths: { '/charges': { get, post }, '/charges/{id}': { post, put: { requestBody: body } } } };
    assert.deepEqual((await listed(JSON.stringify(document))).drafts.charges, {
      ...charges,
      paging: {
        type: 'cursor',
        cursor_parameter: 'starting_after',
        cursor: '/data/-1/id',
        more: '/has_more',
        size_parameter: 'limit',
        size: 100,
      },
      create: { path: '/charges', content_type: 'application/x-www-form-urlencoded', id: '/id' },
      update: { method: 'PUT', path: '/charges/{id}', content_type: 'application/x-www-form-urlencoded' },
    });
    // What may also be null is written as a choice, by FastAPI for one.
    const properties = { id: { type: 'integer' }, updated_at: { anyOf: [{ type: 'string' }, { type: 'null' }] } };
    const list = { type: 'array', items: { type: 'object', properties } };
    const since = {
      parameters: [query('updated_since', optional)],
      responses: { 200: { content: { 'application/json': { schema: list } } } },
    };
    const { drafts } = await listed(JSON.stringify({ paths: { '/orders': { get: since } } }));
    assert.deepEqual(drafts.orders, {
      path: '/orders',
      key: ['id'],
      incremental: { parameter: 'updated_since', field: 'updated_at', format: 'date' },
    });
  });
});
