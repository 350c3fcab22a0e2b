import type { MessageProperties, ReceivedMessage } from './options';

const TOPIC_ALIAS = 0x23;
const NO_PROPERTIES: MessageProperties = {};
const NO_IDS: readonly number[] = [];

/**
 * A PUBLISH as a broker sends it.
 * @param first byte of the packet, with its flags
 * @param body what follows its length; the payload stays a part of it
 * @throws Error at what is none
 */
export function parsePublish(first: number, body: Buffer, version: 4 | 5): ReceivedMessage {
  const qos = (first >> 1) & 3;
  if (qos === 3) throw new Error('a message of QoS 3');
  const fields = new Fields(body);
  const topic = fields.text();
  if (topic === '') throw new Error('a message without a topic');
  const messageId = qos === 0 ? 0 : fields.uint16();
  const properties = version === 5 ? readProperties(fields) : undefined;
  return {
    topic,
    payload: fields.rest(),
    qos,
    retain: (first & 1) === 1,
    duplicate: (first & 8) === 8,
    messageId,
    properties: properties?.properties ?? NO_PROPERTIES,
    subscriptionIds: properties?.subscriptionIds ?? NO_IDS,
  };
}

/** Those that may stand in a PUBLISH. */
function readProperties(fields: Fields): Pick<ReceivedMessage, 'properties' | 'subscriptionIds'> | undefined {
  const end = fields.variable() + fields.at;
  if (end === fields.at) return undefined;
  const properties: MessageProperties = {};
  const subscriptionIds: number[] = [];
  const user = new Map<string, string | string[]>();
  while (fields.at < end) {
    const id = fields.uint8();
    switch (id) {
      case 0x01:
        if (fields.uint8() === 1) properties.isText = true;
        break;
      case 0x02:
        properties.expirySeconds = fields.uint32();
        break;
      case 0x03:
        properties.contentType = fields.text();
        break;
      case 0x08:
        properties.responseTopic = fields.text();
        break;
      case 0x09:
        properties.correlationData = fields.bytes();
        break;
      case 0x0b:
        subscriptionIds.push(fields.variable());
        break;
      case 0x26: {
        const name = fields.text();
        const value = fields.text();
        const known = user.get(name);
        user.set(name, known === undefined ? value : [known, value].flat());
        break;
      }
      case TOPIC_ALIAS:
        throw new Error('a topic alias, which it was not offered');
      default:
        throw new Error(`a message with the property ${id}`);
    }
  }
  if (fields.at !== end) throw new Error('properties longer than they say');
  if (user.size > 0) properties.userProperties = Object.fromEntries(user);
  return { properties, subscriptionIds };
}

/** The fields of a packet, one after the other. Those that end beyond it are refused. */
class Fields {
  at = 0;

  constructor(private readonly body: Buffer) {}

  uint8(): number {
    return this.body.readUInt8(this.skip(1));
  }

  uint16(): number {
    return this.body.readUInt16BE(this.skip(2));
  }

  uint32(): number {
    return this.body.readUInt32BE(this.skip(4));
  }

  /** A number of one to four bytes. */
  variable(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.uint8();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('a number without an end');
  }

  text(): string {
    const length = this.uint16();
    const from = this.skip(length);
    return this.body.toString('utf8', from, from + length);
  }

  bytes(): Buffer {
    const length = this.uint16();
    const from = this.skip(length);
    return this.body.subarray(from, from + length);
  }

  rest(): Buffer {
    return this.body.subarray(this.at);
  }

  private skip(bytes: number): number {
    const from = this.at;
    this.at += bytes;
    if (this.at > this.body.length) throw new Error('a packet shorter than it says');
    return from;
  }
}
