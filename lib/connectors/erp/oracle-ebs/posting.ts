import type { JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import type { SqlDialect } from '../../../protocols/sql/database';
import { externalNumber } from '../external-key';

/** How records become rows of an open interface table, which the concurrent managers take up and post. */
export interface Posting {
  table: string;
  /** What a record may give, by name; those with `x-derives` are no columns of the table. */
  fields: Record<string, JsonSchema>;
  /** Columns that hold our key. */
  keys: string[];
  /** After everything is derived. */
  required: string[];
  /** The same in every row: a row that is ready to be taken up. */
  fixed: Record<string, number>;
  derivations: Derivation[];
  /** Sign of the quantity, which records give without one, by the kind of transaction. */
  signs?: { by: string; of: string; signs: Record<string, -1 | 1> };
  /** Rows under way, with the state of each and why it was refused. */
  view: { columns: string[]; from: string[] };
  /** Its column that holds the state, and what stands there when a row was refused. */
  state: { column: string; refused: string };
  /** Removes what is kept of refused rows, by SOURCE_CODE and SOURCE_LINE_ID. */
  removal: string[];
  /** Tables in which a row is for a while, between the interface and its end. */
  stages: string[];
  /** Where the lot of a row goes: a row of its own, tied to it by a number. */
  lot?: { table: string; field: string; quantity: string; id: string; sequence: string };
  /** Tells apart what several entities make of the same record. */
  salt?: string;
}

/** What the database knows of a record: names become numbers, an operation knows the next one. */
export interface Derivation {
  sql: string;
  /** Fields that are its parameters; without one of them there is nothing to ask for. */
  given: string[];
  /** Not needed where the record gives this. */
  unless: string;
  /** What is missing where no row comes; absent: then nothing is derived. */
  missing?: string;
}

export type Row = Record<string, string>;

/** What a posting is found again by: who sent it, and its own key, a number made of the id of the record. */
export const SOURCE = 'SOURCE_CODE';
export const KEY = 'SOURCE_LINE_ID';
/** Goes into the key where an id alone does not identify a record. */
const KEY_PART = 'SOURCE_LINE_PART';
const KEY_DIGITS = 18;
/** Who wrote a row, and when. */
export const WHO = ['CREATED_BY', 'LAST_UPDATED_BY', 'CREATION_DATE', 'LAST_UPDATE_DATE'];

/** The key of a record as a number. @throws data PCP_EBS_VALUE */
export function keyOf(data: Record<string, unknown>, { salt = '' }: Posting, sender: string): string {
  const value = data[KEY];
  if (value === undefined || value === null || value === '') throw refused(KEY, undefined, phrase`must not be empty`);
  const part = data[KEY_PART] ?? '';
  return externalNumber(
    part === '' ? value : `${value}/${part}`,
    KEY_DIGITS,
    salt === '' ? sender : `${sender}|${salt}`,
  );
}

/** What a record gives, as text; the database has not been asked yet. @throws data PCP_EBS_VALUE: nothing was sent then */
export function fieldsOf(data: Record<string, unknown>, { fields }: Posting): Row {
  const entries = Object.entries(data).flatMap(([name, value]): [string, string][] => {
    const schema = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (schema === undefined) throw refused(name, undefined, phrase`is none of this interface`);
    return value === null || value === undefined || value === '' ? [] : [[name, writtenValue(name, value, schema)]];
  });
  return Object.fromEntries(entries.filter(([name]) => name !== KEY && name !== KEY_PART));
}

/** The row that goes to the table. @throws data PCP_EBS_VALUE */
export function rowOf(given: Row, { fields, required, fixed, signs }: Posting): Row {
  const row: Row = { ...given };
  for (const [name, value] of Object.entries(fixed)) row[name] ??= String(value);
  for (const name of required) if ((row[name] ?? '') === '') throw refused(name, undefined, phrase`must not be empty`);
  if (signs !== undefined && row[signs.of] !== undefined) {
    const size = row[signs.of]!.replace(/^[-+]/, '');
    const sign = signs.signs[row[signs.by] ?? ''];
    if (sign !== undefined) row[signs.of] = sign < 0 ? `-${size}` : size;
  }
  const isColumn = ([name]: [string, string]) => fields[name]?.['x-derives'] !== true;
  return Object.fromEntries(Object.entries(row).filter(isColumn));
}

/** What databases say differently: the clock on which dates are, what stands in for a table where there is none, sequences. */
export const SERVER: Partial<Record<SqlDialect, Server>> = {
  oracle: { now: 'SYSDATE', fromNothing: ' FROM dual', next: (sequence) => `${sequence}.NEXTVAL` },
  postgres: { now: 'LOCALTIMESTAMP', fromNothing: '', next: (sequence) => `nextval('${sequence}')` },
};

interface Server {
  now: string;
  fromNothing: string;
  /** The next number of a sequence. */
  next(sequence: string): string;
}

function writtenValue(name: string, value: unknown, { type, format, maxLength }: JsonSchema): string {
  if (typeof value === 'object') throw refused(name, undefined, phrase`must be a text or a number`);
  const text = String(value);
  if (type === 'integer') {
    if (/^-?\d+$/.test(text)) return String(BigInt(text));
    throw refused(name, text, phrase`must be a whole number`);
  }
  if (format === 'decimal') {
    if (/^-?\d+(\.\d+)?$/.test(text)) return text;
    throw refused(name, text, phrase`must be a number`);
  }
  if (format === 'date-time') {
    const local = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d+)?)?$/.exec(text);
    if (local !== null) return `${local[1]}T${local[2] ?? '00:00:00'}`;
    throw refused(name, text, phrase`must be a day and a time on the clock of the database, without an offset`);
  }
  const { length } = [...text];
  if (maxLength === undefined || length <= maxLength) return text;
  throw refused(name, text, phrase`holds ${length} characters, ${maxLength} at most`);
}

export function refused(name: string, value: string | undefined, why: Said): IntegrationError {
  return new IntegrationError('data', 'PCP_EBS_VALUE', phrase`The field "${name}" ${why}.`, {
    path: name,
    ...(value !== undefined && { value: value.slice(0, 100) }),
    hint: 'Correct the record or the mapping; nothing was sent.',
  });
}
