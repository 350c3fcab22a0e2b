import assert from 'node:assert/strict';
import type { HttpClient } from '../../../lib/protocols/http/client';
import { openHttp } from '../../../lib/protocols/http/open';
import { sendBatch } from '../../../lib/protocols/odata/batch';
import { Batching } from '../../../lib/protocols/odata/batching';
import { readList } from '../../../lib/protocols/odata/paging';
import { ODataService } from '../../../lib/protocols/odata/service';
import { SapMockServer } from '../../support/sap/mock-server';
import { signal } from '../rest/server';
import { setOf } from './documents';

const V2 = '/sap/opu/odata/sap/API_PRODUCT_SRV';
const V4 = '/plant/v4';

const products = Array.from({ length: 25 }, (_, n) => ({
  Product: `M/${String(n).padStart(2, '0')} ç`,
  ProductType: n % 2 === 0 ? 'FERT' : 'ROH',
  GrossWeight: `${n}.250`,
  CreationDate: '/Date(1764547200000)/',
}));
const descriptions = products.map(({ Product }) => ({
  Product,
  Language: 'PT',
  ProductDescription: `Peça ${Product}`,
}));

describe("odata against SAP's mock server", () => {
  const server = new SapMockServer();
  let client: HttpClient;
  let v2: ODataService;
  let v4: ODataService;

  before(async () => {
    await server.start([
      { path: V2, document: 'API_PRODUCT_SRV.edmx', data: { A_Product: products, A_ProductDescription: descriptions } },
      {
        path: V4,
        document: '../../unit/odata/metadata/plant-v4.edmx',
        data: { Orders: [{ Number: 'A 1', Amount: 12.5 }], Machines: [] },
      },
    ]);
    client = openHttp({ baseUrl: server.url });
    v2 = new ODataService(client, { path: V2 });
    v4 = new ODataService(client, { path: V4 });
  });
  after(async () => {
    await client?.close();
    await server.stop();
  });

  it('reads a list page by page, with conditions and expanded descriptions', async () => {
    const set = setOf(await v2.model(signal), 'A_Product');
    const found: Record<string, unknown>[] = [];
    const query = {
      pageSize: 4,
      expand: ['to_Description'],
      conditions: [{ field: 'ProductType', operator: 'eq' as const, value: 'FERT' }],
    };
    for await (const { entities } of readList(v2, set, query, undefined, signal)) {
      found.push(...entities.map(({ data }) => data));
    }
    assert.deepEqual(
      found.map(({ Product }) => Product),
      products.filter(({ ProductType }) => ProductType === 'FERT').map(({ Product }) => Product),
    );
    assert.deepEqual([found[1]?.GrossWeight, found[1]?.CreationDate], ['2.250', '2025-12-01']);
    assert.deepEqual(
      found.map((each) => (each.to_Description as Record<string, unknown>[]).map((one) => one.ProductDescription)),
      found.map(({ Product }) => [`Peça ${Product}`]),
    );
  });

  it('finds, creates with what belongs to it, changes and deletes one entity of version 2', async () => {
    const model = await v2.model(signal);
    const set = setOf(model, 'A_Product');
    const Product = 'N/1 + ç 😀';
    assert.equal((await v2.entity(set, { Product: products[3]!.Product }, {}, signal))?.data.GrossWeight, '3.250');
    assert.equal(await v2.entity(set, { Product: 'none' }, {}, signal), null);
    const created = await v2.create(
      set,
      { Product, GrossWeight: '56.000', to_Description: [{ Product, Language: 'PT', ProductDescription: 'Ação' }] },
      signal,
    );
    assert.equal(created?.data.Product, Product);
    assert.deepEqual(created.data.to_Description, [{ Product, Language: 'PT', ProductDescription: 'Ação' }]);
    await v2.update(set, { Product, NetWeight: '1.5' }, signal);
    const read = await v2.entity(set, { Product }, {}, signal);
    assert.equal(Number(read?.data.NetWeight), 1.5);
    const first = { Product: products[0]!.Product, Language: 'PT' };
    const description = setOf(model, 'A_ProductDescription');
    assert.equal((await v2.entity(description, first, {}, signal))?.data.Language, 'PT');
    await v2.remove(description, first, signal);
    assert.equal(await v2.entity(description, first, {}, signal), null);
  });

  it('sends a batch of version 2: reads and a change set', async () => {
    const model = await v2.model(signal);
    const set = setOf(model, 'A_Product');
    const [read, changes] = await sendBatch(
      v2,
      [
        { method: 'GET', path: 'A_Product?$top=2', headers: {} },
        [
          v2.creation(set, { Product: 'B1', GrossWeight: '1.5' }, model),
          v2.creation(set, { Product: 'B2', GrossWeight: '2.5' }, model),
        ],
      ],
      signal,
    );
    assert.ok(read && 'answers' in read && changes && 'answers' in changes);
    const page = JSON.parse(read.answers[0]!.body) as { d: { results: unknown[] } };
    assert.equal(page.d.results.length, 2);
    assert.deepEqual(
      changes.answers.map(({ status }) => status),
      [201, 201],
    );
    const bodies = changes.answers.map(({ body }) => (JSON.parse(body) as { d: { Product: string } }).d.Product);
    assert.deepEqual(bodies, ['B1', 'B2']);
  });

  it('makes many changes of version 4 with one batch in JSON, each by itself', async () => {
    const model = await v4.model(signal);
    const set = setOf(model, 'Orders');
    const batching = new Batching(v4, set, model);
    const made = await batching.change(
      [
        v4.creation(set, { Number: 'J 1', Amount: '12345678901234567.25' }, model),
        v4.modification(set, { Number: 'none', Amount: '1' }, model),
        v4.creation(set, { Number: 'J/2', Amount: '7.5' }, model),
      ],
      signal,
    );
    assert.deepEqual(
      made.map((each) => each && ('error' in each ? each.error.code : each.entity?.data.Number)),
      ['J 1', 'PCP_TARGET_DELETED', 'J/2'],
    );
    assert.equal((await v4.entity(set, { Number: 'J/2' }, {}, signal))?.data.Amount, '7.5');
  });

  it('creates and changes entities of version 4, by themselves and in a batch', async () => {
    const set = setOf(await v4.model(signal), 'Orders');
    assert.equal((await v4.entity(set, { Number: 'A 1' }, {}, signal))?.data.Amount, '12.5');
    const creation = v4.creation(set, { Number: 'B/1', Amount: '7.25' }, await v4.model(signal));
    const [answer] = await sendBatch(v4, [creation], signal);
    assert.ok(answer && 'answers' in answer, JSON.stringify(answer));
    await v4.update(set, { Number: 'B/1', Amount: '8' }, signal);
    assert.equal((await v4.entity(set, { Number: 'B/1' }, {}, signal))?.data.Amount, '8');
  });
});
