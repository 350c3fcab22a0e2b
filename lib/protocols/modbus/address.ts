import { configError } from './errors';
import type { Table } from './pdu';

/**
 * How a register is named: by its number in the frame (`zero_based`), one more (`one_based`), or with the table as first
 * digit (`modicon`: 40001 is the first holding register).
 */
export type Addressing = 'zero_based' | 'one_based' | 'modicon';

export interface Place {
  table: Table;
  /** As in the frame. */
  address: number;
}

const MODICON_TABLES: Record<string, Table> = { '0': 'coil', '1': 'discrete', '3': 'input', '4': 'holding' };
const LAST = 65_535;

/**
 * @param where names what has the address, for messages
 * @throws config PCP_MODBUS_ADDRESS
 */
export function parseAddress(address: unknown, table: Table | undefined, addressing: Addressing, where: string): Place {
  if (addressing === 'modicon') return parseModicon(address, table, where);
  const first = addressing === 'one_based' ? 1 : 0;
  const number = integerOf(address);
  if (number === undefined || number < first || number > LAST + first) {
    throw configError(
      'PCP_MODBUS_ADDRESS',
      `${where}: ${shown(address)} is no ${addressing.replace('_', '-')} address: these go from ${first} to ${LAST + first}.`,
      'Look in the manual whether its first register is 0, 1 or 40001, and set "addressing" to zero_based, one_based or modicon.',
    );
  }
  if (table === undefined && /^[134]\d{4}$/.test(String(number)) && number % 10_000 !== 0) {
    throw configError(
      'PCP_MODBUS_ADDRESS',
      `${where}: ${number} may be a number of ${addressing.replace('_', '-')} addressing, or its first digit may be the table.`,
      'Set "table" when it is the number of the register, or "addressing" to modicon when the first digit is the table.',
    );
  }
  return { table: table ?? 'holding', address: number - first };
}

function parseModicon(address: unknown, table: Table | undefined, where: string): Place {
  const text = typeof address === 'number' ? String(address).padStart(5, '0') : String(address);
  const [, digit = '', digits = ''] = /^([0134])(\d{4,5})$/.exec(text) ?? [];
  const named = MODICON_TABLES[digit];
  const number = Number(digits);
  if (named === undefined || number < 1 || number > LAST + 1) {
    throw configError(
      'PCP_MODBUS_ADDRESS',
      `${where}: ${shown(address)} is no address like 40001: five or six digits, of which the first is 0, 1, 3 or 4, counted from 1.`,
      'Coils are 00001 (as text), discrete inputs 10001, input registers 30001, holding registers 40001.',
    );
  }
  if (table !== undefined && table !== named) {
    throw configError(
      'PCP_MODBUS_ADDRESS',
      `${where}: ${shown(address)} is in table "${named}", not in "${table}".`,
      'Leave "table" out, or correct one of the two.',
    );
  }
  return { table: named, address: number - 1 };
}

/** The notation's own text for a place. */
export function formatAddress({ table, address }: Place, addressing: Addressing): string {
  if (addressing !== 'modicon') return String(addressing === 'one_based' ? address + 1 : address);
  const digit = Object.keys(MODICON_TABLES).find((key) => MODICON_TABLES[key] === table);
  return `${digit}${String(address + 1).padStart(4, '0')}`;
}

function integerOf(address: unknown): number | undefined {
  if (typeof address === 'number') return Number.isInteger(address) ? address : undefined;
  return typeof address === 'string' && /^(\d{1,6}|0x[0-9a-f]{1,4})$/i.test(address) ? Number(address) : undefined;
}

function shown(address: unknown): string {
  return JSON.stringify(address) ?? 'nothing';
}
