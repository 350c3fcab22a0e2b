import type { NodeMessageInFlow } from 'node-red';
import type { SourceRecord } from '../../lib/connectors/contract';
import type { Subscription } from '../../lib/connectors/live';
import { IntegrationError } from '../../lib/model/errors';
import type { LiveBatch } from '../../lib/model/processes';
import { hub } from '../hub-access';
import { nodeFailure } from '../support/failure';
import { numberProperty, tagList } from '../support/values';
import { type Acknowledgements, waitForAcknowledgement } from './acknowledgement';
import type { ConnectorNodeContext, ConnectorNodeDef } from './connector-node';

/**
 * Sends what the source tells into the flow until the signal aborts. The connection is restored by the hub; the status shows how
 * it really is.
 * @throws transient PCP_RUNNER_DIED, PCP_ACK_TIMEOUT: to be begun anew
 */
export async function subscribeInto(
  acknowledgements: Acknowledgements,
  context: ConnectorNodeContext,
  msg: NodeMessageInFlow,
  send: (msg: NodeMessageInFlow) => void,
  signal: AbortSignal,
): Promise<void> {
  const { RED, node, def, status } = context;
  const subscription = subscriptionOf(def, msg);
  const read = RED.util.generateId();
  let received = 0;
  let batches = 0;
  status.working('opening');
  const connection = await context.connection.open();
  for await (const event of (await hub(RED)).live.subscribe(connection, subscription, signal)) {
    signal.throwIfAborted();
    if (event.kind === 'state') {
      showState(context, event);
      continue;
    }
    const { records, dropped } = event;
    if (dropped > 0) node.warn(`${dropped} records were dropped: the flow does not keep up with the source.`);
    const base = { ...msg, ...topicOf(def, records) } as NodeMessageInFlow;
    const acknowledged = acknowledgements.send(context, base, perRecordTopic(def, send), {
      read,
      batch: batches,
      records,
      before: received,
    });
    received += records.length;
    batches += 1;
    status.active('received', { count: received });
    await (def.acknowledge === 'manual'
      ? waitForAcknowledgement(acknowledged, def, signal)
      : new Promise((resolve) => setImmediate(resolve)));
  }
}

function showState(
  { RED, node, status, connection }: ConnectorNodeContext,
  event: Extract<LiveBatch, { kind: 'state' }>,
): void {
  if (event.state === 'connecting') status.working('opening');
  else if (event.state === 'connected') {
    connection.outage.succeeded();
    status.finished('listening');
  } else {
    const error = event.error ? IntegrationError.fromJSON(event.error) : new Error(event.state);
    status.failed(error);
    // An outage is logged once by the connection; what a person must mend is for the Catch nodes.
    if (event.state === 'failed') node.error(nodeFailure(RED, error), {});
  }
}

/** A message per record is named by what it is about, as messages in Node-RED are. */
function perRecordTopic(def: ConnectorNodeDef, send: (msg: NodeMessageInFlow) => void) {
  if (!def.perRecord) return send;
  return (msg: NodeMessageInFlow) => {
    const { tag, _topic: topic } = (msg.payload ?? {}) as SourceRecord;
    send({ ...msg, topic: String(tag ?? topic ?? '') } as NodeMessageInFlow);
  };
}

function topicOf(def: ConnectorNodeDef, records: SourceRecord[]): { topic?: string } {
  const [first] = records;
  const only = first?.tag ?? first?._topic;
  return !def.perRecord && records.length === 1 && only !== undefined ? { topic: String(only) } : {};
}

/** The message may name other tags, or another entity. */
function subscriptionOf(def: ConnectorNodeDef, msg: NodeMessageInFlow): Subscription {
  const from = msg as { tags?: unknown; entity?: unknown };
  const tags = tagList(from.tags ?? def.tags);
  const entity = typeof from.entity === 'string' && from.entity ? from.entity : def.entity;
  if (tags.length === 0) {
    if (entity) return { entity };
    throw new IntegrationError('config', 'PCP_ENTITY_MISSING', 'The node says neither tags nor an entity.', {
      path: 'entity',
      hint: 'Choose an entity or tags in the node, or set msg.entity or msg.tags.',
    });
  }
  const sampling = numberProperty(def.samplingInterval, { fallback: 0, minimum: 0, maximum: 86_400_000 });
  const deadband = Number(def.deadband || 0);
  if (!(deadband >= 0)) {
    throw new IntegrationError('config', 'PCP_SETTING_INVALID', `The deadband "${def.deadband}" is no amount.`, {
      path: 'deadband',
      hint: 'Give a number of 0 or more, in the unit of the value.',
    });
  }
  return {
    items: tags.map((tag) => ({
      tag,
      ...(sampling > 0 && { sampling_interval_ms: sampling }),
      ...(deadband > 0 && { deadband: { type: 'absolute' as const, value: deadband } }),
    })),
  };
}
