import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { IntegrationError } from '../../lib/model/errors';
import { TestEngine } from '../support/engine';
import { temporaryDirectory } from '../support/hub';

describe('what is remembered of a table that is written by key', () => {
  let engine: TestEngine;
  let remove: () => Promise<void>;
  let table: DatabaseSync;
  let connectionId: number;

  before(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    const storage = join(directory.path, 'erp.db');
    table = new DatabaseSync(storage);
    table.exec('CREATE TABLE items (code TEXT PRIMARY KEY, text TEXT)');
    engine = await TestEngine.open(directory.path);
    ({ id: connectionId } = await engine.connections.create({
      name: 'erp',
      connector_type: 'generic.database',
      config: { dialect: 'sqlite', storage },
    }));
    await engine.mappings.create({
      connection_id: connectionId,
      name: 'items',
      entity_type: 'material',
      direction: 'export',
      source_entity: 'items',
      target_entity: 'material',
      field_mappings: [
        { source: 'code', target: 'material' },
        { source: 'text', target: 'description' },
      ],
    });
  });

  after(async () => {
    table.close();
    await engine.close();
    await remove();
  });

  const edit = (text: string) => engine.records.replace('material', ['A'], { material: 'A', description: text });
  const held = () => (table.prepare('SELECT text FROM items').get() as { text: string }).text;

  for (const full of [false, true]) {
    it(`is forgotten by a ${full ? 'full ' : ''}write that is cut off: its value may be taken back since`, async () => {
      await edit('before');
      assert.equal((await engine.run(connectionId)).status, 'success');
      await edit('after');
      engine.disturb = (connector, type) => {
        if (type !== 'generic.database') return connector;
        const openWriter = connector.openWriter!.bind(connector);
        connector.openWriter = async (...parameters) => {
          const writer = await openWriter(...parameters);
          const write = writer.write.bind(writer);
          writer.write = async (...records) => {
            await write(...records);
            throw new IntegrationError('config', 'PCP_TEST', 'The answer is lost, and the run ends.');
          };
          return writer;
        };
        return connector;
      };
      assert.equal((await engine.run(connectionId, { full })).status, 'error');
      assert.equal(held(), 'after');
      engine.disturb = (connector) => connector;
      await edit('before');
      assert.equal((await engine.run(connectionId)).status, 'success');
      assert.equal(held(), 'before');
      const [log] = (await engine.run(connectionId)).logs;
      assert.equal(log?.details.unchanged, 1);
    });
  }
});
