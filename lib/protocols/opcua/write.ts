import { IntegrationError } from '../../model/errors';
import type { OpcUaClient, OpenSession } from './client';
import { statusError } from './errors';
import { type NodeId, opcUaLibrary, type StatusCode, type Variant, type WriteResponse } from './library';
import { chunks } from './limits';
import { sendOnce } from './once';
import { type NodeValue, readAttributes, readValues } from './read';
import { plainValue } from './values';
import { variantOf } from './variants';

export interface NodeWrite {
  nodeId: NodeId;
  value: unknown;
  /** Named in errors. */
  name: string;
}

export type WriteOutcome =
  | { outcome: 'written'; verified: boolean; value: unknown }
  | { outcome: 'failed'; error: IntegrationError }
  | { outcome: 'unknown'; error: IntegrationError };

interface NodeType {
  type: string;
  isArray: boolean;
}

/** Types of nodes do not change while a session lives. */
const types = new WeakMap<OpenSession, Map<string, NodeType>>();

/** Writes each value once, as the type that the server has for it, and reads it back. One outcome per write, in order. */
export async function writeValues(
  client: OpcUaClient,
  open: OpenSession,
  writes: readonly NodeWrite[],
  signal: AbortSignal,
): Promise<WriteOutcome[]> {
  const known = await nodeTypes(client, open, writes, signal);
  const outcomes: (WriteOutcome | undefined)[] = writes.map(() => undefined);
  const ready = writes.flatMap(({ nodeId, value, name }, index) => {
    try {
      return [{ index, nodeId, variant: typed(value, known[index], name) }];
    } catch (thrown) {
      outcomes[index] = { outcome: 'failed', error: IntegrationError.from(thrown) };
      return [];
    }
  });
  for (const part of chunks(ready, open.limits.write)) {
    await writePart(client, open, part, outcomes, signal);
  }
  return outcomes.map((outcome) => outcome ?? { outcome: 'failed', error: statusError('BadNoData', 'writing values') });
}

interface ReadyWrite {
  index: number;
  nodeId: NodeId;
  variant: Variant;
}

async function writePart(
  client: OpcUaClient,
  open: OpenSession,
  part: readonly ReadyWrite[],
  outcomes: (WriteOutcome | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  const { AttributeIds, WriteRequest } = opcUaLibrary().ua;
  const nodesToWrite = part.map(({ nodeId, variant }) => ({
    nodeId,
    attributeId: AttributeIds.Value,
    value: { value: variant },
  }));
  let statuses: readonly StatusCode[];
  try {
    const request = new WriteRequest({ nodesToWrite });
    const response = await sendOnce<WriteResponse>(client, open.session, request, 'writing values', signal);
    statuses = response.results ?? [];
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    const outcome = error.outcomeUnknown ? 'unknown' : 'failed';
    for (const { index } of part) outcomes[index] = { outcome, error };
    return;
  }
  const written = part.filter(({ index, nodeId }, at) => {
    const status = statuses[at];
    if (status?.isGoodish()) return true;
    outcomes[index] = { outcome: 'failed', error: statusError(status?.name ?? 'BadNoData', `writing ${nodeId}`) };
    return false;
  });
  const nodes = written.map(({ nodeId }) => nodeId);
  // The value is written, whatever becomes of reading it back.
  const readBack = await readValues(client, open, nodes, signal).catch(() => [] as NodeValue[]);
  written.forEach(({ index, variant }, at) => {
    const held = readBack[at]?.value ?? null;
    outcomes[index] = { outcome: 'written', verified: same(held, plainValue(variant)), value: held };
  });
}

/** Servers spell a Guid as they like. */
function same(held: unknown, sent: unknown): boolean {
  const isGuid = typeof held === 'string' && held.length === 36;
  const [one, other] = [JSON.stringify(held), JSON.stringify(sent)];
  return isGuid ? one.toLowerCase() === other.toLowerCase() : one === other;
}

function typed(value: unknown, type: NodeType | undefined, name: string): Variant {
  if (type === undefined) throw statusError('BadNodeIdUnknown', `writing ${name}`);
  return variantOf(value, type.type, type.isArray, name);
}

async function nodeTypes(
  client: OpcUaClient,
  open: OpenSession,
  writes: readonly NodeWrite[],
  signal: AbortSignal,
): Promise<(NodeType | undefined)[]> {
  const { AttributeIds, DataType } = opcUaLibrary().ua;
  const known = types.get(open) ?? new Map<string, NodeType>();
  types.set(open, known);
  const unknown = writes.filter(({ nodeId }) => !known.has(nodeId.toString()));
  const attributes = unknown.flatMap(({ nodeId }) => [
    { nodeId, attributeId: AttributeIds.DataType },
    { nodeId, attributeId: AttributeIds.ValueRank },
  ]);
  const values = await readAttributes(client, open, attributes, signal);
  for (const [index, { nodeId }] of unknown.entries()) {
    const [dataType, rank] = [values[2 * index] as NodeId | undefined, values[2 * index + 1]];
    if (dataType === undefined) continue;
    const isBuiltIn = dataType.namespace === 0 && DataType[dataType.value as number] !== undefined;
    const builtIn = isBuiltIn
      ? (dataType.value as number)
      : await client.request(open.session.getBuiltInDataType(nodeId), 'reading a type', signal);
    known.set(nodeId.toString(), { type: DataType[builtIn] as string, isArray: typeof rank === 'number' && rank >= 0 });
  }
  return writes.map(({ nodeId }) => known.get(nodeId.toString()));
}
