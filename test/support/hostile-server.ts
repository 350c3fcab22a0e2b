import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, type Socket, connect as tcpConnect } from 'node:net';
import type { Network } from '../../lib/protocols/http/dialer';

/** Answers one path; `response.socket` lets it write what no server of Node's would. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server of the tests' own on loopback: each path misbehaves in its own way. */
export class HostileServer {
  readonly seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly origin: string,
    readonly port: number,
  ) {
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket.on('close', () => this.sockets.delete(socket)));
    });
  }

  static async start(paths: Record<string, Misbehaviour>, tls?: ServerOptions): Promise<HostileServer> {
    const listener: RequestListener = (request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        started.seen.push({ method, url, headers, body });
        const misbehave = paths[url.split('?')[0] as string];
        if (misbehave === undefined) response.writeHead(404).end();
        else misbehave(request, response, body);
      });
    };
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const started = new HostileServer(server, `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, port);
    return started;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Writes bytes as they are, past Node's rules for answers. */
export function raw(response: ServerResponse, text: string): Socket {
  const socket = response.socket as Socket;
  socket.write(text, 'latin1');
  return socket;
}

/** An answer whose body never ends. */
export function endless(response: ServerResponse, head: string): void {
  raw(response, `${head}Transfer-Encoding: chunked\r\n\r\n`);
  const timer = setInterval(() => raw(response, `4000\r\n${'x'.repeat(0x4000)}\r\n`), 1);
  response.socket?.once('close', () => clearInterval(timer));
}

/**
 * Names as the test says, and a list of what was dialled. Nothing leaves loopback: every other address leads to the given port
 * of this machine.
 */
export class CountingNetwork implements Network {
  readonly dialled: string[] = [];
  readonly resolved: string[] = [];

  /** @param names answers of each name, one list for each time it is asked; the last one stays */
  constructor(
    private readonly names: Record<string, string[][]> = {},
    private readonly port?: number,
  ) {}

  async resolve(host: string): Promise<string[]> {
    this.resolved.push(host);
    const answers = this.names[host.replace(/\.$/, '')];
    if (answers === undefined) throw Object.assign(new Error(`no ${host}`), { code: 'ENOTFOUND' });
    return (answers.length > 1 ? answers.shift() : answers[0]) as string[];
  }

  connect(address: string, port: number): Socket {
    this.dialled.push(`${address.includes(':') ? `[${address}]` : address}:${port}`);
    return tcpConnect({ host: '127.0.0.1', port: this.port ?? port });
  }
}
