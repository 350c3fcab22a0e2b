import { hash } from 'node:crypto';

/** 132 bits: two versions of one record never agree by chance, and a link stays small. */
const SHORT_CHARACTERS = 22;

/** A short digest for look-ups by long keys: SHA-256, base64url. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** What tells the versions of a record apart: the first 132 bits of `digest`. */
export function shortDigest(text: string): string {
  return digest(text).slice(0, SHORT_CHARACTERS);
}
