import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** What the certificate of a server is compared with. */
export interface ExpectedServer {
  /** What the server says to be; null where it does not. */
  applicationUri: string | null;
  /** By which it is reached; undefined where it connects from its side. */
  host: string | undefined;
}

export interface CertificateProblem {
  code: string;
  /** Goes on in a sentence about the certificate. */
  why: string;
  hint: string;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);
export const RENEW = 'Renew it on the server, then test the connection and trust the new one.';

/**
 * What is wrong with a certificate besides who signed it (Part 4, 6.1.3). One that names no host, or no application, cannot be
 * for a wrong one: it was trusted by its thumbprint.
 */
export function certificateProblem(
  certificate: Buffer,
  { applicationUri, host }: ExpectedServer,
  now = new Date(),
): CertificateProblem | undefined {
  const parsed = new X509Certificate(certificate);
  const { validFromDate, validToDate } = parsed;
  if (validToDate < now) {
    return {
      code: 'PCP_OPCUA_CERTIFICATE_EXPIRED',
      why: `expired on ${validToDate.toISOString()}`,
      hint: RENEW,
    };
  }
  if (validFromDate > now) {
    return {
      code: 'PCP_OPCUA_CERTIFICATE_EARLY',
      why: `is not valid before ${validFromDate.toISOString()}`,
      hint: `Check the clocks of the server and of this machine (${now.toISOString()}), or renew it on the server.`,
    };
  }
  const { uris, hosts } = namesOf(parsed);
  if (applicationUri !== null && uris.length > 0 && !uris.includes(applicationUri)) {
    return {
      code: 'PCP_OPCUA_CERTIFICATE_URI',
      why: `is for ${uris.join(', ')}, but the server is ${applicationUri}`,
      hint: 'Look whether this is the right server; if so, make a certificate for its own application URI there.',
    };
  }
  if (host !== undefined && hosts.length > 0 && !isFor(parsed, hosts, host)) {
    return {
      code: 'PCP_OPCUA_CERTIFICATE_HOST',
      why: `is for ${hosts.join(', ')}, but the server is reached by ${host}`,
      hint: `Look whether this is the right server; if so, write "${hosts[0]}" as "certificate_host" of the connection, or make a certificate for ${host} there.`,
    };
  }
  return undefined;
}

function namesOf({ subjectAltName }: X509Certificate): { uris: string[]; hosts: string[] } {
  const names = (subjectAltName ?? '').split(', ');
  const ofKind = (...kinds: string[]) =>
    names.flatMap((name) => {
      const kind = kinds.find((each) => name.startsWith(`${each}:`));
      return kind === undefined ? [] : [name.slice(kind.length + 1).trim()];
    });
  return { uris: ofKind('URI'), hosts: ofKind('DNS', 'IP Address') };
}

/** The names of this very machine all lead to the same server. Some servers write their address where names belong. */
function isFor(certificate: X509Certificate, hosts: readonly string[], host: string): boolean {
  const names = LOOPBACK.has(host.toLowerCase()) ? [...LOOPBACK, hostname()] : [host];
  return names.some((name) => {
    if (hosts.some((each) => each.toLowerCase() === name.toLowerCase())) return true;
    return isIP(name) ? certificate.checkIP(name) !== undefined : certificate.checkHost(name) !== undefined;
  });
}
