import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signatures as GitHub sends them: "sha256=" and the hexadecimal HMAC-SHA256 of the body alone, keyed with the text of the secret. */

const PREFIX = 'sha256=';

/** Value of the header X-Hub-Signature-256. */
export function signGithub(body: string | Uint8Array, secret: string): string {
  return PREFIX + createHmac('sha256', secret).update(body).digest('hex');
}

/** Whether one of the secrets signed exactly this body. It says nothing about when. */
export function verifyGithub(signature: string | undefined, body: Uint8Array, secrets: readonly string[]): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/.exec(signature ?? '')?.[1];
  if (hex === undefined) return false;
  const given = Buffer.from(hex, 'hex');
  return secrets.some((secret) => timingSafeEqual(given, createHmac('sha256', secret).update(body).digest()));
}
