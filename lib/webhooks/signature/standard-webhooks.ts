import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { IntegrationError } from '../../model/errors';

/** Signatures of Standard Webhooks 1.0: HMAC-SHA256 over "id.timestamp.body", one for each key that is in use. */

const PREFIX = 'whsec_';
const VERSION = 'v1,';
const NEW_SECRET_BYTES = 32;
/** What the specification asks of a secret. */
const SECRET_BYTES = { least: 24, most: 64 };
const TOLERANCE_SECONDS = 300;
/** Signatures of one header that are looked at. */
const MOST_SIGNATURES = 100;

export interface StandardHeaders {
  id: string | undefined;
  /** Seconds since 1970. */
  timestamp: string | undefined;
  signature: string | undefined;
}

export interface Received {
  headers: StandardHeaders;
  /** As it came. */
  body: Uint8Array;
  /** Any of them may have signed: the old and the new one while they change. */
  secrets: readonly string[];
  /** Milliseconds since 1970. */
  now: number;
  toleranceSeconds?: number;
}

/** A secret as receivers know it: "whsec_" and base64. */
export function newSecret(): string {
  return PREFIX + randomBytes(NEW_SECRET_BYTES).toString('base64');
}

/** @throws config PCP_WEBHOOK_SECRET when it is no secret of 24 to 64 bytes in base64, with or without "whsec_" */
export function checkSecret(secret: string, path: string): void {
  const { least, most } = SECRET_BYTES;
  const key = keyOf(secret);
  if (key !== null && key.length >= least && key.length <= most) return;
  throw new IntegrationError(
    'config',
    'PCP_WEBHOOK_SECRET',
    `A secret of Standard Webhooks is "${PREFIX}" and the base64 of ${least} to ${most} bytes.`,
    { path },
  );
}

/**
 * Values of the headers webhook-timestamp and webhook-signature.
 * @param at milliseconds since 1970: the time of this attempt
 * @param secrets one signature for each, in this order
 */
export function signStandardWebhook(
  id: string,
  at: number,
  body: string | Uint8Array,
  secrets: readonly string[],
): { timestamp: string; signature: string } {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => VERSION + digest(id, timestamp, body, secret).toString('base64'));
  return { timestamp, signature: signatures.join(' ') };
}

/** Whether one of the secrets signed exactly this, just now. False for whatever is not well formed. */
export function verifyStandardWebhook(received: Received): boolean {
  const { headers, body, secrets, now, toleranceSeconds = TOLERANCE_SECONDS } = received;
  const { id = '', timestamp = '', signature = '' } = headers;
  // A dot in the id could be taken for the one before the timestamp.
  if (id === '' || id.includes('.') || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now / 1000 - Number(timestamp)) > toleranceSeconds) return false;
  const given = signature
    .split(' ', MOST_SIGNATURES)
    .filter((part) => part.startsWith(VERSION))
    .map((part) => Buffer.from(part.slice(VERSION.length), 'base64'));
  return secrets.some((secret) => {
    if (signingKeyOf(secret) === null) return false;
    const expected = digest(id, timestamp, body, secret);
    return given.some((bytes) => bytes.length === expected.length && timingSafeEqual(bytes, expected));
  });
}

function digest(id: string, timestamp: string, body: string | Uint8Array, secret: string): Buffer {
  const key = signingKeyOf(secret);
  if (key === null)
    throw new IntegrationError('bug', 'PCP_INTERNAL', 'A secret was kept that nothing can be signed with.');
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}

/** Secrets that were signed with lately: to make a key of one takes longer than to sign. */
const signingKeys = new Map<string, KeyObject | null>();
const MOST_SIGNING_KEYS = 1000;

function signingKeyOf(secret: string): KeyObject | null {
  const known = signingKeys.get(secret);
  if (known !== undefined) return known;
  const key = keyOf(secret);
  const made = key === null ? null : createSecretKey(key);
  if (signingKeys.size >= MOST_SIGNING_KEYS) signingKeys.clear();
  signingKeys.set(secret, made);
  return made;
}

/** Null for what is no base64: a part of it must not pass for a shorter key. */
function keyOf(secret: string): Buffer | null {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;
  return isBase64 ? Buffer.from(text, 'base64') : null;
}
