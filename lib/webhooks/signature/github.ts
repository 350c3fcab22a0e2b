import { createHmac } from 'node:crypto';

/** Signatures as GitHub sends them: "sha256=" and the hexadecimal HMAC-SHA256 of the body alone, keyed with the text of the secret. */

const PREFIX = 'sha256=';

/** Value of the header X-Hub-Signature-256. */
export function signGithub(body: string | Uint8Array, secret: string): string {
  return PREFIX + createHmac('sha256', secret).update(body).digest('hex');
}
