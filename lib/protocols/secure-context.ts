import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from 'node:tls';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';

/** Certificates of one side of TLS, as PEM texts. */
export interface Certificates {
  /** Authorities to trust besides the public ones. */
  ca?: string;
  /** For mutual TLS. */
  certificate?: string;
  privateKey?: string;
  passphrase?: string;
}

/** @throws config PCP_TLS_CERTIFICATE */
export function secureContext({ ca, certificate, privateKey, passphrase }: Certificates): SecureContext {
  try {
    // Node takes any text for an authority and then trusts nobody.
    if (ca !== undefined) new X509Certificate(ca);
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: [...(getCACertificates?.('default') ?? rootCertificates), ca] }),
      ...(certificate !== undefined && { cert: certificate }),
      ...(privateKey !== undefined && { key: privateKey }),
      ...(passphrase !== undefined && { passphrase }),
    });
  } catch (cause) {
    const what = (cause as Error).message.replace(/^error:\w+:/, '');
    throw new IntegrationError('config', 'PCP_TLS_CERTIFICATE', phrase`The certificates cannot be used: ${what}.`, {
      cause,
      hint: 'Certificate, private key and authority are PEM texts; the key must belong to the certificate, and the passphrase to the key.',
    });
  }
}
