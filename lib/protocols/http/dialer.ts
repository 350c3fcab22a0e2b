import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { type SecureContext, connect as tlsConnect } from 'node:tls';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { secureContext } from '../secure-context';
import type { AddressRules, Target } from './addresses';
import type { TlsOptions } from './client';
import { Deadline } from './deadline';
import { connectError, connectTimeout } from './errors';
import { hostOf, portOf } from './url';

/** Names and sockets of this machine. Tests put their own here to see what would be dialled. */
export interface Network {
  resolve(host: string): Promise<string[]>;
  /** @param address an IP address, never a name */
  connect(address: string, port: number): Socket;
}

export const THIS_MACHINE: Network = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  connect: (host, port) => tcpConnect({ host, port, noDelay: true, keepAlive: true }),
};

export interface DialerOptions {
  rules: AddressRules;
  timeoutMs: number;
  network: Network;
  tls: TlsOptions;
  /** The origin that `tls.servername` is meant for. */
  base: URL;
  proxy: URL | undefined;
  isOwn(url: URL): boolean;
}

/** Opens sockets. A name is resolved once, all its addresses are checked, and a checked address is what is connected to. */
export class Dialer {
  private readonly trust: SecureContext;
  /** The client's certificate is for the server, not for a proxy on the way. */
  private readonly proxyTrust: SecureContext;

  /** @throws config PCP_TLS_CERTIFICATE */
  constructor(private readonly options: DialerOptions) {
    const { ca } = options.tls;
    this.trust = secureContext(options.tls);
    this.proxyTrust = options.proxy === undefined ? this.trust : secureContext(ca === undefined ? {} : { ca });
  }

  /** A socket to the URL's origin, through the proxy if there is one, with its TLS done. */
  async dial(url: URL, signal: AbortSignal): Promise<Socket> {
    const { proxy, timeoutMs } = this.options;
    let at = proxy ?? url;
    const deadline = new Deadline(timeoutMs, signal, () => connectTimeout(at, this.settingOf(at)));
    const opened: Socket[] = [];
    const keep = <T extends Socket>(socket: T): T => {
      opened.push(socket);
      // The first error is the true one (an alert of TLS), the others follow from it; one that comes when nobody waits for the
      // socket must not end the process.
      socket.on('error', (error) => socket.destroy(error));
      return socket;
    };
    try {
      const socket = await this.secured(at, await this.reach(at, deadline, keep), deadline, keep);
      if (proxy === undefined || url.origin === proxy.origin) return socket;
      await tunnel(proxy, url, socket, deadline);
      at = url;
      return await this.secured(url, socket, deadline, keep);
    } catch (thrown) {
      for (const socket of opened) socket.destroy();
      throw connectError(thrown, at, this.settingOf(at));
    } finally {
      deadline.clear();
    }
  }

  /** For requests through a proxy, which resolves names by itself: refuses what this machine can tell. */
  async checkName(url: URL, signal: AbortSignal): Promise<void> {
    const deadline = new Deadline(this.options.timeoutMs, signal, () => connectTimeout(url, this.settingOf(url)));
    try {
      const addresses = await deadline.of(this.addresses(hostOf(url))).catch((error: unknown) => {
        if (signal.aborted) throw error;
        return [];
      });
      for (const address of addresses) this.options.rules.check(this.target(url), address);
    } finally {
      deadline.clear();
    }
  }

  private async reach(url: URL, deadline: Deadline, keep: (socket: Socket) => Socket): Promise<Socket> {
    const target = this.target(url);
    const addresses = await deadline.of(this.addresses(target.host));
    for (const address of addresses) this.options.rules.check(target, address);
    const share = this.options.timeoutMs / addresses.length;
    let failure: unknown = Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
    for (const address of addresses) {
      const attempt = new Deadline(share, deadline.signal, () => connectTimeout(url, target.setting));
      const socket = keep(this.options.network.connect(address, target.port));
      try {
        await ready(socket, 'connect', attempt);
        return socket;
      } catch (error) {
        socket.destroy();
        if (deadline.signal.aborted) throw error;
        failure = error;
      } finally {
        attempt.clear();
      }
    }
    throw failure;
  }

  private async addresses(host: string): Promise<string[]> {
    return isIP(host) === 0 ? this.options.network.resolve(host) : [host];
  }

  private async secured(
    url: URL,
    socket: Socket,
    deadline: Deadline,
    keep: (socket: Socket) => Socket,
  ): Promise<Socket> {
    if (url.protocol !== 'https:') return socket;
    const { tls, base, proxy } = this.options;
    const host = hostOf(url);
    const expected = (url.origin === base.origin ? tls.servername : undefined) ?? host;
    const secure = keep(
      tlsConnect({
        socket,
        host: expected,
        ...(isIP(expected) === 0 && { servername: expected }),
        ALPNProtocols: ['http/1.1'],
        secureContext: url.origin === proxy?.origin ? this.proxyTrust : this.trust,
      }),
    );
    await ready(secure, 'secureConnect', deadline);
    return secure;
  }

  private target(url: URL): Target {
    return { host: hostOf(url), port: portOf(url), own: this.options.isOwn(url), setting: this.settingOf(url) };
  }

  private settingOf({ origin }: URL): string {
    const { base, proxy } = this.options;
    if (origin === base.origin) return '/config/base_url';
    return origin === proxy?.origin ? '/config/proxy_url' : '/config/token_url';
  }
}

async function ready(socket: Socket, event: 'connect' | 'secureConnect', deadline: Deadline): Promise<void> {
  const closed = once(socket, 'close').then(() => {
    throw Object.assign(new Error('closed'), { code: 'ECONNRESET' });
  });
  closed.catch(() => undefined);
  await deadline.of(Promise.race([once(socket, event), closed]));
}

/** Asks the proxy for a way through. */
async function tunnel(proxy: URL, url: URL, socket: Socket, deadline: Deadline): Promise<void> {
  const path = `${url.hostname}:${portOf(url)}`;
  const asked = request({
    method: 'CONNECT',
    path,
    headers: { host: path, ...proxyAuthorization(proxy) },
    createConnection: () => socket,
    signal: deadline.signal,
  });
  asked.end();
  const [response] = (await deadline.of(once(asked, 'connect'))) as [IncomingMessage];
  if (response.statusCode !== 200) {
    throw new IntegrationError(
      'config',
      'PCP_PROXY_REFUSED',
      phrase`The proxy ${proxy.host} answered ${response.statusCode}.`,
      {
        path: '/config/proxy_url',
        hint: 'Check the user and password of the proxy, and that it lets this host and port through.',
      },
    );
  }
}

export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '' && proxy.password === '') return {};
  const user = `${plainPart(proxy.username)}:${plainPart(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(user, 'utf8').toString('base64')}` };
}

/** User or password as they were before they came into a URL; as they are where somebody wrote a percent sign as it is. */
export function plainPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
