import { X509Certificate } from 'node:crypto';
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownCertificate } from '../../model/certificate';
import { IntegrationError } from '../../model/errors';

/** Time enough to make another one, and to have it accepted on each server. */
const RENEW_WITHIN_MS = 30 * 86_400_000;
/** Below the hub's directory. */
export const PKI_FOLDER = 'integrations.pki';
const FOLDERS = { own: 'own/certs', trusted: 'trusted/certs', rejected: 'rejected' } as const;

/**
 * The certificates that are known here, as files: the hub's own, those of servers that a person trusted, and those that were
 * refused. What is changed here holds for all connections from their next sign-in on.
 */
export class CertificateFolder {
  readonly ownFile: string;

  constructor(readonly directory: string) {
    this.ownFile = join(directory, FOLDERS.own, 'certificate.pem');
  }

  async list(): Promise<KnownCertificate[]> {
    return (await this.#files()).map(({ certificate, state }) => describe(certificate, state));
  }

  /** Those in use that end within 30 days or have ended. */
  async expiring(now = Date.now()): Promise<KnownCertificate[]> {
    return (await this.inUse()).filter((each) => endsSoon(each, now));
  }

  /**
   * The hub's own, and those of servers that are trusted, by their end. One that a later one of the same application replaces
   * needs nobody any more.
   */
  async inUse(): Promise<KnownCertificate[]> {
    const kept = (await this.list()).filter(({ state }) => state !== 'rejected');
    const isReplaced = (old: KnownCertificate) =>
      old.state === 'trusted' &&
      kept.some(
        ({ state, application_uri, valid_to }) =>
          state === 'trusted' &&
          application_uri !== null &&
          application_uri === old.application_uri &&
          valid_to > old.valid_to,
      );
    return kept
      .filter((each) => !isReplaced(each))
      .sort((one, other) => Date.parse(one.valid_to) - Date.parse(other.valid_to));
  }

  /**
   * Trusts a server's certificate that was refused.
   * @param thumbprint upper or lower case, with colons, blanks or without
   * @throws config PCP_OPCUA_THUMBPRINT
   */
  trust(thumbprint: string): Promise<KnownCertificate> {
    return this.#move(thumbprint, 'trusted');
  }

  /**
   * Takes the trust in a server's certificate back. Sessions that are open go on until they end.
   * @throws config PCP_OPCUA_THUMBPRINT
   */
  reject(thumbprint: string): Promise<KnownCertificate> {
    return this.#move(thumbprint, 'rejected');
  }

  async #move(thumbprint: string, state: 'trusted' | 'rejected'): Promise<KnownCertificate> {
    const wanted = thumbprint.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
    const found = (await this.#files()).find(({ certificate }) => thumbprintOf(certificate) === wanted);
    if (found === undefined || found.state === 'own') {
      throw new IntegrationError(
        'config',
        'PCP_OPCUA_THUMBPRINT',
        `No server's certificate has the thumbprint "${thumbprint}".`,
        { hint: 'Test the connection first: what is refused is then in the list.' },
      );
    }
    if (found.state !== state) await rename(found.file, join(this.directory, FOLDERS[state], `${wanted}.pem`));
    return describe(found.certificate, state);
  }

  async #files(): Promise<{ file: string; certificate: Buffer; state: KnownCertificate['state'] }[]> {
    const found = [];
    for (const [state, folder] of Object.entries(FOLDERS) as [KnownCertificate['state'], string][]) {
      for (const name of (await readdir(join(this.directory, folder)).catch(none)).filter(isCertificate)) {
        const file = join(this.directory, folder, name);
        const certificate = certificateIn(await readFile(file));
        if (certificate !== undefined) found.push({ file, state, certificate });
      }
    }
    return found;
  }
}

export function endsSoon({ valid_to }: Pick<KnownCertificate, 'valid_to'>, now = Date.now()): boolean {
  return Date.parse(valid_to) - now < RENEW_WITHIN_MS;
}

export function describe(certificate: Buffer, state: KnownCertificate['state']): KnownCertificate {
  const parsed = new X509Certificate(certificate);
  return {
    thumbprint: thumbprintOf(certificate),
    state,
    subject: parsed.subject.replaceAll('\n', ', '),
    application_uri: /URI:([^,]+)/.exec(parsed.subjectAltName ?? '')?.[1]?.trim() ?? null,
    valid_from: parsed.validFromDate.toISOString(),
    valid_to: parsed.validToDate.toISOString(),
  };
}

export function thumbprintOf(certificate: Buffer): string {
  return new X509Certificate(certificate).fingerprint.replaceAll(':', '').toLowerCase();
}

/** What somebody copied there may be no certificate, or half of one: the others are there all the same. */
function certificateIn(content: Buffer): Buffer | undefined {
  try {
    return new X509Certificate(content).raw;
  } catch {
    return undefined;
  }
}

function isCertificate(name: string): boolean {
  return /\.(pem|crt|cer|der)$/i.test(name);
}

function none(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
