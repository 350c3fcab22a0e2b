import assert from 'node:assert/strict';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { DataverseServer } from '../support/dynamics365/dataverse';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { TestApi } from '../unit/rest/server';

type Row = Record<string, unknown>;

/** What was written comes back under a name that the other side gave it, also before anybody knows that it was written. */
describe('what comes back by the name that another system gave it', function () {
  this.timeout(120_000);
  const api = new TestApi();
  /** Of an API that numbers what it gets. */
  let rows: Row[] = [];
  let shown: readonly string[] = [];
  /** Answers to what is written get lost, and then nothing can be asked for. */
  let isCut = false;
  let isDown = false;
  let hub: Hub;
  let remove: () => Promise<void>;
  let made = 0;

  before(() => api.start());
  after(() => api.stop());
  beforeEach(async () => {
    rows = [];
    shown = ['id', 'good'];
    isCut = isDown = false;
    api.handler = ({ method, path, body, query }) => {
      if (method === 'POST') {
        const row = { id: 100 + rows.length, ...(JSON.parse(body) as Row) };
        rows.push(row);
        isDown = isCut;
        return { status: 201, body: { id: row.id }, ...(isCut && { cut: true }) };
      }
      if (path === '/lookup') {
        if (isDown) return { status: 503, body: {} };
        return { body: { data: rows.filter(({ report }) => report === query.get('report')) } };
      }
      return { body: { data: rows.map((row) => Object.fromEntries(shown.map((name) => [name, row[name]]))) } };
    };
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
  });
  afterEach(async () => {
    await hub?.close();
    await remove?.();
  });

  async function connect(connector_type: string, config: Row, credentials: Record<string, string> = {}) {
    return (await hub.connections.create({ name: `c ${++made}`, connector_type, config, credentials })).id;
  }

  const connectApi = () =>
    connect('generic.rest', {
      base_url: api.url,
      timeout_ms: 1000,
      entities: {
        reports: {
          ...{ path: '/reports', items: '/data', key: ['id'] },
          create: { path: '/reports', id: '/id' },
          lookup: { path: '/lookup?report={external_id}', items: '/data' },
        },
      },
    });

  async function mapping(connection: number, entity: string, definition: Partial<MappingInput>) {
    const { id } = await hub.mappings.create({
      ...{ connection_id: connection, name: `m ${++made}`, entity_type: 'production_data' },
      ...{ source_entity: entity, target_entity: 'production_data', ...definition },
    } as MappingInput);
    return () => runToEnd(hub, connection, { mapping_id: id });
  }

  const both = async (connection: number, entity: string, [own, given, quantity]: [string, string, string]) => ({
    post: await mapping(connection, entity, {
      ...{ direction: 'export', filters: [{ field: 'erp_document', operator: 'is_null' }] },
      field_mappings: [
        { source: own, target: 'record_id' },
        { source: quantity, target: 'good_quantity', type: 'decimal' },
      ],
    }),
    bring: await mapping(connection, entity, {
      direction: 'import',
      field_mappings: [
        { source: given, target: 'record_id', type: 'string' },
        { source: given, target: 'erp_document', type: 'string' },
        { source: quantity, target: 'good_quantity', type: 'decimal' },
      ],
    }),
  });

  const told = ({ status, logs }: JobStatus) => {
    assert.equal(status, 'success', JSON.stringify(logs));
    const { created, updated, own = 0 } = logs[0]!.details;
    return { created, updated, own };
  };
  const ids = async () => (await hub.records.list('production_data', { limit: 100 })).items.map((row) => row.record_id);
  const report = (record_id: string) => hub.records.create('production_data', { record_id, good_quantity: '5.5' });

  it('is left to the platform, whatever the API calls it', async () => {
    const { post, bring } = await both(await connectApi(), 'reports', ['report', 'id', 'good']);
    rows.push({ id: 99, good: '1' });
    await report('R-1');
    assert.equal(told(await post()).created, 1);
    assert.deepEqual(told(await bring()), { created: 1, updated: 0, own: 1 });
    assert.equal(told(await post()).created, 0);
    assert.deepEqual(told(await bring()), { created: 0, updated: 0, own: 1 });
    assert.deepEqual([await ids(), rows.length], [['99', 'R-1'], 2]);
  });

  it('is imported again when the platform does not have it any more', async () => {
    const { post, bring } = await both(await connectApi(), 'reports', ['report', 'id', 'good']);
    await report('R-1');
    await post();
    await hub.records.delete('production_data', ['R-1']);
    assert.deepEqual(told(await bring()), { created: 1, updated: 0, own: 0 });
    assert.equal(told(await post()).created, 0);
    assert.deepEqual(await ids(), ['100']);
  });

  it('is written as any other under the key that the platform knows it by', async () => {
    const connection = await connectApi();
    shown = ['id', 'report', 'good'];
    const { post } = await both(connection, 'reports', ['report', 'id', 'good']);
    const bring = await mapping(connection, 'reports', {
      direction: 'import',
      field_mappings: [
        { source: 'report', target: 'record_id' },
        { source: 'good', target: 'scrap_quantity', type: 'decimal' },
      ],
    });
    await report('R-1');
    await post();
    assert.deepEqual(told(await bring()), { created: 0, updated: 1, own: 0 });
    rows[0]!.good = '6';
    assert.deepEqual(told(await bring()), { created: 0, updated: 1, own: 0 });
    assert.equal((await hub.records.get('production_data', ['R-1'])).scrap_quantity, '6');
  });

  it('is recognised by our own key while nobody knows yet that it was written', async () => {
    const { post, bring } = await both(await connectApi(), 'reports', ['report', 'id', 'good']);
    shown = ['id', 'report', 'good'];
    await report('R-1');
    isCut = true;
    assert.equal((await post()).status, 'error');
    assert.equal(rows.length, 1);
    assert.deepEqual(told(await bring()), { created: 0, updated: 0, own: 1 });
    isCut = isDown = false;
    told(await post());
    assert.deepEqual(told(await bring()), { created: 0, updated: 0, own: 1 });
    assert.deepEqual([await ids(), rows.length], [['R-1'], 1]);
  });

  it('is waited for where nothing tells it from others until then', async () => {
    const { post, bring } = await both(await connectApi(), 'reports', ['report', 'id', 'good']);
    await report('R-1');
    isCut = true;
    await post();
    const [log] = (await bring()).logs;
    assert.deepEqual([log!.status, log!.details.error_code], ['error', 'PCP_OWN_IN_DOUBT']);
    isCut = isDown = false;
    told(await post());
    assert.deepEqual(told(await bring()), { created: 0, updated: 0, own: 1 });
    assert.deepEqual([await ids(), rows.length], [['R-1'], 1]);
  });

  it('is shown by a preview as what stays as it is', async () => {
    const connection = await connectApi();
    const { post } = await both(connection, 'reports', ['report', 'id', 'good']);
    await report('R-1');
    await post();
    const { items } = await hub.mappings.list({ limit: 10 });
    const imports = items.find(({ direction }) => direction === 'import')!;
    const { totals } = await hub.runner.preview({ mapping: imports });
    assert.deepEqual([totals.create, totals.unchanged], [0, 1]);
  });

  it('is one row of Dataverse and one record here', async () => {
    const server = await new DataverseServer().start();
    try {
      const { config, credentials } = server.connection();
      const connection = await connect('erp.dynamics365', config, credentials);
      const names: [string, string, string] = ['new_number', 'new_workorderid', 'new_quantity'];
      const { post, bring } = await both(connection, 'new_workorders', names);
      await report('R-1');
      for (let round = 0; round < 2; round++) {
        told(await post());
        assert.deepEqual(told(await bring()), { created: 0, updated: 0, own: 1 });
      }
      assert.deepEqual([await ids(), server.table.rows.length], [['R-1'], 1]);
    } finally {
      await server.stop();
    }
  });
});
