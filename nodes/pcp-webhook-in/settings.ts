import type { NodeDef } from 'node-red';
import type { ChallengeKind, IncomingWebhook } from '../../lib/model/incoming-webhook';
import { checkWebhook, type VerificationSettings, verificationOf } from '../../lib/webhooks/incoming/definition';
import { numberProperty } from '../support/values';

export interface WebhookInDef extends NodeDef {
  verification: VerificationSettings['method'];
  header: string;
  prefix: string;
  algorithm: VerificationSettings['algorithm'];
  encoding: VerificationSettings['encoding'];
  signed: string;
  timestampHeader: string;
  timestampUnit: VerificationSettings['timestampUnit'];
  tolerance: string | number;
  /** Minutes. */
  repeats: string | number;
  username: string;
  messageId: string;
  challenge: ChallengeKind | '';
  answer: string | number;
  /** KiB. */
  bodyLimit: string | number;
  rate: string | number;
  /** '' = its deliveries go into the flow. */
  mapping: string;
  acknowledge: 'auto' | 'manual';
  acknowledgeTimeout: string | number;
}

/** Those that are not set are missing. */
export type WebhookInCredentials = Record<'token' | 'secret' | 'previousSecret' | 'verifyToken', string | undefined>;

/** @throws config PCP_WEBHOOK_INVALID, PCP_WEBHOOK_SECRET */
export function webhookOf(id: string, def: WebhookInDef, credentials: Partial<WebhookInCredentials>): IncomingWebhook {
  const { token = '', secret, previousSecret, verifyToken } = credentials;
  const answer = Number(def.answer);
  const webhook: IncomingWebhook = {
    id,
    token,
    verification: verificationOf({
      method: def.verification,
      header: def.header ?? '',
      prefix: def.prefix ?? '',
      algorithm: def.algorithm ?? 'sha256',
      encoding: def.encoding ?? 'hex',
      signed: def.signed || '{body}',
      timestampHeader: def.timestampHeader ?? '',
      timestampUnit: def.timestampUnit ?? 's',
      tolerance: numberProperty(def.tolerance, { fallback: 300, minimum: 1, maximum: 43_200 }),
      repeatMinutes: numberProperty(def.repeats, { fallback: 10, minimum: 0, maximum: 10_080 }),
      username: def.username ?? '',
      messageId: def.messageId ?? '',
    }),
    secrets: [secret, previousSecret].filter((one): one is string => Boolean(one)),
    challenge: def.challenge ? { kind: def.challenge, verifyToken: verifyToken || null } : null,
    bodyLimit: 1024 * numberProperty(def.bodyLimit, { fallback: 1024, minimum: 1, maximum: 16_384 }),
    rate: numberProperty(def.rate, { fallback: 1000, minimum: 1, maximum: 100_000 }),
    answer: answer === 200 || answer === 204 ? answer : 202,
  };
  checkWebhook(webhook);
  return webhook;
}
