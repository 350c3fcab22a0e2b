import type { Actor } from '../model/audit';
import type { Certificates } from '../model/services';
import type { CertificateFolder } from '../protocols/opcua/certificate-folder';
import type { MachineWrites } from './machine-writes';

/** Which servers a person trusts: whoever is trusted decides what machines say and do, so it is on record as they are. */
export class CertificateTrust implements Certificates {
  /** @param onTrusted what waits for a certificate to be trusted may try again */
  constructor(
    private readonly folder: CertificateFolder,
    private readonly recorder: MachineWrites,
    private readonly onTrusted: () => void,
  ) {}

  list(): ReturnType<Certificates['list']> {
    return this.folder.list();
  }

  inUse(): ReturnType<Certificates['inUse']> {
    return this.folder.inUse();
  }

  expiring(): ReturnType<Certificates['expiring']> {
    return this.folder.expiring();
  }

  async trust(thumbprint: string, by: Actor): ReturnType<Certificates['trust']> {
    const trusted = await this.recorder.operation('trust_certificate', thumbprint, by, () =>
      this.folder.trust(thumbprint),
    );
    this.onTrusted();
    return trusted;
  }

  reject(thumbprint: string, by: Actor): ReturnType<Certificates['reject']> {
    return this.recorder.operation('reject_certificate', thumbprint, by, () => this.folder.reject(thumbprint));
  }
}
