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

/** Encodings of a value for what it is put into; JSON is put together otherwise. */
const ENCODE: [type: RegExp, encode: (text: string) => string][] = [
  [/[/+](xml|html)\b/i, (text) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)],
  [/^application\/x-www-form-urlencoded\b/i, encodeURIComponent],
];

/** @throws config PCP_TEMPLATE_INVALID, PCP_DRIVER_MISSING */
export function checkMustache(template: string, path: string): void {
  const invalid = (why: string) => new IntegrationError('config', 'PCP_TEMPLATE_INVALID', why, { path });
  if (template.includes(MARK)) throw invalid('The template holds the character NUL.');
  const mustache = load();
  try {
    mustache.parse(template);
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
  const isJson = /[/+]json\b/i.test(type);
  const encode = ENCODE.find(([pattern]) => pattern.test(type))?.[1] ?? ((text: string) => text);
  const put = (value: unknown): string => {
    if (!isJson) return encode(textOf(value));
    values.push(value);
    return MARK;
  };
  const text = write(template, envelope, put);
  const made = isJson && text.trim() !== '' ? jsonOf(text, values) : text;
  if (made.length > LONGEST) throw failed(`it comes to more than ${LONGEST} characters`);
  return made;
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
function jsonOf(text: string, values: readonly unknown[]): string {
  let made = '';
  let used = 0;
  let isText = false;
  let isEscaped = false;
  for (const char of text) {
    if (char === MARK) {
      if (isEscaped) throw failed('a value stands behind a backslash');
      const value = values[used++] ?? null;
      made += isText ? JSON.stringify(textOf(value)).slice(1, -1) : JSON.stringify(value);
      continue;
    }
    if (char === '"' && !isEscaped) isText = !isText;
    isEscaped = isText && char === '\\' && !isEscaped;
    made += char;
  }
  try {
    JSON.parse(made);
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

function failed(why: string): IntegrationError {
  return new IntegrationError('data', 'PCP_TEMPLATE_FAILED', `The template gives nothing that can be sent: ${why}.`);
}

/** Loaded by those who have such templates. */
function load(): Mustache {
  return loadPackage<Mustache>('mustache');
}
