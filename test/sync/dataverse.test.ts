import assert from 'node:assert/strict';
import type { Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { DataverseServer } from '../support/dynamics365/dataverse';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

describe('synchronising with Dataverse', () => {
  let server: DataverseServer;
  let hub: Hub;
  let remove: () => Promise<void>;
  let connectionId: number;

  before(async () => {
    server = await new DataverseServer().start();
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    const { config, credentials } = server.connection({ changes_per_request: 3 });
    const input = { name: 'dataverse', connector_type: 'erp.dynamics365', config, credentials };
    connectionId = (await hub.connections.create(input)).id;
  });
  after(async () => {
    await hub?.close();
    await remove?.();
    await server?.stop();
  });

  async function mapping(input: Partial<MappingInput>): Promise<() => Promise<JobStatus>> {
    const { id } = await hub.mappings.create({
      ...{ connection_id: connectionId, name: String(input.direction), entity_type: 'production_order' },
      ...{ source_entity: 'new_workorders', target_entity: 'production_order' },
      field_mappings: [
        { source: 'new_number', target: 'order_number', required: true },
        { source: 'new_name', target: 'description' },
        { source: 'new_quantity', target: 'quantity', type: 'decimal' },
      ],
      ...input,
    } as MappingInput);
    return () => runToEnd(hub, connectionId, { mapping_id: id });
  }

  const read = ({ status, logs }: JobStatus) => [status, logs[0]?.records_processed];

  it('imports what the table says has changed', async () => {
    for (let n = 0; n < 5; n++) server.put({ new_number: `A-${n}`, new_quantity: '1234567890123.1234567891' });
    const run = await mapping({
      ...{ direction: 'import', sync_mode: 'incremental', cursor_field: '@odata.deltaLink' },
      options: { batch_size: 2 },
    });
    assert.deepEqual(read(await run()), ['success', 5]);
    server.put({ new_number: 'A-1', new_name: 'ção 😀' });
    assert.deepEqual(read(await run()), ['success', 1]);
    assert.deepEqual(read(await run()), ['success', 0]);
    const order = await hub.records.get('production_order', ['A-1']);
    assert.deepEqual([order.description, order.quantity], ['ção 😀', '1234567890123.1234567891']);
  });

  it('exports by an alternate key, each record once, though half of the answers are lost', async () => {
    for (let n = 0; n < 12; n++)
      await hub.records.create('production_order', { order_number: `B-${n}`, quantity: `${n}.5` });
    const run = await mapping({ direction: 'export', key_fields: ['order_number'] });
    let changes = 0;
    server.cuts = () => ++changes % 2 === 0;
    await run();
    server.cuts = () => false;
    while ((await run()).status !== 'success') await hub.sync.endPause(connectionId);
    const numbers = server.table.rows
      .map(({ new_number }) => String(new_number))
      .filter((number) => number.startsWith('B'));
    assert.deepEqual([numbers.length, new Set(numbers).size], [12, 12]);
    const { items } = await hub.sync.deadLetters({ state: 'open' });
    assert.deepEqual(items, []);
  });
});
