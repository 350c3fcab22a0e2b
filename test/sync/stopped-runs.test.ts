import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hub, MappingInput } from '../../lib/model/services';
import type { SqlDatabase } from '../../lib/protocols/sql/database';
import { openDatabase } from '../../lib/protocols/sql/open';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';

const ROWS = 100;

describe('a run into another database that its tolerance stops', () => {
  let hub: Hub;
  let remove: () => Promise<void>;
  let root: string;
  let target: SqlDatabase;
  let mapping: MappingInput;
  let mappingId: number;

  beforeEach(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    root = join(directory.path, 'data');
    await mkdir(root);
    const storage = join(root, 'target.db');
    target = await openDatabase({ dialect: 'sqlite', storage, wal: true });
    await target.execute(`CREATE TABLE orders (no text PRIMARY KEY, state text CHECK (state <> 'refused'))`);
    hub = await openHub(directory.path);
    const files = { root, settle_seconds: 0, entities: { orders: { path: 'orders.csv' } } };
    const from = { name: 'files', connector_type: 'generic.file', config: files };
    const to = { name: 'target', connector_type: 'generic.database', config: { dialect: 'sqlite', storage } };
    const [{ id: connection_id }, { id: peer_connection_id }] = [
      await hub.connections.create(from),
      await hub.connections.create(to),
    ];
    mapping = {
      ...{ connection_id, peer_connection_id, name: 'orders', entity_type: 'order', direction: 'import' },
      ...{ source_entity: 'orders', target_entity: 'orders', key_fields: ['no'] },
      field_mappings: [
        { source: 'no', target: 'no' },
        { source: 'state', target: 'state', lookup: { ok: 'ok', refused: 'refused' } },
      ],
    };
    ({ id: mappingId } = await hub.mappings.create(mapping));
  });

  afterEach(async () => {
    await hub?.close();
    await target?.close();
    await remove?.();
  });

  /** Every second row is a bad one. */
  async function run(bad: string) {
    const lines = Array.from({ length: ROWS }, (_, no) => `${no},${no % 2 === 0 ? 'ok' : bad}`);
    await writeFile(join(root, 'orders.csv'), `no,state\n${lines.join('\n')}\n`);
    const log = (await runToEnd(hub, mapping.connection_id)).logs[0]!;
    const { records_processed, records_success, records_error } = log;
    const [{ n } = { n: 0 }] = await target.query('SELECT count(*) AS n FROM orders');
    const { total } = await hub.sync.deadLetters({});
    return { log, counted: [records_processed, records_success, records_error], held: Number(n), letters: total };
  }

  it('sends nothing when what is bad was known before', async () => {
    const { log, ...rest } = await run('unknown');
    assert.equal(log.details.error_code, 'PCP_ERROR_RATIO');
    assert.deepEqual(rest, { counted: [50, 0, 50], held: 0, letters: 50 });
  });

  it('counts and remembers what the target took before it refused the rest', async () => {
    const { log, ...rest } = await run('refused');
    assert.equal(log.details.error_code, 'PCP_ERROR_RATIO');
    assert.deepEqual(rest, { counted: [ROWS, 50, 50], held: 50, letters: 50 });

    await hub.mappings.update(mappingId, { ...mapping, options: { max_error_ratio: 1 } });
    const { log: again, letters } = await run('refused');
    const { created, updated, unchanged } = again.details;
    assert.deepEqual({ created, updated, unchanged, letters }, { created: 0, updated: 0, unchanged: 50, letters: 50 });
  });
});
