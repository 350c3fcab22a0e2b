import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { IntegrationError } from '../model/errors';
import type { VaultKey } from './keys';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface Sealed {
  kid: string;
  iv: string;
  tag: string;
  data: string;
}

/**
 * Seals secrets with AES-256-GCM. What is sealed for one context ("connection:12") opens for no other, so a row of the
 * database cannot be given the secrets of another.
 */
export class Vault {
  readonly #current: { id: string; key: KeyObject };
  readonly #keys: Map<string, KeyObject>;

  /** @param keys the current one first; the others only open */
  constructor(keys: readonly VaultKey[]) {
    // To make a key of bytes takes longer than to seal with it.
    const made = keys.map(({ id, key }) => ({ id, key: createSecretKey(key) }));
    const current = made[0];
    if (current === undefined) throw new IntegrationError('bug', 'PCP_INTERNAL', 'A vault needs at least one key.');
    this.#current = current;
    this.#keys = new Map(made.map(({ id, key }) => [id, key]));
  }

  /** Names the key that seals. */
  get keyId(): string {
    return this.#current.id;
  }

  /** Names the keys that only open. */
  get earlierKeyIds(): string[] {
    return [...this.#keys.keys()].filter((id) => id !== this.#current.id);
  }

  /**
   * @param secret anything that JSON can hold
   * @returns JSON {kid, iv, tag, data}, the last three base64
   */
  encrypt(secret: unknown, context: string): string {
    const iv = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#current.key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(additionalData(this.#current.id, context));
    const data = Buffer.concat([cipher.update(JSON.stringify(secret), 'utf8'), cipher.final()]);
    const sealed: Sealed = {
      kid: this.#current.id,
      iv: iv.toString('base64'),
      tag: cipher.getAuthTag().toString('base64'),
      data: data.toString('base64'),
    };
    return JSON.stringify(sealed);
  }

  /** @throws config PCP_VAULT_KEY_UNKNOWN when its key is not held, PCP_VAULT_BROKEN when it was changed or moved */
  decrypt(text: string, context: string): unknown {
    const sealed = parseSealed(text, context);
    const key = this.#keys.get(sealed.kid);
    if (key === undefined) {
      throw new IntegrationError(
        'config',
        'PCP_VAULT_KEY_UNKNOWN',
        `The secrets of ${context} were encrypted with key ${sealed.kid}, which is not among the keys given.`,
        {
          hint: 'Give the earlier key after the current one (INTEGRATIONS_KEY=new,old, or a second line in the key file).',
        },
      );
    }
    const tag = Buffer.from(sealed.tag, 'base64');
    const iv = Buffer.from(sealed.iv, 'base64');
    if (tag.length !== TAG_BYTES || iv.length !== NONCE_BYTES) throw broken(context);
    try {
      const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(additionalData(sealed.kid, context));
      decipher.setAuthTag(tag);
      const plain = Buffer.concat([decipher.update(Buffer.from(sealed.data, 'base64')), decipher.final()]);
      return JSON.parse(plain.toString('utf8')) as unknown;
    } catch {
      throw broken(context);
    }
  }

  /** A digest that only holders of the current key can make: it tells two secrets apart and says nothing about either. */
  digest(secret: string, context: string): string {
    return createHmac('sha256', this.#current.key).update(`pcp-digest-1\0${context}\0${secret}`).digest('base64url');
  }

  /** Whether a text has the form that `encrypt` gives. */
  isSealed(text: string): boolean {
    return sealedIn(text) !== null;
  }

  /** Sealed with an earlier key: encrypt it anew, and that key can go. */
  isOutdated(text: string, context: string): boolean {
    return parseSealed(text, context).kid !== this.#current.id;
  }
}

function additionalData(kid: string, context: string): Buffer {
  return Buffer.from(`pcp-vault-1\0${kid}\0${context}`, 'utf8');
}

function parseSealed(text: string, context: string): Sealed {
  const sealed = sealedIn(text);
  if (sealed === null) throw broken(context);
  return sealed;
}

function sealedIn(text: string): Sealed | null {
  try {
    const sealed = JSON.parse(text) as Partial<Sealed> | null;
    const { kid, iv, tag, data } = sealed ?? {};
    if (typeof kid === 'string' && typeof iv === 'string' && typeof tag === 'string' && typeof data === 'string') {
      return { kid, iv, tag, data };
    }
  } catch {
    // Not even JSON: the same answer as for a wrong tag.
  }
  return null;
}

function broken(context: string): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_VAULT_BROKEN',
    `The secrets of ${context} do not open: they were changed, or belong to something else.`,
    { hint: 'Restore the store from a backup, or give the secrets anew.' },
  );
}
