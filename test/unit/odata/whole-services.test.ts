import assert from 'node:assert/strict';
import type { HttpClient } from '../../../lib/protocols/http/client';
import { Batching } from '../../../lib/protocols/odata/batching';
import { readList } from '../../../lib/protocols/odata/paging';
import { payloadOf } from '../../../lib/protocols/odata/payload';
import type { ODataService } from '../../../lib/protocols/odata/service';
import { type Answer, type Asked, failureOf, signal } from '../rest/server';
import { documentText, modelOf, setOf } from './documents';
import { openService, ScriptedService } from './server';

const BOUNDARY = 'multipart/mixed; boundary=b';

describe('odata services with all that they may do', () => {
  const api = new ScriptedService();
  let service: ODataService;
  let client: HttpClient | undefined;

  before(() => api.start());
  after(() => api.stop());
  beforeEach(() => open(documentText('plant')));
  afterEach(() => client?.close());

  async function open(document: string): Promise<void> {
    await client?.close();
    api.asked.length = 0;
    api.answers.clear();
    api.document = document;
    ({ service, client } = await openService(api));
  }

  const set = (name: string) => service.entitySet(name, signal);
  const paths = () => api.paths().filter((path) => !path.includes('$metadata'));

  describe('that page the lists inside of their entities', () => {
    const machine = { Company: 'A', Id: 1 };

    it('are read with all of each, at any depth, in version 4', async () => {
      const orders = [
        { Number: '1' },
        { Number: '2', Machine: { ...machine, 'Stops@odata.nextLink': 'Stops?page=1' } },
      ];
      const beginning = {
        ...machine,
        Orders: orders,
        'Orders@odata.nextLink': "Machines(Company='A',Id=1)/Orders?page=2",
      };
      api.answers.set('GET /svc/Machines', { body: { '@odata.context': '$metadata#Machines', value: [beginning] } });
      api.answers.set("GET /svc/Machines(Company='A',Id=1)", { body: { ...beginning, Orders: [] } });
      api.answers.set("GET /svc/Machines(Company='A',Id=1)/Orders", ({ query }) => ({
        body:
          query.get('page') === '2'
            ? { value: [{ Number: '3' }], '@nextLink': `?page=3` }
            : { value: [{ Number: '4' }] },
      }));
      api.answers.set('GET /svc/Stops', { body: { value: [{ No: 7 }] } });
      const machines = await set('Machines');
      for await (const { entities } of readList(
        service,
        machines,
        { pageSize: 5, expand: ['Orders'] },
        undefined,
        signal,
      )) {
        const [{ data }] = entities as [{ data: Record<string, Record<string, unknown>[]> }];
        assert.deepEqual(
          data.Orders?.map(({ Number: number }) => number),
          ['1', '2', '3', '4'],
        );
        assert.deepEqual(data.Orders?.[1]?.Machine, { ...machine, Stops: [{ No: 7 }] });
      }
      const one = await service.entity(machines, machine, { expand: ['Orders'] }, signal);
      assert.deepEqual(one?.data.Orders, [{ Number: '3' }, { Number: '4' }]);
    });

    it('are read with all of each in version 2, and not for ever', async () => {
      await open(documentText('product'));
      const link = `${api.url}/svc/A_Product('A')/to_Description?$skiptoken=1`;
      const list = { results: [{ Product: 'A', Language: 'EN' }], __next: link };
      const rest = (next?: string): Answer => ({
        body: { d: { results: [{ Product: 'A', Language: 'PT' }], __next: next } },
      });
      api.answers.set('GET /svc/A_Product', { body: { d: { results: [{ Product: 'A', to_Description: list }] } } });
      api.answers.set("GET /svc/A_Product('A')/to_Description", rest());
      const page = async () => service.page(await set('A_Product'), { expand: ['to_Description'] }, signal);
      const [product] = (await page()).entities;
      assert.deepEqual(product?.data.to_Description, [
        { Product: 'A', Language: 'EN' },
        { Product: 'A', Language: 'PT' },
      ]);
      api.answers.set("GET /svc/A_Product('A')/to_Description", rest(link));
      assert.equal((await failureOf(page())).code, 'PCP_ODATA_PAGING');
    });
  });

  describe('with entities that are in no set of their own', () => {
    it('read, create and change them below the one that holds them', async () => {
      const name = "Machines(Company='A''/B',Id=1)/Stops";
      const stops = await set(name);
      const place = "/svc/Machines(Company='A''/B',Id=1)/Stops";
      api.answers.set(`GET ${place}`, { body: { value: [{ No: 1 }] } });
      api.answers.set(`POST ${place}`, { status: 201, body: { No: 2 } });
      api.answers.set(`PATCH ${place}(1)`, { status: 204 });
      assert.deepEqual((await service.page(stops, { top: 1 }, signal)).entities[0]?.data, { No: 1 });
      assert.equal((await service.create(stops, { No: 2 }, signal))?.data.No, 2);
      await service.update(stops, { No: 1 }, signal);
      assert.match(paths()[0] ?? '', /Company='A''%2FB',Id=1/);
    });

    it('follow them as far as they lead, and know what is no such place', async () => {
      api.answers.set("GET /svc/Orders('A')/Machine/Stops", { body: { value: [{ No: 3 }] } });
      const below = await set("Orders('A')/Machine/Stops");
      assert.deepEqual((await service.page(below, {}, signal)).entities[0]?.data, { No: 3 });
      assert.equal((await set("Machines(Company='A',Id=1)/Orders")).name, "Machines(Company='A',Id=1)/Orders");
      for (const name of ['Orders/Machine', "Orders('A')/None", "Orders('A", "None('A')/Machine", "Orders('A')x"]) {
        assert.equal((await failureOf(set(name))).code, 'PCP_ENTITY_UNKNOWN', name);
      }
      assert.equal((await failureOf(set("Machines(Company='A')/Stops"))).code, 'PCP_ODATA_KEY');
    });
  });

  it('of version 3 are asked as such, in the JSON that version 2 has', async () => {
    await open(documentText('trade'));
    api.answers.set('GET /svc/Articles', { body: { d: { results: [], __count: '0' } } });
    api.answers.set('POST /svc/Articles', { status: 201, body: { d: { ArticleID: 'a' } } });
    const articles = await set('Articles');
    await service.page(articles, { count: true }, signal);
    const { headers, query } = api.asked.at(-1)!;
    assert.equal(query.get('$inlinecount'), 'allpages');
    assert.match(headers.accept ?? '', /^application\/json;odata=verbose,/);
    assert.deepEqual([headers.dataserviceversion, headers.maxdataserviceversion], ['3.0', '3.0']);
    await service.create(articles, { ReleaseDate: '2026-11-28', Large: '9007199254740993' }, signal);
    const posted = api.asked.at(-1)!;
    assert.equal(posted.headers['content-type'], 'application/json;odata=verbose');
    // As the specification writes it: some servers know a time by its backslashes.
    assert.equal(posted.body, '{"ReleaseDate":"\\/Date(1795824000000)\\/","Large":"9007199254740993"}');
    const tags = { ...setOf(modelOf('plant'), 'Machines').type, isAbstract: false };
    const { body } = payloadOf({ Tags: ['a', 'b'] }, tags, modelOf('trade'));
    assert.equal(body, '{"Tags":{"results":["a","b"]}}');
  });

  it('make nothing of a type that others extend only, without its name', async () => {
    await open(documentText('plant').replace('Machine" BaseType', 'Machine" Abstract="1" BaseType'));
    const machines = await set('Machines');
    const data = { Company: 'A', Id: 1, Force: 2.5 };
    const failure = await failureOf(service.create(machines, { ...data, '@odata.type': undefined }, signal));
    assert.deepEqual([failure.code, failure.path], ['PCP_ODATA_VALUE', '@odata.type']);
    api.answers.set('POST /svc/Machines', { status: 204 });
    assert.equal(await service.create(machines, { ...data, '@odata.type': '#Plant.Entities.Press' }, signal), null);
    api.answers.set("PATCH /svc/Machines(Company='A',Id=1)", { status: 204 });
    await service.update(machines, { Company: 'A', Id: 1, Rate: '1' }, signal);
  });

  it('tell relations in their changes, which are no entities', async () => {
    const link = { '@odata.context': '$metadata#Orders/$link', source: "Orders('A')", relationship: 'Machine' };
    const gone = { ...link, '@odata.context': '#Orders/$deletedLink' };
    api.answers.set('GET /svc/Orders', { body: { value: [link, { Number: 'A' }, gone] } });
    const { entities } = await service.page(await set('Orders'), {}, signal);
    assert.deepEqual(
      entities.map(({ data }) => data),
      [{ Number: 'A' }],
    );
  });

  describe('and their batches', () => {
    const changes = async () => {
      const orders = await set('Orders');
      const model = await service.model(signal);
      const requests = ['A', 'B'].map((number) => service.creation(orders, { Number: number }, model));
      return new Batching(service, orders, model).change(requests, signal);
    };
    const made = async () => (await changes()).map((each) => each && 'entity' in each && each.entity?.data.Number);
    const urls = (body: string) => (JSON.parse(body) as { requests: { url: string }[] }).requests.map(({ url }) => url);
    const answers =
      (status: (url: string) => number) =>
      (asked: Asked): Answer => {
        if (asked.headers['content-type'] !== 'application/json') return { status: 415 };
        const responses = urls(asked.body).map((url, at) => ({
          id: `${at}.0`,
          status: status(url),
          body: { Number: url },
        }));
        return { body: { responses } };
      };

    it('have addresses with or without a slash at their beginning, as the service takes them', async () => {
      api.answers.set(
        'POST /svc/$batch',
        answers((url) => (url.startsWith('/') ? 404 : 201)),
      );
      assert.deepEqual(await made(), ['Orders', 'Orders']);
      api.answers.set(
        'POST /svc/$batch',
        answers((url) => (url.startsWith('/') ? 201 : 404)),
      );
      assert.deepEqual(await made(), ['/Orders', '/Orders']);
    });

    it('number their requests once in the whole batch', async () => {
      api.answers.set('POST /svc/$batch', ({ headers, body }) => {
        if (headers['content-type'] === 'application/json') return { status: 415 };
        assert.deepEqual(
          [...body.matchAll(/Content-ID: (\d+)/g)].map(([, id]) => id),
          ['1', '2'],
        );
        const part = (number: string) =>
          `--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 201 Created\r\n\r\n{"Number":"${number}"}\r\n`;
        return { headers: { 'content-type': BOUNDARY }, body: `${part('A')}${part('B')}--b--\r\n` };
      });
      assert.deepEqual(await made(), ['A', 'B']);
    });

    it('that the service does not know are given up once, however many are under way', async () => {
      let batches = 0;
      api.answers.set('POST /svc/$batch', () => ({ status: ++batches > 20 ? 500 : 404 }));
      api.answers.set('POST /svc/Orders', ({ body }) => ({ status: 201, body: JSON.parse(body) as object }));
      const orders = await set('Orders');
      const model = await service.model(signal);
      const batching = new Batching(service, orders, model);
      const groups = [1, 2, 3].map((group) =>
        ['A', 'B'].map((number) => service.creation(orders, { Number: `${number}${group}` }, model)),
      );
      const made = await Promise.all(groups.map((group) => batching.change(group, signal)));
      assert.deepEqual(
        made.flat().map((each) => each && 'entity' in each && each.entity?.data.Number),
        ['A1', 'B1', 'A2', 'B2', 'A3', 'B3'],
      );
      assert.equal(batches, 9);
    });

    it('say the same of each when nothing is there in any notation', async () => {
      api.answers.set(
        'POST /svc/$batch',
        answers(() => 404),
      );
      api.answers.set('POST /svc/Orders', { status: 404 });
      const [first] = await changes();
      assert.ok(first && 'error' in first && first.error.code === 'PCP_HTTP_NOT_FOUND');
    });
  });
});
