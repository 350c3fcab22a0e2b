import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import type { NodeId } from './library';
import { chunks } from './limits';

/** One attribute of several nodes; undefined where a node does not have it. */
export async function readAttributes(
  client: OpcUaClient,
  { session, limits }: OpenSession,
  nodes: readonly { nodeId: NodeId; attributeId: number }[],
  signal: AbortSignal,
): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const part of chunks(nodes, limits.read)) {
    const answers = await client.request(session.read(part), phrase`reading attributes`, signal);
    part.forEach((_, at) => {
      const answer = answers[at];
      values.push(answer?.statusCode.isGoodish() ? (answer.value?.value as unknown) : undefined);
    });
  }
  return values;
}
