import assert from 'node:assert/strict';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { postgresServer } from '../support/postgres';

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
  });
});
