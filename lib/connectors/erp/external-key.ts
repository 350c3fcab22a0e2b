import { hash } from 'node:crypto';

/** Field in which an ERP keeps our own key of a document: as a GUID, or as a short text. */
export interface ExternalKeySetting {
  field: string;
  form: 'guid' | 'short';
  /** Characters of a short one; 16 by default, and at most. */
  length?: number;
  /** A field of records only: it goes into the key where an id alone does not identify a record. */
  part?: string;
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** RFC 9562 asks for a namespace of one's own. */
const NAMESPACE = Buffer.from('6d1f5b0e7c1a4a0e9b7d2f3c8a5e4b10', 'hex');
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LONGEST = 16;

/**
 * What an ERP keeps as our own key of a document, so that it is found again by it. The same value gives the same key for ever.
 * @param sender tells the records of this plant from those of others that post to the same system
 */
export function externalKey(
  value: unknown,
  { form, length = LONGEST }: Pick<ExternalKeySetting, 'form' | 'length'>,
  sender: string,
): string {
  const text = String(value);
  if (form === 'guid') return GUID.test(text) ? text.toLowerCase() : guidOf(`${sender}|${text}`);
  const isShort = sender === '' && text.length <= length && text === text.trim();
  return isShort ? text : shortOf(`${sender}|${text}`).slice(0, length);
}

/** UUID of version 5. */
function guidOf(name: string): string {
  const bytes = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(name)]), 'buffer').subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** 80 bits in 16 characters that no system changes. */
function shortOf(name: string): string {
  const bytes = hash('sha256', name, 'buffer');
  let bits = bytes.readBigUInt64BE(0) * 65536n + BigInt(bytes.readUInt16BE(8));
  let text = '';
  for (let place = 0; place < LONGEST; place++) {
    text = `${ALPHABET[Number(bits & 31n)]}${text}`;
    bits >>= 5n;
  }
  return text;
}

/**
 * The same as a number, for systems that keep nothing else; of so many digits, of which the first is never a zero.
 * A number that fits is itself.
 */
export function externalNumber(value: unknown, digits: number, sender: string): string {
  const text = String(value);
  if (sender === '' && /^[1-9]\d*$/.test(text) && text.length <= digits) return text;
  const bytes = hash('sha256', `${sender}|${text}`, 'buffer');
  const first = 10n ** BigInt(digits - 1);
  return String(first + (BigInt(`0x${bytes.toString('hex')}`) % (9n * first)));
}
