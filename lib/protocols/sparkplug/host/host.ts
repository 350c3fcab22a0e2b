import { IntegrationError } from '../../../model/errors';
import { dataTypeNumber } from '../codec/data-types';
import { decodePayload, type Metric } from '../codec/payload';
import { decodeValue, encodeValue } from '../codec/values';
import { malformed, tooMany } from '../errors';
import type { Message, TopicFilter } from '../message';
import { commandMessage } from '../metrics';
import { parseState, stateMessage } from '../state';
import {
  checkId,
  type DeviceTopic,
  type EdgeNodeName,
  isId,
  NAMESPACE,
  type NodeTopic,
  parseTopic,
  stateTopic,
} from '../topics';
import { Capacity } from './capacity';
import { EdgeNodeSession, type Ordered, type RememberedTag } from './edge-node-session';
import { Effects } from './effects';
import type { KnownMetric } from './known-metrics';
import type { MetricOwner } from './metric-owner';
import { type MetricValue, tagName } from './metric-values';

/** Passive hosts only listen; active ones ask edge nodes for births; edge nodes wait for the primary one. */
export type HostRole = 'passive' | 'active' | 'primary';

export interface HostOptions {
  role: HostRole;
  /** Required for the primary host. */
  hostId?: string;
  /** Groups to listen to; absent = all. */
  groups?: readonly string[];
  /** How long to wait for a message that is missing in the sequence. Default 2,000. */
  reorderTimeoutMs?: number;
  /** Shortest time between two requests for a birth of one edge node. Default 1,000. */
  rebirthThrottleMs?: number;
  /** DataSets become a value for each row, Templates one for each member. */
  flatten?: boolean;
}

const MOST_EDGE_NODES = 10_000;
/** Its ids are in the name of each value. */
const LONGEST_TOPIC = 1000;

export interface HostMetric extends KnownMetric {
  tag: string;
}

/**
 * A host application: what edge nodes publish becomes values of tags. It has no connection and no clock: it is told
 * what comes and what time it is (milliseconds since 1970), and says what to publish and when to be asked again.
 */
export class SparkplugHost {
  readonly #sessions = new Map<string, EdgeNodeSession>();
  /** Those with a deadline. */
  readonly #waiting = new Set<EdgeNodeSession>();
  readonly #options: HostOptions;
  readonly #capacity: Capacity;
  /** Of the will and the birth of the current connection. */
  #connectedSince = 0;
  #isConnected = false;

  /** @throws config PCP_SPARKPLUG_ID */
  constructor(options: HostOptions, capacity = new Capacity()) {
    this.#options = options;
    this.#capacity = capacity;
    if (options.role === 'primary') checkId(options.hostId ?? '', '/config/sparkplug_host_id');
    for (const group of options.groups ?? []) checkId(group, '/config/sparkplug_groups');
  }

  /** To be called for each CONNECT, which must ask for a clean session. @returns the will */
  connecting(now: number): Message | undefined {
    this.#connectedSince = now;
    return this.#state(false, now);
  }

  /** In this order. */
  subscriptions(): TopicFilter[] {
    const { role, hostId = '', groups } = this.#options;
    const filters = groups?.map((group) => `${NAMESPACE}/${group}/#`) ?? [`${NAMESPACE}/#`];
    return [...(role === 'primary' ? [stateTopic(hostId)] : []), ...filters].map((filter) => ({ filter, qos: 1 }));
  }

  /** The subscriptions are granted. */
  connected(): Effects {
    this.#isConnected = true;
    const effects = new Effects();
    effects.publish.push(...this.#birth());
    return effects;
  }

  /** @param isRetained as the broker says; of retained messages only STATE may count */
  receive(topicText: string, bytes: Buffer, now: number, isRetained = false): Effects {
    const effects = new Effects();
    const topic = parseTopic(topicText);
    if (topic === undefined || (isRetained && topic.type !== 'STATE')) return effects;
    try {
      if (topicText.length > LONGEST_TOPIC) throw malformed(`A topic has more than ${LONGEST_TOPIC} characters.`);
      if (topic.type === 'STATE') effects.publish.push(...this.#stateReceived(topic.host, bytes));
      else this.#nodeMessage(topic, bytes, now, effects);
    } catch (thrown) {
      const { class: errorClass, code, message, hint = '' } = IntegrationError.from(thrown);
      effects.problems.push(
        new IntegrationError(errorClass, code, message, {
          hint,
          path: topicText.slice(0, LONGEST_TOPIC),
          cause: thrown,
        }),
      );
    }
    return effects;
  }

  /** When `expire` is to be called; undefined = nothing waits, as always without a connection. */
  deadline(): number | undefined {
    if (!this.#isConnected) return undefined;
    let earliest: number | undefined;
    for (const { deadline } of this.#waiting) {
      if (deadline !== undefined && (earliest === undefined || deadline < earliest)) earliest = deadline;
    }
    return earliest;
  }

  /** Asks an edge node for its birth, where it was not seen and the role allows it. */
  askForBirth({ group, edgeNode }: EdgeNodeName, now: number): Effects {
    const effects = new Effects();
    const { role, groups = [group] } = this.#options;
    if (role === 'passive' || !groups.includes(group) || !isId(group) || !isId(edgeNode)) return effects;
    const session = this.#session({ group, edgeNode });
    session.askForBirth(now, effects);
    this.#watch(session);
    return effects;
  }

  /**
   * Tags that lived when the hub listened last: those that no birth brings back are stale. A passive host can ask nobody: there
   * they are stale until one comes.
   */
  remember({ group, edgeNode }: EdgeNodeName, tags: readonly RememberedTag[], now: number): Effects {
    const effects = new Effects();
    const { groups = [group] } = this.#options;
    if (tags.length === 0 || !groups.includes(group) || !isId(group) || !isId(edgeNode)) return effects;
    const session = this.#session({ group, edgeNode });
    session.remember(tags, now, effects);
    this.#watch(session);
    return effects;
  }

  /** Whether a tag was declared, and its edge node or device is there. */
  isOnline(tag: string): boolean {
    return [...this.#owners(tag)].some(
      ({ owner, metric }) => owner.isOnline && owner.known.named(metric) !== undefined,
    );
  }

  expire(now: number): Effects {
    const effects = new Effects();
    for (const session of this.#waiting) {
      session.expire(now, effects);
      this.#watch(session);
    }
    return effects;
  }

  /** What to publish before an intentional DISCONNECT. */
  disconnecting(now: number): Message[] {
    this.#isConnected = false;
    const death = this.#state(false, now);
    return death === undefined ? [] : [death];
  }

  /** The connection is gone: all values are stale until edge nodes are born again. */
  disconnected(now: number): Effects {
    this.#isConnected = false;
    const effects = new Effects();
    for (const session of this.#sessions.values()) {
      session.lost(now, effects);
      this.#watch(session);
    }
    return effects;
  }

  /** Every metric that a birth declared. */
  *metrics(): Generator<HostMetric> {
    for (const { name, node, devices } of this.#sessions.values()) {
      for (const metric of node.known) yield { ...metric, tag: tagName(name, undefined, metric.name) };
      for (const [device, { known }] of devices) {
        for (const metric of known) yield { ...metric, tag: tagName(name, device, metric.name) };
      }
    }
  }

  /** The last values of all tags. */
  *lastValues(): Generator<MetricValue> {
    for (const { node, devices } of this.#sessions.values()) {
      yield* node.lastValues();
      for (const device of devices.values()) yield* device.lastValues();
    }
  }

  /** The last values of a tag: none where nothing came, several for the rows of a flattened DataSet. */
  last(tag: string): MetricValue[] {
    for (const { owner } of this.#owners(tag)) {
      const values = owner.last(tag);
      if (values.length > 0) return values;
    }
    return [];
  }

  /**
   * A command that sets a metric, and the value that its edge node tells when it has obeyed.
   * @throws config PCP_SPARKPLUG_TAG, transient PCP_SPARKPLUG_OFFLINE, data PCP_SPARKPLUG_VALUE
   */
  write(tag: string, value: unknown, now: number): { message: Message; expected: unknown } {
    for (const { session, owner, device, metric } of this.#owners(tag)) {
      const known = owner.known.named(metric);
      if (known === undefined) continue;
      if (!owner.isOnline) {
        throw new IntegrationError('transient', 'PCP_SPARKPLUG_OFFLINE', 'The edge node or device is offline.', {
          path: tag,
          hint: 'Write again when it is back.',
        });
      }
      const encoded = encodeValue(value, known.dataType);
      const written: Metric = {
        ...(known.alias === undefined ? { name: known.name } : { alias: known.alias }),
        timestamp: now,
        // It need not be there, but many edge nodes read no value without it.
        datatype: dataTypeNumber(known.dataType),
        ...encoded,
      };
      const message = commandMessage(session.name, device, [written], now);
      return { message, expected: decodeValue(encoded, known.dataType) };
    }
    throw new IntegrationError('config', 'PCP_SPARKPLUG_TAG', 'No edge node declared this metric.', {
      path: tag,
      hint: 'Write the tag as group/edge node/device/metric, and check that the edge node has been born.',
    });
  }

  #nodeMessage(topic: NodeTopic | DeviceTopic, bytes: Buffer, now: number, effects: Effects): void {
    const { type, group, edgeNode } = topic;
    // Commands are the business of edge nodes.
    if (type === 'NCMD' || type === 'DCMD') return;
    const payload = decodePayload(bytes);
    const session = this.#session({ group, edgeNode });
    try {
      if (type === 'NBIRTH') session.birth(payload, now, effects);
      else if (type === 'NDEATH') session.death(payload, now, effects);
      else session.message(topic as Ordered, payload, now, effects);
    } finally {
      this.#watch(session);
    }
  }

  #session(name: EdgeNodeName): EdgeNodeSession {
    const key = `${name.group}/${name.edgeNode}`;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      if (this.#sessions.size >= MOST_EDGE_NODES) throw tooMany(`There are more than ${MOST_EDGE_NODES} edge nodes.`);
      session = new EdgeNodeSession(name, this.#sessionSettings());
      this.#sessions.set(key, session);
    }
    return session;
  }

  #watch(session: EdgeNodeSession): void {
    if (session.deadline === undefined) this.#waiting.delete(session);
    else this.#waiting.add(session);
  }

  #sessionSettings() {
    const { role, reorderTimeoutMs = 2000, rebirthThrottleMs = 1000, flatten = false } = this.#options;
    const asksForRebirth = role !== 'passive';
    return { reorderTimeoutMs, rebirthThrottleMs, asksForRebirth, flatten, capacity: this.#capacity };
  }

  /** Where a tag may be: slashes belong to names of metrics as well. */
  *#owners(tag: string): Generator<{
    session: EdgeNodeSession;
    owner: MetricOwner;
    device: string | undefined;
    metric: string;
  }> {
    const [group, edgeNode, first = '', ...rest] = tag.split('/');
    const session = this.#sessions.get(`${group}/${edgeNode}`);
    if (session === undefined) return;
    yield { session, owner: session.node, device: undefined, metric: [first, ...rest].join('/') };
    const owner = session.devices.get(first);
    if (owner !== undefined) yield { session, owner, device: first, metric: rest.join('/') };
  }

  #birth(): Message[] {
    const birth = this.#state(true, this.#connectedSince);
    return birth === undefined ? [] : [birth];
  }

  /** Somebody, an old will for instance, says that this host is gone. */
  #stateReceived(host: string, bytes: Buffer): Message[] {
    if (host !== this.#options.hostId || !this.#isConnected || parseState(bytes).online) return [];
    return this.#birth();
  }

  #state(online: boolean, timestamp: number): Message | undefined {
    const { role, hostId } = this.#options;
    return role === 'primary' && hostId !== undefined ? stateMessage(hostId, { online, timestamp }) : undefined;
  }
}
