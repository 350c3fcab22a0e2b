import { CsvSerialiser } from '../../../protocols/formats/csv-serialiser';
import { unwritable } from '../../../protocols/formats/serialiser';
import { escapedXml, xmlDocument } from '../../../protocols/formats/xml-serialiser';
import { wrapped } from './pointer';
import type { BulkSetting, RestEntity, WriteSetting } from './settings';
import { fillBody, fillText, plainText, type Values } from './template';

export const JSON_TYPE = 'application/json';

type BodyFormat = 'json' | 'ndjson' | 'xml' | 'csv' | 'form' | 'text';

/** What a content type stands for; null when nothing is known to write it. A template that is a text can be anything. */
export function bodyFormat({ content_type = JSON_TYPE, body }: WriteSetting | BulkSetting): BodyFormat | null {
  const [type = ''] = content_type.toLowerCase().split(';');
  const name = type.trim();
  if (/[/+]xml$/.test(name)) return 'xml';
  if (/(ndjson|jsonl|json-?lines)$/.test(name)) return 'ndjson';
  if (/[/+]csv$/.test(name)) return 'csv';
  if (name === 'application/x-www-form-urlencoded') return 'form';
  if (name.includes('json')) return 'json';
  return typeof body === 'string' ? 'text' : null;
}

/** A record as it goes into a body: its fields, and what a template may name. */
export interface Content {
  data: Record<string, unknown>;
  values: Values;
}

/** Writes bodies of requests about one record each. They throw data PCP_WRITE_VALUE. */
export function bodyWriter(entity: RestEntity, setting: WriteSetting): (content: Content) => string {
  const format = bodyFormat(setting);
  const { body, wrap } = setting;
  if (typeof body === 'string' && format !== null && !writesJson(format)) {
    return ({ values }) => fillText(body, values, ESCAPES[format] ?? String);
  }
  if (format === 'csv') return (content) => csv(entity, [filledBy(setting, content)]);
  return (content) => written(format, wrapped(filledBy(setting, content), wrap));
}

/** Body of a request about many records. @throws data PCP_WRITE_VALUE */
export function bulkBodyOf(entity: RestEntity, setting: BulkSetting, contents: readonly Content[]): string {
  const format = bodyFormat(setting);
  const all = contents.map((content) => filledBy(setting, content));
  if (format === 'csv') return csv(entity, all);
  if (format === 'ndjson') return all.map((each) => written(format, each)).join('');
  return written(format, wrapped(all, setting.items));
}

/** Whether numbers can be told from texts there. */
export function writesJson(format: BodyFormat | null): boolean {
  return format === 'json' || format === 'ndjson';
}

type Data = Record<string, unknown>;

const ESCAPES: Partial<Record<BodyFormat, (text: string) => string>> = { xml: escapedXml, form: encodeURIComponent };

function filledBy({ body }: WriteSetting | BulkSetting, { data, values }: Content): unknown {
  return body === undefined ? data : fillBody(body, values);
}

function written(format: BodyFormat | null, content: unknown): string {
  switch (format) {
    case 'ndjson':
      return `${JSON.stringify(content)}\n`;
    case 'xml':
      return xmlDocument(content as Data);
    case 'form':
      return String(new URLSearchParams(fieldsOf(content as Data)));
    default:
      return JSON.stringify(content);
  }
}

/** A row for each record, under the columns of the entity or those that the records have. */
function csv({ columns, delimiter = ',' }: RestEntity, contents: readonly unknown[]): string {
  const rows = contents as Data[];
  const names = columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const options = { delimiter, quote: '"', header: columns === undefined, columns, comment: '' };
  const serialiser = new CsvSerialiser(options, names, '.', false, false);
  return [serialiser.begin, ...rows.map((row) => serialiser.record(row))].join('');
}

/** A list repeats its name, an object adds "[key]" to it. */
function fieldsOf(content: Data, prefix = ''): [string, string][] {
  return Object.entries(content).flatMap(([key, value]): [string, string][] => {
    const name = prefix === '' ? key : `${prefix}[${key}]`;
    if (value === null || value === undefined) return [[name, '']];
    if (typeof value === 'object' && !Array.isArray(value)) return fieldsOf(value as Data, name);
    return [value].flat().map((item) => {
      const text = plainText(item);
      if (text === undefined) throw unwritable(name, 'a form has no place for a list of objects');
      return [name, text];
    });
  });
}
