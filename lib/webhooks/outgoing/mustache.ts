import type { Context } from 'mustache';
import { IntegrationError } from '../../model/errors';
import type { Envelope } from '../../model/webhook';
import { loadPackage } from '../../protocols/load-package';

type Mustache = typeof import('mustache');

/** Sections within sections come to much quickly. */
const MOST_PARTS = 100_000;
const LONGEST = 1_048_576;
/** Stands for a value until it is known whether that is within a text of JSON. */
const MARK = '\u0000';

const JSON_LIKE = /^[^;]*json/i;
/** One JSON text on each line. */
const JSON_LINES = /^[^;]*(ndjson|jsonl)/i;

/** Encodings of a value for what it is put into; JSON is put together otherwise. */
const ENCODE: [type: RegExp, encode: (text: string) => string][] = [
  [/^text\/plain\b/i, (text) => text],
  [/[/+](xml|html)\b/i, (text) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)],
  [/^application\/x-www-form-urlencoded\b/i, encodeURIComponent],
];

/** @throws config PCP_TEMPLATE_INVALID, PCP_DRIVER_MISSING */
export function checkMustache(template: string, path: string, type?: string): void {
  const invalid = (why: string) => new IntegrationError('config', 'PCP_TEMPLATE_INVALID', why, { path });
  if (template.includes(MARK)) throw invalid('The template holds the character NUL.');
  if (type !== undefined && !isKnown(type)) throw invalid(`${unknown(type)}.`);
  const mustache = load();
  try {
    // One that is thrown away: the writer of all remembers whatever it was given.
    new mustache.Writer().parse(template);
  } catch (error) {
    throw invalid(`The template is not valid Mustache: ${(error as Error).message}.`);
  }
}

/**
 * What a template makes of an event. Values are encoded for the kind of text they are put into: in JSON each is one value, or
 * part of one text, whatever it holds.
 * @throws data PCP_TEMPLATE_FAILED
 */
export function renderMustache(template: string, envelope: Envelope, type: string): string {
  const values: unknown[] = [];
  const encode = encoderOf(type);
  let length = 0;
  const counted = (text: string): string => {
    length += text.length;
    if (length > LONGEST) throw tooLong();
    return text;
  };
  const put = (value: unknown): string => {
    if (encode !== null) return counted(encode(textOf(value)));
    values.push(value);
    return MARK;
  };
  const text = write(template, envelope, put);
  if (text.length > LONGEST) throw tooLong();
  return encode === null && text.trim() !== '' ? jsonOf(text, values, JSON_LINES.test(type)) : text;
}

function isKnown(type: string): boolean {
  return JSON_LIKE.test(type) || ENCODE.some(([pattern]) => pattern.test(type));
}

/** Null: JSON. Of any other type nobody knows what a value could be taken for. */
function encoderOf(type: string): ((text: string) => string) | null {
  if (JSON_LIKE.test(type)) return null;
  const [, encode] = ENCODE.find(([pattern]) => pattern.test(type)) ?? [];
  if (encode === undefined) throw failed(unknown(type));
  return encode;
}

function unknown(type: string): string {
  return `how values stand in ${type.slice(0, 100)} is not known; Content-Type text/plain takes them as they are`;
}

function write(template: string, envelope: Envelope, put: (value: unknown) => string): string {
  const mustache = load();
  let parts = 0;
  class Encoding extends mustache.Writer {
    override renderTokens(...given: Parameters<InstanceType<Mustache['Writer']>['renderTokens']>): string {
      parts += given[0].length;
      if (parts > MOST_PARTS) throw failed(`it comes to more than ${MOST_PARTS} parts`);
      return super.renderTokens(...given);
    }

    override escapedValue([, name]: string[], context: Context): string {
      return put(context.lookup(String(name)));
    }

    override unescapedValue(token: string[], context: Context): string {
      return this.escapedValue(token, context);
    }
  }
  const view = bare(envelope);
  try {
    return new Encoding().render(template, view);
  } catch (error) {
    throw error instanceof IntegrationError ? error : failed((error as Error).message);
  }
}

/** Each mark becomes its value: a whole one, or within a text part of that. */
function jsonOf(text: string, values: readonly unknown[], isLines: boolean): string {
  let made = '';
  let used = 0;
  let isText = false;
  let isEscaped = false;
  for (const char of text) {
    if (char === MARK) {
      if (isEscaped) throw failed('a value stands behind a backslash');
      const value = values[used++] ?? null;
      made += isText ? JSON.stringify(textOf(value)).slice(1, -1) : JSON.stringify(value);
      if (made.length > LONGEST) throw tooLong();
      continue;
    }
    if (char === '"' && !isEscaped) isText = !isText;
    isEscaped = isText && char === '\\' && !isEscaped;
    made += char;
    if (made.length > LONGEST) throw tooLong();
  }
  try {
    for (const line of isLines ? made.split('\n') : [made]) if (!isLines || line.trim() !== '') JSON.parse(line);
  } catch (error) {
    throw failed(`what it makes is not JSON (${(error as Error).message})`);
  }
  return made;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A copy that inherits nothing: a template finds what is in the event, and no functions. */
function bare(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_name, one: unknown) =>
    typeof one === 'object' && one !== null ? Object.setPrototypeOf(one, null) : one,
  );
}

function tooLong(): IntegrationError {
  return failed(`it comes to more than ${LONGEST} characters`);
}

function failed(why: string): IntegrationError {
  return new IntegrationError('data', 'PCP_TEMPLATE_FAILED', `The template gives nothing that can be sent: ${why}.`);
}

/** Loaded by those who have such templates. */
function load(): Mustache {
  return loadPackage<Mustache>('mustache');
}
