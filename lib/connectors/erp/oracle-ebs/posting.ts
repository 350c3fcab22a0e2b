import type { JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import type { SqlDialect } from '../../../protocols/sql/database';
import type { SourceRecord } from '../../contract';
import { externalNumber } from '../external-key';
import type { Missing } from './derive';

/** How records become rows of an open interface table, which the concurrent managers take up and post. */
export interface Posting {
  table: string;
  /**
   * What a record may give, by name; those with `x-derives` are no columns of the table, and one with `x-column` has another
   * name there.
   */
  fields: Record<string, JsonSchema>;
  /** Columns that hold our key. */
  keys: string[];
  /**
   * Columns for the name of the user in whose name rows are written, where the table has such. Source: packages WMA_RESOURCE, which
   * gives the cost manager names alone, and WIP_WS_TIME_ENTRY, which gives it both, of E-Business Suite 12.1.
   */
  authors?: string[];
  /** Fields that identify a record, all of which go into its key; absent: SOURCE_LINE_ID, with SOURCE_LINE_PART where there is one. */
  keyFrom?: string[];
  /**
   * Column of what was posted that holds our key, where SOURCE_CODE and SOURCE_LINE_ID end with the interface. Source: package
   * QLTTRAWB of E-Business Suite 12.1, which carries a COLLECTION_ID that is given over to QA_RESULTS, and those not.
   */
  keptAs?: string;
  /** After everything is derived. */
  required: string[];
  /** The same in every row: a row that is ready to be taken up. */
  fixed: Record<string, number>;
  derivations: Derivation[];
  /** Where several fields are given, a column says so. */
  implied?: { given: string[]; column: string; value: number };
  /** What names the column of a collection element (QA_PLAN_CHARS), and the fields that may hold its value. */
  element?: { column: string; values: string[] };
  /** Sign of the quantity, which records give without one, by the kind of transaction. */
  signs?: { by: string; of: string; signs: Record<string, -1 | 1> };
  /** Rows under way, with the state of each and why it was refused. */
  view: { columns: string[]; from: string[] };
  /** What was posted, a row each, where the entity reads something else of it; absent: what the entity reads. */
  posted?: { key: string[]; columns: string[]; from: string[] };
  /** Its column that holds the state, and what stands there: refused, not taken up yet, done and only to be cleared away. */
  state: { column: string; refused: string; pending?: string; done?: string };
  /** Removes what is kept of rows that another one takes the place of, by SOURCE_CODE and SOURCE_LINE_ID. */
  removal: string[];
  /** Tables in which a row is for a while, between the interface and its end. */
  stages: string[];
  parts?: Parts;
  changes?: Changes;
  request?: LoadRequest;
  /** Tells apart what several entities make of the same record. */
  salt?: string;
}

/**
 * Where lot and serial numbers of a row go: rows of their own, tied to it by a number. Source: package PJM_MASS_TRANSFER_PUB
 * (PJMMXFRB.pls 115.15) of E-Business Suite: MTL_SERIAL_NUMBERS_INTERFACE points to SERIAL_TRANSACTION_TEMP_ID of the lot where
 * there is one, else to TRANSACTION_INTERFACE_ID.
 */
export interface Parts {
  id: string;
  sequence: string;
  /** `serials` ties the serial numbers to the lot, where it has some. */
  lot: { table: string; field: string; quantity: string; serials: string };
  /** A row takes a range; each of ours is a range of one. */
  serials: { table: string; field: string; from: string; to: string };
}

/**
 * What is posted can be changed later, as a job can. Without it each row is a transaction, which nothing changes.
 * Source: E-Business Suite 12.1, packages WIP_VALIDATEMLHEADER_PVT (wipmlhvb.pls 120.29) and WIP_MASSLOAD_PVT (wipmlpvb.pls
 * 120.16): a change (LOAD_TYPE 3) finds its job by JOB_NAME and organization, ignores item and class, and takes NULL for "as it
 * is", but for the alternates of bill and routing.
 */
export interface Changes {
  kind: { column: string; create: number; change: number };
  /** Needed of what is new. */
  required: string[];
  /** What is new has, where the record says nothing. */
  initial: Record<string, number>;
  /** Fields that stay as they were when it was new, and columns that no change may name. */
  constant: string[];
  /** What a change that says nothing of it would take away. */
  kept: string[];
}

/**
 * Rows that no manager looks for: a concurrent request loads those of a group. Source: E-Business Suite 12.1, packages
 * WIP_MASSLOAD_PUB (wipmlppb.pls 120.7) and EAM_WO_PROCESSOR, which submits it with the same arguments.
 */
export interface LoadRequest {
  application: string;
  program: string;
  /** Columns of the number of the group, and of that of the row, both from one sequence. */
  group: string;
  header: string;
  sequence: string;
}

/** What the database knows of a record: names become numbers, an operation knows the next one. */
export interface Derivation {
  sql: string;
  /** Fields that are its parameters; without one of them there is nothing to ask for. */
  given: string[];
  /** Not needed where the record gives this. */
  unless: string;
  /** What is missing where no row comes; absent: then nothing is derived. */
  missing?: Missing;
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

/** The key of a record as a number; one that lacks what is required of it has none. @throws data PCP_EBS_VALUE */
export function keyOf(data: Record<string, unknown>, posting: Posting, sender: string): string {
  const { salt = '', keyFrom = [KEY], required } = posting;
  const given = (name: string) => String(data[name] ?? '');
  const missing = keyFrom.find((name) => given(name) === '' && (name === KEY || required.includes(name)));
  if (missing !== undefined) throw refused(missing, undefined, phrase`must not be empty`);
  const part = given(KEY_PART);
  const plain = part === '' ? given(KEY) : `${given(KEY)}/${part}`;
  const identity = posting.keyFrom === undefined ? plain : JSON.stringify(keyFrom.map(given));
  return externalNumber(identity, KEY_DIGITS, salt === '' ? sender : `${sender}|${salt}`);
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

/** The row that goes to the table. @param changed what is posted already, which it changes @throws data PCP_EBS_VALUE */
export function rowOf(given: Row, posting: Posting, changed?: SourceRecord): Row {
  const { fields, fixed, signs, implied, element, changes } = posting;
  const row: Row = { ...given };
  for (const [name, value] of Object.entries(fixed)) row[name] ??= String(value);
  if (changes !== undefined) asChange(row, changes, changed);
  const required = [...posting.required, ...(changed === undefined ? (changes?.required ?? []) : [])];
  for (const name of required) if ((row[name] ?? '') === '') throw refused(name, undefined, phrase`must not be empty`);
  if (implied?.given.every((name) => row[name] !== undefined)) row[implied.column] ??= String(implied.value);
  if (signs !== undefined && row[signs.of] !== undefined) {
    const size = row[signs.of]!.replace(/^[-+]/, '');
    const sign = signs.signs[row[signs.by] ?? ''];
    if (sign !== undefined) row[signs.of] = sign < 0 ? `-${size}` : size;
  }
  const columns = Object.entries(row).filter(
    ([name]) => fields[name]?.['x-derives'] !== true && name !== element?.column,
  );
  return Object.fromEntries(columns.map(([name, value]) => [String(fields[name]?.['x-column'] ?? name), value]));
}

/** What is new gets what it has at first; a change keeps what it would take away, and leaves out what it cannot name. */
function asChange(row: Row, { kind, initial, constant, kept }: Changes, changed: SourceRecord | undefined): void {
  row[kind.column] = String(changed === undefined ? kind.create : kind.change);
  if (changed === undefined) {
    for (const [name, value] of Object.entries(initial)) row[name] ??= String(value);
    return;
  }
  for (const name of kept) if (typeof changed[name] === 'string') row[name] ??= changed[name];
  for (const name of constant) delete row[name];
}

/**
 * With the value in the column that its element has in the collection plan, which the database named.
 * @throws data PCP_EBS_VALUE for a value that is of no element
 */
export function withElement(given: Row, { element }: Posting): Row {
  const holder = element?.values.find((name) => given[name] !== undefined);
  if (element === undefined || holder === undefined) return given;
  const place = given[element.column] ?? '';
  if (/^[A-Z][A-Z0-9_]*$/.test(place)) return { [place]: given[holder]!, ...given };
  throw refused(holder, given[holder], phrase`needs the name of the element of the collection plan that it is of`);
}

/** Serial numbers of a record, as `fieldsOf` gives them. */
export function serialsOf(given: Row, { parts }: Posting): string[] {
  const text = parts === undefined ? undefined : given[parts.serials.field];
  return text === undefined ? [] : (JSON.parse(text) as string[]);
}

/** What databases say differently: the clock on which dates are, what stands in for a table where there is none, sequences. */
export const SERVER: Partial<Record<SqlDialect, Server>> = {
  oracle: {
    now: 'SYSDATE',
    fromNothing: ' FROM dual',
    next: (sequence) => `${sequence}.NEXTVAL`,
    // A function that changes something is no part of a query; it answers 0 when it cannot.
    load: ({ application, program }) =>
      `DECLARE request NUMBER; BEGIN
       request := FND_REQUEST.SUBMIT_REQUEST('${application}', '${program}', NULL, NULL, FALSE, ?, '0', '2');
       IF request = 0 THEN RAISE_APPLICATION_ERROR(-20001, FND_MESSAGE.GET); END IF; END;`,
  },
  postgres: {
    now: 'LOCALTIMESTAMP',
    fromNothing: '',
    next: (sequence) => `nextval('${sequence}')`,
    load: ({ application, program }) =>
      `CALL FND_REQUEST.SUBMIT_REQUEST('${application}', '${program}', NULL, NULL, FALSE, ?, '0', '2')`,
  },
};

interface Server {
  now: string;
  fromNothing: string;
  /** The next number of a sequence. */
  next(sequence: string): string;
  /** Submits the concurrent request that loads a group: with every check (0), without a printed report (2). */
  load(request: LoadRequest): string;
}

function writtenValue(name: string, value: unknown, schema: JsonSchema): string {
  const { type, format, maxLength, items, 'x-decimals': most } = schema;
  if (type === 'array') return writtenList(name, value, items as JsonSchema);
  if (typeof value === 'object') throw refused(name, undefined, phrase`must be a text or a number`);
  const text = String(value);
  if (type === 'integer') {
    if (/^-?\d+$/.test(text)) return String(BigInt(text));
    throw refused(name, text, phrase`must be a whole number`);
  }
  if (format === 'decimal') {
    if (!/^-?\d+(\.\d+)?$/.test(text)) throw refused(name, text, phrase`must be a number`);
    const decimals = text.split('.')[1]?.replace(/0+$/, '').length ?? 0;
    if (decimals <= Number(most ?? decimals)) return text;
    throw refused(name, text, phrase`has ${decimals} decimals, ${Number(most)} at most`);
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

function writtenList(name: string, value: unknown, items: JsonSchema): string {
  if (!Array.isArray(value)) throw refused(name, undefined, phrase`must be a list`);
  const texts = value.map((item) => writtenValue(name, item ?? '', items));
  const [twice] = texts.filter((text, index) => text === '' || texts.indexOf(text) !== index);
  if (twice !== undefined) throw refused(name, twice, phrase`must hold texts, each once`);
  return JSON.stringify(texts);
}

export function refused(name: string, value: string | undefined, why: Said): IntegrationError {
  return new IntegrationError('data', 'PCP_EBS_VALUE', phrase`The field "${name}" ${why}.`, {
    path: name,
    ...(value !== undefined && { value: value.slice(0, 100) }),
    hint: 'Correct the record or the mapping; nothing was sent.',
  });
}
