import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Connector, WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/rest/connector';
import { freePort, startServer, stopServer } from '../../support/server-process';
import { openWriter, record, signal } from './server';

const DOCUMENT = `
openapi: 3.0.3
info: { title: Confirmations of a plant, version: '1' }
security: [{ token: [] }]
paths:
  /confirmations:
    get:
      parameters: [{ name: number, in: query, required: true, schema: { type: string, pattern: '^C-' } }]
      responses:
        '200': { description: None yet., content: { application/json: { example: [], schema: { type: array, items: {} } } } }
    post:
      parameters: [{ name: Idempotency-Key, in: header, required: true, schema: { type: string, minLength: 8 } }]
      requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Confirmation' } } } }
      responses:
        '201': { description: Taken., content: { application/json: { example: { id: 7 }, schema: { type: object } } } }
  /confirmations/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get:
      responses:
        '200':
          description: As it is.
          headers: { ETag: { schema: { type: string }, example: '"v3"' } }
          content: { application/json: { example: { id: 7, number: C-1 }, schema: { type: object } } }
    put:
      parameters: [{ name: If-Match, in: header, required: true, schema: { type: string, enum: ['"v3"'] } }]
      requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Confirmation' } } } }
      responses:
        '200': { description: Changed., content: { application/json: { example: { id: 7 }, schema: { type: object } } } }
    delete:
      responses: { '204': { description: Gone. } }
  /confirmations/bulk:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [items]
              properties: { items: { type: array, minItems: 2, items: { $ref: '#/components/schemas/Confirmation' } } }
      responses:
        '200':
          description: One by one.
          content: { application/json: { example: [{ id: 1, ok: true }, { id: 2, ok: true }], schema: { type: array, items: {} } } }
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
  schemas:
    Confirmation:
      type: object
      additionalProperties: false
      required: [number, quantity, finished]
      properties:
        number: { type: string, pattern: '^C-' }
        quantity: { type: number, minimum: 0.001 }
        finished: { type: string, format: date-time }
`;

/** Prism judges every request by an OpenAPI document, and answers with the examples of it. */
describe('generic.rest: requests as an OpenAPI document wants them', () => {
  let prism: ChildProcess;
  let directory: string;
  let connector: Connector;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pcp-prism-'));
    const document = join(directory, 'plant.yaml');
    writeFileSync(document, DOCUMENT);
    const port = await freePort();
    const base_url = `http://127.0.0.1:${port}`;
    const program = join(dirname(require.resolve('@stoplight/prism-cli/package.json')), 'dist', 'index.js');
    const parameters = [program, 'mock', document, '--port', String(port), '--errors'];
    prism = await startServer(process.execPath, parameters, undefined, () => fetch(base_url));
    const write = { path: '/confirmations', id: '/id', error: '/validation' };
    const entities = {
      confirmations: {
        create: write,
        update: { path: '/confirmations/{id}' },
        delete: { path: '/confirmations/{id}' },
        lookup: { path: '/confirmations?number={number}' },
        idempotency_header: 'Idempotency-Key',
        etag: true,
        numbers: ['quantity'],
      },
      together: {
        bulk: { path: '/confirmations/bulk', items: '/items', result: '/ok', id: '/id' },
        numbers: ['quantity'],
      },
    };
    const config = { base_url, authentication: 'bearer', entities };
    const connection = {
      id: 1,
      name: 'plant',
      connector_type: 'generic.rest',
      config,
      credentials: { token: 'secret' },
    };
    connector = create(connection, { log: () => undefined });
  });
  after(async () => {
    await connector?.close();
    if (prism) await stopServer(prism, directory, 'SIGTERM');
  });

  const confirmation = (number: string) => ({ number, quantity: '12.500', finished: '2026-11-24T05:00:00Z' });
  const write = async (data: Record<string, unknown>, more: Parameters<typeof record>[1], entity = 'confirmations') =>
    (await (await openWriter(connector, ['number'], entity)).write([record(data, more)], signal))[0] as WriteResult;

  it('creates after a look-up, with key and exact numbers', async () => {
    const result = await write(confirmation('C-1'), { idempotencyKey: 'key-of-C-1' });
    assert.deepEqual(result, { outcome: 'created', externalKey: '7' });
  });

  it('changes the version that it has seen', async () => {
    const result = await write(confirmation('C-1'), { idempotencyKey: 'key-of-C-1', externalKey: '7' });
    assert.deepEqual(result, { outcome: 'updated', externalKey: '7' });
  });

  it('removes', async () => {
    const writer = await openWriter(connector, ['number'], 'confirmations');
    const results = await writer.delete!([record(confirmation('C-1'), { externalKey: '7' })], signal);
    assert.deepEqual(results, [{ outcome: 'deleted' }]);
  });

  it('writes many with one request', async () => {
    const writer = await openWriter(connector, ['number'], 'together');
    const results = await writer.write(
      ['C-1', 'C-2'].map((number) => record(confirmation(number))),
      signal,
    );
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'created'],
    );
  });

  it('a record that the document does not allow is refused, and only that', async () => {
    const { finished: _, ...incomplete } = confirmation('C-2');
    const writer = await openWriter(connector, ['number'], 'confirmations');
    const results = await writer.write(
      [incomplete, confirmation('C-3')].map((data) => record(data, { idempotencyKey: `key-of-${data.number}` })),
      signal,
    );
    assert.deepEqual(
      results.map((result) => ('error' in result ? result.error.class : result.outcome)),
      ['data', 'created'],
    );
    const [refused] = results;
    assert.match(refused && 'error' in refused ? refused.error.message : '', /finished/);
  });
});
