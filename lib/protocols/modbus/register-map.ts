import { IntegrationError } from '../../model/errors';
import { CsvParser } from '../formats/csv-parser';
import type { Table } from './pdu';
import { parseTag, type TagDefaults, type TagSetting } from './tag';
import { TAG_TYPES, type TagType } from './value-types';

type Row = Record<string, string>;

const TABLES: readonly Table[] = ['coil', 'discrete', 'holding', 'input'];

/** What each column of a register map becomes; `name` and `address` are needed, the others may be absent or empty. */
const COLUMNS: Record<string, (text: string, decimals: '.' | ',') => unknown> = {
  name: (text) => text,
  address: (text) => text,
  unit_id: wholeNumber,
  table: (text) => oneOf(TABLES, text.toLowerCase() as Table),
  type: (text) => oneOf(TAG_TYPES, text.toLowerCase() as TagType),
  byte_order: (text) => text.toUpperCase(),
  length: wholeNumber,
  byte: (text) => oneOf(['high', 'low'], text.toLowerCase()),
  bit: wholeNumber,
  scale: decimalText,
  offset: decimalText,
  scale_factor: (text) => text,
  not_available: (text) => (/^(true|yes)$/i.test(text) ? true : text.split(/\s+/)),
  unit: (text) => text,
  description: (text) => text,
  sampling_interval_ms: wholeNumber,
  deadband: (text, decimals) => Number(decimalText(text, decimals)),
};

const LONGEST_ROW = 20_000;

/**
 * The tags of a register map: a CSV table with a header, of which the columns are those of a tag. The delimiter is the
 * comma, semicolon or tab of the header; with the others, numbers may have a decimal comma.
 * @param defaults of the connection, against which each tag is checked
 * @throws data PCP_MODBUS_MAP naming the line
 */
export function importRegisterMap(csv: string, defaults: TagDefaults): Record<string, TagSetting> {
  const text = csv.replace(/^\uFEFF/, '').trimStart();
  const header = text.slice(0, text.search(/[\r\n]|$/));
  const delimiter = [';', '\t'].find((candidate) => header.includes(candidate)) ?? ',';
  const columns = header.split(delimiter).map((name) =>
    name
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .toLowerCase(),
  );
  for (const needed of ['name', 'address']) {
    if (!columns.includes(needed)) throw broken(1, `the header has no column "${needed}"`);
  }
  const unknown = columns.find((name) => !Object.hasOwn(COLUMNS, name));
  if (unknown !== undefined) throw broken(1, `"${unknown}" is no column of a register map`);
  const tags: Record<string, TagSetting> = {};
  const options = { delimiter, quote: '"', header: true, columns, comment: '#' };
  const parser = new CsvParser(options, { fileName: 'register map', maxRecordLength: LONGEST_ROW }, (row, line) => {
    const { name, ...setting } = convert(row as Row, delimiter === ',' ? '.' : ',', line);
    if (typeof name !== 'string') throw broken(line, 'the tag has no name');
    if (Object.hasOwn(tags, name)) throw broken(line, `the name "${name}" is there twice`);
    check(name, setting as unknown as TagSetting, defaults, line);
    tags[name] = setting as unknown as TagSetting;
  });
  try {
    parser.write(text);
    parser.end();
  } catch (error) {
    throw error instanceof IntegrationError ? error : broken(1, String(error));
  }
  return tags;
}

function convert(row: Row, decimals: '.' | ',', line: number): Record<string, unknown> {
  const setting: Record<string, unknown> = {};
  for (const [column, cell] of Object.entries(row)) {
    const text = cell.trim();
    if (text === '') continue;
    try {
      setting[column] = COLUMNS[column]?.(text, decimals);
    } catch (error) {
      throw broken(line, `${column} "${text.slice(0, 40)}": ${error instanceof Error ? error.message : error}`);
    }
  }
  return setting;
}

function check(name: string, setting: TagSetting, defaults: TagDefaults, line: number): void {
  try {
    parseTag(name, setting, defaults);
  } catch (error) {
    throw broken(line, IntegrationError.from(error).message.replace(/\.$/, ''));
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error('not a whole number');
  return Number(text);
}

function decimalText(text: string, decimals: '.' | ','): string {
  const point = decimals === ',' ? text.replace(',', '.') : text;
  if (!/^[+-]?\d+(\.\d+)?(e[+-]?\d{1,2})?$/i.test(point)) throw new Error('not a number');
  return point;
}

function oneOf<T extends string>(values: readonly T[], value: T): T {
  if (!values.includes(value)) throw new Error(`not one of ${values.join(', ')}`);
  return value;
}

function broken(line: number, what: string): IntegrationError {
  return new IntegrationError('data', 'PCP_MODBUS_MAP', `Line ${line} of the register map: ${what}.`, {
    hint: `Columns: ${Object.keys(COLUMNS).join(', ')}. The documentation of Modbus has an example.`,
  });
}
