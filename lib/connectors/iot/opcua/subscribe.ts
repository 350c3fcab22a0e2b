import { phrase } from '../../../model/phrase';
import type { OpcUaClient } from '../../../protocols/opcua/client';
import { statusError } from '../../../protocols/opcua/errors';
import { EventMonitor, type EventRecord } from '../../../protocols/opcua/events';
import { Monitor, type TagChange } from '../../../protocols/opcua/monitor';
import { missingValue } from '../../../protocols/opcua/read';
import type { StateChange } from '../../../protocols/opcua/subscription';
import { CONNECTION_LOST, type LiveEvent, type SubscriptionItem, type TagValue } from '../../live';
import { GivenValues } from './given-values';
import type { OpcUaSettings } from './settings';
import { deadbandOf, nodesOf, type Tag, tagsNamed, tagValue } from './tags';

/** Records of one event at most, so that whoever keeps them can do so in pieces. */
const MOST = 5000;
/** The last value must not go on looking like that of now. */
const LOST = missingValue(CONNECTION_LOST);

/** Values as they change, over interruptions, until the signal aborts. */
export async function* subscribeTags(
  client: OpcUaClient,
  settings: OpcUaSettings,
  items: readonly SubscriptionItem[],
  report: (message: string) => void,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent> {
  const tags = tagsNamed(
    items.map(({ tag }) => tag),
    settings,
  );
  const open = await client.open(signal);
  const nodes = await nodesOf(client, open, tags, signal);
  const addresses = tags.map(({ name, setting }) => [name, setting.node_id]);
  const given = new GivenValues(JSON.stringify([client.options.endpointUrl, addresses]));
  const monitor = new Monitor(client, open, { ...settings, report, before: given.before });
  const onAbort = () => monitor.fail(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const byName = new Map(tags.map((tag) => [tag.name, tag]));
    await monitor.start(
      tags.map((tag, index) => ({
        tag: tag.name,
        nodeId: nodes[index] ?? null,
        ...watching(tag, items[index], settings),
      })),
      signal,
    );
    yield { kind: 'state', state: 'connected' };
    for (;;) {
      for (const event of liveEvents(await monitor.take(), byName)) {
        given.note(event);
        yield event;
      }
    }
  } catch (thrown) {
    if (signal.aborted) return;
    given.settle();
    throw thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await monitor.close();
  }
}

/** Events and alarms as they come; those that stand already come first. */
export async function* subscribeEvents(
  client: OpcUaClient,
  settings: OpcUaSettings,
  report: (message: string) => void,
  signal: AbortSignal,
): AsyncGenerator<LiveEvent> {
  const monitor = await openEvents(client, settings, report, signal);
  const onAbort = () => monitor.fail(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await monitor.start(signal);
    yield { kind: 'state', state: 'connected' };
    for (;;) {
      for (const event of await monitor.take()) {
        if (event.kind === 'event') yield { kind: 'records', records: [event.record] };
        else if (event.kind !== 'refreshed') yield { kind: 'state', state: event.kind };
      }
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await monitor.close();
  }
}

/** The alarms that stand now. */
export async function readAlarms(
  client: OpcUaClient,
  settings: OpcUaSettings,
  signal: AbortSignal,
): Promise<EventRecord[]> {
  const monitor = await openEvents(client, settings, () => undefined, signal);
  const found: EventRecord[] = [];
  try {
    await monitor.start(signal);
    for (;;) {
      for (const event of await client.request(monitor.take(), phrase`reading the alarms that stand`, signal)) {
        if (event.kind === 'refreshed') return found;
        if (event.kind === 'event' && event.record.condition_id !== null) found.push(event.record);
      }
    }
  } finally {
    await monitor.close();
  }
}

async function openEvents(
  client: OpcUaClient,
  settings: OpcUaSettings,
  report: (message: string) => void,
  signal: AbortSignal,
): Promise<EventMonitor> {
  const { events, publishingIntervalMs } = settings;
  const open = await client.open(signal);
  const [source] = await nodesOf(client, open, tagsNamed([events.source], settings), signal);
  if (!source) throw statusError('BadNoMatch', phrase`subscribing to the events of ${events.source}`);
  return new EventMonitor(client, open, { source, fields: events.fields, publishingIntervalMs, report });
}

function watching({ setting }: Tag, item: SubscriptionItem | undefined, { publishingIntervalMs }: OpcUaSettings) {
  return {
    samplingIntervalMs: item?.sampling_interval_ms ?? setting.sampling_interval_ms ?? publishingIntervalMs,
    deadband: item?.deadband ?? deadbandOf(setting),
  };
}

/** Values that came together go on together; what happened to the connection stays at its place among them. */
function* liveEvents(
  events: readonly (TagChange | StateChange)[],
  tags: ReadonlyMap<string, Tag>,
): Generator<LiveEvent> {
  let records: TagValue[] = [];
  for (const event of events) {
    if (event.kind === 'value' || event.kind === 'lost') {
      const tag = tags.get(event.tag);
      if (tag !== undefined)
        records.push(event.kind === 'lost' ? tagValue(tag, LOST) : tagValue(tag, event.value, event));
      if (records.length < MOST) continue;
    }
    if (records.length > 0) yield { kind: 'records', records };
    records = [];
    if (event.kind === 'interrupted' || event.kind === 'connected') yield { kind: 'state', state: event.kind };
  }
  if (records.length > 0) yield { kind: 'records', records };
}
