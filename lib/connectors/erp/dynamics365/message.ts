import type { JsonSchema } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { isDate, isDateTime, isDecimal } from '../../../model/formats';
import { phrase, type Said } from '../../../model/phrase';
import type { LocalizedText } from '../../descriptor';
import type { DefaultMapping } from '../default-mapping';
import { COMPANY } from './company';
import endOrder from './messages/end-order.json';
import pickingList from './messages/picking-list.json';
import reportAsFinished from './messages/report-as-finished.json';
import routeCard from './messages/route-card.json';
import startOrder from './messages/start-order.json';

type Data = Record<string, unknown>;

/** A list = members of an enumeration. */
type FieldType = 'string' | 'real' | 'integer' | 'date' | 'date-time' | string[];
type Fields = Record<string, FieldType>;

/** A message that the MES integration takes. */
export interface MessageType {
  entity: string;
  /** As the queue calls it. */
  type: string;
  titles: LocalizedText;
  fields: Fields;
  required: string[];
  lines?: { name: string; fields: Fields; required: string[] };
  mappings: DefaultMapping[];
}

export const MESSAGES = [reportAsFinished, routeCard, pickingList, startOrder, endOrder] as MessageType[];

/** Field of a record that identifies it; a member of the message only where the environment keeps it. */
export const KEY_FIELD = 'ExternalKey';
/** Of a document with several items, the one that the record is. */
export const ITEM_FIELD = 'ExternalItem';

/** In the language since ECMAScript 2025: text that `JSON.stringify` takes over as it is. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * The content of a message. @param own members beside those of the record
 * @throws data PCP_DYNAMICS_MESSAGE: nothing was sent then
 */
export function contentOf(data: Data, { fields, required, lines }: MessageType, own: Data = {}): string {
  const { [COMPANY]: _company, [KEY_FIELD]: _key, [ITEM_FIELD]: _item, ...record } = data;
  const { [lines?.name ?? '']: given, ...head } = record;
  const content = { ...written(head, fields, required, ''), ...own };
  if (lines === undefined) return JSON.stringify(content);
  const list = Array.isArray(given) ? given : given === undefined || given === null ? [] : [given];
  if (list.length === 0) throw refused(lines.name, undefined, phrase`must have a line`);
  const each = list.map((line, index) => {
    const path = `${lines.name}[${index}].`;
    if (typeof line !== 'object' || line === null)
      throw refused(path.slice(0, -1), undefined, phrase`must be a record`);
    return written(line as Data, lines.fields, lines.required, path);
  });
  return JSON.stringify({ ...content, [lines.name]: each });
}

export function messageSchema({ fields, required, lines, mappings }: MessageType): JsonSchema {
  const own = Object.fromEntries([COMPANY, KEY_FIELD, ITEM_FIELD].map((name) => [name, { type: ['string', 'null'] }]));
  const properties: Record<string, JsonSchema> = { ...own, ...schemasOf(fields) };
  if (lines !== undefined) {
    const items = { type: 'object', properties: schemasOf(lines.fields), required: lines.required };
    properties[lines.name] = { type: 'array', items };
  }
  return { type: 'object', properties, required, 'x-mappings': mappings };
}

/** Nothing is not told: the other side has its defaults. */
function written(data: Data, fields: Fields, required: readonly string[], path: string): Data {
  const missing = required.find((name) => (data[name] ?? '') === '');
  if (missing !== undefined) throw refused(path + missing, undefined, phrase`must not be empty`);
  const told = Object.entries(data).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const members = told.map(([name, value]) => {
    const type = fields[name];
    if (type === undefined) throw refused(path + name, undefined, phrase`is none of this message`);
    return [name, memberOf(value, type, path + name)];
  });
  return Object.fromEntries(members);
}

function memberOf(value: unknown, type: FieldType, path: string): unknown {
  const text = typeof value === 'object' ? '' : String(value);
  if (Array.isArray(type)) {
    return type.includes(text) ? text : refuse(path, text, phrase`must be one of ${type.join(', ')}`);
  }
  switch (type) {
    case 'string':
      return text;
    case 'real':
    case 'integer': {
      const fits = isDecimal(text) && (type === 'real' || /^-?\d+$/.test(text));
      if (fits) return rawJSON(text.replace(/^(-?)0+(?=\d)/, '$1'));
      return refuse(path, text, type === 'real' ? phrase`must be a number` : phrase`must be a whole number`);
    }
    case 'date':
      return isDate(text) ? text : refuse(path, text, phrase`must be a day (2026-11-27)`);
  }
  return isDateTime(text) ? text : refuse(path, text, phrase`must be a time with its offset`);
}

function schemasOf(fields: Fields): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, schemaOf(type)]));
}

function schemaOf(type: FieldType): JsonSchema {
  if (Array.isArray(type)) return { type: ['string', 'null'], enum: [...type, null] };
  if (type === 'string') return { type: ['string', 'null'] };
  if (type === 'integer') return { type: ['integer', 'null'] };
  return { type: ['string', 'null'], format: type === 'real' ? 'decimal' : type };
}

function refuse(path: string, value: string, why: Said): never {
  throw refused(path, value, why);
}

function refused(path: string, value: string | undefined, why: Said): IntegrationError {
  return new IntegrationError('data', 'PCP_DYNAMICS_MESSAGE', phrase`The field "${path}" ${why}.`, {
    path,
    ...(value !== undefined && { value: value.slice(0, 100) }),
    hint: 'Correct the record or the mapping; nothing was sent.',
  });
}
