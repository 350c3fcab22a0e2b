import assert from 'node:assert/strict';
import { IntegrationError } from '../../../lib/model/errors';
import type { MappingInput } from '../../../lib/model/services';
import { parseKey } from '../../../lib/security/keys';
import { Vault } from '../../../lib/security/vault';
import { ConnectionStore } from '../../../lib/store/connections';
import { MappingStore } from '../../../lib/store/mappings';
import { newStore, storeKinds, type TestStore } from './stores';

for (const kind of storeKinds) {
  describe(`MappingStore on ${kind.name}`, () => {
    let test: TestStore;
    let mappings: MappingStore;
    let connections: ConnectionStore;
    let input: MappingInput;

    beforeEach(async function () {
      test = await newStore(kind, this);
      const vault = new Vault([parseKey(Buffer.alloc(32, 1).toString('base64'), 'test')]);
      connections = new ConnectionStore({ store: test.store, vault, validate: () => undefined });
      mappings = new MappingStore({
        store: test.store,
        check: async ({ field_mappings }) => {
          if (field_mappings.length > 0) return;
          throw new IntegrationError('config', 'PCP_MAPPING_INVALID', 'No fields.', { path: '/field_mappings' });
        },
      });
      const { id } = await connections.create({ name: 'c', connector_type: 'generic.file' });
      input = {
        connection_id: id,
        name: 'orders',
        entity_type: 'production_order',
        direction: 'import',
        source_entity: 'orders',
        target_entity: 'production_order',
        field_mappings: [{ source: 'AUFNR', target: 'order_number' }],
      };
    });
    afterEach(() => test?.dispose());

    it('fills in what an input leaves out', async () => {
      const made = await mappings.create(input);
      const { id, created_at, updated_at, ...rest } = made;
      assert.deepEqual(rest, {
        ...input,
        description: null,
        transformations: [],
        filters: [],
        key_fields: [],
        sync_mode: 'full',
        cursor_field: null,
        peer_connection_id: null,
        options: {},
        depends_on: [],
        schedule: null,
        schedule_options: {},
        is_active: true,
        managed_by: 'api',
        node_id: null,
        version: 1,
        revision: 1,
        flow_error: null,
      });
      assert.deepEqual(await mappings.get(id), made);
    });

    it('counts the version up for what changes its meaning, the revision for every write', async () => {
      const { id } = await mappings.create(input);
      const described = await mappings.update(id, { ...input, description: 'x', options: { batch_size: 10 } }, 1);
      assert.deepEqual([described.version, described.revision], [1, 2]);
      const filtered = await mappings.update(id, { ...input, filters: [{ field: 'A', operator: 'is_null' }] });
      assert.deepEqual([filtered.version, filtered.revision], [2, 3]);
      assert.equal(filtered.description, 'x', 'what is left out stays');
      const same = await mappings.update(id, { ...input, filters: [{ field: 'A', operator: 'is_null' }] });
      assert.deepEqual([same.version, same.revision], [2, 4]);
      await assert.rejects(mappings.update(id, input, 3), { code: 'PCP_STALE_REVISION' });
      const by = await mappings.update(id, { ...input, filters: same.filters, cursor_field: 'changed_at' });
      assert.equal(by.version, 3, 'a checkpoint by another field means something else');
    });

    it('refuses what the check refuses, unknown connections, and a name twice', async () => {
      await assert.rejects(mappings.create({ ...input, field_mappings: [] }), { code: 'PCP_MAPPING_INVALID' });
      await assert.rejects(mappings.create({ ...input, connection_id: 77 }), { path: '/connection_id' });
      await assert.rejects(mappings.create({ ...input, peer_connection_id: 78 }), { path: '/peer_connection_id' });
      const { id } = await mappings.create(input);
      await assert.rejects(mappings.update(id, { ...input, field_mappings: [] }), { code: 'PCP_MAPPING_INVALID' });
      await assert.rejects(mappings.create(input), { code: 'PCP_NAME_TAKEN' });
      assert.equal((await mappings.list({})).total, 1);
    });

    it('keeps its connection from being deleted, unless it goes with it', async () => {
      const { id, connection_id } = await mappings.create(input);
      const { database } = test.store;
      await database.execute(
        `INSERT INTO integration_checkpoints (mapping_id, direction, ${database.quote('cursor')}) VALUES (?, ?, ?)`,
        [id, 'import', '{}'],
      );
      await database.execute(`INSERT INTO integration_stream_locks (stream) VALUES ('mapping:${id}')`);
      await assert.rejects(connections.delete(connection_id, { cascade: false }), { code: 'PCP_CONNECTION_IN_USE' });
      assert.equal((await mappings.list({ connection_id })).total, 1);
      await connections.delete(connection_id, { cascade: true });
      assert.equal((await mappings.list({})).total, 0);
      for (const table of ['integration_checkpoints', 'integration_stream_locks', 'integration_connections']) {
        assert.equal((await database.query(`SELECT * FROM ${table}`)).length, 0, table);
      }
    });

    it('of a flow keeps its id and version over redeploys', async () => {
      const made = await mappings.registerFlow('m1', input);
      assert.equal(made.managed_by, 'flow');
      const same = await mappings.registerFlow('m1', input);
      assert.deepEqual([same.id, same.revision, same.version], [made.id, 1, 1]);
      const changed = await mappings.registerFlow('m1', { ...input, key_fields: ['order_number'] });
      assert.deepEqual([changed.id, changed.revision, changed.version], [made.id, 2, 2]);
      await assert.rejects(mappings.update(made.id, input), { code: 'PCP_MANAGED_BY_FLOW' });
      await assert.rejects(mappings.delete(made.id), { code: 'PCP_MANAGED_BY_FLOW' });
      const copy = await mappings.registerFlow('m2', input);
      assert.equal(copy.name, 'orders (m2)');
      await mappings.releaseFlow('m1', 'No fields.');
      const refused = await mappings.get(made.id);
      assert.deepEqual([refused.is_active, refused.flow_error], [false, 'No fields.']);
      const again = await mappings.registerFlow('m1', { ...input, key_fields: ['order_number'] });
      assert.deepEqual([again.is_active, again.flow_error], [true, null]);
      await mappings.releaseFlow('m1');
      assert.equal((await mappings.get(made.id)).is_active, false);
      assert.equal((await mappings.get(made.id)).version, 2);
      await mappings.delete(made.id);
      await assert.rejects(mappings.get(made.id), { code: 'PCP_NOT_FOUND' });
    });

    it('discards open dead letters of a deleted mapping', async () => {
      const { id } = await mappings.create(input);
      const now = new Date();
      await test.store.models.deadLetters.create({
        mapping_id: id,
        sync_log_id: 1,
        direction: 'import',
        payload: { a: 1 },
        stage: 'validate',
        error_class: 'data',
        code: 'X',
        message: 'x',
        value: 'v',
        group_hash: 'g',
        first_at: now,
        last_at: now,
      });
      await mappings.delete(id);
      const letter = await test.store.models.deadLetters.findOne();
      assert.equal(letter?.state, 'discarded');
      assert.deepEqual(letter?.payload, { a: 1 });
    });
  });
}
