import { IntegrationError } from '../../model/errors';
import type { OpcUaClient, OpenSession } from './client';
import { within } from './deadline';
import { opcUaError } from './errors';
import { Inbox } from './inbox';
import { type ClientMonitoredItemGroup, type ClientSubscription, type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';
import { missingValue, type NodeValue, nodeValue } from './read';

export interface MonitoredTag {
  tag: string;
  /** null where its address leads nowhere. */
  nodeId: NodeId | null;
  samplingIntervalMs: number;
  deadband: Deadband | undefined;
}

export interface Deadband {
  type: 'absolute' | 'percent';
  value: number;
}

export type MonitorEvent =
  | { kind: 'value'; tag: string; value: NodeValue }
  | { kind: 'interrupted' }
  /** The same subscription again, or the library made it anew on a server that had lost it. */
  | { kind: 'connected' };

/** The subscription counts as dead when not even a sign of life came for so many intervals of them. */
const SILENT_KEEP_ALIVES = 3;
const SILENT_TIMEOUTS = 5;
const KEEP_ALIVE_COUNT = 10;
const LIFETIME_COUNT = 1000;
/** Values waiting to be taken at which the server is asked to hold back. */
const FULL = 50_000;
const FILTER_REFUSED = /Filter|Deadband|Unsupported|NotSupported/;

interface Watched extends MonitoredTag {
  /** The server takes no deadband: it is applied here, to numbers. */
  localDeadband?: number;
  last?: NodeValue;
}

/** Watches tags with one subscription of the server, over interruptions, until it is closed. */
export class Monitor {
  readonly inbox = new Inbox<MonitorEvent>();
  readonly #client: OpcUaClient;
  readonly #open: OpenSession;
  readonly #publishingIntervalMs: number;
  /** `refused` are watched by another group, without the deadband. */
  readonly #groups: { group: ClientMonitoredItemGroup; watched: Watched[]; refused: Set<Watched> }[] = [];
  #subscription: ClientSubscription | undefined;
  #lastSign = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #isHeld = false;
  readonly #onInterrupted = () => this.inbox.push({ kind: 'interrupted' });
  readonly #onConnected = () => this.#resumed();
  readonly #onFailed = (error: IntegrationError) => this.inbox.fail(error);

  constructor(client: OpcUaClient, open: OpenSession, publishingIntervalMs: number) {
    this.#client = client;
    this.#open = open;
    this.#publishingIntervalMs = publishingIntervalMs;
  }

  async start(tags: readonly MonitoredTag[], signal: AbortSignal): Promise<void> {
    this.#client.on('interrupted', this.#onInterrupted);
    this.#client.on('connected', this.#onConnected);
    this.#client.on('failed', this.#onFailed);
    const { session, limits } = this.#open;
    const subscription = await this.#client.request(
      session.createSubscription2({
        requestedPublishingInterval: this.#publishingIntervalMs,
        requestedMaxKeepAliveCount: KEEP_ALIVE_COUNT,
        requestedLifetimeCount: LIFETIME_COUNT,
        maxNotificationsPerPublish: 0,
        publishingEnabled: true,
        priority: 1,
      }),
      'subscribing',
      signal,
    );
    this.#subscription = subscription;
    subscription.on('raw_notification', () => {
      this.#lastSign = Date.now();
    });
    subscription.on('internal_error', () => undefined);
    subscription.on('terminated', () => this.inbox.fail(ended()));
    for (const { tag, nodeId } of tags) {
      if (nodeId === null) this.inbox.push({ kind: 'value', tag, value: missingValue('BadNoMatch') });
    }
    const alike = Map.groupBy(tags, ({ samplingIntervalMs, deadband }) =>
      JSON.stringify([samplingIntervalMs, deadband]),
    );
    for (const same of alike.values()) {
      const known = same.filter(({ nodeId }) => nodeId !== null);
      const refused: Watched[] = [];
      for (const part of chunks(known, limits.monitor)) {
        refused.push(...(await this.#monitor(part, limits.filters, signal)));
      }
      for (const part of chunks(refused, limits.monitor)) await this.#monitor(part, false, signal);
    }
    this.#lastSign = Date.now();
    this.#watch(subscription);
  }

  /** Takes what came; lets a server that was held back go on. */
  async take(): Promise<MonitorEvent[]> {
    const events = await this.inbox.take();
    if (this.#isHeld) this.#hold(false);
    return events;
  }

  async close(): Promise<void> {
    clearInterval(this.#watchdog);
    this.#client.off('interrupted', this.#onInterrupted);
    this.#client.off('connected', this.#onConnected);
    this.#client.off('failed', this.#onFailed);
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription === undefined) return;
    await within(subscription.terminate(), this.#client.options.timeoutMs, 'unsubscribing').catch(() => undefined);
  }

  /** @returns those whose deadband the server refuses */
  async #monitor(tags: readonly Watched[], withFilter: boolean, signal: AbortSignal): Promise<Watched[]> {
    const { ua } = opcUaLibrary();
    const [first] = tags;
    const subscription = this.#subscription;
    if (first === undefined || subscription === undefined) return [];
    const { samplingIntervalMs, deadband } = first;
    const watched: Watched[] = tags.map((tag) => ({
      ...tag,
      ...(deadband?.type === 'absolute' && !withFilter && { localDeadband: deadband.value }),
    }));
    const group = ua.ClientMonitoredItemGroup.create(
      subscription,
      watched.map(({ nodeId }) => ({ nodeId: nodeId as NodeId, attributeId: ua.AttributeIds.Value })),
      {
        samplingInterval: samplingIntervalMs,
        discardOldest: true,
        queueSize: queueSize(samplingIntervalMs, this.#publishingIntervalMs),
        ...(withFilter && deadband !== undefined && { filter: filterOf(deadband) }),
      },
      ua.TimestampsToReturn.Both,
    );
    group.on('changed', (_item, dataValue, index) => {
      const tag = watched[index];
      if (tag !== undefined) this.#arrived(tag, nodeValue(dataValue));
    });
    await this.#client.request(initialised(group), 'subscribing to values', signal);
    const refused = new Set<Watched>();
    if (withFilter && deadband !== undefined) {
      for (const [index, tag] of watched.entries()) {
        if (FILTER_REFUSED.test(group.monitoredItems[index]?.statusCode.name ?? '')) refused.add(tag);
      }
    }
    this.#groups.push({ group, watched, refused });
    this.#reportMissing();
    return [...refused];
  }

  #arrived(tag: Watched, value: NodeValue): void {
    if (isRepeated(tag.last, value) || isWithin(tag.localDeadband, tag.last, value)) return;
    tag.last = value;
    this.inbox.push({ kind: 'value', tag: tag.tag, value });
    if (!this.#isHeld && this.inbox.size >= FULL) this.#hold(true);
  }

  #resumed(): void {
    this.#lastSign = Date.now();
    this.#reportMissing();
    this.inbox.push({ kind: 'connected' });
  }

  /** What the server does not watch has no value. */
  #reportMissing(): void {
    for (const { group, watched, refused } of this.#groups) {
      for (const [index, tag] of watched.entries()) {
        const status = group.monitoredItems[index]?.statusCode;
        if (status !== undefined && !status.isGoodish() && !refused.has(tag))
          this.#arrived(tag, missingValue(status.name));
      }
    }
  }

  #hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#subscription?.setPublishingMode(!isHeld).catch((thrown) => {
      this.inbox.fail(opcUaError(thrown, isHeld ? 'holding values back' : 'letting values come again'));
    });
  }

  #watch(subscription: ClientSubscription): void {
    const keepAliveMs = subscription.maxKeepAliveCount * subscription.publishingInterval;
    // A server that says nothing at all is noticed before that, and its session comes back by itself.
    const silentMs = Math.max(SILENT_KEEP_ALIVES * keepAliveMs, SILENT_TIMEOUTS * this.#client.options.timeoutMs);
    this.#watchdog = setInterval(
      () => {
        if (!this.#client.isConnected || Date.now() - this.#lastSign < silentMs) return;
        this.inbox.fail(silent(silentMs));
      },
      Math.min(keepAliveMs, 1000),
    );
    this.#watchdog.unref();
  }
}

function initialised(group: ClientMonitoredItemGroup): Promise<void> {
  return new Promise((resolve, reject) => {
    group.on('initialized', resolve);
    group.on('err', (message) => reject(new Error(message)));
  });
}

/** Room for what is sampled between two publishings, and for as much again when one is late. */
function queueSize(samplingMs: number, publishingMs: number): number {
  return Math.min(1000, Math.max(10, 2 * Math.ceil(publishingMs / Math.max(samplingMs, 1))));
}

function filterOf({ type, value }: Deadband) {
  const { DataChangeFilter, DataChangeTrigger, DeadbandType } = opcUaLibrary().ua;
  return new DataChangeFilter({
    trigger: DataChangeTrigger.StatusValue,
    deadbandType: type === 'percent' ? DeadbandType.Percent : DeadbandType.Absolute,
    deadbandValue: value,
  });
}

/** A subscription that is made anew gives its values once more. */
function isRepeated(last: NodeValue | undefined, value: NodeValue): boolean {
  return (
    last !== undefined &&
    last.source_timestamp === value.source_timestamp &&
    last.status === value.status &&
    JSON.stringify(last.value) === JSON.stringify(value.value)
  );
}

function isWithin(deadband: number | undefined, last: NodeValue | undefined, value: NodeValue): boolean {
  if (deadband === undefined || last === undefined || last.status !== value.status) return false;
  if (typeof last.value !== 'number' || typeof value.value !== 'number') return false;
  return Math.abs(value.value - last.value) <= deadband;
}

function ended(): IntegrationError {
  return new IntegrationError('transient', 'PCP_OPCUA_UNSUBSCRIBED', 'The server ended the subscription.', {
    hint: 'It is made again by itself; look at the limits of the server when this repeats.',
  });
}

function silent(ms: number): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_OPCUA_SILENT',
    `The server gave no sign of life of the subscription for ${ms} ms.`,
    {
      hint: 'It is made again by itself; look whether the server is overloaded.',
    },
  );
}
