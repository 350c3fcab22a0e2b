import { createServer, type Server, type Socket } from 'node:net';

/** What the stand-in answers to a statement; numbers travel as 32-bit integers, everything else as text. */
export type TdsRow = Record<string, string | number | null>;

enum Packet {
  Batch = 1,
  Rpc = 3,
  Answer = 4,
  Attention = 6,
  Transaction = 14,
  Login7 = 16,
  Prelogin = 18,
}

const HEADER_LENGTH = 8;
const PACKET_LENGTH = 4096;
const END_OF_MESSAGE = 1;
const SP_EXECUTESQL = 10;

/**
 * As much of SQL Server as a client needs to sign in and to be answered: the protocol of
 * https://learn.microsoft.com/openspecs/windows_protocols/ms-tds, version 7.4, without encryption. It understands no SQL.
 */
export class TdsServer {
  /** Every statement that came in, in order. */
  readonly statements: string[] = [];
  rows: (sql: string) => TdsRow[] | TdsError = () => [];

  private constructor(
    private readonly server: Server,
    private readonly account: { username: string; password: string },
  ) {}

  static async start(account: { username: string; password: string }): Promise<TdsServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stand = new TdsServer(server, account);
    server.on('connection', (socket) => stand.serve(socket));
    return stand;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    let received = Buffer.alloc(0);
    let message = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= HEADER_LENGTH && received.length >= received.readUInt16BE(2)) {
        const length = received.readUInt16BE(2);
        message = Buffer.concat([message, received.subarray(HEADER_LENGTH, length)]);
        const [type, status] = [received.readUInt8(0), received.readUInt8(1)];
        received = received.subarray(length);
        if ((status & END_OF_MESSAGE) === 0) continue;
        send(socket, this.answer(type, message));
        message = Buffer.alloc(0);
      }
    });
  }

  private answer(type: Packet, message: Buffer): Buffer {
    switch (type) {
      case Packet.Prelogin:
        return prelogin();
      case Packet.Login7:
        return this.login(message);
      case Packet.Batch:
        // Drivers set up their sessions so; what gives rows comes by procedure.
        this.statements.push(message.toString('utf16le', message.readUInt32LE(0)));
        return done(0);
      case Packet.Rpc:
        return this.run(statementOf(message));
      case Packet.Transaction:
        return Buffer.concat([begun(message), done(0)]);
      case Packet.Attention:
        return done(0, 0x20);
      default:
        throw new Error(`A packet of type ${type} is not understood.`);
    }
  }

  private login(message: Buffer): Buffer {
    const field = (position: number) => {
      const start = message.readUInt16LE(position);
      return message.subarray(start, start + 2 * message.readUInt16LE(position + 2));
    };
    const username = field(40).toString('utf16le');
    // Each byte has its halves swapped and is then combined with A5.
    const password = Buffer.from(field(44).map((byte) => ((byte ^ 0xa5) << 4) | ((byte ^ 0xa5) >> 4)));
    const database = field(68).toString('utf16le');
    if (username !== this.account.username || password.toString('utf16le') !== this.account.password)
      return failure({ number: 18456, text: `Login failed for user '${username}'.` });
    if (database === 'nowhere')
      return failure({
        number: 4060,
        text: `Cannot open database "${database}" requested by the login. The login failed.`,
      });
    const version = Buffer.from([1, 0x74, 0, 0, 4]);
    return Buffer.concat([token(0xad, version, shortText('Stand-in'), Buffer.from([16, 0, 0, 0])), done(0)]);
  }

  private run(sql: string): Buffer {
    this.statements.push(sql);
    const rows = this.rows(sql);
    if (!Array.isArray(rows)) return failure(rows);
    const [first] = rows;
    if (first === undefined) return done(0);
    const names = Object.keys(first);
    const columns = names.map((name) => [name, typeof first[name] === 'number'] as const);
    const head = Buffer.concat([Buffer.from([0x81]), short(columns.length), ...columns.map(columnHead)]);
    const body = rows.map((row) =>
      Buffer.concat([Buffer.from([0xd1]), ...columns.map(([name, isNumber]) => cell(row[name] ?? null, isNumber))]),
    );
    return Buffer.concat([head, ...body, done(rows.length)]);
  }
}

export interface TdsError {
  number: number;
  text: string;
}

function send(socket: Socket, message: Buffer): void {
  const room = PACKET_LENGTH - HEADER_LENGTH;
  for (let start = 0; start < message.length; start += room) {
    const part = message.subarray(start, start + room);
    const header = Buffer.alloc(HEADER_LENGTH);
    header.writeUInt8(Packet.Answer, 0);
    header.writeUInt8(start + room >= message.length ? END_OF_MESSAGE : 0, 1);
    header.writeUInt16BE(part.length + HEADER_LENGTH, 2);
    socket.write(Buffer.concat([header, part]));
  }
}

/** Version 16, and "encryption is not supported". */
function prelogin(): Buffer {
  const head = Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff]);
  return Buffer.concat([head, Buffer.from([16, 0, 0, 0, 0, 0]), Buffer.from([2])]);
}

/** The first parameter of sp_executesql, which is the statement. */
function statementOf(message: Buffer): string {
  let at = message.readUInt32LE(0);
  if (message.readUInt16LE(at) !== 0xffff || message.readUInt16LE(at + 2) !== SP_EXECUTESQL)
    throw new Error('A procedure other than sp_executesql is not understood.');
  at += 6;
  at += 1 + 2 * message.readUInt8(at) + 1;
  if (message.readUInt8(at) !== 0xe7) throw new Error('The statement must be nvarchar.');
  const isLong = message.readUInt16LE(at + 1) === 0xffff;
  at += 8;
  if (!isLong) return message.toString('utf16le', at + 2, at + 2 + message.readUInt16LE(at));
  at += 8;
  const chunks: Buffer[] = [];
  for (let length = message.readUInt32LE(at); length > 0; length = message.readUInt32LE(at)) {
    chunks.push(message.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return Buffer.concat(chunks).toString('utf16le');
}

/** What tells a client that its transaction has begun, or ended. */
function begun(message: Buffer): Buffer {
  const request = message.readUInt16LE(message.readUInt32LE(0));
  const descriptor = Buffer.from([8, 1, 0, 0, 0, 0, 0, 0, 0]);
  if (request === 5) return token(0xe3, Buffer.from([8]), descriptor, Buffer.from([0]));
  return token(0xe3, Buffer.from([request === 7 ? 9 : 10, 0]), descriptor);
}

function failure({ number, text }: TdsError): Buffer {
  const head = Buffer.alloc(6);
  head.writeInt32LE(number, 0);
  head.writeUInt8(1, 4);
  head.writeUInt8(14, 5);
  const words = Buffer.concat([short(text.length), Buffer.from(text, 'utf16le')]);
  return Buffer.concat([token(0xaa, head, words, shortText('stand-in'), shortText(''), Buffer.alloc(4)), done(0, 2)]);
}

function done(rows: number, status = 0x10): Buffer {
  const body = Buffer.alloc(13);
  body.writeUInt8(0xfd, 0);
  body.writeUInt16LE(status, 1);
  body.writeUInt32LE(rows, 5);
  return body;
}

/** nvarchar(4000), or int where null is allowed. */
function columnHead([name, isNumber]: readonly [string, boolean]): Buffer {
  const type = isNumber ? [0x26, 4] : [0xe7, 0x40, 0x1f, 0x09, 0x04, 0xd0, 0, 0x34];
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 9, 0]), Buffer.from(type), shortText(name)]);
}

function cell(value: string | number | null, isNumber: boolean): Buffer {
  if (!isNumber) {
    if (value === null) return short(0xffff);
    const text = Buffer.from(String(value), 'utf16le');
    return Buffer.concat([short(text.length), text]);
  }
  if (value === null) return Buffer.from([0]);
  const number = Buffer.from([4, 0, 0, 0, 0]);
  number.writeInt32LE(Number(value), 1);
  return number;
}

function token(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type]), short(body.length), body]);
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')]);
}
