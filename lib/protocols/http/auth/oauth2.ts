import { type ErrorClass, IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpResponse } from '../client';
import { placeOf } from '../url';
import { basic } from './authentication';
import { type ClientCertificate, clientAssertion } from './client-assertion';

export interface OAuth2 {
  type: 'oauth2';
  tokenUrl: string;
  grant: 'client_credentials' | 'password' | 'refresh_token';
  clientId: string;
  clientSecret?: string;
  /** In place of a secret: the client signs with the key of a certificate that the server knows. */
  clientCertificate?: ClientCertificate;
  /** How the client names itself at the token endpoint: in the Authorization header (default) or in the form. */
  clientAuthentication?: 'basic' | 'post';
  scope?: string;
  /** Further form fields: `audience`, `resource`. */
  parameters?: Record<string, string>;
  /** Of the password grant. */
  username?: string;
  password?: string;
  /** Of the refresh_token grant. */
  refreshToken?: string;
}

/** Sends a form to the token endpoint. */
export type AskForToken = (headers: Record<string, string>, form: string) => Promise<HttpResponse>;

/** A token is renewed this long before it expires, or at nine tenths of its life if that is later. */
const SKEW_MS = 30_000;

/** RFC 7523, 2.2 */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** How long a refused sign-in is not tried again, unless somebody asks for it. */
const REFUSED_FOR_MS = 10 * 60_000;

/** Errors of RFC 6749 that tell of a wrong setting; the others say that the sign-in was refused. */
const WRONG_SETTINGS = new Set(['invalid_request', 'invalid_scope', 'unsupported_grant_type', 'unauthorized_client']);

/** What a sign-in gave. */
export interface Tokens {
  accessToken: string;
  /** Epoch milliseconds, some time before the server stops taking it; null = it lives until it is refused. */
  expiresAt: number | null;
  refreshToken?: string;
}

/** What makes two sign-ins the same: the settings that a refresh token belongs to, and the one that was given to us. */
export type SignIn = Pick<OAuth2, 'tokenUrl' | 'clientId' | 'refreshToken'>;

/** Keeps the tokens of sign-ins whose refresh token changes each time it is used. */
export interface SignIns {
  /**
   * Renews the tokens while nobody else renews those of the same sign-in. `renew` is given what was kept last, and what it
   * gives is kept for good before it comes back.
   */
  renewed(signIn: SignIn, renew: (kept: Tokens | undefined) => Promise<Tokens>): Promise<Tokens>;
}

/** Access tokens of one connection: kept until they expire, asked for once however many requests wait. */
export class TokenSource {
  private current: Tokens | undefined;
  /** What came from the server and could not be kept. The refresh token before it may be void already. */
  private unkept: Tokens | undefined;
  /** The last one that was signed: it opens the door as a secret does, for some minutes. */
  private assertion: string | undefined;
  private rejected: string | undefined;
  private pending: Promise<Tokens> | undefined;
  /** A sign-in that was refused is not tried again at once: that could lock the account. */
  private refusal: { error: IntegrationError; until: number } | undefined;

  constructor(
    private readonly settings: OAuth2,
    private readonly signIns: SignIns | undefined,
    private readonly now: () => number = Date.now,
  ) {}

  get secrets(): string[] {
    const tokens = [this.current, this.unkept].filter((known) => known !== undefined);
    const known = tokens.flatMap(({ accessToken, refreshToken = accessToken }) => [accessToken, refreshToken]);
    return this.assertion === undefined ? known : [...known, this.assertion];
  }

  /** @throws auth or config PCP_OAUTH_REFUSED, config PCP_OAUTH_ANSWER, transient */
  async token(ask: AskForToken): Promise<string> {
    for (;;) {
      if (this.refusal !== undefined && this.now() < this.refusal.until) throw this.refusal.error;
      if (this.current !== undefined && this.isGood(this.current)) return this.current.accessToken;
      const isMine = this.pending === undefined;
      this.pending ??= this.renew(ask).finally(() => {
        this.pending = undefined;
      });
      try {
        return (await this.pending).accessToken;
      } catch (error) {
        // Whoever asked was closed meanwhile, which is no reason for the others to fail.
        if (isMine || !(error instanceof IntegrationError) || error.class !== 'cancelled') throw error;
      }
    }
  }

  /** The server did not take this token: the next one is asked for anew. */
  reject(token: string): void {
    this.rejected = token;
  }

  /** Somebody wants to know whether the sign-in works by now. */
  forgive(): void {
    this.refusal = undefined;
  }

  private isGood({ accessToken, expiresAt }: Tokens): boolean {
    return accessToken !== this.rejected && (expiresAt === null || this.now() < expiresAt);
  }

  private async renew(ask: AskForToken): Promise<Tokens> {
    if (this.settings.grant !== 'refresh_token' || this.signIns === undefined) {
      this.current = await this.ask(ask, this.current?.refreshToken);
      return this.current;
    }
    // The old refresh token may be void already: whoever uses the access token first and dies then is locked out for good.
    this.current = await this.signIns.renewed(this.settings, async (kept) => {
      const known = this.unkept ?? kept;
      if (known !== undefined && this.isGood(known)) return known;
      this.unkept = await this.ask(ask, known?.refreshToken);
      return this.unkept;
    });
    this.unkept = undefined;
    return this.current;
  }

  private async ask(ask: AskForToken, refreshToken = this.settings.refreshToken): Promise<Tokens> {
    const { headers, form } = this.request(refreshToken);
    const response = await ask(headers, form.toString());
    const body = await response.text();
    if (!response.ok) throw await this.refused(response, body);
    const answer = parsed(body);
    const token = answer.access_token;
    if (typeof token !== 'string' || token === '') {
      const message = phrase`${placeOf(response.url)} answered without an access token.`;
      throw new IntegrationError('config', 'PCP_OAUTH_ANSWER', message, {
        path: '/config/token_url',
        hint: 'Check that token_url is the token endpoint.',
      });
    }
    const rotated = typeof answer.refresh_token === 'string' ? answer.refresh_token : refreshToken;
    const seconds = Number(answer.expires_in ?? Number.NaN);
    const lifeMs = seconds * 1000;
    return {
      accessToken: token,
      expiresAt: Number.isFinite(lifeMs) && lifeMs >= 0 ? this.now() + lifeMs - Math.min(SKEW_MS, lifeMs / 10) : null,
      ...(this.settings.grant === 'refresh_token' && rotated !== undefined && { refreshToken: rotated }),
    };
  }

  private request(refreshToken: string | undefined): { headers: Record<string, string>; form: URLSearchParams } {
    const { grant, tokenUrl, clientId, clientSecret, clientCertificate, scope, parameters } = this.settings;
    const { clientAuthentication = 'basic' } = this.settings;
    const form = new URLSearchParams({ ...parameters, grant_type: grant });
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (scope !== undefined) form.set('scope', scope);
    if (grant === 'password') {
      form.set('username', this.settings.username ?? '');
      form.set('password', this.settings.password ?? '');
    } else if (grant === 'refresh_token') form.set('refresh_token', refreshToken ?? '');
    if (clientCertificate !== undefined) {
      this.assertion = clientAssertion(clientId, tokenUrl, clientCertificate, this.now());
      form.set('client_id', clientId);
      form.set('client_assertion_type', ASSERTION_TYPE);
      form.set('client_assertion', this.assertion);
    } else if (clientAuthentication === 'basic' && clientSecret !== undefined) {
      headers.authorization = basic(formEncoded(clientId), formEncoded(clientSecret));
    } else {
      form.set('client_id', clientId);
      if (clientSecret !== undefined) form.set('client_secret', clientSecret);
    }
    return { headers, form };
  }

  private async refused(response: HttpResponse, body: string): Promise<IntegrationError> {
    const { error } = parsed(body);
    const general = await response.failure(body);
    if (typeof error !== 'string' && response.status !== 401) return general;
    if (general.class === 'transient' || general.class === 'rate_limit') return general;
    const errorClass: ErrorClass = WRONG_SETTINGS.has(String(error)) ? 'config' : 'auth';
    const refusal = new IntegrationError(errorClass, 'PCP_OAUTH_REFUSED', general.said, {
      path: errorClass === 'config' ? '/config/grant' : '/credentials',
      hint: 'Check client, secret, scope and grant, and the user or refresh token; then save or test the connection.',
    });
    this.refusal = { error: refusal, until: this.now() + REFUSED_FOR_MS };
    return refusal;
  }
}

/** RFC 6749, 2.3.1: the parts of the Authorization header are form-encoded. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function parsed(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
