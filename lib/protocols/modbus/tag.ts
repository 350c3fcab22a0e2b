import Big from 'big.js';
import { type Addressing, parseAddress } from './address';
import { type ByteOrder, byteOrder } from './byte-order';
import { configError } from './errors';
import type { Table } from './pdu';
import type { Range } from './poll-plan';
import { NUMBER_TYPES, type NumberType, type TagType } from './value-types';

/** An entry of a connection's `tags`. */
export interface TagSetting {
  address: number | string;
  unit_id?: number;
  table?: Table;
  addressing?: Addressing;
  type?: TagType;
  byte_order?: string;
  /** Registers of a text. */
  length?: number;
  /** Which half of its register an 8-bit number is. */
  byte?: 'high' | 'low';
  /** The bit of its register that a bool is; 0 is the lowest. */
  bit?: number;
  /** Parts of an integer: a bit is a bool, `[first, last]` is a number. */
  bits?: Record<string, number | [number, number]>;
  scale?: number | string;
  offset?: number | string;
  /** Name of a tag that holds the power of ten by which this one is multiplied (SunSpec). */
  scale_factor?: string;
  /** Raw values that mean "there is none": those of custom (`true`), or these. */
  not_available?: boolean | (number | string)[];
  unit?: string;
  description?: string;
  sampling_interval_ms?: number;
  deadband?: number | { type: 'absolute' | 'percent'; value: number };
  /** Least and most, of which a deadband in per cent is a part. */
  range?: [number, number];
}

export interface TagDefaults {
  unitId: number;
  addressing: Addressing;
  byteOrder: string;
}

/** Where a value stands, and how it is read. */
export interface Tag extends Range {
  name: string;
  type: TagType;
  form: Form;
  unit: string | undefined;
  scaleFactor: string | undefined;
  setting: TagSetting;
}

export type Form =
  /** Of a coil or discrete input. */
  { kind: 'bit' } | { kind: 'register_bit'; bit: number } | { kind: 'text'; isSwapped: boolean } | NumberForm;

export interface NumberForm {
  kind: 'number';
  type: NumberType;
  order: ByteOrder;
  /** First byte of the value in its registers. */
  at: number;
  /** Null: neither scale nor offset. */
  linear: { scale: Big; offset: Big } | null;
  /** Hexadecimal digits, highest byte first. */
  notAvailable: ReadonlySet<string>;
  bits: { name: string; first: bigint; width: bigint | undefined }[] | undefined;
}

/** @throws config PCP_MODBUS_TAG, PCP_MODBUS_ADDRESS */
export function parseTag(name: string, setting: TagSetting, defaults: TagDefaults): Tag {
  const where = `tag "${name}"`;
  const place = parseAddress(setting.address, setting.table, setting.addressing ?? defaults.addressing, where);
  const isBit = place.table === 'coil' || place.table === 'discrete';
  const type = setting.type ?? (isBit || setting.bit !== undefined ? 'bool' : 'uint16');
  if (isBit && type !== 'bool') {
    throw wrong(where, `a ${place.table} holds a bool, not ${type}`, 'Correct "type", or the table.');
  }
  const form = formOf(type, setting, isBit, defaults, where);
  checkFits(type, setting, isBit, where);
  const count = form.kind === 'text' ? (setting.length as number) : form.kind === 'number' ? registersOf(form.type) : 1;
  if (place.address + count > 65_536) {
    throw wrong(where, `its ${count} registers go beyond the last address`, 'Correct the address or the type.');
  }
  return {
    name,
    unitId: setting.unit_id ?? defaults.unitId,
    ...place,
    count,
    type,
    form,
    unit: setting.unit,
    scaleFactor: setting.scale_factor,
    setting,
  };
}

function registersOf(type: NumberType): number {
  return Math.max(1, type.bytes / 2);
}

function formOf(type: TagType, setting: TagSetting, isBit: boolean, defaults: TagDefaults, where: string): Form {
  if (isBit) return { kind: 'bit' };
  if (type === 'bool') return { kind: 'register_bit', bit: setting.bit ?? 0 };
  if (type === 'string') {
    if (setting.length === undefined) throw wrong(where, 'a text needs "length"', 'Give its length in registers.');
    return { kind: 'text', isSwapped: byteOrder(setting.byte_order ?? 'ABCD', 2, where)?.[0] === 1 };
  }
  const numberType: NumberType = NUMBER_TYPES[type];
  const scale = decimal(setting.scale ?? 1, 'scale', where);
  const offset = decimal(setting.offset ?? 0, 'offset', where);
  if (scale.eq(0)) throw wrong(where, 'a "scale" of 0 makes every value the same', 'Leave it out, or correct it.');
  return {
    kind: 'number',
    type: numberType,
    order: byteOrder(
      numberType.bytes === 1 ? 'ABCD' : (setting.byte_order ?? defaults.byteOrder),
      numberType.bytes,
      where,
    ),
    at: numberType.bytes === 1 && setting.byte !== 'high' ? 1 : 0,
    linear: scale.eq(1) && offset.eq(0) ? null : { scale, offset },
    notAvailable: notAvailableOf(setting.not_available ?? false, numberType, where),
    bits: setting.bits && Object.entries(setting.bits).map(([name, bits]) => bitsOf(name, bits, numberType, where)),
  };
}

/** Settings that say nothing for the type are mistakes. */
function checkFits(type: TagType, setting: TagSetting, isBit: boolean, where: string): void {
  const isNumber = type !== 'bool' && type !== 'string';
  const isTime = isNumber && NUMBER_TYPES[type].kind === 'time';
  const fits: [keyof TagSetting, boolean][] = [
    ['bit', type === 'bool' && !isBit],
    ['byte', type === 'int8' || type === 'uint8'],
    ['length', type === 'string'],
    ['byte_order', !isBit && type !== 'bool'],
    ['bits', isNumber && NUMBER_TYPES[type].kind === 'integer'],
    ['scale', isNumber && !isTime],
    ['offset', isNumber && !isTime],
    ['scale_factor', isNumber && !isTime],
    ['not_available', isNumber],
  ];
  for (const [property, isFitting] of fits) {
    if (setting[property] !== undefined && !isFitting) {
      throw wrong(
        where,
        `"${property}" means nothing for ${isBit ? `a ${setting.table ?? 'bit'}` : type}`,
        'Leave it out, or correct the type.',
      );
    }
  }
  const isScaled = setting.scale !== undefined || setting.offset !== undefined || setting.scale_factor !== undefined;
  if (setting.bits && isScaled) throw wrong(where, 'parts of a number have no scale', 'Leave out "bits" or the scale.');
}

function bitsOf(name: string, bits: number | [number, number], type: NumberType, where: string) {
  const [first, last] = typeof bits === 'number' ? [bits, bits] : bits;
  if (first > last || last >= type.bytes * 8) {
    throw wrong(where, `the bits of "${name}" are not within its ${type.bytes * 8} bits`, 'Bit 0 is the lowest one.');
  }
  return { name, first: BigInt(first), width: typeof bits === 'number' ? undefined : BigInt(last - first + 1) };
}

function notAvailableOf(setting: boolean | (number | string)[], type: NumberType, where: string): Set<string> {
  if (setting === false) return new Set();
  // Floats that are no numbers are never available.
  if (setting === true) return new Set(type.notAvailable === undefined ? [] : [type.notAvailable]);
  return new Set(
    setting.map((raw) => {
      const hex = typeof raw === 'string' ? /^0x([0-9a-f]+)$/i.exec(raw)?.[1]?.toLowerCase() : undefined;
      if (hex !== undefined && hex.length <= type.bytes * 2) return hex.padStart(type.bytes * 2, '0');
      const bytes = /^-?\d+$/.test(String(raw))
        ? type.encode(type.kind === 'float' ? Number(raw) : BigInt(raw))
        : undefined;
      if (bytes === undefined) {
        throw wrong(
          where,
          `${JSON.stringify(raw)} in "not_available" is no raw value of it`,
          'Use integers, or texts such as "0x8000".',
        );
      }
      return bytes.toString('hex');
    }),
  );
}

function decimal(value: number | string, property: string, where: string): Big {
  try {
    return new Big(value);
  } catch {
    throw wrong(where, `"${property}" ${JSON.stringify(value)} is no number`, 'Use a number with a point.');
  }
}

function wrong(where: string, what: string, hint: string) {
  return configError('PCP_MODBUS_TAG', `${where.charAt(0).toUpperCase()}${where.slice(1)}: ${what}.`, hint);
}
