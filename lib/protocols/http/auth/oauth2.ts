import { isDeepStrictEqual } from 'node:util';
import { type ErrorClass, IntegrationError } from '../../../model/errors';
import type { HttpResponse } from '../client';
import { placeOf } from '../url';
import { basic } from './authentication';

export interface OAuth2 {
  type: 'oauth2';
  tokenUrl: string;
  grant: 'client_credentials' | 'password' | 'refresh_token';
  clientId: string;
  clientSecret?: string;
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

/** How long a refused sign-in is not tried again, unless somebody asks for it. */
const REFUSED_FOR_MS = 10 * 60_000;

/** Errors of RFC 6749 that tell of a wrong setting; the others say that the sign-in was refused. */
const WRONG_SETTINGS = new Set(['invalid_request', 'invalid_scope', 'unsupported_grant_type', 'unauthorized_client']);

/** Access tokens of one connection: kept until they expire, asked for once however many requests wait. */
export class TokenSource {
  private current: { token: string; expiresAt: number } | undefined;
  private pending: Promise<string> | undefined;
  private refreshToken: string | undefined;
  /** A sign-in that was refused is not tried again at once: that could lock the account. */
  private refusal: { error: IntegrationError; until: number } | undefined;

  constructor(
    private readonly settings: OAuth2,
    private readonly saveToken: ((refreshToken: string) => Promise<void>) | undefined,
    private readonly now: () => number = Date.now,
  ) {
    this.refreshToken = settings.refreshToken;
  }

  /** Whether these settings are its own, be it with the refresh token that it began with or the one it has now. */
  serves({ refreshToken, ...settings }: OAuth2): boolean {
    const { refreshToken: first, ...own } = this.settings;
    return isDeepStrictEqual(settings, own) && (refreshToken === first || refreshToken === this.refreshToken);
  }

  get secrets(): string[] {
    return [this.current?.token, this.refreshToken].filter((secret) => secret !== undefined);
  }

  /** @throws auth or config PCP_OAUTH_REFUSED, config PCP_OAUTH_ANSWER, transient */
  async token(ask: AskForToken): Promise<string> {
    for (;;) {
      if (this.refusal !== undefined && this.now() < this.refusal.until) throw this.refusal.error;
      if (this.current !== undefined && this.now() < this.current.expiresAt) return this.current.token;
      const isMine = this.pending === undefined;
      this.pending ??= this.renew(ask).finally(() => {
        this.pending = undefined;
      });
      try {
        return await this.pending;
      } catch (error) {
        // Whoever asked was closed meanwhile, which is no reason for the others to fail.
        if (isMine || !(error instanceof IntegrationError) || error.class !== 'cancelled') throw error;
      }
    }
  }

  /** The server did not take this token: the next one is asked for anew. */
  reject(token: string): void {
    if (this.current?.token === token) this.current = undefined;
  }

  /** Somebody wants to know whether the sign-in works by now. */
  forgive(): void {
    this.refusal = undefined;
  }

  private async renew(ask: AskForToken): Promise<string> {
    const { headers, form } = this.request();
    const response = await ask(headers, form.toString());
    const body = await response.text();
    if (!response.ok) throw await this.refused(response, body);
    const answer = parsed(body);
    const token = answer.access_token;
    if (typeof token !== 'string' || token === '') {
      const message = `${placeOf(response.url)} answered without an access token.`;
      throw new IntegrationError('config', 'PCP_OAUTH_ANSWER', message, {
        path: '/config/token_url',
        hint: 'Check that token_url is the token endpoint.',
      });
    }
    const rotated = answer.refresh_token;
    if (this.settings.grant === 'refresh_token' && typeof rotated === 'string' && rotated !== this.refreshToken) {
      // The old one may be void already: whoever uses the access token first and dies then is locked out for good.
      this.refreshToken = rotated;
      await this.saveToken?.(rotated);
    }
    const seconds = Number(answer.expires_in ?? Number.NaN);
    const lifeMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
    this.current = { token, expiresAt: this.now() + lifeMs - Math.min(SKEW_MS, lifeMs / 10) };
    return token;
  }

  private request(): { headers: Record<string, string>; form: URLSearchParams } {
    const { grant, clientId, clientSecret, clientAuthentication = 'basic', scope, parameters } = this.settings;
    const form = new URLSearchParams({ ...parameters, grant_type: grant });
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (scope !== undefined) form.set('scope', scope);
    if (grant === 'password') {
      form.set('username', this.settings.username ?? '');
      form.set('password', this.settings.password ?? '');
    } else if (grant === 'refresh_token') form.set('refresh_token', this.refreshToken ?? '');
    if (clientAuthentication === 'basic' && clientSecret !== undefined) {
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
    const refusal = new IntegrationError(errorClass, 'PCP_OAUTH_REFUSED', general.message, {
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
