import { X509Certificate } from 'node:crypto';
import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import type { Certificates } from '../../model/services';
import type { Observation } from '../step';
import type { Facts, FindFacts, Reader } from './facts';

const DAY_MS = 86_400_000;
/** Secrets are opened no more often than it is worth. */
const EVERY_MS = 10 * 60_000;
const OF_CONNECTION = /^\w+:(\d+):/;
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

export interface ExpirySource {
  certificates: Pick<Certificates, 'list' | 'inUse'>;
  openConnection(id: number): Promise<OpenConnection>;
  /** Other instances may know what this one does not. */
  isShared: boolean;
}

type Ending = 'certificate' | 'secret';

/** Days for which certificates are still good: those of OPC UA, and client certificates of connections. */
export function certificateFacts(reader: Reader, source: ExpirySource): FindFacts {
  const ofConnections = credentialFacts(reader, source, 'certificate');
  return async (rule, now) => {
    const credentials = await ofConnections(rule, now);
    const [known, inUse] = await Promise.all([source.certificates.list(), source.certificates.inUse()]);
    const subjects = new Set(known.map(({ thumbprint }) => `certificate:${thumbprint}`));
    // They hold for all connections.
    const files = rule.connection_id === null ? inUse : [];
    const observations = files.map(({ thumbprint, subject, valid_to }) => ({
      subject: `certificate:${thumbprint}`,
      connectionId: null,
      mappingId: null,
      value: daysLeft(Date.parse(valid_to), now),
      details: { subject, thumbprint, valid_to },
    }));
    return {
      observations: [...observations, ...credentials.observations],
      knows: (subject) =>
        OF_CONNECTION.test(subject) ? credentials.knows?.(subject) === true : !source.isShared || subjects.has(subject),
    };
  };
}

/** Days for which secrets are still good that say so themselves: tokens in the form of a JWT. */
export function secretFacts(reader: Reader, source: ExpirySource): FindFacts {
  return credentialFacts(reader, source, 'secret');
}

/** The secrets of flows are known where these run, those of the API everywhere. */
function credentialFacts(reader: Reader, source: ExpirySource, ending: Ending): FindFacts {
  let seen: { at: number; ends: Observation[]; closed: Set<number> } | null = null;

  async function look(now: number): Promise<NonNullable<typeof seen>> {
    const rows = await reader.query('SELECT id, name FROM integration_connections WHERE is_active = ?', [true]);
    const closed = new Set<number>();
    const ends: Observation[] = [];
    for (const { id, name } of rows) {
      const connectionId = Number(id);
      const open = await source.openConnection(connectionId).catch((error: unknown) => {
        if (IntegrationError.from(error).class === 'transient') throw error;
        return null;
      });
      if (open === null) closed.add(connectionId);
      for (const [field, value] of Object.entries(open?.credentials ?? {})) {
        const end = endOf(value, ending);
        if (end === null) continue;
        ends.push({
          subject: `${ending}:${connectionId}:${field}`,
          connectionId,
          mappingId: null,
          value: end,
          details: { connection: String(name), field, valid_to: new Date(end).toISOString() },
        });
      }
    }
    return { at: now, ends, closed };
  }

  return async ({ connection_id }, now): Promise<Facts> => {
    if (seen === null || now - seen.at >= EVERY_MS || now < seen.at) seen = await look(now);
    const { ends, closed } = seen;
    const chosen = ends.filter(({ connectionId }) => connection_id === null || connectionId === connection_id);
    return {
      observations: chosen.map((each) => ({ ...each, value: daysLeft(each.value, now) })),
      knows: (subject) => !closed.has(Number(OF_CONNECTION.exec(subject)?.[1])),
    };
  };
}

/** When what is in a secret ends, if it says so. */
function endOf(value: string, ending: Ending): number | null {
  if (ending === 'certificate') {
    const pem = PEM.exec(value)?.[0];
    return pem === undefined ? null : certificateEnd(pem);
  }
  const [, claims, signature, ...rest] = value.trim().split('.');
  if (claims === undefined || signature === undefined || rest.length > 0) return null;
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' && exp > 0 && exp < 1e11 ? exp * 1000 : null;
  } catch {
    // It only looks like one.
    return null;
  }
}

function certificateEnd(pem: string): number | null {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    // The test of the connection says what is wrong with it.
    return null;
  }
}

/** Whole days; less than none when it has ended. */
function daysLeft(end: number, now: number): number {
  return Math.floor((end - now) / DAY_MS);
}
