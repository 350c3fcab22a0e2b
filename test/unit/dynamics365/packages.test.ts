import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Batch, Connector, SourceRecord, WriteRecord, WriteResult } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/erp/dynamics365/connector';
import type { Cursor } from '../../../lib/model/sync';
import { DataManagementStore } from '../../support/dynamics365/data-management';
import { OperationsServer } from '../../support/dynamics365/operations';
import { failure, live } from '../http/support';

const COLUMNS = ['ITEMNUMBER', 'SEARCHNAME', 'BLOCKED', 'WEIGHT'];
const ITEMS = { definition_group: 'PCP items', entity: 'Released products V2', fields: COLUMNS };

describe('Dynamics 365, packages of data management', () => {
  let plant: OperationsServer;
  let store: DataManagementStore;
  const opened: Connector[] = [];

  beforeEach(async () => {
    plant = await new OperationsServer().start();
    store = await new DataManagementStore(plant, ITEMS.entity, COLUMNS, ['ITEMNUMBER']).start();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((connector) => connector.close()));
    await store.stop();
    await plant.stop();
  });

  function open(config: Record<string, unknown> = {}, allowedTargets = [store.host]): Connector {
    const connection = plant.connection({ company: 'USMF', packages: { items: ITEMS }, ...config });
    const connector = create(connection, { log: () => undefined, allowedTargets });
    opened.push(connector);
    return connector;
  }

  const record = (number: number, more: Record<string, unknown> = {}): WriteRecord => {
    const data = {
      ITEMNUMBER: `D${number}`,
      SEARCHNAME: `Peça "${number}", ção 😀`,
      BLOCKED: false,
      WEIGHT: '1.50',
      ...more,
    };
    return { data, key: `["D${number}"]`, hash: JSON.stringify(data), sourceKey: '' };
  };

  async function write(connector: Connector, records: WriteRecord[], runId = 7, signal = live): Promise<WriteResult[]> {
    const target = {
      entity: 'package/items',
      keyFields: ['ITEMNUMBER'],
      fields: [],
      resume: null,
      runId,
      mappingId: 3,
    };
    return (await connector.openWriter!(target, signal)).write(records, signal);
  }

  const outcomes = (results: WriteResult[]) => results.map(({ outcome }) => outcome);

  async function* batches(
    connector: Connector,
    cursor: Cursor | null,
    batchSize = 2,
    more = {},
  ): AsyncGenerator<Batch> {
    const query = { entity: 'package/items', cursorField: '@changes', cursor, batchSize, acknowledges: true, ...more };
    for await (const batch of connector.read!(query, live)) {
      yield batch;
      await batch.acknowledge?.();
    }
  }

  async function all(reading: AsyncIterable<Batch>): Promise<SourceRecord[]> {
    const records: SourceRecord[] = [];
    for await (const batch of reading) records.push(...batch.records);
    return records;
  }

  it('takes records in with one job each batch, and changes what is there', async () => {
    const connector = open();
    assert.deepEqual(outcomes(await write(connector, [record(1), record(2)])), ['updated', 'updated']);
    assert.deepEqual(outcomes(await write(connector, [record(2, { BLOCKED: true, WEIGHT: null })])), ['updated']);
    assert.deepEqual(
      store.imported.map(({ project, legalEntity, rows }) => [project, legalEntity, rows]),
      [
        ['PCP items', 'usmf', 2],
        ['PCP items', 'usmf', 1],
      ],
    );
    assert.deepEqual(
      [...store.rows.values()],
      [
        { ITEMNUMBER: 'D1', SEARCHNAME: 'Peça "1", ção 😀', BLOCKED: 'No', WEIGHT: '1.50' },
        { ITEMNUMBER: 'D2', SEARCHNAME: 'Peça "2", ção 😀', BLOCKED: 'Yes', WEIGHT: '' },
      ],
    );
  });

  it('tells which records of a job were refused, and why; what does not fit is not sent', async () => {
    store.refuses = ({ ITEMNUMBER: item }) => (item === 'D4' ? 'The item group is missing' : undefined);
    const results = await write(
      open(),
      [1, 2, 3, 4, 5].map((n) => record(n, n === 2 ? { COLOUR: 'red' } : {})),
    );
    assert.deepEqual(outcomes(results), ['updated', 'failed', 'updated', 'failed', 'updated']);
    const [, strange, , refused] = results;
    assert.ok(strange?.outcome === 'failed' && refused?.outcome === 'failed');
    assert.deepEqual([strange.error.code, strange.error.path], ['PCP_DYNAMICS_PACKAGE', 'COLOUR']);
    assert.match(refused.error.message, /Failed: ITEMNUMBER: The item group is missing/);
    assert.deepEqual([...store.rows.keys()].sort(), ['D1', 'D3', 'D5']);
  });

  it('begins no job twice whose start was not answered', async () => {
    plant.cuts = (_method, url) => url.endsWith('ImportFromPackage');
    assert.deepEqual(outcomes(await write(open(), [record(1)])), ['updated']);
    assert.equal(store.imported.length, 1);
  });

  it('goes on with the job of a batch that did not end in time, and begins a new one in another run', async () => {
    store.slowness = 3;
    const lost = await failure(write(open({ package_wait_seconds: 0 }), [record(1)]));
    assert.deepEqual([lost.code, lost.outcomeUnknown], ['PCP_DYNAMICS_PACKAGE', true]);
    assert.deepEqual(outcomes(await write(open(), [record(1)])), ['updated']);
    assert.equal(store.imported.length, 1);
    await write(open(), [record(1)], 8);
    assert.equal(store.imported.length, 2);
  });

  it('begins the imports of one environment one after the other', async () => {
    const results = await Promise.all([1, 2, 3].map((n) => write(open(), [record(n)])));
    assert.deepEqual(results.flatMap(outcomes), ['updated', 'updated', 'updated']);
    assert.equal(store.overlaps, 0);
  });

  it('lets an import that is cancelled go before its turn comes, and nobody pass the one in front', async () => {
    store.slowness = 4;
    let isDone = false;
    const first = write(open(), [record(1)]).finally(() => {
      isDone = true;
    });
    const cancel = new AbortController();
    const second = failure(write(open(), [record(2)], 7, cancel.signal));
    const third = write(open(), [record(3)]);
    while (store.imported.length === 0) await pause(10);
    cancel.abort();
    assert.equal((await second).class, 'cancelled');
    assert.equal(isDone, false);
    store.slowness = 0;
    assert.deepEqual((await Promise.all([first, third])).flatMap(outcomes), ['updated', 'updated']);
    assert.deepEqual([store.imported.length, store.overlaps], [2, 0]);
  });

  it('reads a package, and goes on with the same one after it was interrupted: what changed is told once', async () => {
    const rows = [1, 2, 3, 4, 5].map((n) => ({
      ITEMNUMBER: `D${n}`,
      SEARCHNAME: `a,"${n}"\r\nção 😀`,
      BLOCKED: 'No',
      WEIGHT: '',
    }));
    store.exports.set('PCP items', rows);
    const reading = batches(open(), null);
    const { value: first } = (await reading.next()) as { value: Batch };
    assert.deepEqual(first.records, []);
    const { value: second } = (await reading.next()) as { value: Batch };
    assert.deepEqual(second.records, rows.slice(0, 2));
    await reading.return(undefined);
    const rest: Batch[] = [];
    for await (const batch of batches(open(), second.cursorAfter, 3)) rest.push(batch);
    assert.deepEqual(
      rest.flatMap(({ records }) => records),
      rows.slice(2),
    );
    assert.equal(store.jobs.size, 1);
    assert.deepEqual([await all(batches(open(), rest.at(-1)!.cursorAfter)), store.jobs.size], [[], 2]);
  });

  it('begins no export before its job is remembered, and none for a preview', async () => {
    store.exports.set('PCP items', [{ ITEMNUMBER: 'D1' }]);
    const query = { entity: 'package/items', cursor: null, batchSize: 9 };
    const reading = open().read!({ ...query, acknowledges: true }, live)[Symbol.asyncIterator]();
    const { value: named } = (await reading.next()) as { value: Batch };
    const next = reading.next();
    // It would have begun long before these are answered.
    for (let n = 0; n < 5; n++) await open().discover!(live);
    assert.equal(store.jobs.size, 0);
    await named.acknowledge!();
    assert.equal(((await next) as { value: Batch }).value.records.length, 1);
    const preview = open().read!(query, live)[Symbol.asyncIterator]();
    assert.equal((await failure(Promise.resolve(preview.next()))).code, 'PCP_DYNAMICS_PACKAGE');
    assert.equal(store.jobs.size, 1);
  });

  it('says which column is none of the package, or of its file', async () => {
    store.exports.set('PCP items', [{ ITEMNUMBER: 'D1' }]);
    const more = open({ packages: { items: { ...ITEMS, fields: [...COLUMNS, 'COLOUR'] } } });
    const lacking = await failure(all(batches(more, null)));
    assert.match(lacking.message, /has no column "COLOUR"/);
    const unknown = await failure(all(batches(open(), null, 2, { namedFields: ['COLOUR'] })));
    assert.deepEqual([unknown.class, unknown.path], ['config', 'COLOUR']);
  });

  it('begins no export twice whose start was not answered, and asks for another one after a failure', async () => {
    store.exports.set('PCP items', [{ ITEMNUMBER: 'D1' }]);
    plant.cuts = (_method, url) => url.endsWith('ExportToPackage');
    store.exportOutcome = 'Failed';
    let cursor: Cursor | null = null;
    const failed = await failure(
      (async () => {
        for await (const { cursorAfter } of batches(open(), null)) cursor = cursorAfter;
      })(),
    );
    assert.match(failed.message, /ended as Failed: No staging/);
    store.exportOutcome = 'Succeeded';
    store.exports.set('PCP items', [{ ITEMNUMBER: 'D1' }]);
    assert.deepEqual([(await all(batches(open(), cursor))).length, store.jobs.size], [1, 2]);
  });

  it('sends nothing to a private address that the settings do not allow, and tells no signature', async () => {
    const refused = await failure(write(open({}, []), [record(1)]));
    assert.equal(refused.code, 'PCP_DYNAMICS_PACKAGE_STORE');
    assert.deepEqual(store.transfers, []);
    store.exports.set('PCP items', []);
    plant.actions.set('GetAzureWriteUrl', () => ({
      status: 200,
      body: { value: { BlobUrl: `http://${store.host}/dmf/other.zip?sig=secret-signature` } },
    }));
    const forbidden = await failure(write(open(), [record(1)]));
    assert.equal(forbidden.code, 'PCP_DYNAMICS_PACKAGE_STORE');
    assert.doesNotMatch(JSON.stringify(forbidden), /secret-signature/);
    assert.equal(store.imported.length, 0);
  });

  it('lists and describes them; the company is theirs or that of the connection', async () => {
    const connector = open({ company: '' });
    assert.equal((await failure(write(connector, [record(1)]))).code, 'PCP_DYNAMICS_PACKAGE');
    const { schema } = await open().describe!('package/items', live);
    assert.deepEqual(Object.keys(schema.properties ?? {}), [...COLUMNS, '@changes']);
    assert.equal((await failure(open().describe!('package/none', live))).code, 'PCP_ENTITY_UNKNOWN');
    assert.ok((await open().discover!(live)).some(({ name, kind }) => name === 'package/items' && kind === 'package'));
  });
});
