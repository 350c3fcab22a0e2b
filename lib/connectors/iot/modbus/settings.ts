import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import { type Addressing, formatAddress, parseAddress } from '../../../protocols/modbus/address';
import type { SerialOptions } from '../../../protocols/modbus/line';
import type { Table, WriteFunction } from '../../../protocols/modbus/pdu';
import { isForbidden, longest, type PlanLimits, type Range } from '../../../protocols/modbus/poll-plan';
import { parseTag, type Tag, type TagDefaults, type TagSetting } from '../../../protocols/modbus/tag';
import { checked, integer, needed, text } from '../setting-values';
import { FORBIDDEN_SCHEMA, TAGS_SCHEMA, WRITABLE_SCHEMA } from './tag-schema';

export type Transport =
  | { kind: 'tcp' | 'rtu_over_tcp'; host: string; port: number }
  | { kind: 'rtu'; serial: SerialOptions };

/** An entry of `writable`, with addresses as in the frame. */
export interface WriteRule extends Range {
  functions: ReadonlySet<WriteFunction>;
  min: number | undefined;
  max: number | undefined;
  maxPerMinute: number;
}

export interface ModbusSettings {
  transport: Transport;
  defaults: TagDefaults;
  tags: ReadonlyMap<string, Tag>;
  limits: PlanLimits;
  timeoutMs: number;
  maxInFlight: number;
  pauseMs: number;
  pollIntervalMs: number;
  /** Empty unless `writes_enabled`. */
  writable: WriteRule[];
}

interface RangeSetting {
  unit_id?: number;
  table?: Table;
  from: number | string;
  to: number | string;
}

interface WritableSetting extends RangeSetting {
  functions: WriteFunction[];
  min?: number;
  max?: number;
  max_per_minute?: number;
}

/** Registers that are cheaper to read along than to ask twice: a serial line takes 2 ms for each. */
const GAP = { tcp: 50, rtu_over_tcp: 10, rtu: 10 };
const DEFAULT_MAX_PER_MINUTE = 60;

/** @throws config PCP_SETTING_MISSING, PCP_SETTING_INVALID, PCP_MODBUS_TAG, PCP_MODBUS_ADDRESS */
export function readSettings({ config }: OpenConnection): ModbusSettings {
  const transport = transportOf(config);
  const defaults: TagDefaults = {
    unitId: integer(config.unit_id) ?? 1,
    addressing: (text(config.addressing) ?? 'zero_based') as Addressing,
    byteOrder: text(config.byte_order) ?? 'ABCD',
  };
  const ranges = checked<RangeSetting[]>('forbidden', config.forbidden ?? [], FORBIDDEN_SCHEMA);
  const forbidden = ranges.map((range, index) => ({
    ...rangeOf(range, defaults, `forbidden[${index}]`, range.table),
    unitId: range.unit_id,
  }));
  const limits = {
    maxGap: integer(config.max_gap) ?? GAP[transport.kind],
    maxRegisters: integer(config.max_registers) ?? 125,
    maxBits: integer(config.max_bits) ?? 2000,
    forbidden,
  };
  const rules = checked<WritableSetting[]>('writable', config.writable ?? [], WRITABLE_SCHEMA);
  return {
    transport,
    defaults,
    tags: tagsOf(checked('tags', config.tags ?? {}, TAGS_SCHEMA), defaults, transport, limits),
    limits,
    timeoutMs: integer(config.timeout_ms) ?? 1000,
    maxInFlight: transport.kind === 'tcp' ? (integer(config.max_in_flight) ?? 1) : 1,
    pauseMs: integer(config.pause_ms) ?? (transport.kind === 'rtu' ? silenceMs(transport.serial) : 0),
    pollIntervalMs: integer(config.poll_interval_ms) ?? 1000,
    writable: config.writes_enabled === true ? rules.flatMap((rule, index) => rulesOf(rule, defaults, index)) : [],
  };
}

/**
 * A name of `tags`, or an address: "holding/100", "3/input/40/float32/CDAB" (unit, table, address, type, byte order),
 * "40101/int16" in modicon addressing.
 * @throws config PCP_MODBUS_TAG, PCP_MODBUS_ADDRESS
 */
export function resolveTag(name: string, { tags, defaults, transport, limits }: ModbusSettings): Tag {
  const known = tags.get(name);
  if (known !== undefined) return known;
  const pattern =
    /^(?:(\d{1,3})\/)?(?:(coil|discrete|holding|input)\/)?(\d{1,6}|0x[0-9a-fA-F]{1,4})(?:\/(\w+)(?:\/([A-H]+))?)?$/;
  const [match, unit, table, address = '', type, order] = pattern.exec(name) ?? [];
  if (match === undefined || (table === undefined && defaults.addressing !== 'modicon')) {
    throw new IntegrationError('config', 'PCP_MODBUS_TAG', `"${name}" is no tag of the connection, and no address.`, {
      hint: 'Add it to "tags", or name a place such as holding/100/float32 (table, address, type).',
    });
  }
  const setting = {
    address,
    ...(unit !== undefined && { unit_id: Number(unit) }),
    ...(table !== undefined && { table }),
    ...(type !== undefined && { type }),
    ...(order !== undefined && { byte_order: order }),
  };
  const settings = checked<Record<string, TagSetting>>('tags', { [name]: setting }, TAGS_SCHEMA);
  return checkTag(parseTag(name, settings[name] as TagSetting, defaults), transport, limits);
}

/** As `resolveTag` takes it, in the addressing of the connection. */
export function addressOf({ unitId, table, address }: Range, { addressing }: TagDefaults): string {
  return `${unitId}/${addressing === 'modicon' ? '' : `${table}/`}${formatAddress({ table, address }, addressing)}`;
}

function transportOf(config: Record<string, unknown>): Transport {
  const kind = (text(config.transport) ?? 'tcp') as Transport['kind'];
  if (kind !== 'rtu') return { kind, host: needed(config, 'host'), port: integer(config.port) ?? 502 };
  return {
    kind,
    serial: {
      path: needed(config, 'serial_port'),
      baudRate: integer(config.baud_rate) ?? 9600,
      dataBits: (text(config.data_bits) ?? '8') === '7' ? 7 : 8,
      parity: (text(config.parity) ?? 'none') as SerialOptions['parity'],
      stopBits: (text(config.stop_bits) ?? '1') === '2' ? 2 : 1,
    },
  };
}

/** Between frames a line is silent for the time of 3.5 characters, of 1.75 ms at least. */
function silenceMs({ baudRate }: SerialOptions): number {
  return Math.ceil(Math.max(1.75, (3.5 * 11 * 1000) / baudRate));
}

function tagsOf(
  settings: Record<string, TagSetting>,
  defaults: TagDefaults,
  transport: Transport,
  limits: PlanLimits,
): Map<string, Tag> {
  const tags = new Map<string, Tag>();
  for (const [name, setting] of Object.entries(settings)) {
    tags.set(name, checkTag(parseTag(name, setting, defaults), transport, limits));
  }
  for (const { name, scaleFactor } of tags.values()) {
    if (scaleFactor === undefined) continue;
    const factor = tags.get(scaleFactor);
    if (factor?.form.kind === 'number' && factor.scaleFactor === undefined) continue;
    throw tagRefused(name, `its scale factor "${scaleFactor}" is no tag that holds a plain number`, 'Add that tag.');
  }
  return tags;
}

function checkTag(tag: Tag, transport: Transport, limits: PlanLimits): Tag {
  if (tag.unitId === 0 && transport.kind !== 'tcp') {
    throw tagRefused(
      tag.name,
      'unit 0 means all units of the bus, and none of them answers',
      'Give the unit its own id.',
    );
  }
  if (tag.count > longest(tag.table, limits)) {
    throw tagRefused(tag.name, 'it is longer than one request may be', 'Raise max_registers, or shorten the text.');
  }
  if (isForbidden(tag, limits)) {
    throw tagRefused(tag.name, 'it is in a range that is forbidden', 'Remove the tag, or correct "forbidden".');
  }
  return tag;
}

function tagRefused(name: string, why: string, hint: string): IntegrationError {
  return new IntegrationError('config', 'PCP_MODBUS_TAG', `Tag "${name}": ${why}.`, { hint, path: '/config/tags' });
}

/** A rule for each table that its functions write. */
function rulesOf(setting: WritableSetting, defaults: TagDefaults, index: number): WriteRule[] {
  const coils = setting.functions.filter((code) => code === 5 || code === 15);
  const registers = setting.functions.filter((code) => code !== 5 && code !== 15);
  return [
    { table: 'coil' as const, functions: coils },
    { table: 'holding' as const, functions: registers },
  ]
    .filter(({ functions }) => functions.length > 0)
    .map(({ table, functions }) => ({
      ...rangeOf(setting, defaults, `writable[${index}]`, table),
      functions: new Set(functions),
      min: setting.min,
      max: setting.max,
      maxPerMinute: setting.max_per_minute ?? DEFAULT_MAX_PER_MINUTE,
    }));
}

function rangeOf(setting: RangeSetting, { unitId, addressing }: TagDefaults, where: string, table?: Table): Range {
  const from = parseAddress(setting.from, table ?? setting.table, addressing, where);
  const to = parseAddress(setting.to, table ?? setting.table, addressing, where);
  if (to.table !== from.table || to.address < from.address) {
    throw new IntegrationError('config', 'PCP_MODBUS_ADDRESS', `${where} ends before it begins.`, {
      hint: 'Correct "from" and "to".',
      path: '/config',
    });
  }
  return { unitId: setting.unit_id ?? unitId, ...from, count: to.address - from.address + 1 };
}
