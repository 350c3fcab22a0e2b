import type { OpcUaClient, OpenSession } from './client';
import { type DataValue, type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';
import { plainValue, type Quality, qualityOf, timestamp } from './values';

/** A value as its server gave it. */
export interface NodeValue {
  value: unknown;
  quality: Quality;
  /** Absent where it is simply good. */
  status?: string;
  source_timestamp: string | null;
  server_timestamp?: string;
}

export function nodeValue(dataValue: DataValue): NodeValue {
  const { statusCode } = dataValue;
  const server = timestamp(dataValue.serverTimestamp);
  return {
    value: plainValue(dataValue.value),
    quality: qualityOf(statusCode),
    ...(statusCode.value !== 0 && { status: statusCode.name }),
    source_timestamp: timestamp(dataValue.sourceTimestamp),
    ...(server !== null && { server_timestamp: server }),
  };
}

/** What an address that leads nowhere is read as. */
export function missingValue(status: string): NodeValue {
  return { value: null, quality: 'bad', status, source_timestamp: null };
}

/** Values in order, in as many requests as the server's limit takes; `null` nodes lead nowhere. */
export async function readValues(
  client: OpcUaClient,
  { session, limits }: OpenSession,
  nodes: readonly (NodeId | null)[],
  signal: AbortSignal,
): Promise<NodeValue[]> {
  const { AttributeIds } = opcUaLibrary().ua;
  const values: NodeValue[] = nodes.map(() => missingValue('BadNoMatch'));
  const known = nodes.flatMap((nodeId, index) => (nodeId === null ? [] : [{ nodeId, index }]));
  for (const part of chunks(known, limits.read)) {
    const request = part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value }));
    const answers = await client.request(session.read(request), 'reading values', signal);
    part.forEach(({ index }, at) => {
      const answer = answers[at];
      values[index] = answer === undefined ? missingValue('BadNoData') : nodeValue(answer);
    });
  }
  return values;
}

/** One attribute of several nodes; undefined where a node does not have it. */
export async function readAttributes(
  client: OpcUaClient,
  { session, limits }: OpenSession,
  nodes: readonly { nodeId: NodeId; attributeId: number }[],
  signal: AbortSignal,
): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const part of chunks(nodes, limits.read)) {
    const answers = await client.request(session.read(part), 'reading attributes', signal);
    part.forEach((_, at) => {
      const answer = answers[at];
      values.push(answer?.statusCode.isGoodish() ? (answer.value?.value as unknown) : undefined);
    });
  }
  return values;
}
