import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { readAttributes } from './attributes';
import type { OpcUaClient, OpenSession } from './client';
import { nodeTypes } from './data-types';
import { statusIn } from './errors';
import { type DataValue, type HistoryReadDetails, type NodeId, opcUaLibrary } from './library';
import { type NodeValue, nodeValue } from './read';

export interface HistoryRange {
  start: Date;
  end: Date;
}

/**
 * Whether each node has a history that may be read: servers say so by the access level, by that of the user, or only by recording
 * the node. One that refuses to give it says so when it is asked.
 */
export async function recordedNodes(
  client: OpcUaClient,
  open: OpenSession,
  nodes: readonly NodeId[],
  signal: AbortSignal,
): Promise<boolean[]> {
  const { AttributeIds, AccessLevelFlag } = opcUaLibrary().ua;
  const wanted = [AttributeIds.UserAccessLevel, AttributeIds.AccessLevel, AttributeIds.Historizing];
  const attributes = nodes.flatMap((nodeId) => wanted.map((attributeId) => ({ nodeId, attributeId })));
  const values = await readAttributes(client, open, attributes, signal);
  return nodes.map((_, index) =>
    values
      .slice(index * wanted.length, (index + 1) * wanted.length)
      .some((value) => value === true || (typeof value === 'number' && (value & AccessLevelFlag.HistoryRead) !== 0)),
  );
}

/** Values asked for at once. */
const PAGE = 1000;
const RECORDS_NOTHING = 'Check that the server records this node, and lets the user read its history.';
const COMPUTES_NOTHING =
  'Servers need not compute aggregates, nor each of them: leave "aggregate" empty for the values themselves.';
/** Said of the service or the kind of request, rather than of the connection. */
const NOT_DONE = /History|Aggregate|NotSupported|NotImplemented|ServiceUnsupported/;
/** Values of one instant that make a page as full as it can be, so that there is no way past them. */
const LARGEST_PAGE = 64_000;

/**
 * What a server recorded of a node, oldest first, page by page. Some servers give a full page without saying that there is more:
 * then it is asked for from the last time on.
 * @throws config PCP_OPCUA_HISTORY where it records nothing
 */
export async function* readHistory(
  client: OpcUaClient,
  open: OpenSession,
  nodeId: NodeId,
  { start, end }: HistoryRange,
  signal: AbortSignal,
): AsyncGenerator<NodeValue[]> {
  const { ua } = opcUaLibrary();
  const [type] = await nodeTypes(client, open, [nodeId], signal);
  let from = start;
  let size = PAGE;
  /** Values of the instant `from` that were given already. */
  let known = 0;
  for (;;) {
    const details = new ua.ReadRawModifiedDetails({
      isReadModified: false,
      startTime: from,
      endTime: end,
      numValuesPerNode: size,
      returnBounds: false,
    });
    let count = 0;
    let last: DataValue | undefined;
    let atLast = 0;
    for await (const values of pages(client, open, nodeId, details, RECORDS_NOTHING, signal)) {
      const fresh = count === 0 ? values.slice(leading(values, from, known)) : values;
      for (const value of values) {
        atLast = last !== undefined && sameTime(last, value) ? atLast + 1 : 1;
        last = value;
      }
      count += values.length;
      if (fresh.length > 0) yield fresh.map((value) => nodeValue(value, type?.names));
    }
    const time = last?.sourceTimestamp;
    if (count === 0 || count % size !== 0 || !time || time >= end) return;
    if (time > from) [from, known] = [time, atLast];
    else if (size >= LARGEST_PAGE) return;
    else size *= 2;
  }
}

/** One value for each interval, computed by the server ("Average", "Maximum"). */
export async function readAggregate(
  client: OpcUaClient,
  open: OpenSession,
  nodeId: NodeId,
  { start, end }: HistoryRange,
  { aggregate, intervalMs }: { aggregate: string; intervalMs: number },
  signal: AbortSignal,
): Promise<NodeValue[]> {
  const { ua } = opcUaLibrary();
  const id = ua.AggregateFunction[aggregate as keyof typeof ua.AggregateFunction];
  if (typeof id !== 'number') {
    const known = Object.keys(ua.AggregateFunction).filter((name) => Number.isNaN(Number(name)));
    throw refused('BadAggregateNotSupported', nodeId, `There are: ${known.join(', ')}.`);
  }
  const details = new ua.ReadProcessedDetails({
    startTime: start,
    endTime: end,
    processingInterval: intervalMs,
    aggregateType: [ua.makeNodeId(id)],
    aggregateConfiguration: { useServerCapabilitiesDefaults: true },
  });
  const values: NodeValue[] = [];
  for await (const page of pages(client, open, nodeId, details, COMPUTES_NOTHING, signal))
    values.push(...page.map((value) => nodeValue(value)));
  return values;
}

/** All pages of one request, by its continuation points; a reader that leaves early gives the point back. */
async function* pages(
  client: OpcUaClient,
  { session }: OpenSession,
  nodeId: NodeId,
  historyReadDetails: HistoryReadDetails,
  hint: string,
  signal: AbortSignal,
): AsyncGenerator<DataValue[]> {
  const { ua } = opcUaLibrary();
  let point: Buffer | undefined;
  const ask = (releaseContinuationPoints: boolean) =>
    client.request(
      session.historyRead(
        new ua.HistoryReadRequest({
          historyReadDetails,
          timestampsToReturn: ua.TimestampsToReturn.Both,
          releaseContinuationPoints,
          nodesToRead: [{ nodeId, ...(point !== undefined && { continuationPoint: point }) }],
        }),
      ),
      phrase`reading history`,
      releaseContinuationPoints ? undefined : signal,
    );
  try {
    do {
      const response = await ask(false).catch((thrown: IntegrationError) => {
        const status = statusIn(thrown.message);
        throw status !== undefined && NOT_DONE.test(status) ? refused(status, nodeId, hint) : thrown;
      });
      const result = response.results?.[0];
      const status = result?.statusCode.name ?? 'BadNoData';
      if (result === undefined || (result.statusCode.isBad() && status !== 'BadNoData'))
        throw refused(status, nodeId, hint);
      point = result.continuationPoint?.length ? result.continuationPoint : undefined;
      const data = result.historyData as { dataValues?: DataValue[] | null } | null;
      yield data?.dataValues ?? [];
    } while (point !== undefined);
  } finally {
    if (point !== undefined) await ask(true).catch(() => undefined);
  }
}

/** How many values at the beginning were given with the page before. */
function leading(values: readonly DataValue[], from: Date, known: number): number {
  let at = 0;
  while (at < known && values[at]?.sourceTimestamp?.getTime() === from.getTime()) at++;
  return at;
}

function sameTime(one: DataValue, other: DataValue): boolean {
  return one.sourceTimestamp?.getTime() === other.sourceTimestamp?.getTime();
}

function refused(status: string, nodeId: NodeId, hint: string): IntegrationError {
  const message = `The server gives no history of ${nodeId} (${status}).`;
  return new IntegrationError('config', 'PCP_OPCUA_HISTORY', message, { hint });
}
