import { isUtf8 } from 'node:buffer';
import type * as Cborg from 'cborg' with { 'resolution-mode': 'import' };
import { IntegrationError } from '../../model/errors';
import { parseExactJson } from '../../model/exact-json';

export type PayloadFormat = 'json' | 'text' | 'buffer' | 'cbor';

/** How messages of each format are read and written. Loaded once, since CBOR comes as a module of the newer kind. */
export interface PayloadCodec {
  /** @throws data PCP_MQTT_PAYLOAD */
  decode(payload: Buffer, format: PayloadFormat): unknown;
  encode(value: unknown, format: PayloadFormat): Buffer;
}

/** Deeper ones would exhaust the stack of whoever walks through them, the serialization of records first of all. */
const DEEPEST = 100;

/** @throws config PCP_DRIVER_MISSING */
export async function loadPayloadCodec(formats: Iterable<PayloadFormat>): Promise<PayloadCodec> {
  const cbor = new Set(formats).has('cbor') ? await loadCbor() : undefined;
  return {
    decode(payload, format) {
      try {
        return shallow(decode(payload, format, cbor));
      } catch (cause) {
        const why = cause instanceof Error ? cause.message.slice(0, 150) : String(cause);
        throw new IntegrationError('data', 'PCP_MQTT_PAYLOAD', `The payload is no ${format}: ${why}.`, {
          cause,
          hint: 'Correct what is published, or "format" of the topic.',
        });
      }
    },
    encode(value, format) {
      switch (format) {
        case 'json':
          return Buffer.from(JSON.stringify(value ?? null));
        case 'cbor':
          return Buffer.from(cbor!.encode(value ?? null));
        case 'buffer':
          return Buffer.isBuffer(value) ? value : Buffer.from(textOf(value), 'base64');
        case 'text':
          return Buffer.from(textOf(value));
      }
    },
  };
}

/** What a payload of unknown format holds: JSON, else text, else its bytes in base64. */
export function guessPayload(payload: Buffer): unknown {
  try {
    const text = textFrom(payload);
    try {
      return shallow(parseExactJson(text));
    } catch {
      return text;
    }
  } catch {
    return payload.toString('base64');
  }
}

/** @throws RangeError */
function shallow(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEEPEST) throw new RangeError(`it is nested in more than ${DEEPEST} levels`);
  if (Array.isArray(value)) for (const inner of value) shallow(inner, depth + 1);
  else for (const name in value) shallow((value as Record<string, unknown>)[name], depth + 1);
  return value;
}

function decode(payload: Buffer, format: PayloadFormat, cbor: typeof Cborg | undefined): unknown {
  switch (format) {
    case 'json':
      return parseExactJson(textFrom(payload));
    case 'text':
      return textFrom(payload);
    case 'buffer':
      return payload.toString('base64');
    case 'cbor':
      return plain(cbor!.decode(payload, { tags: TAGS, allowUndefined: true, coerceUndefinedToNull: true }));
  }
}

/** RFC 8949: what the tags that occur in telegrams mean. Others are refused, since their content would be misread. */
const TAGS: NonNullable<Cborg.DecodeOptions['tags']> = {
  0: (content) => content(),
  1: (content) => new Date(Number(content()) * 1000).toISOString(),
  2: (content) => bigNumber(content()),
  3: (content) => -1n - bigNumber(content()),
  4: (content) => decimal(content()),
  37: (content) => uuid(content()),
  55799: (content) => content(),
};

function bigNumber(bytes: unknown): bigint {
  const hex = Buffer.from(bytes as Uint8Array).toString('hex');
  return hex === '' ? 0n : BigInt(`0x${hex}`);
}

/** A decimal fraction, digit by digit. */
function decimal(content: unknown): string {
  const [exponent, mantissa] = content as [number | bigint, number | bigint];
  const digits = BigInt(mantissa).toString();
  const places = Number(exponent);
  if (places >= 0 || places < -1000) return places === 0 ? digits : `${digits}e${places}`;
  const sign = digits.startsWith('-') ? '-' : '';
  const padded = digits.slice(sign.length).padStart(1 - places, '0');
  return `${sign}${padded.slice(0, places)}.${padded.slice(places)}`;
}

function uuid(bytes: unknown): string {
  const hex = Buffer.from(bytes as Uint8Array).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** As records hold it: long integers are texts, bytes are base64. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Without the mark that some put before it. @throws TypeError */
function textFrom(payload: Buffer): string {
  if (!isUtf8(payload)) throw new TypeError('it is not UTF-8');
  const text = payload.toString();
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
}

/** Loaded by name at run time, as an install may lack it. */
async function loadCbor(): Promise<typeof Cborg> {
  try {
    return await import('cborg');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new IntegrationError('config', 'PCP_DRIVER_MISSING', 'The package "cborg" is not installed.', {
      hint: 'Run "npm install cborg" in Node-RED\'s user directory and restart Node-RED.',
    });
  }
}
