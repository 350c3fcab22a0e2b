import { IntegrationError } from '../../model/errors';
import type { HmacScheme, IncomingWebhook, MessageId, Verification } from '../../model/incoming-webhook';
import { checkSecret } from '../signature/standard-webhooks';
import { CHALLENGES } from './challenge';
import { SCHEMES } from './schemes';
import { DIGEST_BYTES } from './verify';

/** 128 bits in base64. */
const SHORTEST_TOKEN = 22;
/** The store keeps ids for a day at least: longer than a delivery may be on its way. */
const LONGEST_TOLERANCE = 43_200;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** How a webhook is verified, as the form of its node has it. */
export interface VerificationSettings {
  method: 'standard' | 'github' | 'stripe' | 'shopify' | 'microsoft_graph' | 'hmac' | 'basic' | 'token' | 'none';
  /** Of a signature or a token. */
  header: string;
  prefix: string;
  algorithm: HmacScheme['algorithm'];
  encoding: HmacScheme['encoding'];
  signed: string;
  timestampHeader: string;
  timestampUnit: 's' | 'ms';
  /** Seconds. */
  tolerance: number;
  /** So long the same content is the same delivery, where nothing that is signed says more. */
  repeatMinutes: number;
  username: string;
  /** Header with the id of the delivery, or a JSON pointer into its body: "/id". */
  messageId: string;
}

/** @throws config PCP_WEBHOOK_INVALID, PCP_WEBHOOK_SECRET */
export function checkWebhook(webhook: IncomingWebhook): void {
  const { token, verification, secrets, challenge } = webhook;
  if (token.length < SHORTEST_TOKEN || !/^[\w-]+$/.test(token)) {
    throw invalid('token', `The token is not one of ${SHORTEST_TOKEN} or more letters, digits, "-" and "_".`);
  }
  // A flow may hold what its form does not offer.
  if (challenge !== null && !Object.hasOwn(CHALLENGES, challenge.kind)) {
    throw invalid('challenge', `"${challenge.kind}" is no challenge that is answered.`);
  }
  if (verification.method !== 'none' && secrets.length === 0) throw invalid('secret', 'The secret is missing.');
  if (verification.method === 'standard') for (const secret of secrets) checkSecret(secret, 'secret');
}

/** @throws config PCP_WEBHOOK_INVALID */
export function verificationOf(settings: VerificationSettings): Verification {
  const { method, tolerance, repeatMinutes } = settings;
  if (!(tolerance > 0 && tolerance <= LONGEST_TOLERANCE)) {
    throw invalid('tolerance', `The tolerance is not one of 1 to ${LONGEST_TOLERANCE} seconds.`);
  }
  const repeatMs = 60_000 * repeatMinutes;
  const id = messageId(settings.messageId);
  const identified = id === undefined ? {} : { id };
  switch (method) {
    case 'standard':
      return { method, tolerance };
    case 'github':
    case 'stripe':
    case 'shopify':
      return { method: 'hmac', ...SCHEMES[method], tolerance, repeatMs };
    case 'hmac':
      return { method, ...hmacScheme(settings, id), repeatMs };
    case 'basic':
      return { method, username: settings.username, ...identified };
    case 'token':
      return { method, header: headerName(settings.header, 'header'), ...identified };
    case 'microsoft_graph':
      return { method: 'client_state', ...identified };
    case 'none':
      return { method, ...identified };
    default:
      throw invalid('verification', `"${String(method)}" is no way to verify a delivery.`);
  }
}

function hmacScheme(settings: VerificationSettings, id: MessageId | undefined): Omit<HmacScheme, 'repeatMs'> {
  const { signed, prefix, algorithm, encoding, tolerance, timestampHeader, timestampUnit } = settings;
  const hasTimestamp = timestampHeader !== '';
  if (!Object.hasOwn(DIGEST_BYTES, algorithm)) throw invalid('algorithm', `"${algorithm}" is no algorithm for it.`);
  if (!['hex', 'base64'].includes(encoding)) throw invalid('encoding', `"${encoding}" is no encoding of a signature.`);
  if (!['s', 'ms'].includes(timestampUnit)) throw invalid('timestampUnit', `"${timestampUnit}" is no unit of a time.`);
  if (signed.split('{body}').length !== 2) throw invalid('signed', 'What is signed does not hold {body} once.');
  if (signed.includes('{timestamp}') !== hasTimestamp) {
    throw invalid(
      'timestampHeader',
      'A timestamp is of use when it is signed: {timestamp} and its header go together.',
    );
  }
  const idHeader = id !== undefined && 'header' in id ? id.header : undefined;
  // Whoever recorded a delivery could send it again under another id.
  if (signed.includes('{id}') !== (idHeader !== undefined)) {
    throw invalid('messageId', 'An id from a header is of use when it is signed: {id} and its header go together.');
  }
  return {
    signature: { header: headerName(settings.header, 'header'), prefix },
    algorithm,
    encoding,
    signed,
    tolerance,
    ...(hasTimestamp && {
      timestamp: { header: headerName(timestampHeader, 'timestampHeader'), unit: timestampUnit },
    }),
    ...(idHeader !== undefined && { id: { header: idHeader } }),
    ...(id !== undefined && 'pointer' in id && { eventId: id.pointer }),
  };
}

function messageId(text: string): MessageId | undefined {
  if (text === '') return undefined;
  return text.startsWith('/') ? { pointer: text } : { header: headerName(text, 'messageId') };
}

function headerName(text: string, path: string): string {
  if (!HEADER_NAME.test(text)) throw invalid(path, `"${text}" is no name of a header.`);
  return text.toLowerCase();
}

function invalid(path: string, message: string): IntegrationError {
  return new IntegrationError('config', 'PCP_WEBHOOK_INVALID', message, { path });
}
