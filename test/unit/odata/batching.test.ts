import assert from 'node:assert/strict';
import type { WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/sap/connector';
import { IntegrationError } from '../../../lib/model/errors';
import { failureOf, openWriter, record, signal, TestApi } from '../rest/server';
import { documentText } from './documents';
import { xml } from './server';

/** A service of version 2 that has nothing yet, and answers each batch as the test says. */
describe('odata: many changes with one request', () => {
  const api = new TestApi();
  let answerOf: (body: string) => { status: number; headers: Record<string, string>; body: Buffer | string };
  const key = ['ManufacturingOrder'];
  const records = ['1', '2', '3'].map((ManufacturingOrder) => record({ ManufacturingOrder }, {}, key));

  before(() => api.start());
  after(() => api.stop());
  beforeEach(() => {
    api.asked.length = 0;
    api.handler = ({ method, path, body }) => {
      if (path.endsWith('/$metadata')) return xml(documentText('orders'));
      if (method === 'GET') return { body: { d: { results: [] } } };
      return body.includes('\r\nGET ') ? { status: 404 } : answerOf(body);
    };
  });

  async function write(assertSafeToWrite?: () => void, batch = records): Promise<unknown> {
    const config = { authentication: 'none', csrf: 'off', services: { SVC: '/svc' } };
    const connector = create(api.connection(config), { log: () => undefined });
    const writer = await openWriter(connector, key, 'SVC/A_ProductionOrder_2');
    const target = {
      entity: 'SVC/A_ProductionOrder_2',
      keyFields: key,
      fields: [],
      resume: null,
      runId: 1,
      mappingId: 1,
    };
    const safe = assertSafeToWrite && { ...target, assertSafeToWrite };
    try {
      return await (safe === undefined ? writer : await connector.openWriter!(safe, signal)).write(batch, signal);
    } finally {
      await connector.close();
    }
  }
  const changes = () => api.asked.filter(({ method, body }) => method !== 'GET' && !body.includes('\r\nGET '));

  it('are not sent again where the answer cannot be read: they are done', async () => {
    const part = '--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 201 Created\r\n\r\n{"name":"Pe\xe7a"}\r\n';
    const headers = { 'content-type': 'multipart/mixed; boundary=b' };
    answerOf = () => ({ status: 202, headers, body: Buffer.from(`${part.repeat(3)}--b--`, 'latin1') });
    const results = (await write()) as { outcome: string; error?: IntegrationError }[];
    assert.equal(changes().length, 1);
    assert.deepEqual(
      results.map(({ outcome, error }) => [outcome, error?.code]),
      Array(3).fill(['unknown', 'PCP_HTTP_CHARSET']),
    );
  });

  it('wait after the first one that shows an outage, where the service knows no batches', async () => {
    api.handler = ({ method, path }) => {
      if (path.endsWith('/$metadata')) return xml(documentText('orders'));
      if (method === 'GET') return { body: { d: { results: [] } } };
      return { status: path.endsWith('$batch') ? 404 : 503 };
    };
    const failure = await failureOf(write());
    assert.deepEqual(
      (failure.results as ({ outcome: string } | undefined)[]).map((result) => result?.outcome),
      ['unknown', undefined, undefined],
    );
    assert.equal(api.paths().filter((path) => path.startsWith('POST /svc/A_')).length, 1);
  });

  it('are made once where two records of a batch stand for one', async () => {
    answerOf = () => ({ status: 201, headers: { 'content-type': 'application/json' }, body: '' });
    const [first] = records;
    const other = { ...first!, key: '["other"]', data: { ...first!.data, Batch: 'X' } };
    const [made, refused] = (await write(undefined, [first!, other])) as WriteResult[];
    assert.equal(made?.outcome, 'created');
    assert.ok(refused?.outcome === 'failed' && refused.error.code === 'PCP_DUPLICATE_KEY');
    assert.equal(changes().length, 1);
  });

  it('are not sent by a run that lost its hold while it looked for them', async () => {
    const ending = new IntegrationError('transient', 'PCP_LEASE_ENDING', 'The lease may end.');
    answerOf = () => assert.fail('it was sent');
    const failure = await failureOf(
      write(() => {
        if (
          api.asked.some(({ path, method, body }) =>
            method === 'GET' ? !path.endsWith('$metadata') : body.includes('\r\nGET '),
          )
        )
          throw ending;
      }),
    );
    assert.deepEqual([failure.code, failure.results], ['PCP_LEASE_ENDING', [undefined, undefined, undefined]]);
  });
});
