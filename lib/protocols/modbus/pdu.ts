import { phrase } from '../../model/phrase';
import { ModbusException, protocolError, ShortAnswer } from './errors';

export type Table = 'coil' | 'discrete' | 'holding' | 'input';

/** A table's read function. */
export const READ_FUNCTIONS = { coil: 1, discrete: 2, holding: 3, input: 4 } as const satisfies Record<Table, number>;

export const WRITE_FUNCTIONS = [5, 6, 15, 16, 22, 23] as const;
export type WriteFunction = (typeof WRITE_FUNCTIONS)[number];

/** What one request may ask for, by the specification. */
export const LIMITS = { registers: 125, bits: 2000 } as const;

export type ReadRequest = { function: 1 | 2 | 3 | 4; address: number; count: number };

export type WriteRequest =
  | { function: 5; address: number; value: boolean }
  | { function: 15; address: number; values: boolean[] }
  /** Registers as their bytes, high byte first. */
  | { function: 6 | 16; address: number; registers: Buffer }
  /** The register becomes (what it was AND `and`) OR (`or` AND NOT `and`). */
  | { function: 22; address: number; and: number; or: number }
  /** Writes registers and reads the same ones back. */
  | { function: 23; address: number; registers: Buffer };

export type ModbusRequest = ReadRequest | WriteRequest;

export function isWrite(request: ModbusRequest): request is WriteRequest {
  return request.function > 4;
}

/** How many bits or registers a request is about. */
export function countOf(request: ModbusRequest): number {
  if ('count' in request) return request.count;
  if ('values' in request) return request.values.length;
  return 'registers' in request ? request.registers.length / 2 : 1;
}

/** The request as it goes into a frame: function code and data. */
export function encodeRequest(request: ModbusRequest): Buffer {
  const { address } = request;
  switch (request.function) {
    case 5:
      return words(5, address, request.value ? 0xff00 : 0);
    case 6:
      return Buffer.concat([words(6, address), request.registers]);
    case 15: {
      const bits = packBits(request.values);
      return Buffer.concat([words(15, address, request.values.length), Buffer.from([bits.length]), bits]);
    }
    case 16: {
      const { registers } = request;
      return Buffer.concat([words(16, address, registers.length / 2), Buffer.from([registers.length]), registers]);
    }
    case 22:
      return words(22, address, request.and, request.or);
    case 23: {
      const { registers } = request;
      const count = registers.length / 2;
      return Buffer.concat([words(23, address, count, address, count), Buffer.from([registers.length]), registers]);
    }
    default:
      return words(request.function, address, request.count);
  }
}

/**
 * The data of an answer: bits (packed as they came) or registers of a read, nothing for a write that was echoed.
 * @throws ModbusException, ShortAnswer when the unit refuses, or has less
 * @throws transient PCP_MODBUS_PROTOCOL when it is not an answer to this request
 */
export function decodeAnswer(unit: number, request: ModbusRequest, pdu: Buffer): Buffer {
  const code = pdu[0] as number;
  if (code === (request.function | 0x80) && pdu.length === 2) {
    throw new ModbusException(pdu[1] as number, unit, request.function, request.address);
  }
  if (code !== request.function)
    throw protocolError(phrase`function ${request.function} was answered by function ${code}`);
  const isRead = !isWrite(request) || request.function === 23;
  if (isRead) {
    const count = countOf(request);
    const expected = request.function < 3 ? Math.ceil(count / 8) : count * 2;
    const said = pdu[1] ?? 0;
    if (!isWrite(request) && said < expected && pdu.length === said + 2) {
      throw new ShortAnswer(unit, request.function, request.address, expected, said);
    }
    if (said !== expected || pdu.length !== expected + 2) {
      throw protocolError(phrase`${expected} bytes of data were asked for, ${pdu.length - 2} came, ${said} said`);
    }
    return pdu.subarray(2);
  }
  // What was written comes back, of many values only where and how many.
  const sent = encodeRequest(request);
  const echo = request.function === 15 || request.function === 16 ? sent.subarray(0, 5) : sent;
  if (!pdu.equals(echo))
    throw protocolError(phrase`function ${request.function} was answered with other values than were sent`);
  return Buffer.alloc(0);
}

/** Bit n of packed bits. */
export function bitAt(data: Buffer, index: number): boolean {
  return ((data[index >> 3] as number) & (1 << (index & 7))) !== 0;
}

function packBits(values: readonly boolean[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(values.length / 8));
  values.forEach((value, index) => {
    if (value) bytes[index >> 3] = (bytes[index >> 3] as number) | (1 << (index & 7));
  });
  return bytes;
}

function words(functionCode: number, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(1 + values.length * 2);
  bytes[0] = functionCode;
  values.forEach((value, index) => {
    bytes.writeUInt16BE(value, 1 + index * 2);
  });
  return bytes;
}
