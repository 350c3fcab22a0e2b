import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaseGoneNodes } from '../../nodes/plugin/gone-nodes';

/** A store with two connections of flows, as each Node-RED that shares it sees it. */
describe('nodes that are gone at the start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pcp-gone-'));
  after(() => rmSync(directory, { recursive: true, force: true }));

  const start = async (deployed: string[], knownFile: string | null): Promise<string[]> => {
    const released: string[] = [];
    const page = (nodes: string[]) => ({
      items: nodes.map((node_id) => ({ node_id, managed_by: 'flow', is_active: true })),
      next_cursor: null,
      total: nodes.length,
    });
    const service = (nodes: string[]) => ({
      list: async () => page(nodes),
      releaseFlow: async (node: string) => void released.push(node),
    });
    const hub = { connections: service(['here', 'there']), mappings: service([]) };
    const nodes = { getNode: (id: string) => (deployed.includes(id) ? {} : null) };
    await releaseGoneNodes({ nodes } as never, hub as never, knownFile);
    return released;
  };

  it("are released where the store is nobody else's", async () => {
    assert.deepEqual(await start(['here'], null), ['there']);
  });

  it('are left alone in a shared store when they were never here, and released when they were', async () => {
    const file = join(directory, 'integrations.nodes');
    assert.deepEqual(await start(['here'], file), []);
    assert.deepEqual(await start([], file), ['here']);
    assert.deepEqual(await start([], file), []);
  });
});
