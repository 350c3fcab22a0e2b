import assert from 'node:assert/strict';
import { apiContract } from '../../support/api-contract';

const RULES = {
  // A literal part of an address wins over a parameter.
  'no-ambiguous-paths': 'off',
  // What tells kinds of steps apart is a constant in each of them.
  'no-illogical-composition-keywords': 'off',
  // Sees no further than the branches of a condition.
  'no-required-schema-properties-undefined': 'off',
  'no-invalid-schema-examples': { severity: 'error', allowAdditionalProperties: true },
} as const;

describe('API: OpenAPI document, by other judges', () => {
  const lint = async (document: object): Promise<string[]> => {
    const { createConfig, lintFromString } = await import('@redocly/openapi-core');
    const config = await createConfig({ extends: ['recommended'], rules: RULES });
    const problems = await lintFromString({ source: JSON.stringify(document), config });
    return problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer}: ${message}`);
  };

  it('has nothing that a linter complains of', async () => {
    assert.deepEqual(await lint((await apiContract()).document), []);
  });

  it('is a document in which the linter would find what is wrong', async () => {
    const { document } = await apiContract();
    const health = { ...document.paths['/health']?.get, summary: undefined, responses: { 200: {} } };
    const paths = { ...document.paths, '/health': { get: health } };
    const rules = (await lint({ ...document, paths })).map((text) => text.split(' ')[0]);
    for (const rule of ['operation-summary', 'struct']) assert.ok(rules.includes(rule), rule);
  });

  it('lets none of its operations answer with anything else', async () => {
    const contract = await apiContract();
    for (const [path, operations] of Object.entries(contract.document.paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        const wrong = (status: number, headers: Record<string, string>, text: string) =>
          assert.throws(() => contract.check(method.toUpperCase(), path, { status, headers, text }), {
            name: 'AssertionError',
          });
        const json = { 'content-type': 'application/json', etag: '"1"', location: '/' };
        wrong(418, { 'content-type': 'application/problem+json' }, '{"status":418}');
        wrong(200, { ...json, 'content-type': 'text/html' }, '<html></html>');
        for (const status of Object.keys(responses)
          .filter((one) => one.startsWith('2'))
          .map(Number)) {
          wrong(status, json, '7');
          if (status === 204) continue;
          assert.notDeepEqual(contract.askPrism(`${method} ${path}`, status, json, 7), [], `${method} ${path}`);
        }
      }
    }
  });
});
