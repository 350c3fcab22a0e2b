import { IntegrationError } from '../../../model/errors';
import { type DataType, dataTypeName } from '../codec/data-types';
import { decodePayload, encodePayload, type Metric } from '../codec/payload';
import { decodeValue } from '../codec/values';
import type { Message, TopicFilter } from '../message';
import { bdSeqMetric, REBIRTH, rebirthMetric, SEQUENCE_LENGTH } from '../metrics';
import { parseState } from '../state';
import { checkId, deviceTopic, type EdgeNodeName, nodeTopic, parseTopic, stateTopic, type Topic } from '../topics';
import { type MetricUpdate, PublishedMetrics, toMetric } from './published-metrics';

export interface EdgeNodeOptions extends EdgeNodeName {
  /** Births wait for this host to be online. */
  primaryHostId?: string;
  /** Data messages name their metrics by short numbers and leave out types. Default true. */
  aliases?: boolean;
  /** The number of the first connection. A process that had others before goes on counting, so that an old death is known. */
  bdSeq?: number;
  /** There are other brokers: one where the primary host is offline is left also before the first birth. */
  walks?: boolean;
}

/** What a host asks to set. */
export interface Command {
  device?: string;
  metric: string;
  dataType: DataType;
  value: unknown;
}

interface Value {
  device: string | undefined;
  metric: Metric;
}

export interface Reaction {
  publish: Message[];
  commands: Command[];
  problems: IntegrationError[];
  /** The primary host has gone: publish, leave, and connect anew (to the next broker where there are several). */
  disconnect: boolean;
}

/**
 * An edge node: values become births and data messages in their sequence. It has no connection and no clock: it is told
 * what comes and what time it is (milliseconds since 1970), and says what to publish.
 */
export class SparkplugEdgeNode {
  readonly #node = new PublishedMetrics();
  readonly #devices = new Map<string, PublishedMetrics>();
  readonly #options: EdgeNodeOptions;
  /** Pairs the births and the death of the current connection. */
  #bdSeq: number;
  #seq = 0;
  #lastAlias = 0;
  #state: 'disconnected' | 'waiting' | 'born' = 'disconnected';
  /** The broker, and of each one the timestamp of the primary host's last state: it connects to them at different times. */
  #broker = '';
  readonly #hostSince = new Map<string, number>();

  /** @throws config PCP_SPARKPLUG_ID */
  constructor(options: EdgeNodeOptions) {
    this.#options = options;
    checkId(options.group, '/config/sparkplug_group_id');
    checkId(options.edgeNode, '/config/sparkplug_edge_node_id');
    if (options.primaryHostId !== undefined) checkId(options.primaryHostId, '/config/sparkplug_primary_host_id');
    this.#bdSeq = (options.bdSeq ?? 0) - 1;
  }

  get isBorn(): boolean {
    return this.#state === 'born';
  }

  /** To be called for each CONNECT, which must ask for a clean session. @returns the will */
  connecting(now: number): Message {
    this.#bdSeq = (this.#bdSeq + 1) % SEQUENCE_LENGTH;
    return this.#death(now);
  }

  subscriptions(): TopicFilter[] {
    const { primaryHostId } = this.#options;
    const filters = [nodeTopic('NCMD', this.#options), deviceTopic('DCMD', this.#options, '+')];
    if (primaryHostId !== undefined) filters.push(stateTopic(primaryHostId));
    return filters.map((filter) => ({ filter, qos: 1 }));
  }

  /** The subscriptions are granted. */
  connected(now: number, broker = ''): Message[] {
    this.#state = 'waiting';
    this.#broker = broker;
    return this.#options.primaryHostId === undefined ? this.#births(now) : [];
  }

  receive(topicText: string, bytes: Buffer, now: number): Reaction {
    const reaction: Reaction = { publish: [], commands: [], problems: [], disconnect: false };
    const topic = parseTopic(topicText);
    try {
      if (topic?.type === 'STATE') this.#hostState(topic.host, bytes, now, reaction);
      else if (topic !== undefined && this.#isOwn(topic)) this.#command(topic.device, bytes, now, reaction);
    } catch (thrown) {
      const { class: errorClass, code, message, hint = '' } = IntegrationError.from(thrown);
      reaction.problems.push(new IntegrationError(errorClass, code, message, { hint, path: topicText, cause: thrown }));
    }
    return reaction;
  }

  /**
   * What is to be published of new values: a birth where one is not declared yet, nothing before the first birth, which
   * has the current values.
   * @throws data PCP_SPARKPLUG_VALUE, config PCP_SPARKPLUG_ID; then nothing is taken
   */
  update(updates: readonly MetricUpdate[], now: number): Message[] {
    const values = updates.map((update) => ({ device: update.device, metric: toMetric(update) }));
    for (const { device } of values) if (device !== undefined) checkId(device, '/device');
    const toBeBorn = new Set(values.filter((value) => this.#needsBirth(value)).map(({ device }) => device));
    const told = new Set<string>();
    const later = values.filter((value) => !toBeBorn.has(value.device) || !this.#keepForBirth(value, told));
    for (const device of toBeBorn) this.#owner(device).isAlive = true;
    const births = this.#state === 'born' ? this.#birthsOf(toBeBorn, now) : [];
    for (const { device, metric } of later) this.#owner(device).keep(metric, () => this.#nextAlias());
    if (this.#state !== 'born') return [];
    const byDevice = Map.groupBy(later, ({ device }) => device);
    return [...births, ...[...byDevice].map(([device, metrics]) => this.#data(device, metrics, now))];
  }

  /** A device is gone; its next value is its birth. */
  deviceGone(device: string, now: number): Message[] {
    const owner = this.#devices.get(device);
    if (!owner?.isAlive) return [];
    owner.isAlive = false;
    if (this.#state !== 'born') return [];
    return [this.#message(deviceTopic('DDEATH', this.#options, device), [], now)];
  }

  /** What to publish before an intentional DISCONNECT. */
  disconnecting(now: number): Message[] {
    const wasConnected = this.#state !== 'disconnected';
    this.#state = 'disconnected';
    return wasConnected ? [this.#death(now)] : [];
  }

  disconnected(): void {
    this.#state = 'disconnected';
  }

  #owner(device: string | undefined): PublishedMetrics {
    if (device === undefined) return this.#node;
    const owner = this.#devices.get(device) ?? new PublishedMetrics();
    this.#devices.set(device, owner);
    return owner;
  }

  #nextAlias(): number | undefined {
    if (this.#options.aliases === false) return undefined;
    this.#lastAlias += 1;
    return this.#lastAlias;
  }

  #births(now: number): Message[] {
    this.#state = 'born';
    this.#seq = 0;
    const own = [bdSeqMetric(this.#bdSeq, now), rebirthMetric(false, now), ...this.#node.birth()];
    const alive = [...this.#devices].filter(([, owner]) => owner.isAlive);
    return [
      this.#message(nodeTopic('NBIRTH', this.#options), inOrder(own), now),
      ...alive.map(([device]) => this.#deviceBirth(device, now)),
    ];
  }

  #needsBirth({ device, metric }: Value): boolean {
    const owner = this.#owner(device);
    return !owner.isAlive || !owner.declares(metric);
  }

  /** Of several values of one metric the birth has the first; the others follow it. @returns whether the birth has this one */
  #keepForBirth({ device, metric }: Value, told: Set<string>): boolean {
    const owner = this.#owner(device);
    const key = JSON.stringify([device, metric.name]);
    if (told.has(key) || (owner.isAlive && owner.declares(metric))) return false;
    told.add(key);
    owner.keep(metric, () => this.#nextAlias());
    return !metric.is_historical;
  }

  #birthsOf(owners: ReadonlySet<string | undefined>, now: number): Message[] {
    if (owners.has(undefined)) return this.#births(now);
    return [...owners].map((device) => this.#deviceBirth(device!, now));
  }

  #deviceBirth(device: string, now: number): Message {
    return this.#message(deviceTopic('DBIRTH', this.#options, device), inOrder(this.#owner(device).birth()), now);
  }

  #data(device: string | undefined, values: Value[], now: number): Message {
    const owner = this.#owner(device);
    const topic =
      device === undefined ? nodeTopic('NDATA', this.#options) : deviceTopic('DDATA', this.#options, device);
    const metrics = values.map(({ metric }) => owner.data(metric));
    return this.#message(topic, inOrder(metrics), now);
  }

  #message(topic: string, metrics: Metric[], timestamp: number): Message {
    const payload = encodePayload({ timestamp, metrics, seq: this.#seq });
    this.#seq = (this.#seq + 1) % SEQUENCE_LENGTH;
    return { topic, payload, qos: 0, retain: false };
  }

  #death(timestamp: number): Message {
    const payload = encodePayload({ timestamp, metrics: [bdSeqMetric(this.#bdSeq, timestamp)] });
    return { topic: nodeTopic('NDEATH', this.#options), payload, qos: 1, retain: false };
  }

  #isOwn(topic: Exclude<Topic, { type: 'STATE' }>): boolean {
    const isCommand = topic.type === 'NCMD' || topic.type === 'DCMD';
    return isCommand && topic.group === this.#options.group && topic.edgeNode === this.#options.edgeNode;
  }

  #command(device: string | undefined, bytes: Buffer, now: number, reaction: Reaction): void {
    if (this.#state !== 'born') return;
    const owner = device === undefined ? this.#node : this.#devices.get(device);
    for (const metric of decodePayload(bytes).metrics ?? []) {
      if (device === undefined && metric.name === REBIRTH) {
        if (metric.boolean_value) reaction.publish.push(...this.#births(now));
        continue;
      }
      const known = owner?.find(metric);
      if (known === undefined) throw unknownMetric(metric);
      const dataType = metric.datatype === undefined ? known.dataType : dataTypeName(metric.datatype);
      const value = decodeValue(metric, dataType);
      reaction.commands.push({ metric: known.name, dataType, value, ...(device !== undefined && { device }) });
    }
  }

  /** An old state of a host says nothing about now: only one that is no older than the last counts. */
  #hostState(host: string, bytes: Buffer, now: number, reaction: Reaction): void {
    const { primaryHostId, walks = false } = this.#options;
    if (host !== primaryHostId || this.#state === 'disconnected') return;
    const { online, timestamp } = parseState(bytes);
    if (timestamp < (this.#hostSince.get(this.#broker) ?? Number.NEGATIVE_INFINITY)) return;
    this.#hostSince.set(this.#broker, timestamp);
    if (online) {
      if (this.#state === 'waiting') reaction.publish.push(...this.#births(now));
    } else if (this.#state === 'born' || walks) {
      reaction.publish.push(...this.disconnecting(now));
      reaction.disconnect = true;
    }
  }
}

/** Of values in one message the oldest come first. */
function inOrder(metrics: readonly Metric[]): Metric[] {
  return metrics.toSorted((a, b) => Number(a.timestamp ?? 0) - Number(b.timestamp ?? 0));
}

function unknownMetric({ name, alias }: Metric): IntegrationError {
  const metric = name === undefined ? `alias ${alias}` : `"${name.slice(0, 100)}"`;
  return new IntegrationError(
    'data',
    'PCP_SPARKPLUG_COMMAND',
    `A command names a metric that was not published: ${metric}.`,
    {
      hint: 'Only what the edge node has published can be set.',
    },
  );
}
