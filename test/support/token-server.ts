import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A token endpoint that gives another refresh token each time and takes none twice, and the API that its tokens open. */
export class TokenServer {
  /** How often refresh tokens were exchanged. */
  renewals = 0;
  /** Refresh tokens that were sent again, or never given out: the sign-in is void. */
  readonly refused: string[] = [];
  /** Told of each request to the API, which is answered afterwards. */
  onRequest: (token: string) => Promise<void> = async () => undefined;
  /** How long the token endpoint takes to answer. */
  renewalMs = 0;
  private readonly good = new Set<string>();
  private accepted: string | undefined;
  private readonly server: Server;

  /** @param first the refresh token that the user was given */
  constructor(readonly first: string) {
    this.good.add(first);
    this.server = createServer(async (request, response) => {
      if (request.url === '/token') {
        let body = '';
        request.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        request.on('end', () => {
          const answer = this.renew(new URLSearchParams(body).get('refresh_token') ?? '');
          setTimeout(() => {
            response.writeHead(answer === undefined ? 400 : 200, { 'content-type': 'application/json' });
            response.end(JSON.stringify(answer ?? { error: 'invalid_grant' }));
          }, this.renewalMs);
        });
        return;
      }
      const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
      await this.onRequest(token);
      const isGood = token === this.accepted;
      response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify({ token }));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The API takes the access token no longer. */
  expire(): void {
    this.accepted = undefined;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private renew(refreshToken: string): object | undefined {
    if (!this.good.delete(refreshToken)) {
      this.refused.push(refreshToken);
      return undefined;
    }
    this.renewals += 1;
    const next = `${this.first}-${this.renewals}`;
    this.good.add(next);
    // Only the newest access token is good, as with the strictest of servers.
    this.accepted = `access-of-${next}`;
    return { access_token: this.accepted, refresh_token: next, expires_in: 3600 };
  }
}
