import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020';
import { routes } from '../../../lib/api/routes';
import { formats } from '../../../lib/model/formats';
import { startApi, type TestApi } from './api-server';

type Node = Record<string, unknown>;
interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  parameters: Node[];
  requestBody?: { required: boolean; content: Record<string, { schema: Node }> };
  responses: Record<string, Node>;
}

describe('API: OpenAPI document', () => {
  let api: TestApi;
  let document: Node & {
    paths: Record<string, Record<string, Operation>>;
    components: Record<string, Record<string, Node>>;
  };
  before(async () => {
    api = await startApi();
    document = (await api.call('GET', '/openapi.json')).body as unknown as typeof document;
  });
  after(() => api.close());

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );

  it('has the parts that OpenAPI 3.1 asks for', () => {
    assert.match(String(document.openapi), /^3\.1\.\d+$/);
    const info = document.info as Node;
    assert.ok(info.title && info.version);
    assert.deepEqual(document.servers, [{ url: '/integrations', description: 'This Node-RED.' }]);
    assert.deepEqual(document.components.securitySchemes?.token?.type, 'http');
    assert.deepEqual(document.security, [{ token: [] }]);
    for (const group of Object.values(document.components)) {
      for (const name of Object.keys(group)) assert.match(name, /^[a-zA-Z0-9._-]+$/);
    }
  });

  it('has every operation once, with everything a client wants to know', () => {
    assert.equal(operations().length, routes.length);
    const ids = operations().map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    const tags = new Set((document.tags as Node[]).map(({ name }) => name));
    for (const { path, method, operation } of operations()) {
      const place = `${method} ${path}`;
      assert.ok(operation.summary, place);
      assert.match(operation.description, /Needs `integrations\.\w+`/, place);
      assert.ok(
        operation.tags.every((tag) => tags.has(tag)),
        place,
      );
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
      assert.deepEqual(
        declared.map(({ name }) => name),
        inPath,
        place,
      );
      assert.ok(
        declared.every(({ required }) => required === true),
        place,
      );
      assert.equal(operation.requestBody !== undefined && method === 'get', false, place);
      const statuses = Object.keys(operation.responses);
      assert.ok(
        statuses.every((status) => /^[1-5]\d\d$/.test(status)),
        place,
      );
      assert.ok(
        statuses.some((status) => status.startsWith('2')),
        place,
      );
      assert.ok(
        ['401', '403', '500'].every((status) => statuses.includes(status)),
        place,
      );
    }
  });

  it('has the paths of the contract', () => {
    const wanted = [
      'GET POST /connections',
      'DELETE GET PUT /connections/{id}',
      'GET POST /connections/{id}/test',
      'POST /connections/test',
      'POST /connections/browse',
      'POST /connections/values',
      'POST /connections/tags',
      'POST /connections/entities',
      'POST /connections/entities/{entity}',
      'GET /connections/{id}/browse',
      'GET /connections/{id}/values',
      'GET /connections/{id}/entities',
      'GET /connections/{id}/entities/{entity}',
      'GET /certificates',
      'POST /certificates/{thumbprint}/reject',
      'POST /certificates/{thumbprint}/trust',
      'GET POST /mappings',
      'DELETE GET PUT /mappings/{id}',
      'POST /mappings/preview',
      'POST /mappings/{id}/preview',
      'POST /mappings/{id}/reconcile',
      'POST /mappings/{id}/target',
      'GET /reconciliations',
      'GET /reconciliations/{id}',
      'POST /reconciliations/{id}/cancel',
      'POST /reconciliations/{id}/repair',
      'POST /sync/{connection_id}',
      'GET /sync/status/{job_id}',
      'POST /sync/status/{job_id}/cancel',
      'GET /sync/logs',
      'GET /sync/logs/{id}',
      'GET /sync/dead-letters',
      'GET /sync/dead-letters/groups',
      'POST /sync/dead-letters/replay',
      'GET PUT /sync/dead-letters/{id}',
      'POST /sync/dead-letters/{id}/discard',
      'GET /connectors',
      'GET /connectors/{type}',
      'GET /connectors/{type}/schema',
      'GET POST /entities',
      'DELETE GET PUT /entities/{type}',
      'GET POST /entities/{type}/records',
      'DELETE GET PUT /entities/{type}/records/{key}',
      'GET POST /webhooks',
      'POST /webhooks/preview',
      'DELETE GET PUT /webhooks/{id}',
      'POST /webhooks/{id}/rotate-secret',
      'POST /webhooks/{id}/trigger',
      'POST /webhooks/{id}/redeliver',
      'GET /webhooks/{id}/executions',
      'GET /webhooks/{id}/executions/{execution_id}',
      'POST /webhooks/{id}/executions/{execution_id}/redeliver',
      'GET /incoming-webhooks',
      'GET /incoming-webhooks/deliveries',
      'POST /incoming-webhooks/deliveries/{id}/redeliver',
      'POST /incoming-webhooks/redeliver',
      'POST /incoming-webhooks/discard',
      'GET /alerts',
      'GET /alerts/{id}',
      'POST /alerts/{id}/acknowledge',
      'GET POST /alerts/rules',
      'DELETE GET PUT /alerts/rules/{id}',
      'GET /metrics',
      'GET /metrics/summary',
      'GET /audit',
      'GET /audit/verification',
      'GET /health',
      'GET /failures',
      'GET /schedules/next',
      'GET /openapi.json',
    ];
    const found = Object.entries(document.paths).map(
      ([path, methods]) => `${Object.keys(methods).sort().join(' ').toUpperCase()} ${path}`,
    );
    assert.deepEqual(found.sort(), wanted.sort());
  });

  it('has no reference to something that is not there', () => {
    const references: string[] = [];
    walk(document, (node) => {
      if (typeof node.$ref === 'string') references.push(node.$ref);
    });
    assert.ok(references.length > 100);
    for (const reference of new Set(references)) {
      const parts = reference.replace(/^#\//, '').split('/');
      const target = parts.reduce<unknown>((node, part) => (node as Node | undefined)?.[part], document);
      assert.ok(target, reference);
    }
  });

  it('has schemas that compile, and examples that fit them', () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, discriminator: true, formats });
    ajv.addVocabulary(['example', 'components']);
    ajv.addSchema({ $id: 'document', components: document.components } as never);
    let examples = 0;
    for (const [name, schema] of Object.entries(document.components.schemas ?? {})) {
      const validate = ajv.compile({ $ref: `document#/components/schemas/${name}` });
      if (schema.example === undefined) continue;
      examples += 1;
      assert.ok(validate(schema.example), `${name}: ${ajv.errorsText(validate.errors)}`);
    }
    assert.ok(examples >= 12);
    for (const { path, operation } of operations()) {
      for (const { schema, example, name, in: where } of operation.parameters) {
        if (where === 'path') assert.ok(example !== undefined, `${path}: ${name} has no example`);
        if (example === undefined || (schema as Node).format === 'instant') continue;
        assert.ok(ajv.validate(schema as Node, example), `${path}: ${name}`);
      }
    }
  });

  it('marks secrets as written only', () => {
    const create = document.components.schemas?.ConnectionCreate?.properties as Record<string, Node>;
    assert.equal(create.credentials?.writeOnly, true);
  });
});

function walk(node: unknown, visit: (node: Node) => void): void {
  if (typeof node !== 'object' || node === null) return;
  visit(node as Node);
  for (const inner of Object.values(node)) walk(inner, visit);
}
