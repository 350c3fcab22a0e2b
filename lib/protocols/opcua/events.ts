import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import { statusError } from './errors';
import { type ClientMonitoredItem, type NodeId, opcUaLibrary, type Variant } from './library';
import { formatNodeId, parsePath } from './node-ids';
import { callOnce } from './once';
import { LiveSubscription, type StateChange } from './subscription';
import { plainValue } from './values';

/** What every event has, and what conditions have besides; servers give null for what one lacks. */
const FIELDS = {
  event_id: 'EventId',
  event_type: 'EventType',
  source_node: 'SourceNode',
  source_name: 'SourceName',
  time: 'Time',
  receive_time: 'ReceiveTime',
  message: 'Message',
  severity: 'Severity',
  condition_id: 'ConditionId',
  condition_name: 'ConditionName',
  branch_id: 'BranchId',
  retain: 'Retain',
  enabled: 'EnabledState.Id',
  active: 'ActiveState.Id',
  acknowledged: 'AckedState.Id',
  confirmed: 'ConfirmedState.Id',
  comment: 'Comment',
} as const;

/** An event as a record: fields above, and those that were asked for by their own names. */
export type EventRecord = Record<string, unknown> & { event_id: string };

export type EventChange =
  | { kind: 'event'; record: EventRecord }
  /** All alarms that stand were told. */
  | { kind: 'refreshed' };

export interface EventOptions {
  source: NodeId;
  /** Further fields: their names in the record, and their paths in the event ("/2:ReasonCode"). */
  fields: ReadonlyMap<string, string>;
  publishingIntervalMs: number;
  report(message: string): void;
}

/** Servers frame what they tell again with these. */
const REFRESH_START = 'i=2787';
const REFRESH_END = 'i=2788';
/** Events between two publishings that a server is to keep. */
const QUEUE_SIZE = 1000;

/** Events of a node and all below it; alarms that stand already come first. */
export class EventMonitor {
  readonly #client: OpcUaClient;
  readonly #open: OpenSession;
  readonly #options: EventOptions;
  readonly #live: LiveSubscription<EventChange>;
  readonly #names: string[];
  /** Of each condition that stands, the event that was given last: a refresh tells it again. */
  readonly #last = new Map<string, string>();
  #refresh: () => void = () => undefined;

  constructor(client: OpcUaClient, open: OpenSession, options: EventOptions) {
    this.#client = client;
    this.#open = open;
    this.#options = options;
    this.#live = new LiveSubscription(client, {
      onInterrupted: () => undefined,
      onResumed: () => this.#refresh(),
      // Of what is lost, alarms that stand are told again.
      onMissed: () => this.#refresh(),
      report: options.report,
    });
    this.#names = [...Object.keys(FIELDS), ...options.fields.keys()];
  }

  async start(signal: AbortSignal): Promise<void> {
    const { ua } = opcUaLibrary();
    const { source, fields, publishingIntervalMs } = this.#options;
    const own = [...fields.values()].map((path) => parsePath(path, this.#open.namespaces));
    const paths = [
      ...Object.values(FIELDS).map((path) => path.split('.').map((name) => ({ namespaceIndex: 0, name }))),
      ...own,
    ];
    const subscription = await this.#live.start(this.#open, publishingIntervalMs, signal);
    const item = ua.ClientMonitoredItem.create(
      subscription,
      { nodeId: source, attributeId: ua.AttributeIds.EventNotifier },
      { samplingInterval: 0, discardOldest: true, queueSize: QUEUE_SIZE, filter: ua.constructEventFilter(paths) },
      ua.TimestampsToReturn.Both,
    );
    item.on('changed', (values) => this.#arrived(values as unknown as Variant[]));
    await this.#client.request(initialised(item), phrase`subscribing to events`, signal).catch((thrown) => {
      throw refused(IntegrationError.from(thrown));
    });
    const { session } = this.#open;
    this.#refresh = () => {
      const call = {
        objectId: ua.makeNodeId(ua.ObjectTypeIds.ConditionType),
        methodId: ua.makeNodeId(ua.MethodIds.ConditionType_ConditionRefresh),
        inputArguments: [new ua.Variant({ dataType: ua.DataType.UInt32, value: subscription.subscriptionId })],
      };
      // Servers without alarms refuse this, and have nothing to tell.
      this.#client.request(session.call(call), phrase`asking for the alarms that stand`).then(
        ({ statusCode }) => statusCode.isGoodish() || this.#live.push({ kind: 'refreshed' }),
        () => this.#live.push({ kind: 'refreshed' }),
      );
    };
    this.#refresh();
  }

  take(): Promise<(EventChange | StateChange)[]> {
    return this.#live.take();
  }

  fail(error: unknown): void {
    this.#live.queue.fail(error);
  }

  close(): Promise<void> {
    return this.#live.close();
  }

  #arrived(fields: readonly Variant[]): void {
    const record = Object.fromEntries(
      this.#names.map((name, index) => [name, this.#plain(fields[index])]),
    ) as EventRecord;
    if (record.event_type === REFRESH_END) this.#live.push({ kind: 'refreshed' });
    if (record.event_type === REFRESH_START || record.event_type === REFRESH_END) return;
    if (record.condition_id !== null) {
      const condition = `${record.condition_id} ${record.branch_id}`;
      if (this.#last.get(condition) === record.event_id) return;
      // What is over is not told by a refresh.
      if (record.retain === false) this.#last.delete(condition);
      else this.#last.set(condition, record.event_id);
    }
    this.#live.push({ kind: 'event', record });
  }

  /** Nodes by addresses that can be used again. */
  #plain(field: Variant | undefined): unknown {
    const { NodeId } = opcUaLibrary().ua;
    const value: unknown = field?.value;
    return value instanceof NodeId ? formatNodeId(value, this.#open.namespaces) : plainValue(field);
  }
}

/** Acknowledges an alarm, or confirms it, once. */
export async function acknowledge(
  client: OpcUaClient,
  { session }: OpenSession,
  { condition, eventId, comment, confirms }: { condition: NodeId; eventId: string; comment: string; confirms: boolean },
  signal: AbortSignal,
  validUntil?: number,
): Promise<void> {
  const { ua } = opcUaLibrary();
  const { AcknowledgeableConditionType_Acknowledge: acknowledges, AcknowledgeableConditionType_Confirm: confirming } =
    ua.MethodIds;
  const call = {
    objectId: condition,
    methodId: ua.makeNodeId(confirms ? confirming : acknowledges),
    inputArguments: [
      new ua.Variant({ dataType: ua.DataType.ByteString, value: Buffer.from(eventId, 'base64') }),
      new ua.Variant({ dataType: ua.DataType.LocalizedText, value: { text: comment } }),
    ],
  };
  const what = confirms ? phrase`confirming an alarm` : phrase`acknowledging an alarm`;
  const { isGood, status } = await callOnce(client, session, call, what, signal, validUntil);
  if (!isGood) throw statusError(status, what);
}

function initialised(item: ClientMonitoredItem): Promise<void> {
  return new Promise((resolve, reject) => {
    item.on('initialized', resolve);
    item.on('err', (message: string) => reject(new Error(message)));
  });
}

function refused(cause: IntegrationError): IntegrationError {
  if (cause.code !== 'PCP_OPCUA_STATUS' && cause.class === 'transient') return cause;
  return new IntegrationError('config', 'PCP_OPCUA_EVENTS', `The server does not give these events: ${cause.message}`, {
    path: '/config/events',
    hint: 'Check the node that they are taken from, and the names of the fields.',
    cause,
  });
}
