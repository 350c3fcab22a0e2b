import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/rest/connector';
import { freePort, startServer, stopServer } from '../../support/server-process';
import { failureOf, openWriter, orders, readAll, record, signal } from './server';

const all = orders(1, 23).map((order) => ({ id: `X${order.number}`, ...order }));

describe('generic.rest on json-server', () => {
  let directory: string;
  let server: ChildProcess;
  let connector: Connector;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pcp-json-server-'));
    const file = join(directory, 'db.json');
    writeFileSync(file, JSON.stringify({ orders: all, materials: [] }));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const program = join(require.resolve('json-server/package.json'), '..', 'lib', 'bin.js');
    const parameters = [program, file, '--port', String(port), '--host', '127.0.0.1'];
    server = await startServer(process.execPath, parameters, undefined, () => fetch(`${url}/orders/X001`));
    const sized = { size_parameter: '_per_page', size: 10 };
    const list = { path: '/orders', items: '/data', key: ['id'] };
    const entities = {
      by_page: { ...list, paging: { type: 'page', page_parameter: '_page', total: '/items', ...sized } },
      by_next: {
        ...list,
        paging: { type: 'cursor', cursor_parameter: '_page', cursor: '/next', ...sized },
        parameters: { _page: 1 },
      },
      clamped: { ...list, paging: { type: 'page', page_parameter: '_page', ...sized } },
      materials: {
        path: '/materials',
        create: { path: '/materials', id: '/id' },
        update: { path: '/materials/{id}' },
        delete: { path: '/materials/{id}' },
        lookup: { path: '/materials?code={external_id}' },
      },
    };
    const connection = { id: 4711, name: 'json-server', connector_type: 'generic.rest', credentials: {} };
    connector = create({ ...connection, config: { base_url: url, entities } }, { log: () => undefined });
  });
  after(async () => {
    await connector.close();
    await stopServer(server, directory, 'SIGTERM');
  });

  it('reads by page number, with the total it tells', async () => {
    const { batches, records } = await readAll(connector, { entity: 'by_page', batchSize: 7 });
    assert.deepEqual(records, all);
    assert.equal(batches[0]?.total, 23);
    const rest = await readAll(connector, { entity: 'by_page', batchSize: 7, cursor: batches[3]!.cursorAfter });
    assert.deepEqual(rest.records, all.slice(20));
  });

  it('reads on at the page that it names as the next one', async () => {
    assert.deepEqual((await readAll(connector, { entity: 'by_next' })).records, all);
  });

  it('finds that it gives its last page again and again when it is not told the total', async () => {
    assert.equal((await failureOf(readAll(connector, { entity: 'clamped' }))).code, 'PCP_REST_PAGE_REPEATED');
  });

  it('creates, finds, changes and removes', async () => {
    const writer = await openWriter(connector, ['code'], 'materials');
    const records = ['M 1', 'M&2'].map((code) => record({ code, size: '0.10' }, {}, ['code']));
    const created = await writer.write(records, signal);
    assert.deepEqual(
      created.map(({ outcome }) => outcome),
      ['created', 'created'],
    );
    const changed = records.map((each) => ({ ...each, data: { ...each.data, size: '0.20' } }));
    const updated = await writer.write(changed, signal);
    assert.deepEqual(
      updated,
      created.map((result) => ({ ...result, outcome: 'updated' })),
    );
    const found = await connector.lookup!(
      { entity: 'materials', keyFields: ['code'] },
      [{ code: 'M&2' }, { code: 'M' }],
      signal,
    );
    assert.deepEqual(
      found.map((material) => material?.size ?? null),
      ['0.20', null],
    );
    assert.equal((await readAll(connector, { entity: 'materials' })).records.length, 2);
    await writer.delete!(records, signal);
    assert.equal((await readAll(connector, { entity: 'materials' })).records.length, 0);
    assert.deepEqual(
      (await writer.resolve!(records, signal)).map(({ state }) => state),
      ['absent', 'absent'],
    );
  });
});
