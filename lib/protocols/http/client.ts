import type { Readable } from 'node:stream';
import type { IntegrationError } from '../../model/errors';
import type { Certificates } from '../secure-context';
import type { Authentication } from './auth/authentication';
import type { SignIns } from './auth/oauth2';
import type { Network } from './dialer';
import type { RateLimitStatus } from './quota-headers';
import type { Allowance, RequestLimits } from './request-gate';

/**
 * One connection to one HTTP origin: the only way out of the hub by HTTP. Every address is checked before it is dialled,
 * no URL leaves the origin, every phase has a time limit and every answer a size limit. Nothing is tried again here,
 * except once after a token was refused.
 */
export interface HttpClient {
  /** The connection's base URL, without a slash at the end of its path. */
  readonly baseUrl: URL;
  /**
   * Sends a request and resolves with the head of the answer, whatever its status; the body must be read or discarded.
   *
   * @throws IntegrationError when there is no answer: `transient` (`outcomeUnknown` tells whether the request may have
   * arrived), `config` (address, URL, redirect or certificate refused), `auth` (no token to be had), `guard` (a limit),
   * `rate_limit` (the other side asked for a pause that is not over), `cancelled`
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /**
   * URL of a link that came in an answer (`next`), relative to the URL it came from.
   * @throws config PCP_URL_REFUSED when it leaves the origin
   */
  resolveLink(link: string, base: URL): URL;
  /**
   * Resolves, checks, dials and shakes hands, and hangs up again: the first steps of a connection test. A sign-in that was
   * refused may be tried again after it.
   */
  probe(signal: AbortSignal): Promise<Reached>;
  /** Ends what is under way. */
  close(): Promise<void>;
}

export interface Reached {
  /** "192.0.2.7:443": where the socket went, which is the proxy when there is one. */
  address: string;
  /** "TLSv1.3"; absent without TLS. */
  tls?: string;
}

/** What clients share beyond their process. */
export interface HttpEnvironment {
  /** Counts the requests of saved connections; within this process when absent. */
  sharedLimits?: { of(connectionId: number, allowance: Allowance): RequestLimits };
  /** Told of every request of a saved connection: its status, or null when no answer came. */
  onAnswer?(connectionId: number, status: number | null): void;
  /** For a run that nobody waits for: it leaves some of the quota to others. */
  isUnattended?: boolean;
  /** Keeps tokens that came with another refresh token; the memory of this process when absent. */
  signIns?: SignIns;
}

export interface HttpOptions extends HttpEnvironment {
  /** Set by whoever may edit the connection, so its host may have a private address. */
  baseUrl: string;
  /** Clients of the same connection share its rate, concurrency, pauses and tokens in this process. */
  connectionId?: number;
  authentication?: Authentication;
  tls?: TlsOptions;
  /** "http://user:password@proxy.example:3128"; the environment's HTTP_PROXY is not looked at. */
  proxy?: string;
  /** Sent with every request. */
  headers?: Record<string, string>;
  requestsPerSecond?: number;
  /** Counted by `sharedLimits` alone. */
  requestsPerDay?: number;
  /** Requests at the same time; 4 by default. A request counts until its body is read, or nobody reads on for a second. */
  maxConcurrency?: number;
  /** How long the other side wants to be left alone when a 429 does not say it, in milliseconds. */
  pauseMs?: number;
  timeouts?: Partial<Timeouts>;
  limits?: Partial<Limits>;
  /** Where private addresses may be reached besides the connection's own: `network.allowedTargets` of the settings. */
  allowedTargets?: readonly string[];
  /** False when the base URL comes from data: private addresses then need `allowedTargets`. */
  ownHost?: boolean;
  /** Names and sockets; those of this machine by default. */
  network?: Network;
}

export interface TlsOptions extends Certificates {
  /** Name expected in the server's certificate, when it is not the host of the URL. */
  servername?: string;
}

/** In milliseconds. */
export interface Timeouts {
  /** Name, TCP and TLS; 10 s. */
  connect: number;
  /** From the request to the end of the answer's head; 30 s. */
  headers: number;
  /** Between two pieces of the body; 60 s. */
  idle: number;
  /** From the call to the end of the body, without waiting for its turn; 5 min. A request can set its own. */
  total: number;
}

export interface Limits {
  /** Bytes of the answer's head; 32 KiB. */
  headers: number;
  /** Bytes of the body, inflated; 32 MiB. A request can set its own. */
  body: number;
  /** How many are followed; 5. With 0 the answer that would redirect is the answer. */
  redirects: number;
}

export interface HttpRequest {
  /** "GET" by default. */
  method?: string;
  /**
   * A text is a path below the base URL ("/orders?page=2"), with its parameters encoded (see `pathSegment`); a URL, from
   * `resolveLink` or an answer, is taken as it is.
   */
  target: string | URL;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal: AbortSignal;
  timeoutMs?: number;
  maxBytes?: number;
  /** Called when nothing is left to wait for; what it throws keeps the request from being sent. */
  beforeSend?(): void;
}

export interface HttpResponse {
  readonly status: number;
  /** 2xx */
  readonly ok: boolean;
  /** Names in lower case; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** After redirects. */
  readonly url: URL;
  /** What the server says about our quota, for alerts. */
  readonly rateLimit: RateLimitStatus | undefined;
  bytes(): Promise<Buffer>;
  /**
   * Decoded by the charset of the content type, else as UTF-8.
   * @throws config PCP_HTTP_CHARSET
   */
  text(): Promise<string>;
  /**
   * The text of a JSON answer; the caller parses it as exactly as it needs.
   * @throws transient PCP_HTTP_NOT_JSON when a web page, or nothing, came instead
   */
  jsonText(): Promise<string>;
  /** The inflated body, with back-pressure. Its errors are IntegrationErrors. */
  stream(): Readable;
  /** Gives the body up. */
  discard(): void;
  /**
   * This answer as an error, by its status: 401 `auth`, 403 `permission`, 404 and 410 `config`, 409 and 412 `conflict`,
   * 408 and 5xx `transient`, 429 and 503 with Retry-After `rate_limit`, 405, 406, 415 and 501 `config`, other 4xx `data`. Its message holds what the
   * server said about it, if that was a text or JSON; `body` is what the caller has read already.
   */
  failure(body?: string): Promise<IntegrationError>;
  /** A text without what the client signed in with, which a server may repeat. */
  redacted(text: string): string;
}
