/** A certificate of OPC UA that this hub has, or was shown. */
export interface KnownCertificate {
  /** SHA-1 of the certificate, in hexadecimal: how OPC UA servers and their tools name it. */
  thumbprint: string;
  state: 'own' | 'trusted' | 'rejected';
  subject: string;
  application_uri: string | null;
  valid_from: string;
  valid_to: string;
}
