import assert from 'node:assert/strict';
import type { HttpClient } from '../../../lib/protocols/http/client';
import { type ListQuery, type Position, readList } from '../../../lib/protocols/odata/paging';
import { failureOf, signal } from '../rest/server';
import { setOf } from './documents';
import { ListService, type Manner, openService, type Row } from './server';

const order = (n: number, changed = '20261127060000'): Row => ({
  ManufacturingOrder: String(n).padStart(12, '0'),
  LastChangeDateTime: changed,
});

describe('odata paging', () => {
  let api: ListService;
  let client: HttpClient | undefined;

  beforeEach(async () => {
    api = new ListService();
    await api.start();
  });
  afterEach(async () => {
    await client?.close();
    await api.stop();
  });

  async function* pieces(query: Partial<ListQuery> = {}, from?: Position) {
    const opened = await openService(api);
    client = opened.client;
    const set = setOf(opened.model, api.set);
    yield* readList(opened.service, set, { pageSize: 4, ...query }, from, signal);
  }

  async function keys(query: Partial<ListQuery> = {}, from?: Position): Promise<string[]> {
    const found: string[] = [];
    const name = api.document === 'plant' ? 'Number' : 'ManufacturingOrder';
    for await (const { entities } of pieces(query, from))
      for (const { data } of entities) found.push(String(data[name]));
    return found;
  }

  const all = () => api.rows.map((row) => String(row.ManufacturingOrder ?? row.Number));

  const manners: Record<string, Manner> = {
    'pages by $top': {},
    'gives links of its own': { linkAfter: 3 },
    'gives fewer than asked for without a word': { silentLimit: 3 },
    'counts nothing': { countsNothing: true },
    'counts nothing and gives fewer than asked for': { countsNothing: true, silentLimit: 3 },
    'gives everything at once': { ignoresTop: true, ignoresSkip: true },
  };
  for (const [name, manner] of Object.entries(manners)) {
    for (const count of [0, 1, 3, 4, 5, 6, 8, 17]) {
      it(`reads ${count} entities once from a service that ${name}`, async () => {
        api.manner = manner;
        api.rows = Array.from({ length: count }, (_, n) => order(n));
        assert.deepEqual(await keys(), all());
      });
    }
  }

  it('follows relative links of version 4', async () => {
    api.document = 'plant';
    api.manner = { linkAfter: 2 };
    api.rows = Array.from({ length: 9 }, (_, n) => ({ Number: `N${n}` }));
    assert.deepEqual(await keys(), all());
  });

  it('takes relative links of version 4 from the context of the answer', async () => {
    api.document = 'plant';
    api.context = '../other/$metadata#X';
    api.manner = { linkAfter: 2 };
    api.rows = Array.from({ length: 3 }, (_, n) => ({ Number: `N${n}` }));
    assert.deepEqual(await keys(), all());
    assert.ok(
      api.paths().some((path) => path.startsWith('GET /other/Orders?')),
      api.paths().join(),
    );
  });

  it('says so when a link leads to itself', async () => {
    api.manner = { linkAfter: 2, circles: true };
    api.rows = Array.from({ length: 4 }, (_, n) => order(n));
    const failure = await failureOf(keys());
    assert.equal(failure.code, 'PCP_ODATA_PAGING');
    assert.ok(api.asked.length < 10);
  });

  it('goes on after any piece on another connection', async () => {
    api.manner = { linkAfter: 3 };
    api.rows = Array.from({ length: 11 }, (_, n) => order(n));
    const read: string[] = [];
    for await (const { entities, position } of pieces()) {
      for (const { data } of entities) read.push(String(data.ManufacturingOrder));
      assert.deepEqual([...read, ...(await keys({}, JSON.parse(JSON.stringify(position)) as Position))], all());
    }
    assert.equal(read.length, 11);
  });

  it('reads many entities of the same change time, longer than a page', async () => {
    api.rows = Array.from({ length: 23 }, (_, n) => order(n, n < 15 ? '20261127060000' : '20261127070000'));
    assert.deepEqual(await keys({ orderBy: 'LastChangeDateTime' }), all());
  });

  for (const orderBy of [undefined, 'LastChangeDateTime']) {
    it(`leaves nothing out when entities go while the list is read, by ${orderBy ?? 'its key'}`, async () => {
      api.rows = Array.from({ length: 20 }, (_, n) => order(n));
      const expected = all().slice(0, 4).concat(all().slice(7));
      let page = 0;
      api.onPage = () => {
        // What was read is changed or deleted: all others move forward.
        if (page++ === 1) api.rows.splice(1, 3);
      };
      const read = await keys(orderBy === undefined ? {} : { orderBy });
      assert.deepEqual([...new Set(read)].sort(), [...new Set([...expected, ...read])].sort());
      for (const key of expected) assert.ok(read.includes(key), key);
    });
  }

  for (const [name, manner] of Object.entries({
    'neither $skip nor $filter': { ignoresSkip: true, ignoresFilter: true, countsNothing: true },
    'no $filter, with a count': { ignoresSkip: true, ignoresFilter: true },
  })) {
    it(`says so when a service follows ${name}`, async () => {
      api.manner = manner;
      api.rows = Array.from({ length: 20 }, (_, n) => order(n));
      assert.equal((await failureOf(keys())).code, 'PCP_ODATA_PAGING');
    });
  }

  for (const orderBy of [undefined, 'LastChangeDateTime']) {
    it(`reads from a service that follows $skip, but no $filter, by ${orderBy ?? 'its key'}`, async () => {
      api.manner = { ignoresFilter: true };
      api.rows = Array.from({ length: 20 }, (_, n) => order(n, `202611270600${String(n).padStart(2, '0')}`));
      assert.deepEqual(await keys(orderBy === undefined ? {} : { orderBy }), all());
    });
  }

  it('leaves nothing out when a service compares otherwise than it sorts', async () => {
    api.manner = { sortsOtherwise: true };
    api.rows = 'aBcDeFgHiJkLmN'.split('').map((key) => ({ ManufacturingOrder: key }));
    assert.deepEqual([...new Set(await keys())].sort(), all().sort());
  });

  it('leaves nothing out when a service compares nothing', async () => {
    api.manner = { comparesNothing: true };
    api.rows = Array.from({ length: 11 }, (_, n) => order(n));
    assert.deepEqual([...new Set(await keys())], all());
  });

  for (const refuses of [['$filter'], ['$skip'], ['$orderby'], ['$inlinecount'], ['$top']]) {
    it(`reads from a service that refuses ${refuses.join()}`, async () => {
      api.manner = { refuses, linkAfter: 3 };
      api.rows = Array.from({ length: 11 }, (_, n) => order(n));
      assert.deepEqual([...new Set(await keys())], all());
    });
  }

  it('keeps the order of its key where only the number is refused', async () => {
    api.manner = { refuses: ['$inlinecount'] };
    api.rows = Array.from({ length: 6 }, (_, n) => order(n));
    assert.deepEqual(await keys(), all());
    const lists = api.asked.filter(({ path }) => path.endsWith(api.set));
    assert.deepEqual(
      lists.map(({ query }) => query.has('$inlinecount')),
      [true, ...Array(lists.length - 1).fill(false)],
    );
    assert.match(lists.at(-1)?.query.get('$filter') ?? '', /ManufacturingOrder ge/);
  });

  it('asks for the fields wanted, and those that it pages by', async () => {
    api.rows = [order(1)];
    await keys({ select: ['Material'], orderBy: 'LastChangeDateTime', conditions: [] });
    const [asked] = api.asked.filter(({ path }) => path.endsWith(api.set));
    assert.equal(asked?.query.get('$select'), 'Material,LastChangeDateTime,ManufacturingOrder');
    assert.equal(asked?.query.get('$orderby'), 'LastChangeDateTime,ManufacturingOrder');
    assert.equal(asked?.headers.maxdataserviceversion, '2.0');
  });
});
