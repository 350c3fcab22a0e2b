import assert from 'node:assert/strict';
import type { MappingNode } from '../../nodes/pcp-mapping/mapping-node';
import { CONNECTION, fileFlow, MAPPING, mappingFlow, TAB, TYPES } from './flows';
import { failureOf, helper, received, withNodeRed } from './helper';
import { StandInHub } from './stand-in-hub';

/** The hub heard of a node; registering takes a few turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('pcp-connection and pcp-mapping', () => {
  const context = withNodeRed(() => new StandInHub());

  it('registers the connection with its credentials, which are in no property of the node', async () => {
    const database = {
      ...CONNECTION,
      connectorType: 'generic.database',
      config: { dialect: 'postgres', host: 'h', port: '5432', ssl: 'true' },
    };
    await helper.load(TYPES, [TAB, database], { connection: { password: 'canary' } });
    await until(() => context.hub.registered.has('connection'));
    const input = context.hub.registered.get('connection');
    assert.deepEqual(input?.credentials, { password: 'canary' });
    assert.deepEqual(
      input?.config,
      { dialect: 'postgres', host: 'h', port: 5432, ssl: true },
      'text becomes what the setting wants',
    );
    const { credentials, ...node } = helper.getNode('connection') as unknown as Record<string, unknown>;
    const shown = Object.entries(node).filter(([, value]) => typeof value !== 'function' && typeof value !== 'object');
    assert.equal(JSON.stringify(shown).includes('canary'), false);
    assert.ok(credentials);
  });

  it('makes inactive what was deployed wrong, and says why', async () => {
    await helper.load(TYPES, [TAB, CONNECTION, { ...MAPPING, fieldMappings: [] }]);
    await until(() => context.hub.released.length > 0);
    assert.deepEqual(context.hub.released, ['mapping: No fields.']);
    await helper.unload();
    context.hub.released.length = 0;
    await helper.load(TYPES, [TAB, { ...CONNECTION, connectorType: 'nothing' }]);
    await until(() => context.hub.released.length > 0);
    assert.deepEqual(context.hub.released, ['connection']);
  });

  it('puts environment variables into settings of any type', async () => {
    process.env.PCP_TEST_PORT = '6543';
    try {
      const database = {
        ...CONNECTION,
        connectorType: 'generic.database',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: how Node-RED writes an environment variable.
        config: { dialect: 'mariadb', host: 'h', port: '${PCP_TEST_PORT}' },
      };
      await helper.load(TYPES, [TAB, database]);
      await until(() => context.hub.registered.has('connection'));
      assert.equal(context.hub.registered.get('connection')?.config?.port, 6543);
    } finally {
      delete process.env.PCP_TEST_PORT;
    }
  });

  it('registers the mapping after its connection, with its id', async () => {
    // The mapping stands first: Node-RED creates config nodes in the order of the file.
    await helper.load(TYPES, [TAB, MAPPING, CONNECTION]);
    await until(() => context.hub.mappingsRegistered.has('mapping'));
    const input = context.hub.mappingsRegistered.get('mapping');
    assert.equal(input?.connection_id, 1);
    assert.deepEqual(input?.key_fields, ['order_number']);
    assert.equal(input?.entity_type, 'production_order');
    assert.equal(input?.cursor_field, null);
  });

  it('registers a mapping after those that it runs after, by their ids', async () => {
    await helper.load(TYPES, [TAB, CONNECTION, { ...MAPPING, dependsOn: ['first'] }, { ...MAPPING, id: 'first' }]);
    await until(() => context.hub.mappingsRegistered.has('mapping'));
    assert.deepEqual([...context.hub.mappingsRegistered.keys()], ['first', 'mapping']);
    const { id } = await (helper.getNode('first') as unknown as MappingNode).registered();
    assert.deepEqual(context.hub.mappingsRegistered.get('mapping')?.depends_on, [id]);
  });

  it('refuses mappings that would wait for each other', async () => {
    // Of lists with one member Node-RED itself finds out, and starts nothing.
    const circle = [
      { ...MAPPING, id: 'a', dependsOn: ['b', 'first'] },
      { ...MAPPING, id: 'b', dependsOn: ['first', 'c'] },
      { ...MAPPING, id: 'c', dependsOn: ['first', 'a'] },
      { ...MAPPING, id: 'first' },
    ];
    await helper.load(TYPES, [TAB, CONNECTION, ...circle]);
    await until(() => context.hub.released.length >= 3);
    assert.deepEqual([...context.hub.mappingsRegistered.keys()], ['first']);
    assert.ok(
      context.hub.released.every((why) => why.includes('depends on itself')),
      String(context.hub.released),
    );
  });

  it('reads lists that an imported flow holds as text', async () => {
    await helper.load(TYPES, [
      TAB,
      CONNECTION,
      { ...MAPPING, fieldMappings: JSON.stringify(MAPPING.fieldMappings), filters: '' },
    ]);
    await until(() => context.hub.mappingsRegistered.has('mapping'));
    assert.deepEqual(context.hub.mappingsRegistered.get('mapping')?.field_mappings, MAPPING.fieldMappings);
  });

  it('keeps its row over a redeploy and releases it when the node is gone', async () => {
    const flow = fileFlow({});
    await helper.load(TYPES, flow);
    await until(() => context.hub.registered.has('connection'));
    context.hub.registered.clear();
    const changed = flow.map((node) => (node.id === 'connection' ? { ...node, config: { root: '/other' } } : node));
    await helper.setFlows(changed);
    await until(() => context.hub.registered.get('connection')?.config?.root === '/other');
    assert.deepEqual(context.hub.released, []);
    await helper.setFlows(changed.filter((node) => node.id !== 'connection'));
    await until(() => context.hub.released.includes('connection'));
  });

  it('tells whoever uses it that a required credential is missing, and which', async () => {
    const descriptor = context.hub.descriptors.find(({ type }) => type === 'generic.file')!;
    const needy = {
      ...descriptor,
      settings: {
        token: { kind: 'secret', required: true, group: 'authentication', label: descriptor.title } as const,
      },
    };
    (context.hub as { descriptors: unknown }).descriptors = [needy];
    await helper.load(TYPES, fileFlow({}));
    const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({}));
    assert.equal(caught.error.code, 'PCP_CREDENTIALS_MISSING');
    assert.match(caught.error.message, /token/);
  });

  it('gives the mapping nodes what the hub made of it', async () => {
    context.hub.mapRecords = (records) => records.map((data, index) => ({ outcome: 'mapped', index, data }));
    await helper.load(TYPES, mappingFlow({ id: 'node', type: 'pcp-map', mapping: 'mapping', direction: '' }));
    const mapped = received(helper.getNode('out'));
    helper.getNode('node').receive({ payload: { a: 1 } });
    assert.deepEqual((await mapped).payload, { a: 1 });
  });
});
