import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import { type NodeType, nodeTypes } from './data-types';
import { encodeValue } from './encode';
import { statusError } from './errors';
import { type NodeId, opcUaLibrary, type StatusCode, type Variant, type WriteResponse } from './library';
import { chunks } from './limits';
import { sendOnce } from './once';
import { type NodeValue, readValues } from './read';
import { plainValue } from './values';

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

/** Writes each value once, as the type that the server has for it, and reads it back. One outcome per write, in order. */
export async function writeValues(
  client: OpcUaClient,
  open: OpenSession,
  writes: readonly NodeWrite[],
  signal: AbortSignal,
  validUntil?: number,
): Promise<WriteOutcome[]> {
  signal.throwIfAborted();
  const types = await typesToWrite(client, open, writes, signal);
  const outcomes: (WriteOutcome | undefined)[] = writes.map(() => undefined);
  const ready: ReadyWrite[] = [];
  for (const [index, { nodeId, value, name }] of writes.entries()) {
    try {
      const type = types[index];
      if (type === undefined) throw statusError('BadNodeIdUnknown', phrase`writing ${name}`);
      ready.push({ index, nodeId, variant: await encodeValue(client, open, value, type, name, signal) });
    } catch (thrown) {
      outcomes[index] = { outcome: 'failed', error: IntegrationError.from(thrown) };
    }
  }
  for (const part of chunks(ready, open.limits.write)) {
    await writePart(client, open, part, outcomes, signal, validUntil);
  }
  return outcomes.map(
    (outcome) => outcome ?? { outcome: 'failed', error: statusError('BadNoData', phrase`writing values`) },
  );
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
  validUntil: number | undefined,
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
    const response = await sendOnce<WriteResponse>(
      client,
      open.session,
      request,
      phrase`writing values`,
      signal,
      validUntil,
    );
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
    outcomes[index] = {
      outcome: 'failed',
      error: statusError(status?.name ?? 'BadNoData', phrase`writing ${String(nodeId)}`),
    };
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

/** A node that may hold several types, or one that its server does not describe, is written as what it holds now. */
async function typesToWrite(
  client: OpcUaClient,
  open: OpenSession,
  writes: readonly NodeWrite[],
  signal: AbortSignal,
): Promise<(NodeType | undefined)[]> {
  const { AttributeIds, DataType } = opcUaLibrary().ua;
  const nodes = writes.map(({ nodeId }) => nodeId);
  const types = await nodeTypes(client, open, nodes, signal);
  const vague = nodes.flatMap((nodeId, index) => (types[index]?.builtIn === 'Variant' ? [{ nodeId, index }] : []));
  for (const part of chunks(vague, open.limits.read)) {
    const request = part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value }));
    const values = await client.request(open.session.read(request), phrase`reading what is to be written`, signal);
    part.forEach(({ index }, at) => {
      const [type, held] = [types[index], values[at]?.value];
      if (type === undefined || !held || held.dataType === DataType.Null) return;
      const dataType = structureType(held) ?? type.dataType;
      types[index] = { ...type, dataType, builtIn: DataType[held.dataType] as string };
    });
  }
  return types;
}

function structureType({ value }: Variant): NodeId | undefined {
  const [first] = [value].flat() as ({ schema?: { dataTypeNodeId?: NodeId } } | null | undefined)[];
  return first?.schema?.dataTypeNodeId;
}
