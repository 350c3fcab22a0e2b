import { setTimeout as wait } from 'node:timers/promises';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { OpcUaClient, OpenSession } from './client';
import { nodeTypes } from './data-types';
import { GapFill } from './gap-fill';
import { type ClientMonitoredItemGroup, type ClientSubscription, type NodeId, opcUaLibrary } from './library';
import { chunks } from './limits';
import { readSpans } from './properties';
import { missingValue, type NodeValue, nodeValue, readValues } from './read';
import { LiveSubscription, type StateChange } from './subscription';
import type { EnumerationNames } from './values';

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

export interface MonitorOptions {
  publishingIntervalMs: number;
  /** Reads from the server's history what an interruption swallowed. */
  fillsGaps: boolean;
  /** What an earlier monitor of the same tags gave. */
  before: EarlierValues;
  report(message: string): void;
}

export interface EarlierValues {
  /** Source's time of the last value, by tag. */
  times: ReadonlyMap<string, string>;
  /** When a tag was told to be lost. */
  lost: ReadonlyMap<string, string>;
}

export type TagChange =
  | {
      kind: 'value';
      tag: string;
      value: NodeValue;
      /** From the server's history: older than what came already. */
      backfilled: boolean;
      /** It did not change while it was lost. */
      unchanged: boolean;
    }
  /** Its value cannot be known any more. */
  | { kind: 'lost'; tag: string };

/** What the server had kept during an interruption has come after so many publishings. */
const SETTLED = 3;
/** Of a subscription that publishes seldom, what comes is held for no longer than that. */
const LONGEST_SETTLING_MS = 60_000;
/** So much longer a tag's values wait for those that its history has of an interruption before them. */
const HISTORY_MS = 2000;
const FILTER_REFUSED = /Filter|Deadband|Unsupported|NotSupported/;

interface Watched extends MonitoredTag {
  nodeId: NodeId;
  names: EnumerationNames | undefined;
  /** The server takes no deadband: it is applied here, to numbers. */
  localDeadband?: number;
  last?: NodeValue;
  /** Since when it has been told to be lost, while no value of later came. */
  lostAt?: string | undefined;
  /** A message that was lost may have held a later value than the last one. */
  isUnsure?: boolean;
}

/** Watches tags with one subscription of the server. */
export class Monitor {
  readonly #client: OpcUaClient;
  readonly #open: OpenSession;
  readonly #options: MonitorOptions;
  readonly #live: LiveSubscription<TagChange>;
  /** `refused` are watched by another group, without the deadband. */
  readonly #groups: { group: ClientMonitoredItemGroup; watched: Watched[]; refused: Set<Watched> }[] = [];
  #gaps: GapFill | undefined;
  #settling = new AbortController();
  /** Messages before the next value are lost. */
  #isMissing = false;
  readonly #closed = new AbortController();

  constructor(client: OpcUaClient, open: OpenSession, options: MonitorOptions) {
    this.#client = client;
    this.#open = open;
    this.#options = options;
    this.#live = new LiveSubscription(client, {
      onInterrupted: () => this.#interrupted(),
      onResumed: () => this.#resumed(),
      onMissed: () => this.#missed(),
      report: options.report,
    });
  }

  async start(tags: readonly MonitoredTag[], signal: AbortSignal): Promise<void> {
    const { limits } = this.#open;
    const subscription = await this.#live.start(this.#open, this.#options.publishingIntervalMs, signal);
    for (const { tag, nodeId } of tags) if (nodeId === null) this.#give(tag, missingValue('BadNoMatch'));
    const found = tags.flatMap((tag) => (tag.nodeId === null ? [] : [{ ...tag, nodeId: tag.nodeId }]));
    const nodes = found.map(({ nodeId }) => nodeId);
    const types = await nodeTypes(this.#client, this.#open, nodes, signal);
    const { times, lost } = this.#options.before;
    const known = found.map((tag, index) => ({ ...tag, names: types[index]?.names, lostAt: lost.get(tag.tag) }));
    if (this.#options.fillsGaps) {
      const ways = {
        found: (tag: string, value: NodeValue) => {
          this.#live.push({ kind: 'value', tag, value, backfilled: true, unchanged: false });
          return this.#live.room();
        },
        give: (change: TagChange) => this.#live.push(change),
        report: this.#options.report,
      };
      this.#gaps = new GapFill(
        this.#client,
        this.#open,
        ways,
        Math.min(this.#settlingMs, LONGEST_SETTLING_MS) + HISTORY_MS,
      );
      await this.#gaps.prepare(known, signal);
      this.#gaps.interrupted(times);
    }
    const alike = Map.groupBy(known, ({ samplingIntervalMs, deadband }) =>
      JSON.stringify([samplingIntervalMs, deadband]),
    );
    for (const same of alike.values()) {
      const refused: Watched[] = [];
      for (const part of chunks(same, limits.monitor)) {
        refused.push(...(await this.#monitor(subscription, part, limits.filters, signal)));
      }
      for (const part of chunks(refused, limits.monitor)) await this.#monitor(subscription, part, false, signal);
    }
    this.#settle();
  }

  take(): Promise<(TagChange | StateChange)[]> {
    return this.#live.take();
  }

  /** What was taken until then is all that comes. */
  fail(error: unknown): void {
    this.#live.queue.fail(error);
  }

  async close(): Promise<void> {
    this.#settling.abort();
    this.#closed.abort();
    this.#gaps?.close();
    await this.#live.close();
  }

  /** @returns those whose deadband the server refuses */
  async #monitor(
    subscription: ClientSubscription,
    tags: readonly Watched[],
    withFilter: boolean,
    signal: AbortSignal,
  ): Promise<Watched[]> {
    const { ua } = opcUaLibrary();
    const [first] = tags;
    if (first === undefined) return [];
    const { samplingIntervalMs, deadband } = first;
    const own = withFilter ? [] : await this.#localDeadbands(tags, deadband, signal);
    const watched: Watched[] = tags.map((tag, index) => {
      const localDeadband = own[index];
      return { ...tag, ...(localDeadband !== undefined && { localDeadband }) };
    });
    const group = ua.ClientMonitoredItemGroup.create(
      subscription,
      watched.map(({ nodeId }) => ({ nodeId, attributeId: ua.AttributeIds.Value })),
      {
        samplingInterval: samplingIntervalMs,
        discardOldest: true,
        queueSize: queueSize(samplingIntervalMs, this.#options.publishingIntervalMs),
        ...(withFilter && deadband !== undefined && { filter: filterOf(deadband) }),
      },
      ua.TimestampsToReturn.Both,
    );
    group.on('changed', (_item, dataValue, index) => {
      const tag = watched[index];
      if (tag === undefined) return;
      tag.isUnsure = false;
      this.#arrived(tag, nodeValue(dataValue, tag.names));
    });
    await this.#client.request(initialised(group), phrase`subscribing to values`, signal);
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

  /** In units of the values; one in per cent is a part of what the server says of a node's range. */
  async #localDeadbands(
    tags: readonly Watched[],
    deadband: Deadband | undefined,
    signal: AbortSignal,
  ): Promise<(number | undefined)[]> {
    if (deadband === undefined) return [];
    const { type, value } = deadband;
    if (type === 'absolute') return tags.map(() => value);
    const nodes = tags.map(({ nodeId }) => nodeId);
    const spans = await readSpans(this.#client, this.#open, nodes, signal);
    return spans.map((span) => (span === undefined ? undefined : (span * value) / 100));
  }

  /** @param isCurrent the server says that it is the value of now, rather than one that it had kept */
  #arrived(tag: Watched, value: NodeValue, isCurrent = tag.last === undefined): void {
    const { last, lostAt } = tag;
    const isNews = !isRepeated(last, value);
    if (lostAt === undefined && !isNews) return;
    if (isNews) this.#gaps?.arrived(tag.tag, value);
    if (lostAt === undefined && isWithin(tag.localDeadband, last, value)) return;
    const { source_timestamp: time } = value;
    const isLater = lostAt === undefined || time === null || time > lostAt;
    const unchanged = !isLater && (isCurrent || !isNews);
    if (isLater || unchanged) tag.lostAt = undefined;
    tag.last = value;
    this.#give(tag.tag, value, { unchanged });
  }

  #give(tag: string, value: NodeValue, { unchanged = false } = {}): void {
    const { overflow = this.#isMissing } = value;
    if (overflow) this.#isMissing = false;
    const told = overflow ? { ...value, overflow } : value;
    this.#push({ kind: 'value', tag, value: told, backfilled: false, unchanged });
  }

  #push(change: TagChange): void {
    if (!this.#gaps?.holds(change)) this.#live.push(change);
  }

  get #watched(): Watched[] {
    return this.#groups.flatMap(({ watched, refused }) => watched.filter((tag) => !refused.has(tag)));
  }

  #interrupted(): void {
    this.#settling.abort();
    const lostAt = new Date().toISOString();
    for (const tag of this.#watched) {
      if (tag.last === undefined) continue;
      if (tag.lostAt === undefined) this.#push({ kind: 'lost', tag: tag.tag });
      tag.lostAt ??= lostAt;
    }
    this.#gaps?.interrupted(this.#times);
  }

  #resumed(): void {
    this.#gaps?.resumed();
    this.#settle();
    this.#reportMissing();
  }

  #missed(): void {
    this.#isMissing = true;
    for (const tag of this.#watched) tag.isUnsure = true;
    this.#gaps?.interrupted(this.#times);
    this.#settle();
  }

  /** Source's time of each tag's last value. */
  get #times(): Map<string, string> {
    const times = new Map<string, string>();
    for (const { tag, last } of this.#watched) {
      const time = last?.source_timestamp ?? null;
      if (time !== null) times.set(tag, time);
    }
    return times;
  }

  get #settlingMs(): number {
    return SETTLED * this.#options.publishingIntervalMs;
  }

  #settle(): void {
    this.#settling.abort();
    this.#settling = new AbortController();
    // Interrupted once more, it is done when the connection is back.
    this.#settled(this.#settling.signal).catch(() => undefined);
  }

  async #settled(signal: AbortSignal): Promise<void> {
    const until = { signal, ref: false };
    await wait(this.#settlingMs, undefined, until);
    const news = await this.#readAgain(signal);
    // What the server took before it was read is still to come by itself, and comes first.
    if (news.length > 0) await wait(this.#settlingMs, undefined, until);
    for (const { tag, last, value } of news) if (tag.last === last) this.#arrived(tag, value, true);
    this.#gaps?.settled();
  }

  /**
   * A server does not publish again what did not change.
   * @returns values that nobody has told yet
   */
  async #readAgain(signal: AbortSignal): Promise<{ tag: Watched; last: NodeValue | undefined; value: NodeValue }[]> {
    const tags = this.#watched.filter(({ lostAt, isUnsure }) => lostAt !== undefined || isUnsure);
    if (tags.length === 0) return [];
    const nodes = tags.map(({ nodeId }) => nodeId);
    const until = AbortSignal.any([signal, this.#closed.signal]);
    let values: NodeValue[];
    try {
      values = await readValues(this.#client, this.#open, nodes, until);
    } catch (thrown) {
      if (until.aborted || !this.#client.isConnected) throw thrown;
      const { message } = IntegrationError.from(thrown);
      this.#options.report(`${tags.length} tags are not known until they change: ${message}`);
      return [];
    }
    return tags.flatMap((tag, index) => {
      const { last, lostAt, isUnsure } = tag;
      const value = values[index];
      // One that came by itself meanwhile is later.
      if (value === undefined || !(lostAt !== undefined || isUnsure)) return [];
      tag.isUnsure = false;
      if (!isRepeated(last, value)) return [{ tag, last, value }];
      this.#arrived(tag, value, true);
      return [];
    });
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
