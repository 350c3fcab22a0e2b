import { constants, createPrivateKey, type KeyObject, randomUUID, sign, X509Certificate } from 'node:crypto';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';

/** PEM texts. */
export interface ClientCertificate {
  certificate: string;
  privateKey: string;
  passphrase?: string;
}

/** Long enough for clocks that differ a little, short enough to be of no use later. */
const VALID_S = 600;

/**
 * What a client shows a token endpoint in place of a secret (RFC 7523): a token that it signed itself, naming its certificate.
 * @throws config PCP_TLS_CERTIFICATE
 */
export function clientAssertion(
  clientId: string,
  audience: string,
  credentials: ClientCertificate,
  now: number,
): string {
  const { key, thumbprint } = opened(credentials);
  const seconds = Math.floor(now / 1000);
  const header = { alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint };
  const claims = {
    ...{ aud: audience, iss: clientId, sub: clientId, jti: randomUUID() },
    ...{ iat: seconds, nbf: seconds - VALID_S / 2, exp: seconds + VALID_S },
  };
  const content = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const scheme = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return `${content}.${sign('sha256', Buffer.from(content), { key, ...scheme }).toString('base64url')}`;
}

function opened({ certificate, privateKey, passphrase }: ClientCertificate): { key: KeyObject; thumbprint: string } {
  let fault: unknown;
  try {
    const shown = new X509Certificate(certificate);
    const key = createPrivateKey({ key: privateKey, ...(passphrase !== undefined && { passphrase }) });
    if (key.asymmetricKeyType !== 'rsa') fault = new Error('the key is no RSA key');
    else if (!shown.checkPrivateKey(key)) fault = new Error('the key does not belong to the certificate');
    else return { key, thumbprint: Buffer.from(shown.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url') };
  } catch (thrown) {
    fault = thrown;
  }
  const what = (fault as Error).message.replace(/^error:\w+:/, '');
  throw new IntegrationError('config', 'PCP_TLS_CERTIFICATE', phrase`The certificate cannot be used: ${what}.`, {
    path: '/credentials',
    hint: 'Certificate and private key are PEM texts; the key must belong to the certificate, and the passphrase to the key.',
    cause: fault,
  });
}
