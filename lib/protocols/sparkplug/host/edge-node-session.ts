import { IntegrationError } from '../../../model/errors';
import type { DataType } from '../codec/data-types';
import { isoTimestamp } from '../codec/date-time';
import type { Payload, Template } from '../codec/payload';
import type { Uint64 } from '../codec/wire-reader';
import { tooMany } from '../errors';
import { bdSeqOf, rebirthCommand, SEQUENCE_LENGTH } from '../metrics';
import type { DeviceTopic, EdgeNodeName, NodeTopic } from '../topics';
import type { Capacity } from './capacity';
import type { Effects } from './effects';
import { templateDefinitions } from './known-metrics';
import { MetricOwner } from './metric-owner';
import { lostValue, type Origin } from './metric-values';
import { RebirthRequest } from './rebirth-request';
import { Sequence } from './sequence';

export interface SessionSettings {
  reorderTimeoutMs: number;
  rebirthThrottleMs: number;
  /** Whether births may be asked for. */
  asksForRebirth: boolean;
  flatten: boolean;
  /** Shared by all edge nodes. */
  capacity: Capacity;
}

/** What comes in the order of sequence numbers. */
export type Ordered = (NodeTopic & { type: 'NDATA' }) | (DeviceTopic & { type: 'DBIRTH' | 'DDATA' | 'DDEATH' });

/** A tag of an edge node from before the hub was started anew. */
export interface RememberedTag {
  device?: string;
  metric: string;
  dataType: DataType;
}

interface Arrived {
  topic: Ordered;
  payload: Payload;
}

/** Anyone who may publish to the broker can make up names; each takes memory. */
const MOST_DEVICES = 10_000;
/** How long an edge node that was asked for its birth may take, and devices to follow the birth of their edge node. */
const DEVICE_BIRTHS_MS = 5000;

/** One edge node as a host sees it: from its birth to its death, in the order in which it sent its messages. */
export class EdgeNodeSession {
  readonly node: MetricOwner;
  readonly devices = new Map<string, MetricOwner>();
  readonly #sequence = new Sequence<Arrived>();
  readonly #rebirth: RebirthRequest;
  #bdSeq: Uint64 | undefined;
  #definitions: ReadonlyMap<string, Template> = new Map();
  /** Why its data cannot be relied on until its next birth: its aliases may be others by now. */
  #doubt: string | undefined = 'no birth';
  #gapSince: number | undefined;
  /** Devices from before the node's birth, whose own births are to follow. */
  #awaited: { devices: Set<string>; until: number } | undefined;
  /** Tags that lived before the hub was started anew, and until when births may bring them back. */
  #remembered: { tags: readonly RememberedTag[]; until: number } | undefined;
  /** What was told already about this session. */
  #told = new Set<string>();

  constructor(
    readonly name: EdgeNodeName,
    private readonly settings: SessionSettings,
  ) {
    this.node = new MetricOwner(settings.capacity);
    this.#rebirth = new RebirthRequest(settings.rebirthThrottleMs);
  }

  /** When `expire` has something to do. */
  get deadline(): number | undefined {
    const deadlines = [this.#gapDeadline, this.#awaited?.until, this.#remembered?.until, this.#rebirth.deadline];
    const known = deadlines.filter((deadline) => deadline !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  birth(payload: Payload, now: number, effects: Effects): void {
    const sentAt = payload.timestamp ?? Number.POSITIVE_INFINITY;
    // What came before its turn may be of the life before, or from after this birth.
    const before = this.#sequence.takeWaiting((arrived) => (arrived.payload.timestamp ?? 0) < sentAt);
    for (const arrived of before) this.#apply(arrived, now, effects);
    const metrics = payload.metrics ?? [];
    this.#bdSeq = bdSeqOf(payload);
    this.#definitions = templateDefinitions(metrics);
    this.#doubt = undefined;
    this.#told = new Set();
    this.#rebirth.answered();
    effects.addValues(this.node.birth(metrics, this.#origin(payload, undefined, now), this.#definitions));
    if (this.#remembered !== undefined) this.#remembered.until = now + DEVICE_BIRTHS_MS;
    const devices = new Set([...this.devices].filter(([, device]) => device.isOnline).map(([name]) => name));
    this.#awaited = devices.size === 0 ? undefined : { devices, until: now + DEVICE_BIRTHS_MS };
    for (const arrived of this.#sequence.restart(sequenceNumber(payload))) this.#apply(arrived, now, effects);
    this.#noteGap(now);
  }

  /** A death counts when it belongs to the last birth. The broker may send that of an earlier connection later. */
  death(payload: Payload, now: number, effects: Effects): void {
    const bdSeq = bdSeqOf(payload);
    if (!this.node.isOnline || (bdSeq !== undefined && this.#bdSeq !== undefined && bdSeq !== this.#bdSeq)) return;
    for (const arrived of this.#sequence.giveUp()) this.#apply(arrived, now, effects);
    this.#end(now, effects);
  }

  message(topic: Ordered, payload: Payload, now: number, effects: Effects): void {
    const arrived = { topic, payload };
    const number = sequenceNumber(payload);
    if (!this.node.isOnline || this.#doubt !== undefined || number === undefined) {
      if (!this.node.isOnline) this.#wantRebirth(now);
      this.#apply(arrived, now, effects);
    } else {
      for (const next of this.#sequence.add(number, arrived)) this.#apply(next, now, effects);
      this.#noteGap(now);
    }
    this.expire(now, effects);
  }

  /** For who needs its metrics before it has anything to say by itself. */
  askForBirth(now: number, effects: Effects): void {
    if (!this.node.isOnline) this.#wantRebirth(now);
    this.expire(now, effects);
  }

  remember(tags: readonly RememberedTag[], now: number, effects: Effects): void {
    this.#remembered = { tags, until: this.settings.asksForRebirth ? now + DEVICE_BIRTHS_MS : now };
    this.expire(now, effects);
  }

  expire(now: number, effects: Effects): void {
    if (this.#gapDeadline !== undefined && this.#gapDeadline <= now) this.#loseOrder(now, effects);
    if (this.#awaited !== undefined && this.#awaited.until <= now) {
      for (const name of this.#awaited.devices) this.#endDevice(name, new Date(now).toISOString(), now, effects);
      this.#awaited = undefined;
    }
    if (this.#remembered !== undefined && this.#remembered.until <= now) {
      for (const tag of this.#remembered.tags) this.#endRemembered(tag, now, effects);
      this.#remembered = undefined;
    }
    if (this.#rebirth.take(now)) effects.publish.push(rebirthCommand(this.name, now));
  }

  /** The host itself lost its connection: what is true now is unknown. */
  lost(now: number, effects: Effects): void {
    for (const arrived of this.#sequence.giveUp()) this.#apply(arrived, now, effects);
    if (!this.node.isOnline) return;
    this.#end(now, effects);
    this.#wantRebirth(now);
  }

  get #gapDeadline(): number | undefined {
    return this.#gapSince === undefined ? undefined : this.#gapSince + this.settings.reorderTimeoutMs;
  }

  #noteGap(now: number): void {
    this.#gapSince = this.#sequence.hasGap ? (this.#gapSince ?? now) : undefined;
  }

  #loseOrder(now: number, effects: Effects): void {
    this.#gapSince = undefined;
    this.#doubt = 'messages missing';
    for (const arrived of this.#sequence.giveUp()) this.#apply(arrived, now, effects);
    this.#tell(effects, 'PCP_SPARKPLUG_GAP', 'Messages of an edge node are missing.', {
      hint: 'Until its next birth its values are uncertain; the roles active and primary ask for it.',
    });
    this.#wantRebirth(now);
  }

  #wantRebirth(now: number): void {
    if (this.settings.asksForRebirth) this.#rebirth.want(now);
  }

  #apply({ topic, payload }: Arrived, now: number, effects: Effects): void {
    const origin = this.#origin(payload, topic.device, now);
    const owner = topic.device === undefined ? this.node : this.#device(topic.device);
    const metrics = payload.metrics ?? [];
    if (topic.type === 'DDEATH') {
      this.#endDevice(topic.device, isoTimestamp(payload.timestamp) ?? new Date(now).toISOString(), now, effects);
    } else if (topic.type === 'DBIRTH') {
      this.#awaited?.devices.delete(topic.device);
      effects.addValues(owner.birth(metrics, { ...origin, doubt: undefined }, this.#definitions));
    } else {
      const isBorn = owner.isOnline;
      const { values, unknown } = owner.data(metrics, isBorn ? origin : { ...origin, doubt: 'no birth' });
      effects.addValues(values);
      if (!isBorn || unknown > 0) this.#wantRebirth(now);
      if (unknown > 0) {
        this.#tell(effects, 'PCP_SPARKPLUG_ALIAS', `${unknown} values have an alias that no birth declared.`, {
          hint: 'They are lost. The roles active and primary ask the edge node for its birth.',
        });
      }
    }
  }

  #device(name: string): MetricOwner {
    let device = this.devices.get(name);
    if (device === undefined) {
      if (this.devices.size >= MOST_DEVICES) throw tooMany(`The edge node has more than ${MOST_DEVICES} devices.`);
      if (!this.settings.capacity.take(1, true)) throw tooMany('The edge nodes have too many devices.');
      device = new MetricOwner(this.settings.capacity);
      this.devices.set(name, device);
    }
    return device;
  }

  #end(now: number, effects: Effects): void {
    const at = new Date(now).toISOString();
    for (const name of this.devices.keys()) this.#endDevice(name, at, now, effects);
    effects.addValues(this.node.death(at, now));
    this.#doubt = 'no birth';
    this.#gapSince = undefined;
    this.#awaited = undefined;
  }

  #endDevice(name: string, at: string, now: number, effects: Effects): void {
    this.#awaited?.devices.delete(name);
    effects.addValues(this.#device(name).death(at, now));
  }

  /** Unless it is there again. */
  #endRemembered({ device, metric, dataType }: RememberedTag, now: number, effects: Effects): void {
    const owner = device === undefined ? this.node : this.#device(device);
    effects.addValues(owner.endUnseen(lostValue(this.name, device, metric, dataType, now)));
  }

  #origin({ timestamp }: Payload, device: string | undefined, now: number): Origin {
    return { node: this.name, device, timestamp, now, flatten: this.settings.flatten, doubt: this.#doubt };
  }

  #tell(effects: Effects, code: string, message: string, details: { hint: string }): void {
    if (this.#told.has(code)) return;
    this.#told.add(code);
    const path = `${this.name.group}/${this.name.edgeNode}`;
    effects.problems.push(new IntegrationError('data', code, message, { ...details, path }));
  }
}

function sequenceNumber({ seq }: Payload): number | undefined {
  return typeof seq === 'number' && seq < SEQUENCE_LENGTH ? seq : undefined;
}
