import assert from 'node:assert/strict';
import { draftEntities as draftFrom } from '../../../lib/connectors/generic/rest/openapi';
import { ApiDocument } from '../../../lib/connectors/generic/rest/openapi-document';
import { failureOf, orders, readAll, signal, withApi } from './server';

const draftEntities = (document: unknown, basePath?: string) => draftFrom(new ApiDocument(document), basePath);
const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const query = (name: string, schema: object = { type: 'string' }) => ({ name, in: 'query', schema });

const ORDER = {
  type: 'object',
  properties: {
    orderId: { type: 'integer', format: 'int64' },
    externalId: { type: 'string' },
    quantity: { type: 'number' },
    updatedAt: { type: 'string', format: 'date-time' },
    lines: { type: 'array', items: { type: 'object', properties: { line: { type: 'integer' } } } },
  },
};

const document = {
  openapi: '3.1.0',
  servers: [{ url: 'https://erp.example.com/api/v1' }],
  paths: {
    '/orders': {
      get: {
        parameters: [
          { $ref: '#/components/parameters/Page' },
          query('pageSize', { type: 'integer', maximum: 200 }),
          query('updatedSince'),
          query('externalId'),
        ],
        responses: {
          200: json({
            type: 'object',
            properties: {
              meta: { type: 'object', properties: { total: { type: 'integer' }, hasNext: {} } },
              data: { type: 'array', items: { $ref: '#/components/schemas/Order' } },
            },
          }),
        },
      },
      post: {
        parameters: [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } }],
        requestBody: json({
          allOf: [{ $ref: '#/components/schemas/Order' }, { type: 'object', properties: { note: {} } }],
        }),
        responses: { 201: json({ $ref: '#/components/schemas/Order' }) },
      },
    },
    '/orders/{orderId}': { get: { responses: {} }, patch: { responses: {} }, delete: { responses: {} } },
    '/plants/{plant}/stock': {
      get: {
        parameters: [query('cursor')],
        responses: {
          200: json({
            type: 'object',
            properties: {
              items: { type: 'array', items: { type: 'object', properties: { id: { type: 'string' } } } },
              next_cursor: { type: ['string', 'null'] },
            },
          }),
        },
      },
    },
    '/materials': {
      get: {
        responses: {
          200: {
            headers: { Link: { schema: { type: 'string' } } },
            ...json({ type: 'array', items: { type: 'object', properties: { code: { type: 'string' } } } }),
          },
        },
      },
    },
    '/health': { get: { responses: { 200: json({ type: 'object', properties: { status: { type: 'string' } } }) } } },
  },
  components: {
    parameters: { Page: query('page', { type: 'integer', minimum: 0 }) },
    schemas: { Order: ORDER },
  },
};

const DRAFTS = {
  orders: {
    path: '/v1/orders',
    items: '/data',
    key: ['orderId'],
    paging: {
      type: 'page',
      page_parameter: 'page',
      start: 0,
      size_parameter: 'pageSize',
      size: 200,
      total: '/meta/total',
      more: '/meta/hasNext',
    },
    incremental: { parameter: 'updatedSince', field: 'updatedAt' },
    create: { path: '/v1/orders', id: '/orderId' },
    update: { method: 'PATCH', path: '/v1/orders/{id}' },
    delete: { path: '/v1/orders/{id}' },
    lookup: { path: '/v1/orders?externalId={externalId}', items: '/data', consistency: 'eventual' },
    idempotency_header: 'Idempotency-Key',
    numbers: ['orderId', 'quantity'],
  },
  stock: {
    path: '/v1/plants/{plant}/stock',
    items: '/items',
    key: ['id'],
    parameters: { plant: '' },
    paging: { type: 'cursor', cursor_parameter: 'cursor', cursor: '/next_cursor' },
  },
  materials: { path: '/v1/materials', key: ['code'], paging: { type: 'link_header' } },
};

describe('generic.rest: drafts from OpenAPI', () => {
  const context = withApi();

  it('drafts an entity for each list, with what its names say', () => {
    assert.deepEqual(draftEntities(document, '/api'), DRAFTS);
  });

  it('takes the variables of its server as the document has them by default', () => {
    const variables = { scheme: { default: 'https' }, 'base/path': { default: 'v1' } };
    const servers = [{ url: '{scheme}://erp.example.com/api/{base/path}', variables }];
    assert.deepEqual(draftEntities({ ...document, servers }, '/api'), DRAFTS);
  });

  it('takes "next" beside a parameter for a cursor as the next one, unless it is said to be a link', () => {
    const draft = (next: object, outer = 'meta') => {
      const answer = {
        type: 'object',
        properties: { items: { type: 'array', items: ORDER }, [outer]: { type: 'object', properties: { next } } },
      };
      const get = { parameters: [query('after')], responses: { 200: json(answer) } };
      return draftEntities({ paths: { '/orders': { get } } }).orders?.paging;
    };
    const text = { type: ['string', 'null'] };
    assert.deepEqual(draft(text), { type: 'cursor', cursor_parameter: 'after', cursor: '/meta/next' });
    for (const link of [{ format: 'uri' }, { example: '/orders?after=7' }, { description: 'URL of the next page' }]) {
      assert.deepEqual(draft({ ...text, ...link }), { type: 'next_link', next: '/meta/next' });
    }
    assert.deepEqual(draft(text, 'links'), { type: 'next_link', next: '/links/next' });
  });

  it('reads Swagger 2, and how a parameter writes what changed', () => {
    const schema = { type: 'array', items: ORDER };
    const draft = (since: object) => {
      const body = { name: 'order', in: 'body', schema: ORDER };
      const get = { parameters: [{ name: 'updatedSince', in: 'query', ...since }], responses: { 200: { schema } } };
      const post = { parameters: [body], responses: { 201: { schema: ORDER } } };
      return draftEntities({ swagger: '2.0', basePath: '/api', paths: { '/orders': { get, post } } }, '/api').orders;
    };
    assert.deepEqual(draft({ type: 'string' })?.numbers, ['orderId', 'quantity']);
    for (const [since, format] of [
      [{ type: 'string', format: 'date' }, 'date'],
      [{ type: 'integer', format: 'int64' }, 'unix'],
      [{ type: 'string', format: 'date-time' }, undefined],
    ] as const) {
      assert.equal(draft(since)?.incremental?.format, format);
    }
  });

  it('has nothing to say about what is no OpenAPI document, and follows no circle', () => {
    const circle = { $ref: '#/components/schemas/A' };
    const get = { responses: { 200: json({ type: 'array', items: circle }) } };
    assert.deepEqual(draftEntities({ paths: { '/a': { get } }, components: { schemas: { A: circle } } }), {});
    for (const other of [null, 1, 'x', [], {}, { paths: { '/a': null } }]) assert.deepEqual(draftEntities(other), {});
  });

  it('lists drafts beside the entities, to be taken over, not to be read', async () => {
    context.api.handler = ({ path }) =>
      path === '/openapi.json' ? { body: document } : { body: { data: orders(1, 1) } };
    const connector = context.open({ orders: { path: '/orders', items: '/data' } }, { openapi: 'openapi.json' });
    const infos = await connector.discover!(signal);
    assert.deepEqual(
      infos.map(({ name, kind, readable }) => [name, kind, readable]),
      [
        ['orders', 'resource', true],
        ['stock', 'draft', false],
        ['materials', 'draft', false],
      ],
    );
    const { info, schema } = await connector.describe!('materials', signal);
    assert.equal(info.kind, 'draft');
    assert.deepEqual(schema['x-draft'], DRAFTS.materials);
    assert.equal((await connector.describe!('orders', signal)).info.kind, 'resource');
    assert.equal((await failureOf(readAll(connector, { entity: 'stock' }))).code, 'PCP_ENTITY_UNKNOWN');
    assert.equal(context.api.paths().filter((path) => path === 'GET /openapi.json').length, 1);
  });

  it('lists the entities though the document cannot be had, and never asks another host for it', async () => {
    for (const openapi of ['/openapi.json', 'http://127.0.0.1:1/openapi.json']) {
      const connector = context.open({ orders: { path: '/orders' } }, { openapi });
      const [own, fault] = await connector.discover!(signal);
      assert.deepEqual([own?.kind, own?.error, fault?.kind], ['resource', undefined, 'draft']);
      assert.ok(fault?.error?.hint, fault?.error?.message);
    }
    assert.equal(context.api.asked.length, 1);
  });
});
