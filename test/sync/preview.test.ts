import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mapping } from '../../lib/model/mapping';
import type { Hub, MappingInput } from '../../lib/model/services';
import { openDatabase } from '../../lib/protocols/sql/open';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { postgresServer } from '../support/postgres';
import { TestApi } from '../unit/rest/server';

const RECORDS = 2500;

/** Sources that can be asked for single records, and those that cannot. */
const KINDS = ['generic.database', 'generic.file'] as const;

for (const kind of KINDS) {
  describe(`preview from ${kind}`, () => {
    let hub: Hub;
    let remove: () => Promise<void>;
    let mapping: MappingInput;

    before(async () => {
      const directory = await temporaryDirectory();
      remove = directory.remove;
      const drop = join(directory.path, 'drop');
      await mkdir(drop);
      const rows = Array.from({ length: RECORDS }, (_, n) => [`p${n}`, n % 100 === 7 ? 'skip' : `Plant ${n}`]);
      const storage = join(drop, 'plants.db');
      if (kind === 'generic.file') {
        await writeFile(join(drop, 'plants.csv'), ['plant,name', ...rows.map((row) => row.join())].join('\n'));
      } else {
        const database = await openDatabase({ dialect: 'sqlite', storage });
        await database.execute('CREATE TABLE plants (plant text PRIMARY KEY, name text)');
        const sql = `SELECT value ->> 0, value ->> 1 FROM json_each(?)`;
        await database.execute(`INSERT INTO plants ${sql}`, [JSON.stringify(rows)]);
        await database.close();
      }
      hub = await openHub(join(directory.path, 'hub'));
      const files = { root: drop, settle_seconds: 0, entities: { plants: { path: 'plants.csv' } } };
      const { id } = await hub.connections.create({
        name: 'source',
        connector_type: kind,
        config: kind === 'generic.file' ? files : { dialect: 'sqlite', storage },
      });
      mapping = {
        connection_id: id,
        name: 'plants',
        entity_type: 'plant',
        direction: 'import',
        source_entity: 'plants',
        target_entity: 'plant',
        field_mappings: [
          { source: 'plant', target: 'plant' },
          { source: 'name', target: 'name' },
        ],
        filters: [{ field: 'name', operator: 'ne', value: 'skip' }],
      };
      await hub.records.create('plant', { plant: 'p0', name: 'Plant 0' });
      await hub.records.create('plant', { plant: 'p1', name: 'Other', city: 'Joinville' });
    });
    after(async () => {
      await hub.close();
      await remove();
    });

    it('tells what each record would change', async () => {
      const { records, complete } = await hub.runner.preview({ mapping, limit: 3 });
      assert.deepEqual(
        records.map(({ action, diff }) => ({ action, diff })),
        [
          { action: 'unchanged', diff: [] },
          { action: 'update', diff: [{ field: 'name', old: 'Other', new: 'Plant 1' }] },
          { action: 'create', diff: [] },
        ],
      );
      assert.equal(complete, true);
    });

    it('shows the records that are asked for, and says which are not there', async () => {
      const keys = [{ plant: 'p2400' }, { plant: 'nowhere' }, { plant: 'p7' }];
      const { records, totals } = await hub.runner.preview({ mapping, keys });
      assert.deepEqual(
        records.map(({ before, action, errors }) => [before.plant, action, errors[0]?.code]),
        [
          ['p2400', 'create', undefined],
          ['p7', 'filtered', undefined],
          ['nowhere', 'error', 'PCP_NOT_FOUND'],
        ],
      );
      assert.deepEqual([totals.create, totals.filtered, totals.error], [1, 1, 1]);
    });

    it('counts the whole source, and writes nothing', async () => {
      const { records, totals, complete } = await hub.runner.preview({ mapping, mode: 'full_plan', limit: 5 });
      assert.equal(records.length, 5);
      assert.deepEqual(totals, { create: RECORDS - 27, update: 1, unchanged: 1, write: 0, filtered: 25, error: 0 });
      assert.equal(complete, true);
      assert.equal((await hub.records.list('plant', {})).total, 2);
    });

    it('counts by reason what would be rejected of the whole source, with the first records of each', async () => {
      const field_mappings = mapping.field_mappings.map((field) =>
        field.target === 'name' ? { ...field, lookup: { 'Plant 1': 'One' } } : field,
      );
      const wrong = { ...mapping, field_mappings };
      const { reasons, totals } = await hub.runner.preview({ mapping: wrong, mode: 'full_plan' });
      assert.deepEqual(
        reasons?.map(({ code, field, count, first }) => [code, field, count === totals.error, first.length]),
        [['PCP_VALUE_LOOKUP', 'name', true, 3]],
      );
      assert.ok(totals.error > 1000);
      assert.equal((await hub.runner.preview({ mapping: wrong })).reasons, undefined);
    });

    it('stops when nobody waits for it any more', async () => {
      const gone = new AbortController();
      const previewed = hub.runner.preview({ mapping, mode: 'full_plan' }, gone.signal);
      gone.abort();
      await assert.rejects(previewed);
    });
  });
}

describe('preview of an export to a database', () => {
  let hub: Hub;
  let remove: () => Promise<void>;

  afterEach(async () => {
    await hub?.close();
    await remove?.();
  });

  it('compares by the types of the columns', async function () {
    const server = await postgresServer(this);
    const options = await server.createDatabase();
    await server.execute(
      `CREATE TABLE part (code varchar(20) PRIMARY KEY, weight numeric(10,3), size bigint, made boolean, changed timestamptz);
       INSERT INTO part VALUES ('1', 1.5, 7, true, '2026-11-24T05:00:00Z'), ('2', 1.501, 7, true, '2026-11-24T05:00:00Z')`,
      options.database,
    );
    const temporary = await temporaryDirectory();
    remove = temporary.remove;
    hub = await openHub(temporary.path);
    const { dialect, host, port, database, username, password = '' } = options;
    const connection = await hub.connections.create({
      name: 'erp',
      connector_type: 'generic.database',
      config: { dialect, host, port, database, username },
      credentials: { password },
    });
    const mapping = await hub.mappings.create({
      connection_id: connection.id,
      name: 'parts',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'part',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material' },
        { source: 'weight', target: 'weight' },
        { source: 'size', target: 'days_to_manufacture' },
        { source: 'made', target: 'make' },
        { source: 'changed', target: 'sell_end_date', type: 'string' },
      ],
    });
    const record = { weight: '1.5', days_to_manufacture: 7, make: true, sell_end_date: '2026-11-24T05:00:00.000Z' };
    const records = ['1', '2'].map((material) => ({ ...record, material }));
    const preview = await hub.runner.preview({ mapping, records });
    assert.deepEqual(
      preview.records.map(({ action }) => action),
      ['unchanged', 'update'],
    );
    assert.deepEqual(preview.records[1]?.diff, [{ field: 'weight', old: '1.501', new: '1.5' }]);
  });
});

describe('preview of an export to an API', () => {
  const api = new TestApi();
  let connections = 0;
  let hub: Hub;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    api.asked.length = 0;
    await api.start();
    const temporary = await temporaryDirectory();
    remove = temporary.remove;
    hub = await openHub(temporary.path);
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
    await api.stop();
  });

  async function mappingTo(entity: Record<string, unknown>, options: Record<string, unknown> = {}): Promise<Mapping> {
    const connection = await hub.connections.create({
      name: `api ${++connections}`,
      connector_type: 'generic.rest',
      config: { base_url: api.url, authentication: 'bearer', entities: { parts: entity } },
      credentials: { token: 'canary-4711' },
    });
    return hub.mappings.create({
      connection_id: connection.id,
      name: `parts ${connections}`,
      entity_type: 'material',
      direction: 'export',
      source_entity: 'parts',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material' },
        { source: 'text', target: 'description' },
      ],
      options,
    });
  }

  it('tells the request of each record, and sends none', async () => {
    const held = [
      { id: 7, code: 'M/2', text: 'old' },
      { id: 8, code: 'M3', text: 'same' },
    ];
    api.handler = ({ query }) => ({ body: held.filter(({ code }) => code === query.get('code')) });
    const mapping = await mappingTo({
      create: { path: '/parts' },
      update: { path: '/parts/{id}', method: 'PATCH' },
      lookup: { path: '/parts?code={code}' },
    });
    const records = [
      { material: 'M1', description: 'new' },
      { material: 'M/2', description: 'changed' },
      { material: 'M3', description: 'same' },
      { material: 'M1', description: 'another' },
    ];
    const preview = await hub.runner.preview({ mapping, records });
    const shown = preview.records.map(({ action, request }) => [action, request?.method, request?.url, request?.body]);
    assert.deepEqual(shown, [
      ['create', 'POST', `${api.url}/parts`, '{"code":"M1","text":"new"}'],
      ['update', 'PATCH', `${api.url}/parts/7`, '{"code":"M/2","text":"changed"}'],
      ['unchanged', undefined, undefined, undefined],
      ['error', undefined, undefined, undefined],
    ]);
    assert.equal(preview.guarantee, 'once');
    assert.deepEqual(
      api.paths().sort(),
      ['M%2F2', 'M1', 'M3'].map((code) => `GET /parts?code=${code}`),
    );
    assert.doesNotMatch(JSON.stringify(preview), /canary/);
  });

  it('tells it as the next run would send it', async () => {
    api.handler = ({ body }) => ({ status: 201, body: { id: `id-${body.length}` } });
    const mapping = await mappingTo({
      create: { path: '/parts', id: '/id' },
      update: { path: '/parts/{id}' },
      idempotency_header: 'Idempotency-Key',
    });
    const record = { material: 'M1', description: 'one' };
    await hub.records.create('material', record);
    const announced = (await hub.runner.preview({ mapping })).records[0]?.request;
    await runToEnd(hub, mapping.connection_id);
    const [sent] = api.asked;
    assert.equal(announced?.headers['Idempotency-Key'], sent?.headers['idempotency-key']);
    assert.equal(announced?.body, sent?.body);
    await hub.records.replace('material', ['M1'], { ...record, description: 'two' });
    const [next] = (await hub.runner.preview({ mapping })).records;
    assert.deepEqual([next?.request?.method, next?.request?.url], ['PUT', `${api.url}/parts/id-${sent?.body.length}`]);
  });

  it('tells which record cannot be sent, and that a lost answer is asked about', async () => {
    const mapping = await mappingTo({ create: { path: '/parts/{text}' } });
    const records = [
      { material: 'M1', description: '' },
      { material: 'M2', description: 'two' },
    ];
    const preview = await hub.runner.preview({ mapping, records });
    assert.deepEqual(
      preview.records.map(({ action, request, errors }) => [action, request?.url, errors[0]?.code]),
      [
        ['error', undefined, 'PCP_REST_PATH_VALUE'],
        ['write', `${api.url}/parts/two`, undefined],
      ],
    );
    assert.equal(preview.guarantee, 'asks');
    assert.equal(api.asked.length, 0);
  });

  it('shows what was sent as left alone, what changed since as an update, and an open question as an error', async () => {
    api.handler = ({ body }) => (body.includes('M2') ? { cut: true } : { status: 201, body: { id: 1 } });
    const mapping = await mappingTo(
      { create: { path: '/parts', id: '/id' }, update: { path: '/parts/{id}' } },
      { max_error_ratio: 1 },
    );
    for (const material of ['M1', 'M2']) await hub.records.create('material', { material, description: 'one' });
    await runToEnd(hub, mapping.connection_id);
    const shown = async () => {
      const { records } = await hub.runner.preview({ mapping });
      return records.map(({ action, request, errors }) => [action, request?.method, errors[0]?.code]);
    };
    const lost = ['error', undefined, 'PCP_UNKNOWN_OUTCOME'];
    assert.deepEqual(await shown(), [['unchanged', undefined, undefined], lost]);
    await hub.records.replace('material', ['M1'], { material: 'M1', description: 'two' });
    assert.deepEqual(await shown(), [['update', 'PUT', undefined], lost]);
    const { totals } = await hub.runner.preview({ mapping, mode: 'full_plan' });
    assert.deepEqual([totals.update, totals.error, totals.write], [1, 1, 0]);
  });

  it('leaves alone at first what the API holds already, as it said, and not what a template may change', async () => {
    api.handler = ({ method }) =>
      method === 'GET' ? { body: [{ id: 8, code: 'M3', text: 'same' }] } : { status: 204 };
    const lookup = { path: '/parts?code={code}' };
    await hub.records.create('material', { material: 'M3', description: 'same' });
    for (const [body, action, requests] of [
      [undefined, 'unchanged', 0],
      [{ code: '{code}', text: '{text}', approved: true }, 'update', 1],
    ] as const) {
      const update = { path: '/parts/{id}', ...(body && { body }) };
      const mapping = await mappingTo({ create: { path: '/parts' }, update, lookup });
      const { records } = await hub.runner.preview({ mapping });
      assert.deepEqual(
        records.map((record) => record.action),
        [action],
      );
      api.asked.length = 0;
      await runToEnd(hub, mapping.connection_id);
      assert.equal(api.asked.filter(({ method }) => method === 'PUT').length, requests);
    }
  });
});
