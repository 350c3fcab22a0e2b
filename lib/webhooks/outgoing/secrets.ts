import type { WebhookSignature } from '../../model/webhook';
import type { Vault } from '../../security/vault';
import { newSecret } from '../signature/standard-webhooks';

const MOST_SECRETS = 5;

/** What a webhook keeps sealed. */
export interface WebhookSecrets {
  /** The newest first; those before it sign until they end. */
  keys: { secret: string; until: number | null }[];
  /** Values of headers that nobody is shown. */
  headers: Record<string, string>;
}

export const NO_SECRETS: WebhookSecrets = { keys: [], headers: {} };

export function webhookContext(id: number): string {
  return `webhook:${id}`;
}

export function sealSecrets(vault: Vault, id: number, secrets: WebhookSecrets): string | null {
  const isEmpty = secrets.keys.length === 0 && Object.keys(secrets.headers).length === 0;
  return isEmpty ? null : vault.encrypt(secrets, webhookContext(id));
}

/** @throws config PCP_VAULT_KEY_UNKNOWN, PCP_VAULT_BROKEN */
export function openSecrets(vault: Vault, id: number, sealed: string | null): WebhookSecrets {
  return sealed === null ? NO_SECRETS : (vault.decrypt(sealed, webhookContext(id)) as WebhookSecrets);
}

/** The keys that sign now. */
export function currentKeys({ keys }: WebhookSecrets, now: number): string[] {
  return keys.filter(({ until }) => until === null || until > now).map(({ secret }) => secret);
}

/** What an answer may repeat of a secret header: all of it, what follows its scheme, and of Basic what that stands for. */
export function formsOf(header: string): string[] {
  const [, scheme = '', credentials] = /^(\S+)\s+(.+)$/.exec(header) ?? [];
  if (credentials === undefined) return [header];
  if (scheme.toLowerCase() !== 'basic') return [header, credentials];
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return [header, credentials, pair, pair.slice(pair.indexOf(':') + 1)];
}

/** A webhook that signs has a key. @returns the one that was made, which is told once */
export function firstKey(signature: WebhookSignature, given: string | null | undefined): string | null {
  if (given != null) return given;
  return signature === 'none' ? null : newSecret();
}

/** The new key signs from now on, and the ones before it for a while. */
export function withNewKey(secrets: WebhookSecrets, secret: string, now: number, overlapMs: number): WebhookSecrets {
  const until = now + overlapMs;
  const earlier = secrets.keys
    .map((key) => ({ ...key, until: Math.min(key.until ?? until, until) }))
    .filter((key) => key.until > now && key.secret !== secret);
  return { ...secrets, keys: [{ secret, until: null }, ...earlier].slice(0, MOST_SECRETS) };
}
