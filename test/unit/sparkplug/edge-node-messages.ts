import { type DataType, dataTypeNumber } from '../../../lib/protocols/sparkplug/codec/data-types';
import {
  decodePayload,
  encodePayload,
  type Metric,
  type Payload,
} from '../../../lib/protocols/sparkplug/codec/payload';
import { encodeValue } from '../../../lib/protocols/sparkplug/codec/values';
import type { Capacity } from '../../../lib/protocols/sparkplug/host/capacity';
import type { Effects } from '../../../lib/protocols/sparkplug/host/effects';
import { type HostOptions, SparkplugHost } from '../../../lib/protocols/sparkplug/host/host';
import type { Message } from '../../../lib/protocols/sparkplug/message';

export const START = Date.parse('2026-03-01T08:00:00.000Z');
export const at = (milliseconds: number) => new Date(START + milliseconds).toISOString();

export function metric(name: string, type: DataType, value: unknown, more: Metric = {}): Metric {
  return { name, datatype: dataTypeNumber(type), timestamp: START, ...encodeValue(value, type), ...more };
}

/** As data messages have it: an alias and no type. */
export function aliased(alias: number, type: DataType, value: unknown, more: Metric = {}): Metric {
  return { alias, timestamp: START, ...encodeValue(value, type), ...more };
}

/** Messages of an edge node that counts its sequence numbers; `g/n` unless said otherwise. */
export class Sender {
  seq = 0;
  /** When messages are sent. */
  time = START;

  constructor(private readonly node = 'n') {}

  birth(metrics: Metric[] = [], bdSeq = 0): [string, Buffer] {
    this.seq = 0;
    const all = [metric('bdSeq', 'Int64', bdSeq), metric('Node Control/Rebirth', 'Boolean', false), ...metrics];
    return this.#next('NBIRTH', undefined, all);
  }

  death(bdSeq = 0): [string, Buffer] {
    return [`spBv1.0/g/NDEATH/${this.node}`, encodePayload({ metrics: [metric('bdSeq', 'Int64', bdSeq)] })];
  }

  data(...metrics: Metric[]): [string, Buffer] {
    return this.#next('NDATA', undefined, metrics);
  }

  device(type: 'DBIRTH' | 'DDATA' | 'DDEATH', device: string, ...metrics: Metric[]): [string, Buffer] {
    return this.#next(type, device, metrics);
  }

  #next(type: string, device: string | undefined, metrics: Metric[]): [string, Buffer] {
    const topic = ['spBv1.0', 'g', type, this.node, ...(device === undefined ? [] : [device])].join('/');
    const payload = encodePayload({ timestamp: this.time, seq: this.seq, ...(metrics.length > 0 && { metrics }) });
    this.seq = (this.seq + 1) % 256;
    return [topic, payload];
  }
}

export function payloadOf(message: Message | undefined): Payload {
  if (message === undefined) throw new Error('There is no message.');
  return decodePayload(message.payload);
}

/** A connected host, and the time as a number of milliseconds since START. */
export function connectedHost(options: Partial<HostOptions> = {}, capacity?: Capacity) {
  const host = new SparkplugHost({ role: 'active', ...options }, capacity);
  host.connecting(START);
  host.connected();
  const receive = ([topic, payload]: [string, Buffer], after = 0) => host.receive(topic, payload, START + after);
  return { host, receive, expire: (after: number) => host.expire(START + after) };
}

/** Tag, value, quality and status, in short. */
export function short({ values }: Effects): unknown[][] {
  return values.map(({ tag, value, quality, status }) =>
    status === undefined ? [tag, value, quality] : [tag, value, quality, status],
  );
}

/** Topics of the requests for births. */
export function rebirths({ publish }: Effects): string[] {
  return publish
    .filter((message) => payloadOf(message).metrics?.[0]?.name === 'Node Control/Rebirth')
    .map(({ topic }) => topic);
}
