import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { SqlOptions } from './database';

export interface TlsSettings {
  rejectUnauthorized: boolean;
  ca?: string;
  servername?: string;
  checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined;
}

/**
 * TLS options for the drivers. They hand a connected socket to node:tls, which then no longer knows the host and would
 * compare the certificate with "localhost"; so the name is checked here, against the host or the name given.
 */
export function tlsSettings(options: SqlOptions): TlsSettings | undefined {
  const { ssl } = options;
  if (ssl === undefined || ssl === false) return undefined;
  const given = ssl === true ? {} : ssl;
  const expected = given.servername ?? options.host ?? 'localhost';
  return {
    rejectUnauthorized: given.rejectUnauthorized !== false,
    ...(given.ca !== undefined && { ca: given.ca }),
    ...(given.servername !== undefined && { servername: given.servername }),
    ...(given.rejectUnauthorized !== false && {
      checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkServerIdentity(expected, certificate),
    }),
  };
}
