import assert from 'node:assert/strict';
import type { Batch, Connector, WriteRecord } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/dynamics365/connector';
import type { Cursor } from '../../../lib/model/sync';
import { DataverseServer } from '../../support/dynamics365/dataverse';
import { failure, live } from '../http/support';

const CHANGES = '@odata.deltaLink';

describe('Dynamics 365, Dataverse', () => {
  let server: DataverseServer;
  let connector: Connector;

  beforeEach(async () => {
    server = await new DataverseServer().start();
    for (let n = 0; n < 7; n++) server.put({ new_number: `A-${n}`, new_quantity: `${n}` });
    connector = create(server.connection(), { log: () => undefined });
  });
  afterEach(async () => {
    await connector.close();
    await server.stop();
  });

  async function pass(cursor: Cursor | null, more: object = {}): Promise<[numbers: string[], cursor: Cursor]> {
    const batches: Batch[] = [];
    const query = { entity: 'new_workorders', cursor, batchSize: 3, cursorField: CHANGES, ...more };
    for await (const batch of connector.read!(query, live)) batches.push(batch);
    const numbers = batches.flatMap(({ records }) => records.map(({ new_number }) => String(new_number)));
    return [numbers, batches.at(-1)!.cursorAfter];
  }

  const all = ['A-0', 'A-1', 'A-2', 'A-3', 'A-4', 'A-5', 'A-6'];
  const upsert = async (record: Partial<WriteRecord> & Pick<WriteRecord, 'data'>) => {
    const target = {
      entity: 'new_workorders',
      keyFields: ['new_number'],
      fields: [],
      resume: null,
      runId: 1,
      mappingId: 1,
    };
    const writer = await connector.openWriter!(target, live);
    return writer.write([{ key: 'k', hash: 'h', sourceKey: '', ...record }], live);
  };

  it('reads everything once, then what the table says has changed', async () => {
    const [first, cursor] = await pass(null, { fields: ['new_number', CHANGES], namedFields: ['new_number'] });
    assert.deepEqual(first, all);
    assert.deepEqual((await pass(cursor))[0], []);
    server.put({ new_number: 'A-5', new_name: 'x' });
    server.remove('A-0');
    const [second, next] = await pass(cursor);
    assert.deepEqual(second, ['A-5']);
    assert.deepEqual((await pass(next))[0], []);
  });

  it('reads everything where the table does not track its changes, or forgot the place', async () => {
    const [, cursor] = await pass(null);
    server.oldestToken = 100;
    const [anew, later] = await pass(cursor);
    assert.deepEqual(anew, all);
    server.oldestToken = 0;
    assert.deepEqual((await pass(later))[0], []);
    server.isTracking = false;
    const filters = [{ field: 'new_number', operator: 'in', value: ['A-1', 'A-2'] }];
    const [filtered, none] = await pass(null, { filters });
    assert.deepEqual([filtered, (await pass(none))[0]], [['A-1', 'A-2'], all]);
  });

  it('begins anew after a link that has expired, so that nothing is left out', async () => {
    const query = { entity: 'new_workorders', cursor: null, batchSize: 3, cursorField: CHANGES };
    let cursor: Cursor | undefined;
    for await (const batch of connector.read!(query, live)) {
      cursor = batch.cursorAfter;
      break;
    }
    const expired = { ...cursor!, next: String(cursor!.next).replace(/skiptoken=[^.]+/, 'skiptoken=old') };
    assert.deepEqual((await pass(expired))[0], all);
    assert.deepEqual((await pass(cursor!))[0], all.slice(3));
  });

  it('reads what changed by a time of change as well', async () => {
    const [first, cursor] = await pass(null, { cursorField: 'modifiedon', lookbackSeconds: 0 });
    assert.deepEqual([...first].sort(), all);
    server.put({ new_number: 'A-2', new_name: 'x' });
    const [second] = await pass(cursor, { cursorField: 'modifiedon', lookbackSeconds: 0 });
    // The last one seen is read again.
    assert.deepEqual(second.sort(), ['A-2', 'A-6']);
  });

  it('makes and changes records by an alternate key, and makes none twice when the answer is lost', async () => {
    assert.equal(connector.guarantee!('new_workorders').upsertByKey, true);
    const data = { new_number: 'B/1 ç', new_quantity: '1.5' };
    let changes = 0;
    server.cuts = () => ++changes === 1;
    const lost = await failure(upsert({ data }));
    assert.equal(lost.class, 'transient');
    assert.deepEqual(
      (await upsert({ data })).map(({ outcome }) => outcome),
      ['updated'],
    );
    assert.deepEqual(
      (await upsert({ data: { ...data, new_number: 'B-2' } })).map(({ outcome }) => outcome),
      ['created'],
    );
    const made = server.table.rows.filter(({ new_number }) => String(new_number).startsWith('B'));
    assert.deepEqual(
      made.map(({ new_number, new_quantity }) => [new_number, new_quantity]),
      [
        ['B/1 ç', '1.5'],
        ['B-2', '1.5'],
      ],
    );
  });

  it('hands on the limits of the service, and tells a call from a custom service', async () => {
    await pass(null);
    server.busy = 1;
    const error = await failure(pass(null));
    assert.deepEqual([error.class, error.retryAfterMs], ['rate_limit', 120_000]);
    assert.equal(
      (await failure(connector.call!('function', { service: 'a/b/c' }, live))).code,
      'PCP_OPERATION_UNKNOWN',
    );
  });
});
