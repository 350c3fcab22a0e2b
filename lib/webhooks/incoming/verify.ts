import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { HeaderValue, HmacScheme, Identity, IncomingWebhook, MessageId } from '../../model/incoming-webhook';
import { verifyStandardWebhook } from '../signature/standard-webhooks';

/** Signatures of one header that are looked at. */
const MOST_SIGNATURES = 20;
/** Algorithms of signatures. */
export const DIGEST_BYTES = { sha1: 20, sha256: 32, sha512: 64 } as const;

export interface Claim {
  headers: IncomingHttpHeaders;
  /** As it was signed. */
  body: Buffer;
  /** Milliseconds since 1970. */
  now: number;
}

/** Null for whatever does not prove to be its sender's; why is nobody's business. */
export function verify({ verification, secrets }: IncomingWebhook, claim: Claim): Identity | null {
  const { headers, body, now } = claim;
  switch (verification.method) {
    case 'standard': {
      const part = (name: string) => text(headers, `webhook-${name}`) ?? text(headers, `svix-${name}`);
      const [id, timestamp, signature] = [part('id'), part('timestamp'), part('signature')];
      const { tolerance: toleranceSeconds } = verification;
      const isGenuine = verifyStandardWebhook({
        headers: { id, timestamp, signature },
        body,
        secrets,
        now,
        toleranceSeconds,
      });
      return isGenuine && id !== undefined ? named(id) : null;
    }
    case 'hmac':
      return verifyHmac(verification, secrets, claim);
    case 'basic': {
      const given = text(headers, 'authorization') ?? '';
      const wanted = secrets.map(
        (secret) => `Basic ${Buffer.from(`${verification.username}:${secret}`).toString('base64')}`,
      );
      return isOneOf(given.replace(/^basic +/i, 'Basic '), wanted) ? unsigned(verification.id, claim) : null;
    }
    case 'token': {
      const given = text(headers, verification.header) ?? '';
      const wanted = secrets.flatMap((secret) => [secret, `Bearer ${secret}`]);
      return isOneOf(given, wanted) ? unsigned(verification.id, claim) : null;
    }
    case 'client_state': {
      const notifications = at(parsed(body), '/value');
      if (!Array.isArray(notifications) || notifications.length === 0) return null;
      const isGenuine = notifications.every((one: unknown) => isOneOf(String(at(one, '/clientState') ?? ''), secrets));
      return isGenuine ? unsigned(verification.id, claim) : null;
    }
    case 'none':
      return unsigned(verification.id, claim);
  }
}

function verifyHmac(scheme: HmacScheme, secrets: readonly string[], { headers, body, now }: Claim): Identity | null {
  const { algorithm, encoding } = scheme;
  const id = scheme.id === undefined ? '' : valuesOf(headers, scheme.id)[0];
  const timestamp = scheme.timestamp === undefined ? '' : valuesOf(headers, scheme.timestamp)[0];
  // What separates the parts in what is signed must not stand in them.
  if (id === undefined || !/^[\w:=+/-]{0,255}$/.test(id)) return null;
  if (timestamp === undefined || !isTimely(scheme, timestamp, now)) return null;
  const content = signedContent(scheme.signed, { id, timestamp }, body);
  const given = valuesOf(headers, scheme.signature)
    .slice(0, MOST_SIGNATURES)
    .map((value) => decoded(value, encoding))
    .filter((bytes) => bytes?.length === DIGEST_BYTES[algorithm]);
  const isGenuine = secrets.some((secret) => {
    const expected = createHmac(algorithm, secret).update(content).digest();
    return given.some((bytes) => bytes !== null && timingSafeEqual(bytes, expected));
  });
  if (!isGenuine) return null;
  const eventId = scheme.eventId === undefined ? undefined : scalar(at(parsed(body), scheme.eventId));
  if (eventId !== undefined) return named(eventId);
  if (id !== '') return named(id);
  const kind = kindOf(scheme, headers);
  return timestamp === '' ? alike(scheme, kind, content, now) : contentIdentity(kind, content);
}

/** Of what is signed nothing says when: it may be sent again by its sender or a thief, or be true once more. */
function alike({ repeatMs: withinMs }: HmacScheme, kind: string, content: Buffer, now: number): Identity {
  if (withinMs === 0) return named(randomUUID());
  const period = Math.floor(now / withinMs);
  const { key } = contentIdentity(`${kind}\n${period - 1}`, content);
  return { ...contentIdentity(`${kind}\n${period}`, content), alike: { key, withinMs } };
}

function contentIdentity(kind: string, content: Buffer): Identity {
  const digest = createHash('sha256').update(`${kind}\n`).update(content).digest('hex');
  return { id: digest, key: digest };
}

function kindOf({ kind }: HmacScheme, headers: IncomingHttpHeaders): string {
  const value = kind && text(headers, kind.header);
  return value !== undefined && kind?.form.test(value) ? value : '';
}

function isTimely({ timestamp, tolerance }: HmacScheme, given: string, now: number): boolean {
  if (timestamp === undefined) return true;
  if (!/^\d{1,15}$/.test(given)) return false;
  const at = Number(given) * (timestamp.unit === 's' ? 1000 : 1);
  return Math.abs(now - at) <= tolerance * 1000;
}

/** What stands in for {body} is bytes, so the text around it is put together with them. */
function signedContent(template: string, { id, timestamp }: { id: string; timestamp: string }, body: Buffer): Buffer {
  const parts = template.split(/(\{(?:id|timestamp|body)\})/);
  return Buffer.concat(
    parts.map((part) => {
      if (part === '{body}') return body;
      return Buffer.from(part === '{id}' ? id : part === '{timestamp}' ? timestamp : part);
    }),
  );
}

/** Of a header that is a list there may be several. */
function valuesOf(headers: IncomingHttpHeaders, { header, prefix = '', item }: HeaderValue): string[] {
  const value = text(headers, header);
  if (value === undefined) return [];
  const values =
    item === undefined
      ? [value]
      : value
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part.startsWith(`${item}=`))
          .map((part) => part.slice(item.length + 1));
  return values.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
}

function decoded(value: string, encoding: HmacScheme['encoding']): Buffer | null {
  const isWellFormed = encoding === 'hex' ? /^[0-9a-f]+$/i.test(value) : /^[A-Za-z0-9+/_-]+={0,2}$/.test(value);
  return isWellFormed ? Buffer.from(value, encoding) : null;
}

/** Of equal length by their digests, so that the time taken tells nothing. */
function isOneOf(given: string, wanted: readonly string[]): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  const bytes = digest(given);
  return wanted.reduce((found, one) => timingSafeEqual(bytes, digest(one)) || found, false);
}

/** Whoever may send unsigned deliveries could send as many as they like: a missing id is no reason to drop one. */
function unsigned(id: MessageId | undefined, { headers, body }: Claim): Identity {
  const found =
    id === undefined ? undefined : 'header' in id ? text(headers, id.header) : scalar(at(parsed(body), id.pointer));
  return named(found ?? randomUUID());
}

function named(id: string): Identity {
  return { id: id.slice(0, 255), key: createHash('sha256').update(id).digest('hex') };
}

function text(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** What a JSON pointer leads to, over own properties only. */
function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

function scalar(value: unknown): string | undefined {
  return (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined;
}
