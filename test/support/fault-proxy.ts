import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Fault = 'none' | 'refuse' | 'reset' | 'cut' | 'silence' | 'drip';

const DRIP_MS = 1;
const CUT_AFTER = 3;

/** A way to a server that is out of order as a test says: for the connections that are open, and for new ones. */
export class FaultProxy {
  readonly port: number;
  /** The next connections, one each, are reset when their client has sent so often. */
  readonly resets: number[] = [];
  /** As for resets, when their server has answered so often: what it did is done, and the answer is lost. */
  readonly losses: number[] = [];
  readonly #target: number;
  readonly #pairs = new Map<Socket, Socket>();
  #server: Server;
  #fault: Fault = 'none';

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#pass(client));
  }

  static async start(target: number): Promise<FaultProxy> {
    return new FaultProxy(await listening(0), target);
  }

  /** Connections to the server. */
  get open(): number {
    return this.#pairs.size;
  }

  async turn(fault: Fault): Promise<void> {
    if (this.#fault === 'refuse') {
      this.#server = await listening(this.port);
      this.#server.on('connection', (client) => this.#pass(client));
    }
    this.#fault = fault;
    if (fault === 'none') return this.#end((client, server) => client.isPaused() && end(client, server));
    if (fault === 'refuse') {
      const closed = new Promise((resolve) => this.#server.close(resolve));
      this.#end(end);
      await closed;
    }
    if (fault === 'reset') this.#end(end);
    if (fault === 'cut') this.#end((client) => client.end(Buffer.from([0x30, 0x7f, 0])));
    if (fault === 'silence') this.#end((client, server) => [client, server].map((socket) => socket.pause()));
  }

  async stop(): Promise<void> {
    await this.turn('none');
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#end(end);
    await closed;
  }

  #end(how: (client: Socket, server: Socket) => unknown): void {
    for (const [client, server] of this.#pairs) how(client, server);
  }

  #pass(client: Socket): void {
    if (this.#fault === 'reset') return void client.resetAndDestroy();
    const server = connect(this.#target, '127.0.0.1');
    this.#pairs.set(client, server);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(client);
        other.destroy();
      });
    }
    const [most, mostAnswers] = [this.resets.shift(), this.losses.shift()];
    let [sent, answered] = [0, 0];
    client.on('data', (chunk) => {
      if (++sent === most) end(client, server);
      else if (this.#fault !== 'silence') server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (++answered === mostAnswers) end(client, server);
      else this.#answer(client, server, chunk);
    });
  }

  #answer(client: Socket, server: Socket, chunk: Buffer): void {
    if (this.#fault === 'silence') return;
    if (this.#fault === 'cut') return void client.end(chunk.subarray(0, CUT_AFTER));
    if (this.#fault !== 'drip') return void client.write(chunk);
    server.pause();
    let sent = 0;
    const next = setInterval(() => {
      client.write(chunk.subarray(sent, ++sent));
      if (sent < chunk.length) return;
      clearInterval(next);
      server.resume();
    }, DRIP_MS);
  }
}

function end(client: Socket, server: Socket): void {
  client.resetAndDestroy();
  server.destroy();
}

async function listening(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}
