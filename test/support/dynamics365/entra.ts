import { constants, randomUUID, verify, X509Certificate } from 'node:crypto';
import { APPLICATION } from '../certificates';

/**
 * The token endpoint of Entra ID, as Microsoft documents it for applications: a form with the scope of the environment, and a
 * secret, or a token that the application signed with its certificate (aud, iss, sub, exp, jti used once).
 */
export class Entra {
  readonly tenant = 'contoso.onmicrosoft.com';
  readonly clientId = 'b1d1e9a4-0c1d-4a7e-9d36-2f6c5a8e7b10';
  secret = 'secret-4711~';
  /** Tokens that were given out and are good. */
  readonly tokens = new Set<string>();
  readonly #used = new Set<string>();

  get path(): string {
    return `/${this.tenant}/oauth2/v2.0/token`;
  }

  answer(origin: string, contentType: string, body: string): { status: number; body: unknown } {
    const form = new URLSearchParams(body);
    const refused = (error: string, said: string) => ({
      status: error === 'invalid_client' ? 401 : 400,
      body: { error, error_description: said },
    });
    if (!contentType.startsWith('application/x-www-form-urlencoded')) return refused('invalid_request', 'AADSTS900144');
    if (form.get('grant_type') !== 'client_credentials') return refused('unsupported_grant_type', 'AADSTS70003');
    if (form.get('client_id') !== this.clientId)
      return refused('unauthorized_client', 'AADSTS700016: unknown application');
    if (form.get('scope') !== `${origin}/.default`) return refused('invalid_scope', 'AADSTS70011: not a valid scope');
    const assertion = form.get('client_assertion');
    const isKnown =
      assertion === null ? form.get('client_secret') === this.secret : this.#isSigned(assertion, form, origin);
    if (!isKnown) return refused('invalid_client', 'AADSTS7000215: Invalid client secret or assertion provided.');
    const token = randomUUID();
    this.tokens.add(token);
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token } };
  }

  #isSigned(assertion: string, form: URLSearchParams, origin: string): boolean {
    const [head = '', body = '', signature = ''] = assertion.split('.');
    const [{ alg, 'x5t#S256': thumbprint }, { aud, iss, sub, exp, nbf, jti }] = [head, body].map((part) =>
      JSON.parse(Buffer.from(part, 'base64url').toString()),
    );
    const shown = new X509Certificate(APPLICATION.cert);
    const key = { key: shown.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const isFirst = !this.#used.has(jti);
    this.#used.add(jti);
    return (
      form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' &&
      alg === 'PS256' &&
      Buffer.from(thumbprint, 'base64url').toString('hex') === shown.fingerprint256.replaceAll(':', '').toLowerCase() &&
      aud === `${origin}${this.path}` &&
      iss === this.clientId &&
      sub === this.clientId &&
      nbf * 1000 <= Date.now() &&
      exp * 1000 > Date.now() &&
      isFirst &&
      verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))
    );
  }
}
