import type { TLSSocket } from 'node:tls';
import type { Agent } from 'undici';
import { cancelled } from '../../abortable';
import { IntegrationError } from '../../model/errors';
import { loadPackage } from '../load-package';
import { AddressRules } from './addresses';
import { Answer } from './answer';
import { identify, secretsOf } from './auth/authentication';
import { type AskForToken, type OAuth2, TokenSource } from './auth/oauth2';
import type { HttpClient, HttpOptions, HttpRequest, HttpResponse, Limits, Reached, Timeouts } from './client';
import { Deadline } from './deadline';
import { Dialer, plainPart, proxyAuthorization, THIS_MACHINE } from './dialer';
import { answerTimeout } from './errors';
import { Exchange, type Head } from './exchange';
import { PerConnection } from './per-connection';
import { pauseAskedFor } from './rate-headers';
import { leadsOn, redirectOf, tooManyRedirects, withUnknownOutcome } from './redirects';
import { type Allowance, OwnLimits, type Pass, RequestGate } from './request-gate';
import { below, onOrigin, parseUrl, resolveLink, withoutSlash } from './url';

const TIMEOUTS: Timeouts = { connect: 10_000, headers: 30_000, idle: 60_000, total: 300_000 };
const LIMITS: Limits = { headers: 32 * 1024, body: 32 * 1024 * 1024, redirects: 5 };
const MAX_CONCURRENCY = 4;
const LARGEST_TOKEN_ANSWER = 256 * 1024;

const gates = new PerConnection<Allowance, RequestGate>();
const tokens = new PerConnection<OAuth2, TokenSource>();

/**
 * Connects with the first request.
 * @throws config PCP_URL_REFUSED, PCP_SETTING_INVALID, PCP_TLS_CERTIFICATE, PCP_DRIVER_MISSING
 */
export function openHttp(options: HttpOptions): HttpClient {
  return new GuardedClient(options);
}

interface Message {
  method: string;
  url: URL;
  /** Of the URL, which puts it together whenever it is asked. */
  origin: string;
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array | undefined;
  beforeSend: (() => void) | undefined;
}

/** Puts what identifies the sender into a request. */
type Sign = (url: { search: string }, headers: Record<string, string>) => void;

class GuardedClient implements HttpClient {
  readonly baseUrl: URL;
  private readonly origin: string;
  private readonly timeouts: Timeouts;
  private readonly limits: Limits;
  private readonly proxy: URL | undefined;
  private readonly dialer: Dialer;
  private readonly agent: Agent;
  private readonly gate: RequestGate;
  private readonly sign: Sign;
  private readonly tokens: { source: TokenSource; ask: AskForToken } | undefined;
  private readonly closing = new AbortController();
  private latest: { target: string; url: URL } | undefined;
  /** Names in lower case. */
  private readonly fixedHeaders: Record<string, string> = {
    'user-agent': 'pcp-integrations',
    'accept-encoding': 'gzip, br',
  };

  constructor(private readonly options: HttpOptions) {
    const { authentication = { type: 'none' }, tls = {}, ownHost = true } = options;
    for (const [name, value] of Object.entries(options.headers ?? {})) this.fixedHeaders[name.toLowerCase()] = value;
    this.baseUrl = parseUrl(options.baseUrl, '/config/base_url');
    this.baseUrl.pathname = withoutSlash(this.baseUrl.pathname);
    this.origin = this.baseUrl.origin;
    this.proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
    this.timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.limits = { ...LIMITS, ...options.limits };
    this.dialer = new Dialer({
      rules: new AddressRules(options.allowedTargets),
      timeoutMs: this.timeouts.connect,
      network: options.network ?? THIS_MACHINE,
      tls,
      base: this.baseUrl,
      proxy: this.proxy,
      isOwn: ({ origin }) => ownHost || origin !== this.origin,
    });
    const undici = loadPackage<typeof import('undici')>('undici');
    this.agent = new undici.Agent({
      connect: ({ protocol, host }, done) => {
        this.dialer.dial(new URL(`${protocol}//${host}`), this.closing.signal).then(
          (socket) => done(null, socket),
          (error: Error) => done(error, null),
        );
      },
      headersTimeout: this.timeouts.headers,
      bodyTimeout: this.timeouts.idle,
      maxHeaderSize: this.limits.headers,
    });
    const { connectionId, sharedLimits } = options;
    const allowance: Allowance = {
      perSecond: options.requestsPerSecond,
      perDay: options.requestsPerDay,
      atOnce: options.maxConcurrency ?? MAX_CONCURRENCY,
    };
    this.gate = gates.of(connectionId, allowance, () => {
      const isShared = connectionId !== undefined && sharedLimits !== undefined;
      return new RequestGate(isShared ? sharedLimits.of(connectionId, allowance) : new OwnLimits(allowance));
    });
    this.sign = (url, headers) => identify(authentication, url, headers);
    if (authentication.type === 'oauth2') {
      const url = parseUrl(authentication.tokenUrl, '/config/token_url');
      const source = tokens.of(connectionId, authentication, () => new TokenSource(authentication, options.signIns));
      this.tokens = { source, ask: (headers, form) => this.askForToken(url, headers, form) };
    }
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const { target, headers = {}, body, maxBytes = this.limits.body, beforeSend } = request;
    const url = typeof target === 'string' ? this.below(target) : onOrigin(this.baseUrl, target);
    const { method = 'GET' } = request;
    let message: Message = { method, url, origin: this.origin, headers, body, beforeSend };
    const deadline = new Deadline(request.timeoutMs ?? this.timeouts.total, request.signal, () =>
      answerTimeout(message.url, false),
    );
    /** The other side answered a write by leading elsewhere: it may be done, whatever comes of the way there. */
    let hasWritten = false;
    try {
      for (let hops = 0; ; hops++) {
        const answer = await this.authenticated(message, deadline, maxBytes);
        hasWritten ||= this.limits.redirects > 0 && leadsOn(answer.status, message.method);
        const redirect = this.redirect(answer, message.method);
        if (redirect === undefined) {
          if (hasWritten && !answer.ok) throw await answer.failure();
          answer.whenDone(() => deadline.clear());
          return answer;
        }
        if (hops === this.limits.redirects) throw tooManyRedirects(url, hops);
        message = { ...message, ...redirect, body: redirect.keepBody ? body : undefined };
      }
    } catch (error) {
      deadline.clear();
      throw hasWritten ? withUnknownOutcome(IntegrationError.from(error)) : IntegrationError.from(error);
    }
  }

  resolveLink(link: string, base: URL): URL {
    return resolveLink(this.baseUrl, link, base);
  }

  async probe(signal: AbortSignal): Promise<Reached> {
    this.tokens?.source.forgive();
    const socket = await this.dialer.dial(this.baseUrl, signal);
    const { remoteAddress, remotePort } = socket;
    const tls = (socket as Partial<TLSSocket>).getProtocol?.();
    socket.destroy();
    const address = remoteAddress?.includes(':') ? `[${remoteAddress}]` : remoteAddress;
    return { address: `${address}:${remotePort}`, ...(typeof tls === 'string' && { tls }) };
  }

  async close(): Promise<void> {
    this.closing.abort(cancelled());
    await this.agent.destroy(cancelled());
  }

  /** Most requests go to the place where the one before went. */
  private below(target: string): URL {
    if (this.latest?.target !== target) this.latest = { target, url: below(this.baseUrl, target) };
    return this.latest.url;
  }

  private redirect(answer: Answer, method: string): ReturnType<typeof redirectOf> {
    if (this.limits.redirects === 0) return undefined;
    let redirect: ReturnType<typeof redirectOf>;
    try {
      redirect = redirectOf(answer, method, this.baseUrl);
    } catch (error) {
      answer.discard();
      throw error;
    }
    if (redirect !== undefined) answer.discard();
    return redirect;
  }

  private authenticated(message: Message, deadline: Deadline, maxBytes: number): Promise<Answer> {
    if (this.tokens !== undefined) return this.withToken(this.tokens, message, deadline, maxBytes);
    return this.gated(message, deadline, maxBytes, this.sign);
  }

  /** A refused access token is renewed once; a second refusal is the answer. */
  private async withToken(
    { source, ask }: NonNullable<GuardedClient['tokens']>,
    message: Message,
    deadline: Deadline,
    maxBytes: number,
  ): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const token = await deadline.of(source.token(ask));
      const answer = await this.gated(message, deadline, maxBytes, (_url, headers) => {
        headers.authorization = `Bearer ${token}`;
      });
      if (answer.status !== 401 || attempt === 2) return answer;
      source.reject(token);
      answer.discard();
    }
  }

  private async gated(message: Message, deadline: Deadline, maxBytes: number, sign: Sign): Promise<Answer> {
    deadline.throwIfOver();
    const { isUnattended } = this.options;
    const pass = this.gate.enterNow(isUnattended) ?? (await deadline.without(this.turn(deadline.signal, isUnattended)));
    try {
      const answer = await this.exchange(message, deadline, maxBytes, sign);
      // Whoever does not read on may be waiting for this very place.
      answer.whenAtRest(pass.leave);
      const pause =
        pauseAskedFor(answer.status, answer.headers) ?? (answer.status === 429 ? this.options.pauseMs : undefined);
      if (pause !== undefined) this.gate.pause(pause);
      this.gate.quota(answer.rateLimit);
      return answer;
    } catch (error) {
      pass.leave();
      throw error;
    } finally {
      pass.answered();
    }
  }

  private turn(signal: AbortSignal, isUnattended: boolean | undefined): Promise<Pass> {
    return this.gate.enter(AbortSignal.any([signal, this.closing.signal]), isUnattended);
  }

  /** The only place where something is sent. */
  private async exchange(
    { method, url, origin: ofUrl, headers, body, beforeSend }: Message,
    deadline: Deadline,
    maxBytes: number,
    sign: Sign,
  ): Promise<Answer> {
    const sent = { search: url.search };
    const all = { ...this.fixedHeaders };
    for (const name in headers) all[name.toLowerCase()] = headers[name] as string;
    sign(sent, all);
    let origin = ofUrl;
    let path = `${url.pathname}${sent.search}`;
    if (this.proxy !== undefined) {
      await this.dialer.checkName(url, deadline.signal);
      if (url.protocol === 'http:') {
        ({ origin } = this.proxy);
        path = `${url.origin}${path}`;
        Object.assign(all, { host: url.host }, proxyAuthorization(this.proxy));
      }
    }
    beforeSend?.();
    const exchange = new Exchange(url, deadline);
    this.agent.dispatch({ origin, path, method, headers: all, body: body ?? null }, exchange);
    let head: Head;
    try {
      head = await exchange.head;
    } catch (error) {
      this.tell(null);
      throw error;
    }
    this.tell(head.status);
    return new Answer(exchange, head, { method, url, maxBytes, secrets: () => this.secrets() });
  }

  private tell(status: number | null): void {
    const { connectionId, onAnswer } = this.options;
    if (connectionId !== undefined) onAnswer?.(connectionId, status);
  }

  private async askForToken(url: URL, headers: Record<string, string>, form: string): Promise<HttpResponse> {
    const deadline = new Deadline(this.timeouts.headers, this.closing.signal, () => answerTimeout(url, false));
    try {
      const { origin } = url;
      const message = { method: 'POST', url, origin, headers, body: form, beforeSend: undefined };
      const answer = await this.exchange(message, deadline, LARGEST_TOKEN_ANSWER, () => undefined);
      answer.whenDone(() => deadline.clear());
      return answer;
    } catch (error) {
      deadline.clear();
      throw error;
    }
  }

  private secrets(): string[] {
    const { authentication = { type: 'none' }, tls } = this.options;
    const password = this.proxy?.password ?? '';
    const others = [tls?.passphrase, password, plainPart(password)].filter((secret) => secret !== undefined);
    return [...secretsOf(authentication), ...(this.tokens?.source.secrets ?? []), ...others];
  }
}

/** A proxy is the only URL that may hold a user. */
function parseProxy(text: string): URL {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined) return parseUrl(text, '/config/proxy_url');
  const { username, password } = parsed;
  parsed.username = '';
  parsed.password = '';
  const proxy = parseUrl(parsed.href, '/config/proxy_url');
  return Object.assign(proxy, { username, password });
}
