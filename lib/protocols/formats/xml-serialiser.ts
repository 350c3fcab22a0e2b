import type { Encoding } from './encodings';
import { type RecordSerialiser, unwritable } from './serialiser';

const NAME = /^[\p{L}_][\p{L}\p{N}._-]*$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write them, nor halves of surrogate pairs
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/u;
const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** The inverse of the XML parser: "@name" are attributes, "#text" is text, arrays are repeated elements, null is xsi:nil. */
export class XmlSerialiser implements RecordSerialiser {
  readonly begin: string;
  readonly between = '';
  readonly end: string;
  readonly #element: string;
  readonly #fields: string[];

  /** @param recordElement name or path; of a path all but the last part are opened around the records */
  constructor(recordElement: string, rootElement: string, fields: string[], encoding: Encoding) {
    const path = recordElement.split('/').filter((part) => part !== '');
    const wrappers = path.length > 1 ? path.slice(0, -1) : [rootElement];
    this.#element = path.at(-1) ?? 'Record';
    this.#fields = fields;
    for (const name of [...wrappers, this.#element]) assertName(name, 'record_element');
    const [root, ...inner] = wrappers;
    const declared = encoding.startsWith('utf-16') ? 'UTF-16' : encoding;
    this.begin = `<?xml version="1.0" encoding="${declared}"?>\n<${root} ${XSI}>${inner.map((name) => `<${name}>`).join('')}\n`;
    this.end = `${wrappers
      .toReversed()
      .map((name) => `</${name}>`)
      .join('')}\n`;
  }

  record(data: Record<string, unknown>): string {
    const content = Object.fromEntries(this.#fields.map((field) => [field, data[field]]));
    return `${element(this.#element, content, this.#element)}\n`;
  }
}

/** A document whose root is the one element of an object. */
export function xmlDocument(document: Record<string, unknown>): string {
  const [[root, content] = ['', null], ...others] = Object.entries(document);
  if (others.length > 0) throw unwritable(others[0]![0], 'a document in XML has one root element');
  const text = element(root, content, root);
  const declared = text.includes('xsi:nil="true"') ? text.replace(/^<[^\s/>]+/, `$& ${XSI}`) : text;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${declared}`;
}

/** Whether XML can hold all of a text. */
export function isXmlText(text: string): boolean {
  return !FORBIDDEN.test(text);
}

/** A text as the content of an element, or of an attribute. */
export function escapedXml(text: string): string {
  return escaped(text, 'body', /[&<>"\r\n\t]/g);
}

function element(name: string, value: unknown, field: string): string {
  assertName(name, field);
  if (value === null) return `<${name} xsi:nil="true"/>`;
  if (typeof value !== 'object') return `<${name}>${escaped(String(value), field, /[&<>\r]/g)}</${name}>`;
  if (value instanceof Date) return `<${name}>${value.toISOString()}</${name}>`;
  let attributes = '';
  let content = '';
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    if (key === '#text') content += escaped(String(inner), key, /[&<>\r]/g);
    else if (key.startsWith('@')) {
      assertName(key.slice(1), key);
      if (inner !== null) attributes += ` ${key.slice(1)}="${escaped(String(inner), key, /[&<>"\r\n\t]/g)}"`;
    } else if (Array.isArray(inner)) content += inner.map((each) => element(key, each, key)).join('');
    else content += element(key, inner, key);
  }
  return `<${name}${attributes}>${content}</${name}>`;
}

function escaped(text: string, field: string, special: RegExp): string {
  if (!isXmlText(text)) throw unwritable(field, 'it holds a character that XML does not allow');
  return text.replace(special, (character) => ESCAPES[character]!);
}

function assertName(name: string, field: string): void {
  if (!NAME.test(name)) throw unwritable(field, `"${name}" is not a name in XML`);
}
