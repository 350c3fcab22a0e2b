import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import {
  array,
  boolean,
  byte,
  byteString,
  dateTime,
  double,
  localizedText,
  nodeId,
  qualifiedName,
  Reader,
  string,
  uint32,
} from './binary';
import type { FaultSubscription } from './fault-subscription';

/** What goes wrong, in the order of a connection's life. */
export type Fault =
  | 'none'
  | 'close on connect'
  | 'close on hello'
  | 'garbage for hello'
  | 'huge message for hello'
  | 'error for hello'
  | 'close on open channel'
  | 'close after open channel'
  | 'garbage after open channel'
  | 'silence after open channel'
  | 'cut answer'
  | 'wrong sequence'
  | 'fault for every request'
  | 'fault for sessions'
  | 'garbage body'
  | 'endless browse'
  | 'silence from a call on';

const NONE = 'http://opcfoundation.org/UA/SecurityPolicy#None';
const BAD_TOO_MANY_SESSIONS = 0x80560000;
const BAD_INTERNAL_ERROR = 0x80020000;
const BAD_TCP_SERVER_TOO_BUSY = 0x807d0000;
const BAD_NODE_ID_UNKNOWN = 0x80340000;

/** Requests, and what their answers are called (Part 6, annex A). */
const ANSWERS: Record<number, number> = { 428: 431, 461: 464, 467: 470, 473: 476, 527: 530, 533: 536, 631: 634 };
const SERVICE_FAULT = 397;
const CALL = 712;

/** A server that speaks just enough of OPC UA over TCP (Part 6, 7) to break at a chosen place. */
export class FaultServer {
  fault: Fault = 'none';
  /** Without one it refuses to make any. */
  subscription: FaultSubscription | undefined;
  /** How often somebody connected. */
  connections = 0;
  /** How often somebody broke a connection off, instead of closing it. */
  resets = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];

  constructor() {
    this.#server = createServer((socket) => {
      this.connections++;
      for (const wake of this.#waiting.splice(0)) wake();
      this.#sockets.add(socket);
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNRESET') this.resets++;
        for (const wake of this.#waiting.splice(0)) wake();
      });
      socket.on('close', () => this.#sockets.delete(socket));
      if (this.fault === 'close on connect') socket.destroy();
      else this.#serve(socket);
    });
  }

  get url(): string {
    return `opc.tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Waits until so many more have connected; the test's own time limit bounds it. */
  async more(count: number): Promise<void> {
    const wanted = this.connections + count;
    while (this.connections < wanted) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async reset(): Promise<void> {
    while (this.resets === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Breaks all connections that stand. */
  drop(): void {
    this.subscription?.forget();
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    let buffered = Buffer.alloc(0);
    let sequence = 0;
    const next = () => ++sequence;
    const send = (type: string, body: Buffer) => {
      const head = Buffer.concat([Buffer.from(`${type}F`), uint32(8 + body.length)]);
      socket.write(Buffer.concat([head, body]));
    };
    socket.on('data', (data) => {
      buffered = Buffer.concat([buffered, data]);
      while (buffered.length >= 8 && buffered.length >= buffered.readUInt32LE(4)) {
        const size = buffered.readUInt32LE(4);
        const type = buffered.toString('latin1', 0, 3);
        const body = buffered.subarray(8, size);
        buffered = buffered.subarray(size);
        if (type === 'HEL') this.#hello(socket, send);
        else if (type === 'OPN') this.#openChannel(socket, send, body, next());
        else if (type === 'MSG') this.#answer(socket, send, body, next);
        else socket.end();
      }
    });
  }

  #hello(socket: Socket, send: (type: string, body: Buffer) => void): void {
    switch (this.fault) {
      case 'close on hello':
        socket.destroy();
        return;
      case 'garbage for hello':
        socket.write(randomBytes(500));
        return;
      case 'huge message for hello':
        socket.write(Buffer.concat([Buffer.from('ACKF'), uint32(0xfffffff0), randomBytes(70_000)]));
        return;
      case 'error for hello':
        send('ERR', Buffer.concat([uint32(BAD_TCP_SERVER_TOO_BUSY), string('come back later')]));
        return;
      default:
        send('ACK', Buffer.concat([uint32(0), ...[65_536, 65_536, 0, 0].map(uint32)]));
    }
  }

  #openChannel(socket: Socket, send: (type: string, body: Buffer) => void, request: Buffer, sequence: number): void {
    if (this.fault === 'close on open channel') {
      socket.destroy();
      return;
    }
    const reader = new Reader(request).skip(4);
    for (let field = 0; field < 3; field++) reader.byteString();
    const requestId = reader.skip(4).uint32();
    reader.nodeId();
    reader.nodeId();
    const handle = reader.skip(8).uint32();
    send(
      'OPN',
      Buffer.concat([
        ...[uint32(7), string(NONE), byteString(null), byteString(null), uint32(sequence), uint32(requestId)],
        ...[nodeId(449), responseHeader(handle, 0), uint32(0)],
        ...[uint32(7), uint32(1), dateTime(), uint32(3_600_000), byteString(randomBytes(32))],
      ]),
    );
    if (this.fault === 'close after open channel') socket.end();
    if (this.fault === 'garbage after open channel') socket.write(randomBytes(2000));
  }

  #answer(socket: Socket, send: (type: string, body: Buffer) => void, request: Buffer, next: () => number): void {
    if (this.fault === 'silence after open channel') return;
    const reader = new Reader(request).skip(12);
    const requestId = reader.uint32();
    const type = reader.nodeId();
    reader.nodeId();
    const handle = reader.skip(8).uint32();
    reader.skip(4).byteString();
    reader.skip(4).nodeId();
    reader.skip(1);
    const body = (id: number, status: number, content: Buffer) =>
      Buffer.concat([
        ...[uint32(7), uint32(1), uint32(this.fault === 'wrong sequence' ? 1 : next()), uint32(requestId)],
        ...[nodeId(id), responseHeader(handle, status), content],
      ]);
    if (this.fault === 'silence from a call on' && type === CALL) {
      this.fault = 'silence after open channel';
      return;
    }
    const reply = (id: number, status: number, content: Buffer) => send('MSG', body(id, status, content));
    if (this.subscription?.answer(type, reader, reply)) return;
    const refuses =
      this.fault === 'fault for every request' ||
      (this.fault === 'fault for sessions' && (type === 461 || type === 467));
    const answer = ANSWERS[type];
    if (refuses || answer === undefined) {
      const status = refuses ? BAD_TOO_MANY_SESSIONS : BAD_INTERNAL_ERROR;
      reply(SERVICE_FAULT, status, Buffer.alloc(0));
    } else if (this.fault === 'garbage body') {
      reply(answer, 0, randomBytes(300));
    } else if (this.fault === 'cut answer') {
      socket.end(Buffer.concat([Buffer.from('MSGF'), uint32(5000), body(answer, 0, randomBytes(100))]));
    } else {
      reply(answer, 0, this.#content(type, reader));
    }
  }

  #content(request: number, reader: Reader): Buffer {
    switch (request) {
      case 428:
        return array([this.#endpoint()]);
      case 461:
        return Buffer.concat([
          ...[nodeId(4711, 1), nodeId(4712, 1), double(60_000), byteString(randomBytes(32)), byteString(null)],
          ...[array([this.#endpoint()]), uint32(-1), string(null), byteString(null), uint32(0)],
        ]);
      case 467:
        return Buffer.concat([byteString(randomBytes(32)), uint32(-1), uint32(-1)]);
      case 631: {
        const count = reader.skip(12).uint32();
        const isNamespaces = reader.nodeId() === 2255;
        const namespaces = Buffer.concat([
          byte(1),
          byte(0x8c),
          array(['http://opcfoundation.org/UA/', 'urn:fault'].map(string)),
        ]);
        const unknown = Buffer.concat([byte(2), uint32(BAD_NODE_ID_UNKNOWN)]);
        const state = Buffer.concat([byte(1), byte(6), uint32(0)]);
        const values = Array.from({ length: count }, () => (isNamespaces ? namespaces : count === 1 ? state : unknown));
        return Buffer.concat([array(values), uint32(-1)]);
      }
      case 527:
      case 533:
        return Buffer.concat([array([this.#browsed()]), uint32(-1)]);
      default:
        return Buffer.alloc(0);
    }
  }

  /** A reference that was never seen, and a continuation point for the next one. */
  #browsed(): Buffer {
    const id = Math.floor(Math.random() * 2 ** 31);
    const reference = Buffer.concat([
      ...[nodeId(35), boolean(true), nodeId(id, 1), qualifiedName(1, `N${id}`), localizedText(`N${id}`)],
      ...[uint32(1), nodeId(61)],
    ]);
    const point = this.fault === 'endless browse' ? randomBytes(8) : null;
    return Buffer.concat([uint32(0), byteString(point), array([reference])]);
  }

  #endpoint(): Buffer {
    const server = Buffer.concat([
      ...[
        string('urn:fault'),
        string('urn:fault'),
        localizedText('fault'),
        uint32(0),
        string(null),
        string(null),
        uint32(-1),
      ],
    ]);
    const anonymous = Buffer.concat([string('anonymous'), uint32(0), string(null), string(null), string(null)]);
    return Buffer.concat([
      ...[string(this.url), server, byteString(null), uint32(1), string(NONE), array([anonymous])],
      ...[string('http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary'), byte(0)],
    ]);
  }
}

function responseHeader(handle: number, status: number): Buffer {
  return Buffer.concat([dateTime(), uint32(handle), uint32(status), byte(0), uint32(-1), byte(0), byte(0), byte(0)]);
}
