import Big from 'big.js';
import { IntegrationError } from '../../model/errors';
import { isDate, isDecimal } from '../../model/formats';
import { type Phrase, phrase } from '../../model/phrase';

/** Type of a field as the dictionary has it: text, number, date, logical, memo. */
export type FieldType = 'C' | 'N' | 'D' | 'L' | 'M';

/** In the language since ECMAScript 2025: text that `JSON.stringify` takes over as it is. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Number of a row, in every table; rows are never renumbered. */
export const ROW_NUMBER = 'R_E_C_N_O_';

const FIELD = /^[A-Z][A-Z0-9]{1,2}_[A-Z0-9_]{1,10}$/;
const TABLE = /^[A-Z][A-Z0-9]{2}$/;
const OF_EVERY_TABLE = new Set([ROW_NUMBER, 'D_E_L_E_T_', 'S_T_A_M_P_', 'I_N_S_D_T_']);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

export function isTable(name: string): boolean {
  return TABLE.test(name);
}

/** The table that a field belongs to by its name: "B1_COD" to SB1, "ZZG_CODIGO" to ZZG. Undefined where it is no field's name. */
export function tableOf(field: string): string | undefined {
  if (!FIELD.test(field)) return undefined;
  const [prefix = ''] = field.split('_', 1);
  return prefix.length === 2 ? `S${prefix}` : prefix;
}

/** Whether a name can be that of a field: nothing else ever gets into a condition. */
export function isField(name: string): boolean {
  return FIELD.test(name) || OF_EVERY_TABLE.has(name);
}

/** What a row holds, as records have it: texts without the padding at their end, days as ISO 8601, decimals as text. */
export function readField(value: unknown, type: FieldType): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'C':
    case 'M':
      return String(value).trimEnd();
    case 'D':
      return day(String(value).trim());
    case 'L':
      return /^(\.?t\.?|true|1|s)$/i.test(String(value).trim());
    case 'N':
      return number(String(value).trim());
  }
}

/**
 * A value as a condition writes it.
 * @throws data PCP_TOTVS_VALUE
 */
export function literalOf(field: string, value: unknown, type: FieldType): string {
  const text = String(value ?? '');
  switch (type) {
    case 'N':
      if (isDecimal(text)) return text;
      throw refusedValue(field, value, phrase`must be a number`);
    case 'D': {
      if (text === '') return "'        '";
      if (isDate(text)) return `'${text.replaceAll('-', '')}'`;
      throw refusedValue(field, value, phrase`must be a day (2026-11-27)`);
    }
    case 'L':
      return /^(true|t|1)$/i.test(text) ? "'T'" : "'F'";
  }
  if (typeof value === 'object' && value !== null) throw refusedValue(field, undefined, phrase`must be a text`);
  if (CONTROL.test(text)) throw refusedValue(field, undefined, phrase`holds control characters`);
  // What is empty is kept as blanks; some databases take '' for nothing at all.
  return text === '' ? "' '" : `'${text.replaceAll("'", "''")}'`;
}

/**
 * A value as the server's own code takes it: days as 20261127, logicals as .T., numbers with every digit; nothing is what a
 * field holds that was never filled.
 * @param length characters that the field holds, where it is known
 * @throws data PCP_TOTVS_VALUE: nothing was sent then
 */
export function writtenField(field: string, value: unknown, type: FieldType, length = 0): unknown {
  if (typeof value === 'object' && value !== null)
    throw refusedValue(field, undefined, phrase`must be a text or a number`);
  const text = String(value ?? '');
  switch (type) {
    case 'N':
      if (text !== '' && !isDecimal(text)) throw refusedValue(field, value, phrase`must be a number`);
      return text === '' ? 0 : rawJSON(text.replace(/^(-?)0+(?=\d)/, '$1'));
    case 'D':
      if (text !== '' && !isDate(text)) throw refusedValue(field, value, phrase`must be a day (2026-11-27)`);
      return text.replaceAll('-', '');
    case 'L':
      if (!/^(true|false|)$/.test(text)) throw refusedValue(field, value, phrase`must be true or false`);
      return text === 'true' ? '.T.' : '.F.';
    case 'C':
      if (CONTROL.test(text)) throw refusedValue(field, undefined, phrase`holds control characters`);
  }
  const characters = [...text].length;
  if (type === 'C' && length > 0 && characters > length) {
    throw refusedValue(field, value, phrase`holds ${characters} characters, ${length} at most`);
  }
  return text;
}

/** "20261127", and "27/11/2026" as some routes write it; blanks are no day. */
function day(text: string): string | null {
  if (text === '' || /^[/-]+$/.test(text.replaceAll(' ', ''))) return null;
  const [, year, month, date] = /^(\d{4})-?(\d\d)-?(\d\d)/.exec(text) ?? [];
  if (year !== undefined) return `${year}-${month}-${date}`;
  const [, first, second, third] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(text) ?? [];
  return third === undefined ? text : `${third}-${second}-${first}`;
}

function number(text: string): string | null {
  if (text === '') return null;
  if (isDecimal(text)) return text;
  return /^-?\d+(\.\d+)?[eE][+-]?\d{1,2}$/.test(text) ? Big(text).toFixed() : text;
}

/** Nothing was sent then. */
export function refusedValue(field: string, value: unknown, why: Phrase): IntegrationError {
  return new IntegrationError('data', 'PCP_TOTVS_VALUE', phrase`The field "${field}" ${why}.`, {
    path: field,
    ...(value !== undefined && { value: String(value).slice(0, 100) }),
    hint: 'Correct the record or the mapping; nothing was sent.',
  });
}
