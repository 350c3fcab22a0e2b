import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { KnownCertificate } from '../../model/certificate';
import { IntegrationError } from '../../model/errors';
import { CertificateFolder, describe, endsSoon } from './certificate-folder';
import { type OPCUACertificateManager, opcUaLibrary } from './library';
import { type CertificateProblem, certificateProblem, type ExpectedServer, RENEW } from './server-certificate';

export const APPLICATION_NAME = 'PCP integrations';
const VALID_DAYS = 365 * 10;
const UNUSABLE = { code: 'PCP_OPCUA_CERTIFICATE', hint: RENEW };
const REVOKED = { code: 'PCP_OPCUA_CERTIFICATE_REVOKED', why: 'was revoked by its authority', hint: RENEW };

export interface EndingCertificate {
  whose: 'own' | 'server';
  /** ISO 8601. */
  validTo: string;
}

/**
 * The hub's certificates: its own with the private key, those of servers that a person trusted, and those that were
 * refused. One folder for all connections; it is read anew for each check, so what one process trusts holds for all.
 */
export class Pki {
  readonly certificates: CertificateFolder;

  constructor(readonly directory: string) {
    this.certificates = new CertificateFolder(directory);
  }

  get certificateFile(): string {
    return this.certificates.ownFile;
  }

  get applicationUri(): string {
    return `urn:${hostname()}:pcp-integrations`;
  }

  /** Of the hub's own certificate and a server's those that end within 30 days. */
  async endingSoon(server: Buffer): Promise<EndingCertificate[]> {
    const own = (await this.certificates.list()).filter(({ state }) => state === 'own');
    const known = [...own, describe(server, 'trusted')];
    return known
      .filter((certificate) => endsSoon(certificate))
      .map(({ state, valid_to }) => ({ whose: state === 'own' ? 'own' : 'server', validTo: valid_to }));
  }

  /** For one client, which disposes of it. Makes key and certificate when there are none yet. */
  async open(): Promise<OPCUACertificateManager> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const { CertificateManager } = opcUaLibrary();
    const manager = new CertificateManager({ rootFolder: this.directory, disableFileWatchers: true });
    await manager.initialize();
    await chmod(manager.privateKey, 0o600);
    if (!(await exists(this.certificateFile))) await this.#makeCertificate(manager);
    return manager;
  }

  /**
   * Refuses a server's certificate that nobody has trusted, and keeps it among the rejected.
   * @throws config PCP_OPCUA_UNTRUSTED, and PCP_OPCUA_CERTIFICATE... for what is wrong with one that is trusted
   */
  async check(certificate: Buffer | null, expected: ExpectedServer): Promise<void> {
    if (!certificate?.length) throw unusable('PCP_OPCUA_CERTIFICATE', 'The server has no certificate.', RENEW);
    const manager = await this.open();
    try {
      const status = (await manager.checkCertificate(certificate)).name;
      const known = describe(certificate, 'rejected');
      const problem = certificateProblem(certificate, expected);
      if (status === 'BadCertificateUntrusted' || status === 'BadCertificateChainIncomplete') {
        throw untrusted(known, problem);
      }
      if (problem !== undefined) throw refused(known, problem);
      if (status === 'BadCertificateRevoked') throw refused(known, REVOKED);
      if (status !== 'Good') throw refused(known, { ...UNUSABLE, why: `cannot be used (${status})` });
    } finally {
      await manager.dispose();
    }
  }

  /** Several processes may be the first: the certificate of one of them is everybody's. */
  async #makeCertificate(manager: OPCUACertificateManager): Promise<void> {
    const outputFile = `${this.certificateFile}.${process.pid}-${randomBytes(4).toString('hex')}`;
    await manager.createSelfSignedCertificate({
      applicationUri: this.applicationUri,
      dns: [hostname()],
      outputFile,
      subject: `CN=${APPLICATION_NAME}`,
      startDate: new Date(),
      validity: VALID_DAYS,
    });
    await link(outputFile, this.certificateFile).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await unlink(outputFile);
  }
}

/** What else is wrong is said at once: trusting it would not help. */
function untrusted(
  { thumbprint, subject }: KnownCertificate,
  problem: CertificateProblem | undefined,
): IntegrationError {
  const besides = problem === undefined ? '' : ` Besides, it ${problem.why}.`;
  return new IntegrationError(
    'config',
    'PCP_OPCUA_UNTRUSTED',
    `The server's certificate ${thumbprint} (${subject}) is not trusted here.${besides}`,
    {
      path: '/config/endpoint_url',
      value: thumbprint,
      hint: 'Compare the thumbprint with the one that the server shows, then trust it in the connection.',
    },
  );
}

function refused({ thumbprint, subject }: KnownCertificate, { code, why, hint }: CertificateProblem): IntegrationError {
  return unusable(code, `The server's certificate ${thumbprint} (${subject}) ${why}.`, hint, thumbprint);
}

function unusable(code: string, message: string, hint: string, thumbprint?: string): IntegrationError {
  return new IntegrationError('config', code, message, { path: '/config/endpoint_url', value: thumbprint, hint });
}

async function exists(file: string): Promise<boolean> {
  return readFile(file).then(
    ({ length }) => length > 0,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
