import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/sap/connector';
import { xml } from '../odata/server';
import { type Answer, openWriter, record, signal, TestApi } from '../rest/server';

const document = (set: string) =>
  `<Edmx Version="1.0"><DataServices DataServiceVersion="2.0"><Schema Namespace="Z_SRV"><EntityType Name="Tag">
   <Key><PropertyRef Name="No"/></Key><Property Name="No" Type="Edm.String" Nullable="false"/><Property Name="Text" Type="Edm.String"/></EntityType>
   <EntityContainer Name="C"><EntitySet Name="Tags" EntityType="Z_SRV.Tag" ${set}/></EntityContainer></Schema></DataServices></Edmx>`;

/** Services of customers often have no more than what their first use needed. */
describe('sap services without lists', () => {
  const api = new TestApi();
  let connector: Connector;

  before(() => api.start());
  after(() => api.stop());
  afterEach(() => connector.close());

  async function write(set: string, listed: (query: URLSearchParams) => Answer): Promise<string[]> {
    const kept = new Map([['A', { No: 'A', Text: 'old' }]]);
    api.asked.length = 0;
    api.handler = ({ method, path, query, body }) => {
      if (path.endsWith('$metadata')) return xml(document(set));
      if (path === '/svc/') return { body: { d: {} } };
      if (path === '/svc/Tags' && method === 'GET') return listed(query);
      const found = kept.get(/\('(.*)'\)$/.exec(path)?.[1] ?? '');
      if (method === 'GET' && found !== undefined) return { body: { d: found } };
      if (method === 'MERGE') return { status: 204 };
      return method === 'POST' && path === '/svc/Tags'
        ? { status: 201, body: { d: JSON.parse(body) } }
        : { status: 404 };
    };
    const config = { services: { z: '/svc' }, authentication: 'none', csrf: 'off' };
    connector = create(api.connection(config), { log: () => undefined });
    const writer = await openWriter(connector, ['No'], 'z/Tags');
    const records = ['A', 'B'].map((No) => record({ No, Text: 'new' }, {}, ['No']));
    return (await writer.write(records, signal)).map(({ outcome }) => outcome);
  }

  const error = { error: { code: 'X', message: { value: "Method 'TAGS_GET_ENTITYSET' is missing" } } };
  for (const status of [400, 405, 501]) {
    it(`are written by the addresses of their entities, where lists are answered with ${status}`, async () => {
      assert.deepEqual(await write('', () => ({ status, body: error })), ['updated', 'created']);
    });
  }

  it('are written by addresses where a list needs conditions that a record does not name', async () => {
    assert.deepEqual(await write('requires-filter="true"', () => ({ status: 400 })), ['updated', 'created']);
    assert.deepEqual(api.paths().filter((path) => path.startsWith('GET /svc/Tags(')).length, 2);
  });

  it('are not asked for the first few where they do not know $top', async () => {
    const listed = (query: URLSearchParams) =>
      query.has('$top') ? { status: 400, body: error } : { body: { d: { results: [{ No: 'A', Text: 'old' }] } } };
    assert.deepEqual(await write('pageable="false"', listed), ['updated', 'created']);
    assert.equal(
      api.paths().some((path) => path.startsWith('GET /svc/Tags?')),
      true,
    );
    assert.equal(
      api.paths().some((path) => path.startsWith("GET /svc/Tags('B')")),
      false,
    );
  });
});
