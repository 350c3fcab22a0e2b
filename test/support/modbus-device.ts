import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { crc16 } from '../../lib/protocols/modbus/framing';

export interface DeviceRequest {
  transaction: number;
  unit: number;
  /** Function code and data. */
  pdu: Buffer;
  function: number;
  address: number;
  count: number;
}

/** What goes back: a PDU, exactly these bytes, or nothing. */
export type DeviceAnswer = Buffer | { raw: Buffer } | undefined;

/** A device that misbehaves as a test wants it to: holding registers by default, each of which holds its address. */
export class ModbusDevice {
  readonly requests: DeviceRequest[] = [];
  /** Requests that wait for an answer now, and the most there were at once. */
  waiting = 0;
  mostWaiting = 0;
  connections = 0;
  readonly sockets = new Set<Socket>();
  answer: (request: DeviceRequest, socket: Socket) => DeviceAnswer | Promise<DeviceAnswer> = (request) =>
    registers(request);
  readonly #server: Server;

  constructor(private readonly framing: 'tcp' | 'rtu' = 'tcp') {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The frame in which a PDU goes back. */
  frame({ transaction, unit }: { transaction: number; unit: number }, pdu: Buffer): Buffer {
    if (this.framing === 'rtu') {
      const frame = Buffer.concat([Buffer.from([unit]), pdu, Buffer.alloc(2)]);
      frame.writeUInt16LE(crc16(frame.subarray(0, -2)), frame.length - 2);
      return frame;
    }
    const header = Buffer.alloc(7);
    header.writeUInt16BE(transaction, 0);
    header.writeUInt16BE(pdu.length + 1, 4);
    header[6] = unit;
    return Buffer.concat([header, pdu]);
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    let rest = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (;;) {
        const length = this.framing === 'tcp' ? tcpLength(rest) : rest.length;
        if (length === 0 || rest.length < length) return;
        const frame = rest.subarray(0, length);
        rest = rest.subarray(length);
        void this.#answer(frame, socket);
      }
    });
  }

  async #answer(frame: Buffer, socket: Socket): Promise<void> {
    const isTcp = this.framing === 'tcp';
    const unit = frame[isTcp ? 6 : 0] as number;
    const pdu = isTcp ? frame.subarray(7) : frame.subarray(1, -2);
    const request: DeviceRequest = {
      transaction: isTcp ? frame.readUInt16BE(0) : 0,
      unit,
      pdu,
      function: pdu[0] as number,
      address: pdu.readUInt16BE(1),
      count: pdu.readUInt16BE(3),
    };
    this.requests.push(request);
    this.mostWaiting = Math.max(this.mostWaiting, ++this.waiting);
    const answer = await this.answer(request, socket);
    this.waiting--;
    if (answer === undefined || socket.destroyed) return;
    socket.write(Buffer.isBuffer(answer) ? this.frame(request, answer) : answer.raw);
  }
}

/** The answer to a read of registers that hold their addresses. */
export function registers({ function: code, address, count }: DeviceRequest): Buffer {
  const pdu = Buffer.alloc(2 + count * 2);
  pdu[0] = code;
  pdu[1] = count * 2;
  for (let index = 0; index < count; index++) pdu.writeUInt16BE(address + index, 2 + index * 2);
  return pdu;
}

export function exception({ function: code }: DeviceRequest, number: number): Buffer {
  return Buffer.from([code | 0x80, number]);
}

function tcpLength(bytes: Buffer): number {
  return bytes.length < 6 ? 0 : 6 + bytes.readUInt16BE(4);
}
