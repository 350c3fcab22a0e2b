import assert from 'node:assert/strict';
import type { HttpClient } from '../../../lib/protocols/http/client';
import { parseMetadata } from '../../../lib/protocols/odata/metadata';
import { readList } from '../../../lib/protocols/odata/paging';
import type { ODataService } from '../../../lib/protocols/odata/service';
import { readValue } from '../../../lib/protocols/odata/values';
import { failureOf, signal } from '../rest/server';
import { openService, ScriptedService } from './server';

const v2 = (content: string, version = '2.0') =>
  `<Edmx Version="1.0"><DataServices DataServiceVersion="${version}"><Schema Namespace="N">${content}</Schema></DataServices></Edmx>`;
const ENTITY = `<EntityType Name="E"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.String"/>
  <Property Name="Tags" Type="Collection(Edm.String)"/></EntityType>`;
const MODEL = `${ENTITY}<ComplexType Name="Place"><Property Name="Bay" Type="Edm.Int64"/></ComplexType>
  <EntityContainer Name="C" IsDefaultEntityContainer="true"><EntitySet Name="Es" EntityType="N.E"/>
  <FunctionImport Name="At" ReturnType="Edm.DateTime" HttpMethod="Post"/><FunctionImport Name="Sums" ReturnType="Collection(Edm.Decimal)"/>
  <FunctionImport Name="Where" ReturnType="N.Place"><Parameter Name="near" Type="N.Place"/></FunctionImport></EntityContainer>`;
const ATOM = { headers: { 'content-type': 'application/atom+xml;type=feed' }, body: '<feed/>' };

describe('odata answers of any making', () => {
  const api = new ScriptedService();
  let service: ODataService;
  let client: HttpClient | undefined;

  before(() => api.start());
  after(() => api.stop());
  afterEach(() => client?.close());
  beforeEach(async () => {
    api.asked.length = 0;
    api.answers.clear();
    await open(MODEL);
  });

  async function open(content: string, version?: string): Promise<void> {
    api.document = v2(content, version);
    await client?.close();
    ({ service, client } = await openService(api));
  }

  const list = async () => service.page(await service.entitySet('Es', signal), {}, signal);
  const read = async (pageSize: number) => {
    const found: unknown[] = [];
    const set = await service.entitySet('Es', signal);
    for await (const { entities } of readList(service, set, { pageSize }, undefined, signal)) {
      found.push(...entities.map(({ data }) => data.Id));
    }
    return found;
  };

  it('of functions have the notation of records, in whatever is around them', async () => {
    api.answers.set('POST /svc/At', { body: { d: { At: '/Date(1764547200000)/' } } });
    assert.equal(await service.call('At', {}, signal), '2025-12-01T00:00:00');
    for (const d of [['1.50', null], { results: ['1.50', null] }, { Sums: { results: ['1.50', null] } }]) {
      api.answers.set('GET /svc/Sums', { body: { d } });
      assert.deepEqual(await service.call('Sums', {}, signal), ['1.50', null], JSON.stringify(d));
    }
    api.answers.set('GET /svc/Where', { body: { d: { Where: { Bay: '7' } } } });
    assert.deepEqual(await service.call('Where', {}, signal), { Bay: 7 });
  });

  it('come to complex parameters of version 3, in the address', async () => {
    await open(MODEL, '3.0');
    api.answers.set('GET /svc/Where', ({ query }) => ({ body: { d: JSON.parse(query.get('near') ?? '') } }));
    assert.deepEqual(await service.call('Where', { near: { Bay: 7 } }, signal), { Bay: 7 });
  });

  it('come from all containers that are default ones', () => {
    const other = (name: string) =>
      `<Schema Namespace="${name}"><EntityContainer Name="C" IsDefaultEntityContainer="true"><EntitySet Name="${name}s" EntityType="N.E"/></EntityContainer></Schema>`;
    const text = v2(ENTITY).replace('</Schema>', `</Schema>${other('A')}${other('B')}`);
    const sets = [...parseMetadata(text).entitySets.values()];
    assert.deepEqual(
      sets.map(({ name, place }) => [name, place]),
      [
        ['As', undefined],
        ['Bs', undefined],
      ],
    );
  });

  it('keep one value where a list should be, and leave out what is about the entity', async () => {
    const action = { '#N.Release': { title: 'Release', target: 'Es' } };
    api.answers.set('GET /svc/Es', {
      body: {
        d: [
          { Id: 'a', Tags: 'x', ...action },
          { Id: 'b', Tags: null },
        ],
      },
    });
    assert.deepEqual(
      (await list()).entities.map(({ data }) => data),
      [
        { Id: 'a', Tags: 'x' },
        { Id: 'b', Tags: [] },
      ],
    );
  });

  it('may be a list without anything around it, or none at all', async () => {
    api.answers.set('GET /svc/Es', { body: [{ Id: 'a' }] });
    assert.equal((await list()).entities.length, 1);
    api.answers.set('GET /svc/Es', { status: 204 });
    assert.deepEqual((await list()).entities, []);
  });

  it('have integers of one kind, whatever their notation', () => {
    const long = { type: 'Edm.Int64', isDay: false };
    assert.equal(readValue('9007199254740992', long), '9007199254740992');
    assert.equal(readValue(9007199254740992, long), '9007199254740992');
    assert.equal(readValue(9007199254740991, long), 9007199254740991);
  });

  it('that lead on by links end where the last link ends', async () => {
    api.answers.set('GET /svc/Es', ({ query }) => {
      const isLast = query.has('$skiptoken');
      return { body: { d: { results: [{ Id: isLast ? 'b' : 'a' }], ...(!isLast && { __next: 'Es?$skiptoken=1' }) } } };
    });
    assert.deepEqual(await read(10), ['a', 'b']);
    assert.deepEqual(api.paths().filter((path) => path.includes('/Es')).length, 2);
  });

  it('in Atom are asked for as JSON in the address', async () => {
    api.answers.set('GET /svc/Es', ({ query }) => {
      if (query.get('$format') !== 'json') return ATOM;
      const isLast = query.has('$skiptoken');
      return { body: { d: { results: [{ Id: isLast ? 'b' : 'a' }], ...(!isLast && { __next: 'Es?$skiptoken=1' }) } } };
    });
    assert.deepEqual(await read(10), ['a', 'b']);
  });

  it('in Atom alone are told, but a change was made', async () => {
    api.answers.set('GET /svc/Es', ATOM);
    const failure = await failureOf(list());
    assert.deepEqual([failure.code, failure.class], ['PCP_ODATA_ATOM', 'config']);
    api.answers.set('POST /svc/Es', { ...ATOM, status: 201 });
    assert.equal(await service.create(await service.entitySet('Es', signal), { Id: 'a' }, signal), null);
  });
});
