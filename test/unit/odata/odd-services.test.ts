import assert from 'node:assert/strict';
import type { HttpClient } from '../../../lib/protocols/http/client';
import { findMatches } from '../../../lib/protocols/odata/find';
import { ODataService } from '../../../lib/protocols/odata/service';
import { failureOf, signal } from '../rest/server';
import { documentText } from './documents';
import { openService, ScriptedService, xml } from './server';

describe('odata services of any making', () => {
  const api = new ScriptedService();
  let service: ODataService;
  let client: HttpClient | undefined;

  before(() => api.start());
  after(() => api.stop());
  beforeEach(async () => {
    api.asked.length = 0;
    api.answers.clear();
    api.document = documentText('plant');
    await open();
  });
  afterEach(() => client?.close());

  async function open(): Promise<void> {
    await client?.close();
    ({ service, client } = await openService(api));
  }

  const set = (name: string) => service.entitySet(name, signal);
  const paths = () => api.paths().filter((path) => !path.includes('$metadata'));

  describe('looking for one record', () => {
    const rows = (...value: unknown[]) => ({ body: { value } });
    const find = async (values: Record<string, unknown>) =>
      findMatches(service, await set('Orders'), values, {}, signal);

    it('takes none that has other values: the service does not follow $filter', async () => {
      api.answers.set('GET /svc/Orders', rows({ Number: 'A', Amount: 1 }));
      const failure = await failureOf(find({ Number: 'B' }));
      assert.deepEqual([failure.code, failure.class, failure.path], ['PCP_ODATA_FILTER_IGNORED', 'config', 'Number']);
      api.answers.set('GET /svc/Orders', rows({ Amount: 1 }));
      assert.equal((await failureOf(find({ Number: 'B' }))).code, 'PCP_ODATA_FILTER_IGNORED');
    });

    it('takes what databases compare as the same, but before it what is the same', async () => {
      api.answers.set('GET /svc/Orders', rows({ '@odata.etag': '1', Number: '000A1 ', Amount: 1 }));
      assert.deepEqual((await find({ Number: '000a1', Amount: '1.00' }))[0]?.data, { Number: '000A1 ', Amount: '1' });
      api.answers.set(
        'GET /svc/Orders',
        rows({ '@odata.etag': '1', Number: 'a' }, { '@odata.etag': '2', Number: 'A' }),
      );
      assert.deepEqual(
        (await find({ Number: 'A' })).map(({ version }) => version),
        ['2'],
      );
      api.answers.set(
        'GET /svc/Orders',
        rows({ '@odata.etag': '1', Number: '7' }, { '@odata.etag': '2', Number: '07' }),
      );
      assert.equal((await find({ Number: '007' })).length, 2);
    });

    it('takes none by its key that has another, nor a list', async () => {
      const orders = await set('Orders');
      const answers: unknown[] = [{ Number: 'B' }, { value: [{ Number: 'A' }] }, { d: { results: [{ Number: 'A' }] } }];
      for (const body of answers) {
        api.answers.set("GET /svc/Orders('A')", { body });
        const failure = await failureOf(service.entity(orders, { Number: 'A' }, {}, signal));
        assert.equal(failure.code, 'PCP_ODATA_FILTER_IGNORED');
      }
      api.answers.set("GET /svc/Orders('A')", { body: { Number: 'a ', Amount: 1 } });
      assert.equal((await service.entity(orders, { Number: 'A' }, {}, signal))?.data.Amount, '1');
    });

    it('goes on over empty pages', async () => {
      api.answers.set('GET /svc/Orders', ({ query }) =>
        query.has('$skiptoken')
          ? rows({ '@odata.etag': '1', Number: 'A' })
          : { body: { value: [], '@odata.nextLink': 'Orders?$skiptoken=1' } },
      );
      assert.equal((await find({ Number: 'A' })).length, 1);
    });

    it('asks for the version where only a single entity has one', async () => {
      api.answers.set('GET /svc/Orders', rows({ Number: 'A' }));
      api.answers.set("GET /svc/Orders('A')", { headers: { etag: 'W/"7"' }, body: { Number: 'A' } });
      assert.deepEqual(
        (await find({ Number: 'A' })).map(({ version }) => version),
        ['W/"7"'],
      );
    });
  });

  describe('operations', () => {
    beforeEach(async () => {
      const bound = (name: string, type: string, more = '') =>
        `<Action Name="${name}" IsBound="true"><Parameter Name="it" Type="${type}"/>${more}</Action>`;
      const added = [
        bound('Stop', 'Self.Order'),
        bound('Stop', 'Self.Resource', '<Parameter Name="Why" Type="Edm.String"/>'),
        bound('Stop', 'Self.Press'),
        bound('Stop', 'Collection(Self.Machine)', '<Parameter Name="All" Type="Edm.Boolean"/>'),
        '<Function Name="Pick"><Parameter Name="Ids" Type="Collection(Edm.Int64)"/><Parameter Name="At" Type="Self.Place"/><ReturnType Type="Collection(Self.Order)"/></Function>',
      ].join('');
      api.document = documentText('plant')
        .replace('<EntityContainer', `${added}<EntityContainer`)
        .replace('<Singleton', '<FunctionImport Name="Pick" Function="Self.Pick"/><Singleton');
      await open();
    });

    it('of one name that belong to several types are told apart by what they are called on', async () => {
      for (const path of ["/Orders('A')", "/Machines(Company='A',Id=1)", '/Machines']) {
        api.answers.set(`POST /svc${path}/Plant.Entities.Stop`, { status: 204 });
      }
      const key = { Company: 'A', Id: 1 };
      await service.call('Stop', {}, signal, { set: 'Orders', key: { Number: 'A' } });
      await service.call('Stop', { Why: 'x' }, signal, { set: 'Machines', key });
      await service.call('Stop', { All: true }, signal, { set: 'Machines' });
      await service.call('Stop', {}, signal, { set: 'Machines', key });
      assert.deepEqual(
        api.asked.filter(({ method }) => method === 'POST').map(({ body }) => body),
        ['{}', '{"Why":"x"}', '{"All":true}', '{}'],
      );
      const wrong = await failureOf(
        service.call('Stop', { Why: 'x' }, signal, { set: 'Orders', key: { Number: 'A' } }),
      );
      assert.deepEqual([wrong.code, wrong.hint], ['PCP_OPERATION_UNKNOWN', 'It takes: none.']);
      const nowhere = await failureOf(service.call('Stop', {}, signal));
      assert.match(nowhere.message, /belongs to an entity of Plant.Entities.Order, or an entity of/);
    });

    it('give lists of several pages whole, and say so when a page leads to itself', async () => {
      api.answers.set("GET /svc/Nearest(Site='A',Count=9)", ({ query }) => {
        const page = Number(query.get('$skiptoken') ?? 0);
        const next = page < 2 && { '@odata.nextLink': `Nearest(Site='A',Count=9)?$skiptoken=${page + 1}` };
        return { body: { value: [{ Id: page, Rate: 1.5 }], ...next } };
      });
      assert.deepEqual(await service.call('Nearest', { Site: 'A', Count: 9 }, signal), [
        { Id: 0, Rate: '1.5' },
        { Id: 1, Rate: '1.5' },
        { Id: 2, Rate: '1.5' },
      ]);
      const circle = { body: { value: [], '@odata.nextLink': "Nearest(Site='A',Count=9)?$skiptoken=1" } };
      api.answers.set("GET /svc/Nearest(Site='A',Count=9)", circle);
      assert.equal(
        (await failureOf(service.call('Nearest', { Site: 'A', Count: 9 }, signal))).code,
        'PCP_ODATA_PAGING',
      );
    });

    it('take lists and complex values in the query', async () => {
      api.answers.set('GET /svc/Pick(Ids=@Ids,At=@At)', { body: { value: [] } });
      await service.call('Pick', { Ids: ['9007199254740993', 2], At: { Site: 'A & B' } }, signal);
      const { query } = api.asked.at(-1)!;
      assert.deepEqual([query.get('@Ids'), query.get('@At')], ['[9007199254740993,2]', '{"Site":"A & B"}']);
    });
  });

  it('takes an entity without its key where the answer says what it is', async () => {
    api.answers.set('GET /svc/Me', { body: { '@odata.context': '$metadata#Me', Rate: 1.5 } });
    const { entities } = await service.page(await set('Me'), {}, signal);
    assert.deepEqual(
      entities.map(({ data }) => data),
      [{ Rate: '1.5' }],
    );
    api.answers.set('GET /svc/Me', { body: { Rate: 1.5 } });
    assert.equal((await failureOf(service.page(await set('Me'), {}, signal))).code, 'PCP_ODATA_JSON');
  });

  it('is taken as plain JSON where the service knows no parameters of it', async () => {
    api.answers.set('GET /svc/Orders', ({ headers }) => {
      const ranges = (headers.accept ?? '').split(',').map((range) => range.trim().replace(/;q=[\d.]+$/, ''));
      return ranges.includes('application/json') ? { body: { value: [{ Number: 'A' }] } } : { status: 406 };
    });
    assert.equal((await service.page(await set('Orders'), {}, signal)).entities.length, 1);
  });

  it('says of what is changed and not there that it is gone', async () => {
    const orders = await set('Orders');
    for (const work of [
      () => service.update(orders, { Number: 'A', Amount: '1' }, signal),
      () => service.remove(orders, { Number: 'A' }, signal),
    ]) {
      for (const body of [undefined, { error: { code: '1', message: 'not found' } }]) {
        api.answers.set("PATCH /svc/Orders('A')", { status: 404, body });
        api.answers.set("DELETE /svc/Orders('A')", { status: 410, body });
        const failure = await failureOf(work());
        assert.deepEqual([failure.class, failure.code], ['conflict', 'PCP_TARGET_DELETED']);
      }
    }
    api.answers.set('POST /svc/Orders', { status: 404 });
    assert.equal((await failureOf(service.create(orders, { Number: 'A' }, signal))).class, 'config');
  });

  it('takes a web page in place of an answer for no success', async () => {
    const orders = await set('Orders');
    const page = { body: '<html>We are back soon</html>', headers: { 'content-type': 'text/html; charset=utf-8' } };
    for (const method of ['POST', 'PATCH', 'DELETE']) {
      api.answers.set(`${method} /svc/Orders${method === 'POST' ? '' : "('A')"}`, page);
    }
    for (const work of [
      service.create(orders, { Number: 'A' }, signal),
      service.update(orders, { Number: 'A' }, signal),
      service.remove(orders, { Number: 'A' }, signal),
    ]) {
      const failure = await failureOf(work);
      assert.deepEqual([failure.code, failure.outcomeUnknown], ['PCP_HTTP_NOT_JSON', true]);
    }
  });

  it('names each field at what is said about it', async () => {
    const details = [
      { code: '1', target: 'Amount', message: 'too large' },
      { code: '2', target: 'Order/Number', message: 'Number is taken' },
      { code: '3', message: { lang: 'en', value: 'Nothing was saved' } },
    ];
    api.answers.set('POST /svc/Orders', { status: 400, body: { error: { code: '', message: 'Invalid', details } } });
    const failure = await failureOf(service.create(await set('Orders'), { Number: 'A' }, signal));
    assert.equal(
      failure.message,
      'The service answered 400: Invalid Amount: too large Number is taken Nothing was saved',
    );
    assert.equal(failure.path, 'Amount');
  });

  it('is read with the documents on its host that declare what it lacks, and without those that are not there', async () => {
    const include = (uri: string, namespace: string) =>
      `<edmx:Reference Uri="${uri}"><edmx:Include Namespace="${namespace}" Alias="${namespace.at(-1)}"/></edmx:Reference>`;
    const document = (references: string, namespace: string, content: string) =>
      `<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">${references}<edmx:DataServices>
       <Schema Namespace="${namespace}" Alias="Self">${content}</Schema></edmx:DataServices></edmx:Edmx>`;
    const key = '<Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Int32"/>';
    api.document = document(
      include('../shared/middle.xml', 'N.M') +
        include('http://elsewhere.example/x', 'N.X') +
        include('../shared/none', 'N.N') +
        include('../shared/broken', 'N.B') +
        include('../shared/vocabulary', 'Org.OData.V'),
      'N.S',
      `<EntityType Name="E" BaseType="M.Middle"><Property Name="Far" Type="X.Far"/><Property Name="None" Type="N.None"/></EntityType>
       <EntityContainer Name="C" Extends="M.Shared"><EntitySet Name="Es" EntityType="Self.E"/></EntityContainer>`,
    );
    api.answers.set(
      'GET /shared/middle.xml',
      xml(
        document(
          include('base.xml', 'N.B'),
          'N.M',
          `<EntityType Name="Middle" BaseType="B.Base"/><EntityContainer Name="Shared"><EntitySet Name="Middles" EntityType="Self.Middle"/></EntityContainer>
           <EntityContainer Name="Hidden"><EntitySet Name="Others" EntityType="Self.Middle"/></EntityContainer>`,
        ),
      ),
    );
    api.answers.set('GET /shared/base.xml', xml(document('', 'N.B', `<EntityType Name="Base">${key}</EntityType>`)));
    api.answers.set('GET /shared/broken', { status: 500 });
    await open();
    const { entitySets } = await service.model(signal);
    assert.deepEqual([...entitySets.keys()], ['Es', 'Middles']);
    assert.deepEqual(entitySets.get('Es')?.type.key, ['Id']);
    assert.deepEqual(paths(), [
      ...['GET /shared/middle.xml', 'GET /shared/none'],
      ...['GET /shared/broken', 'GET /shared/base.xml'],
    ]);
    // What can be had later is not left out for ever.
    api.answers.set('GET /shared/base.xml', { status: 503 });
    const again = new ODataService(client!, service.options);
    assert.equal((await failureOf(again.model(signal))).class, 'transient');
  });
});
