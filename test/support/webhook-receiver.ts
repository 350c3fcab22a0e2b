import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Got {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What takes webhooks: it answers as the test says, and remembers what it got. */
export class WebhookReceiver {
  readonly got: Got[] = [];
  /** Requests that wait for their answer now, and the most there ever were. */
  waiting = 0;
  most = 0;
  /** Answers 200 unless a test has something else in mind. */
  answer: (response: ServerResponse, got: Got) => void = (response) => response.end('thanks');

  private constructor(
    private readonly server: Server,
    private readonly scheme: 'http' | 'https',
  ) {
    server.on('request', (request, response) => {
      let body = '';
      this.waiting += 1;
      this.most = Math.max(this.most, this.waiting);
      response.once('close', () => {
        this.waiting -= 1;
      });
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const got = { method, path: url, headers, body };
        this.got.push(got);
        this.answer(response, got);
      });
    });
  }

  /** @param port to come back at; absent = any that is free */
  static async start(port = 0, tls?: ServerOptions): Promise<WebhookReceiver> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new WebhookReceiver(server as Server, tls === undefined ? 'http' : 'https');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${this.port}/hooks?from=pcp`;
  }

  get ids(): string[] {
    return this.got.map(({ headers }) => String(headers['webhook-id']));
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
