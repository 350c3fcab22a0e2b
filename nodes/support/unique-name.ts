import { IntegrationError } from '../../lib/model/errors';

/** Names are unique in the hub but not in flows, where nodes are copied: a taken one gets the node's id behind it. */
export async function withUniqueName<T>(
  name: string,
  nodeId: string,
  register: (name: string) => Promise<T>,
): Promise<T> {
  try {
    return await register(name);
  } catch (error) {
    if (!(error instanceof IntegrationError) || error.code !== 'PCP_NAME_TAKEN') throw error;
    return register(`${name} (${nodeId})`);
  }
}
