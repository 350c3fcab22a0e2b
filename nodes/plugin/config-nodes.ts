import type { NodeAPI } from 'node-red';

interface Registering {
  registered?(): Promise<unknown>;
}

/**
 * Has connections and mappings of the flows registered, connections first, when they could not be at their start: the
 * store was away.
 */
export async function registerConfigNodes(RED: NodeAPI): Promise<void> {
  for (const type of ['pcp-connection', 'pcp-mapping']) {
    const ids: string[] = [];
    RED.nodes.eachNode((node) => {
      if ((node.type as string) === type) ids.push(node.id);
    });
    for (const id of ids) {
      const node = RED.nodes.getNode(id) as Registering | null;
      // What is wrong with it was said when it started.
      await node?.registered?.().catch(() => undefined);
    }
  }
}
