import { phrase } from '../../model/phrase';
import { protocolError } from './errors';

/** How requests and answers are told apart on a line. A framing belongs to one line and keeps what came of the next frame. */
export interface Framing {
  /** Several requests may be under way: their answers say which one they answer. */
  readonly hasTransactions: boolean;
  encode(transaction: number, unit: number, pdu: Buffer): Buffer;
  /**
   * Takes what came and gives the frames that are complete.
   * @throws transient PCP_MODBUS_PROTOCOL for what cannot be a frame
   */
  decode(bytes: Buffer): Frame[];
  /** Forgets the beginning of a frame. */
  reset(): void;
}

export interface Frame {
  /** Undefined where the framing has none. */
  transaction: number | undefined;
  unit: number;
  pdu: Buffer;
}

const NOTHING = Buffer.alloc(0);
const HEADER = 7;
/** Unit and PDU. */
const LONGEST = 254;

/** Modbus TCP: a header with transaction and length before each PDU. */
export class TcpFraming implements Framing {
  readonly hasTransactions = true;
  #rest: Buffer = NOTHING;

  encode(transaction: number, unit: number, pdu: Buffer): Buffer {
    const frame = Buffer.allocUnsafe(HEADER + pdu.length);
    frame.writeUInt16BE(transaction, 0);
    frame.writeUInt16BE(0, 2);
    frame.writeUInt16BE(1 + pdu.length, 4);
    frame[6] = unit;
    pdu.copy(frame, HEADER);
    return frame;
  }

  decode(bytes: Buffer): Frame[] {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    while (rest.length >= 6) {
      const length = rest.readUInt16BE(4);
      if (rest.readUInt16BE(2) !== 0)
        throw protocolError(phrase`protocol ${rest.readUInt16BE(2)} instead of 0 in a header`);
      // Unit, function and at least one byte.
      if (length < 3 || length > LONGEST) throw protocolError(phrase`a frame of ${length} bytes`);
      if (rest.length < 6 + length) break;
      frames.push({
        transaction: rest.readUInt16BE(0),
        unit: rest[6] as number,
        pdu: rest.subarray(HEADER, 6 + length),
      });
      rest = rest.subarray(6 + length);
    }
    this.#rest = rest;
    return frames;
  }

  reset(): void {
    this.#rest = NOTHING;
  }
}

/** Modbus RTU: unit, PDU and CRC. Where an answer ends follows from its function. */
export class RtuFraming implements Framing {
  readonly hasTransactions = false;
  #rest: Buffer = NOTHING;

  encode(_transaction: number, unit: number, pdu: Buffer): Buffer {
    const frame = Buffer.allocUnsafe(pdu.length + 3);
    frame[0] = unit;
    pdu.copy(frame, 1);
    frame.writeUInt16LE(crc16(frame.subarray(0, -2)), frame.length - 2);
    return frame;
  }

  decode(bytes: Buffer): Frame[] {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    for (;;) {
      const length = rtuAnswerLength(rest);
      if (length === undefined || rest.length < length) break;
      const frame = rest.subarray(0, length);
      if (crc16(frame.subarray(0, -2)) !== frame.readUInt16LE(length - 2))
        throw protocolError(phrase`a frame with a wrong CRC`);
      frames.push({ transaction: undefined, unit: frame[0] as number, pdu: frame.subarray(1, -2) });
      rest = rest.subarray(length);
    }
    this.#rest = rest;
    return frames;
  }

  reset(): void {
    this.#rest = NOTHING;
  }
}

/** Undefined while it cannot be told yet. */
function rtuAnswerLength(bytes: Buffer): number | undefined {
  const code = bytes[1];
  if (code === undefined) return undefined;
  if (code & 0x80) return 5;
  switch (code) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 23:
      return bytes[2] === undefined ? undefined : 5 + bytes[2];
    case 5:
    case 6:
    case 15:
    case 16:
      return 8;
    case 22:
      return 10;
    default:
      throw protocolError(phrase`an answer of function ${code}`);
  }
}

export function crc16(bytes: Buffer): number {
  let crc = 0xffff;
  for (const byte of bytes) crc = (crc >> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] as number);
  return crc;
}

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});
