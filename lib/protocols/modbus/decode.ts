import Big from 'big.js';
import { ordered } from './byte-order';
import { bitAt } from './pdu';
import type { NumberForm, Tag } from './tag';

/** Null has a status that says why. */
export interface Decoded {
  value: unknown;
  status?: string;
}

const NOT_AVAILABLE: Decoded = { value: null, status: 'not available' };
const LATEST_MS = 8_640_000_000_000_000n;

/**
 * The value in the registers of a tag. Integers beyond 2^53 are texts, and so are scaled ones with more digits than a
 * number keeps.
 * @param data the registers of the tag; of a bit, a byte with it as lowest one
 * @param power of ten from the tag's scale factor
 */
export function decodeTag({ form }: Tag, data: Buffer, power = 0): Decoded {
  switch (form.kind) {
    case 'bit':
      return { value: bitAt(data, 0) };
    case 'register_bit':
      return { value: (data.readUInt16BE(0) & (1 << form.bit)) !== 0 };
    case 'text':
      return decodeText(data, form.isSwapped);
    case 'number':
      return decodeNumber(form, data, power);
  }
}

/** Ends at the first NUL; spaces after it are filling. */
function decodeText(data: Buffer, isSwapped: boolean): Decoded {
  const bytes = isSwapped ? Buffer.from(data).swap16() : data;
  const end = bytes.indexOf(0);
  return { value: bytes.toString('utf8', 0, end < 0 ? bytes.length : end).trimEnd() };
}

function decodeNumber(form: NumberForm, data: Buffer, power: number): Decoded {
  const { type, at, linear } = form;
  const bytes = ordered(data.length === type.bytes ? data : data.subarray(at, at + type.bytes), form.order);
  if (form.notAvailable.size > 0 && form.notAvailable.has(bytes.toString('hex'))) return NOT_AVAILABLE;
  const raw = type.decode(bytes);
  if (raw === null) return type.kind === 'float' ? NOT_AVAILABLE : { value: null, status: 'not a decimal digit' };
  if (type.kind === 'time') return decodeTime(BigInt(raw), type.bytes === 4 ? 1000n : 1n);
  if (form.bits !== undefined) return { value: decodeBits(BigInt.asUintN(type.bytes * 8, BigInt(raw)), form.bits) };
  if (linear === null && power === 0) return { value: typeof raw === 'bigint' ? plain(String(raw)) : raw };
  const { scale, offset } = linear ?? { scale: ONE, offset: ZERO };
  const value = new Big(String(raw)).times(scale).times(`1e${power}`).plus(offset);
  return { value: type.kind === 'float' ? value.toNumber() : plain(value.toFixed()) };
}

const ONE = new Big(1);
const ZERO = new Big(0);

/** A number where it has the same digits. */
function plain(text: string): number | string {
  const number = Number(text);
  const isSafe = Number.isSafeInteger(number) || !Number.isInteger(number);
  return isSafe && String(number) === text ? number : text;
}

function decodeTime(raw: bigint, unitMs: bigint): Decoded {
  const ms = raw * unitMs;
  return ms > LATEST_MS ? NOT_AVAILABLE : { value: new Date(Number(ms)).toISOString() };
}

function decodeBits(raw: bigint, bits: NonNullable<NumberForm['bits']>): Record<string, unknown> {
  return Object.fromEntries(
    bits.map(({ name, first, width }) => {
      const part = BigInt.asUintN(Number(width ?? 1n), raw >> first);
      return [name, width === undefined ? part === 1n : plain(String(part))];
    }),
  );
}
