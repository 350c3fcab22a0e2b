import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generatePlant } from '../../demo/plant';
import { PlantService, writePlantService } from '../../demo/plant-service';
import { draftEntities } from '../../lib/connectors/generic/rest/openapi';
import { readDocument } from '../../lib/connectors/generic/rest/openapi-document';

interface ListPage {
  total: number;
  items: { id: number; number: string; external_id: string }[];
}

describe('plant service of the demo', () => {
  let directory: string;
  let file: string;
  let service: PlantService;

  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'pcp-plant-service-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  beforeEach(async () => {
    file = path.join(mkdtempSync(path.join(directory, 'data-')), 'service.db');
    writePlantService(file, generatePlant().serviceOrders);
    service = await PlantService.start(file, 'right', 0);
  });
  afterEach(() => service.close());

  const ask = (target: string, init: RequestInit = {}, token = 'right') =>
    fetch(service.url + target, { ...init, headers: { authorization: `Bearer ${token}` } });
  const list = async (target: string) => (await (await ask(target)).json()) as ListPage;
  const confirm = (external_id: string) =>
    ask('/confirmations', { method: 'POST', body: JSON.stringify({ external_id, yield: 1.5 }) });

  it('lets nobody in without its token', async () => {
    assert.equal((await ask('/orders', {}, 'wrong')).status, 401);
  });

  it('gives its orders in pages, and is busy now and then', async () => {
    const pages = [await list('/orders'), await list('/orders?page=2'), await list('/orders?page=3&size=100')];
    assert.deepEqual(
      pages.map(({ items }) => items.length),
      [25, 25, 10],
    );
    assert.equal(new Set(pages.flatMap(({ items }) => items.map(({ number }) => number))).size, pages[0]?.total);
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) statuses.push((await ask('/orders')).status);
    assert.deepEqual(statuses, [200, 200, 200, 503]);
  });

  it('describes itself, so that what nobody set up yet can be drafted and read', async () => {
    const document = readDocument(await (await ask('/openapi.yaml')).text(), 'openapi.yaml');
    const paging = { type: 'page', page_parameter: 'page', size_parameter: 'size', size: 25, total: '/total' };
    const { orders, materials, confirmations } = draftEntities(document);
    assert.deepEqual(
      [orders, materials],
      [
        { path: '/orders', items: '/items', key: ['number'], paging },
        { path: '/materials', items: '/items', key: ['code'], paging },
      ],
    );
    assert.deepEqual(confirmations?.create, { path: '/confirmations' });
    const { total, items } = await list('/materials?size=2');
    assert.equal(items.length, 2);
    assert.ok(total > 2);
  });

  it('asks for a pause when there are too many requests in a second', async () => {
    let refused: Response | undefined;
    // A second that ends meanwhile begins a new count.
    for (let tries = 0; refused === undefined && tries < 20; tries++) {
      const answers = await Promise.all(Array.from({ length: 120 }, () => ask('/confirmations')));
      refused = answers.find(({ status }) => status === 429);
    }
    assert.equal(refused?.headers.get('retry-after'), '1');
  });

  it('takes what it gets twice for two, also where its answer says otherwise, and keeps it', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 10; n++) statuses.push((await confirm(n < 2 ? 'twice' : `C${n}`)).status);
    assert.deepEqual(statuses, [...Array(9).fill(201), 503]);
    await service.close();
    service = await PlantService.start(file, 'right', 0);
    assert.equal((await list('/confirmations?external_id=twice')).items.length, 2);
    assert.equal((await list('/confirmations?external_id=C9')).items.length, 1);
    assert.equal((await confirm('')).status, 201);
    assert.equal((await ask('/confirmations', { method: 'POST', body: '{' })).status, 400);
    assert.equal((await ask('/confirmations', { method: 'POST', body: '{}' })).status, 422);
  });
});
