import { IntegrationError } from '../../model/errors';
import { isReservedName } from '../formats/parser';
import type { TagSetting } from './tag';
import type { TagType } from './value-types';

/** A model definition as the SunSpec Alliance publishes it in JSON, as far as it is read here. */
interface Model {
  id: number;
  group: Group;
}

interface Group {
  name: string;
  count?: number | string;
  points?: Point[];
  groups?: Group[];
}

interface Point {
  name: string;
  type: string;
  size: number;
  sf?: string | number;
  units?: string;
  label?: string;
  symbols?: { name: string; value: number }[];
}

export interface SunSpecOptions {
  /** Register of the device, counted from 0, that holds the model's id. */
  baseAddress: number;
  unitId?: number | undefined;
  /** Begins each tag's name. */
  prefix?: string;
  /** How often a group that repeats is there. */
  repeats?: number;
}

/** Types of SunSpec: what they are here, and which raw values mean that there is none. */
const TYPES: Record<string, { type: TagType; notAvailable?: true | string[] }> = {
  int16: { type: 'int16', notAvailable: true },
  uint16: { type: 'uint16', notAvailable: true },
  count: { type: 'uint16' },
  acc16: { type: 'uint16' },
  raw16: { type: 'uint16' },
  enum16: { type: 'uint16', notAvailable: true },
  bitfield16: { type: 'uint16', notAvailable: true },
  sunssf: { type: 'int16', notAvailable: true },
  int32: { type: 'int32', notAvailable: true },
  uint32: { type: 'uint32', notAvailable: true },
  acc32: { type: 'uint32' },
  enum32: { type: 'uint32', notAvailable: true },
  bitfield32: { type: 'uint32', notAvailable: ['0xFFFFFFFF', '0x80000000'] },
  int64: { type: 'int64', notAvailable: true },
  uint64: { type: 'uint64', notAvailable: true },
  acc64: { type: 'uint64' },
  bitfield64: { type: 'uint64', notAvailable: true },
  float32: { type: 'float32' },
  float64: { type: 'float64' },
  string: { type: 'string' },
};

/** Model id and length come first in each model and say nothing of the device. */
const HEADER = new Set(['ID', 'L']);
const MAX_REGISTERS = 65_536;

/**
 * The tags of one SunSpec model at its place in the device: with scale factors, units, bit fields and which raw values mean that
 * there is none. Groups that repeat give tags such as `module_2_DCW`. Paddings and addresses (IP, MAC) are left out.
 * @throws data PCP_MODBUS_MAP when it is no such model
 */
export function importSunSpecModel(definition: unknown, options: SunSpecOptions): Record<string, TagSetting> {
  if (!isModel(definition)) throw broken('it has no "id" and "group" with points');
  const tags: Record<string, TagSetting> = {};
  const end = addGroup(tags, definition.group, options.baseAddress, options.prefix ?? '', {}, options);
  if (end > MAX_REGISTERS) throw broken('it goes beyond the last register of the device');
  return tags;
}

/** @returns the register after the group */
function addGroup(
  tags: Record<string, TagSetting>,
  group: Group,
  start: number,
  prefix: string,
  outer: Record<string, string>,
  options: SunSpecOptions,
): number {
  // A scale factor holds for its group and for those inside.
  const factors = { ...outer };
  for (const { name, type } of group.points ?? []) if (type === 'sunssf') factors[name] = prefix + name;
  let address = start;
  for (const point of group.points ?? []) {
    if (!isPoint(point)) throw broken(`a point of group "${group.name}" lacks name, type or size`);
    const setting = settingOf(point, address, factors, options.unitId);
    if (setting !== undefined) tags[prefix + point.name] = setting;
    address += point.size;
    if (address > MAX_REGISTERS) return address;
  }
  for (const inner of group.groups ?? []) {
    const isRepeated = inner.count !== undefined && inner.count !== 1;
    const times =
      typeof inner.count === 'number' && inner.count > 0 ? inner.count : isRepeated ? (options.repeats ?? 1) : 1;
    for (let index = 1; index <= times && address <= MAX_REGISTERS; index++) {
      const name = `${prefix}${inner.name}_${isRepeated ? `${index}_` : ''}`;
      address = addGroup(tags, inner, address, name, factors, options);
    }
  }
  return address;
}

function settingOf(
  point: Point,
  address: number,
  factors: Record<string, string>,
  unitId: number | undefined,
): TagSetting | undefined {
  const known = TYPES[point.type];
  if (known === undefined || HEADER.has(point.name) || isReservedName(point.name)) return undefined;
  const { type, notAvailable } = known;
  const isNumber = !point.type.startsWith('bitfield') && type !== 'string';
  if (typeof point.sf === 'string' && factors[point.sf] === undefined) {
    throw broken(`point "${point.name}" has the scale factor "${point.sf}", which is not there`);
  }
  return {
    address,
    addressing: 'zero_based',
    table: 'holding',
    type,
    ...(unitId !== undefined && { unit_id: unitId }),
    // SunSpec is big-endian, whatever else the connection reads.
    ...(type !== 'string' && { byte_order: 'ABCD' }),
    ...(type === 'string' && { length: point.size }),
    ...(notAvailable !== undefined && { not_available: notAvailable }),
    ...(typeof point.sf === 'string' && { scale_factor: factors[point.sf] as string }),
    ...(typeof point.sf === 'number' && isNumber && { scale: `1e${point.sf}` }),
    ...(!isNumber && type !== 'string' && point.symbols && { bits: bitsOf(point.symbols) }),
    ...(point.units !== undefined && { unit: point.units }),
    ...(point.label !== undefined && { description: point.label }),
  };
}

function bitsOf(symbols: { name: string; value: number }[]): Record<string, number> {
  return Object.fromEntries(symbols.map(({ name, value }) => [name, value]));
}

function isModel(definition: unknown): definition is Model {
  const model = definition as Partial<Model> | null;
  return typeof model === 'object' && typeof model?.id === 'number' && Array.isArray(model.group?.points);
}

function isPoint(point: Partial<Point>): point is Point {
  return (
    typeof point.name === 'string' &&
    typeof point.type === 'string' &&
    Number.isInteger(point.size) &&
    (point.size as number) > 0
  );
}

function broken(what: string): IntegrationError {
  return new IntegrationError('data', 'PCP_MODBUS_MAP', `This is no SunSpec model in JSON: ${what}.`, {
    hint: 'Take the file model_<id>.json of the models that the SunSpec Alliance publishes.',
  });
}
