import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import { nodeTypes } from './data-types';
import { type DataValue, type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';
import { type EnumerationNames, plainValue, type Quality, qualityOf, timestamp, valueName } from './values';

/** A value as its server gave it. */
export interface NodeValue {
  value: unknown;
  /** What an enumeration calls it, or each one of an array. */
  value_name?: string | (string | null)[];
  quality: Quality;
  /** Absent where it is simply good. */
  status?: string;
  source_timestamp: string | null;
  server_timestamp?: string;
  /** Changes before it were lost: the server's queue had no room for them. */
  overflow?: true;
}

/** Bits of a status code that tell of the queue that a value was in, rather than of the value (Part 4, 7.39). */
const OVERFLOW = 0x480;
const OVERFLOW_NAME = /\|Overflow|#InfoTypeDataValue(\|Overflow)?$/;

export function nodeValue(dataValue: DataValue, names?: EnumerationNames): NodeValue {
  const { statusCode } = dataValue;
  const name = valueName(dataValue.value, names);
  const server = timestamp(dataValue.serverTimestamp);
  return {
    value: plainValue(dataValue.value),
    ...(name !== undefined && { value_name: name }),
    quality: qualityOf(statusCode),
    ...((statusCode.value & ~OVERFLOW) !== 0 && { status: statusCode.name.replace(OVERFLOW_NAME, '') }),
    source_timestamp: timestamp(dataValue.sourceTimestamp),
    ...(server !== null && { server_timestamp: server }),
    ...((statusCode.value & OVERFLOW) === OVERFLOW && { overflow: true as const }),
  };
}

/** What an address that leads nowhere is read as. */
export function missingValue(status: string): NodeValue {
  return { value: null, quality: 'bad', status, source_timestamp: null };
}

/** Values in order, in as many requests as the server's limit takes; `null` nodes lead nowhere. */
export async function readValues(
  client: OpcUaClient,
  open: OpenSession,
  nodes: readonly (NodeId | null)[],
  signal: AbortSignal,
): Promise<NodeValue[]> {
  const { session, limits } = open;
  const { AttributeIds } = opcUaLibrary().ua;
  const values: NodeValue[] = nodes.map(() => missingValue('BadNoMatch'));
  const known = nodes.flatMap((nodeId, index) => (nodeId === null ? [] : [{ nodeId, index }]));
  const types = await nodeTypes(
    client,
    open,
    known.map(({ nodeId }) => nodeId),
    signal,
  );
  const names = new Map(known.map(({ index }, at) => [index, types[at]?.names]));
  for (const part of chunks(known, limits.read)) {
    const request = part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value }));
    const answers = await client.request(session.read(request), phrase`reading values`, signal);
    part.forEach(({ index }, at) => {
      const answer = answers[at];
      values[index] = answer === undefined ? missingValue('BadNoData') : nodeValue(answer, names.get(index));
    });
  }
  return values;
}
