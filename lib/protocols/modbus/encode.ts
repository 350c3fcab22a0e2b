import Big from 'big.js';
import { IntegrationError } from '../../model/errors';
import { disordered } from './byte-order';
import type { NumberForm, Tag } from './tag';

/** What is to be in the device: a coil, bits of one register (those of `mask`), or whole registers. */
export type Encoded =
  | { kind: 'bit'; value: boolean }
  | { kind: 'mask'; mask: number; value: number }
  | { kind: 'registers'; registers: Buffer };

/**
 * What makes a tag hold exactly this value. Nothing is rounded or cut off.
 * @param power of ten from the tag's scale factor
 * @throws data PCP_MODBUS_VALUE
 */
export function encodeTag(tag: Tag, value: unknown, power = 0): Encoded {
  const { form } = tag;
  switch (form.kind) {
    case 'bit':
      return { kind: 'bit', value: booleanOf(tag, value) };
    case 'register_bit':
      return { kind: 'mask', mask: 1 << form.bit, value: booleanOf(tag, value) ? 1 << form.bit : 0 };
    case 'text':
      return { kind: 'registers', registers: encodeText(tag, value, form.isSwapped) };
    case 'number': {
      const bytes = disordered(encodeNumber(tag, form, value, power), form.order);
      if (form.type.bytes > 1) return { kind: 'registers', registers: bytes };
      const shift = form.at === 0 ? 8 : 0;
      return { kind: 'mask', mask: 0xff << shift, value: (bytes[0] as number) << shift };
    }
  }
}

function booleanOf(tag: Tag, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 0 || value === 1) return value === 1;
  throw refused(tag, value, 'it takes true or false');
}

function encodeText(tag: Tag, value: unknown, isSwapped: boolean): Buffer {
  if (typeof value !== 'string') throw refused(tag, value, 'it takes a text');
  const bytes = Buffer.alloc(tag.count * 2);
  const text = Buffer.from(value, 'utf8');
  if (text.length > bytes.length) throw refused(tag, value, `it has room for ${bytes.length} bytes`);
  text.copy(bytes);
  return isSwapped ? bytes.swap16() : bytes;
}

function encodeNumber(tag: Tag, form: NumberForm, value: unknown, power: number): Buffer {
  const { type } = form;
  if (form.bits !== undefined) throw refused(tag, value, 'parts of a register are not written; make a tag for the bit');
  const bytes = type.encode(
    type.kind === 'float' ? floatOf(tag, form, value, power) : integerOf(tag, form, value, power),
  );
  if (bytes === undefined) throw refused(tag, value, `it is not within ${tag.type}`);
  return bytes;
}

function integerOf(tag: Tag, form: NumberForm, value: unknown, power: number): bigint {
  if (form.type.kind === 'time') return timeOf(tag, value, form.type.bytes === 4 ? 1000 : 1);
  const wanted = decimalOf(tag, value);
  const { scale, offset } = linearOf(form, power);
  const raw = wanted.minus(offset).div(scale).round(0);
  if (!raw.times(scale).plus(offset).eq(wanted)) {
    throw refused(tag, value, `its step is ${scale.toFixed()}${offset.eq(0) ? '' : ` from ${offset.toFixed()}`}`);
  }
  return BigInt(raw.toFixed());
}

function floatOf(tag: Tag, form: NumberForm, value: unknown, power: number): number {
  const wanted = decimalOf(tag, value);
  const { scale, offset } = linearOf(form, power);
  return wanted.minus(offset).div(scale).toNumber();
}

function linearOf({ linear }: NumberForm, power: number): { scale: Big; offset: Big } {
  const scale = (linear?.scale ?? new Big(1)).times(`1e${power}`);
  return { scale, offset: linear?.offset ?? new Big(0) };
}

function decimalOf(tag: Tag, value: unknown): Big {
  if (typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'string' && value.length < 100)) {
    try {
      return new Big(String(value));
    } catch {
      // Said below.
    }
  }
  throw refused(tag, value, 'it takes a number');
}

function timeOf(tag: Tag, value: unknown, unitMs: number): bigint {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw refused(tag, value, 'it takes a time such as 2026-11-24T05:00:00Z');
  if (ms % unitMs !== 0) throw refused(tag, value, 'it holds whole seconds');
  return BigInt(ms / unitMs);
}

function refused(tag: Tag, value: unknown, why: string): IntegrationError {
  const shown = JSON.stringify(typeof value === 'bigint' ? String(value) : value)?.slice(0, 60) ?? 'nothing';
  return new IntegrationError('data', 'PCP_MODBUS_VALUE', `Tag "${tag.name}" cannot become ${shown}: ${why}.`, {
    value: shown,
    hint: 'Write a value that the register holds exactly; nothing is rounded.',
  });
}
