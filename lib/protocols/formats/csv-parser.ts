import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import { original } from './formulas';
import {
  brokenFile,
  isReservedName,
  type ParsedRecord,
  type ParserContext,
  type RecordParser,
  type RecordSink,
  recordTooLarge,
  UnfinishedText,
} from './parser';

export interface CsvOptions {
  delimiter: string;
  /** Empty: quotes are ordinary characters. */
  quote: string;
  /** The first row holds names. */
  header: boolean;
  /** Names of the fields in order; they replace those of a header row. */
  columns: string[] | undefined;
  /** Lines that start with this are skipped. Empty: none. */
  comment: string;
}

const INCOMPLETE = -1;
const MAX_COLUMNS = 10_000;
const SHOWN_COLUMNS = 20;

/**
 * RFC 4180 with any delimiter, LF or CRLF rows, and literal quotes inside unquoted fields. Every row must have as many
 * fields as there are columns. Empty lines are skipped. Values are text, unchanged but for the apostrophe before a formula.
 */
export class CsvParser implements RecordParser {
  readonly #options: CsvOptions;
  readonly #context: ParserContext;
  readonly #sink: RecordSink;
  #columns: string[] | undefined;
  #headerPending: boolean;
  /** Every record starts as a copy of this, so that all of a file share one hidden class: twice as fast as adding fields. */
  #template: Record<string, string> = {};
  readonly #unfinished = new UnfinishedText();
  /** Length of the unfinished text that is known to hold no line end. */
  #searched = 0;
  #line = 1;
  #fields: string[] = [];

  constructor(options: CsvOptions, context: ParserContext, sink: RecordSink) {
    this.#options = options;
    this.#context = context;
    this.#sink = sink;
    this.#headerPending = options.header;
    if (options.columns) this.#useColumns(options.columns);
  }

  write(text: string): void {
    const unfinished = this.#unfinished.add(text);
    if (unfinished !== null) this.#scan(unfinished, false);
    const limit = this.#context.maxRecordLength;
    if (this.#unfinished.length > limit) throw recordTooLarge(this.#where(), limit);
  }

  end(): void {
    const text = this.#unfinished.take();
    if (text !== '') this.#scan(text, true);
  }

  #scan(text: string, final: boolean): void {
    const { quote, comment } = this.#options;
    const limit = this.#context.maxRecordLength;
    let position = 0;
    let searchFrom = this.#searched;
    let nextQuote = quote === '' ? Infinity : indexOrInfinity(text, quote, 0);
    while (position < text.length) {
      if (nextQuote < position) nextQuote = indexOrInfinity(text, quote, position);
      const newline = text.indexOf('\n', Math.max(position, searchFrom));
      const lineEnd = newline === -1 ? text.length : newline;
      const isComment = comment !== '' && text.startsWith(comment, position);
      let next: number;
      if (isComment || nextQuote > lineEnd) {
        if (newline === -1 && !final) break;
        if (lineEnd - position > limit) throw recordTooLarge(this.#where(), limit);
        next = lineEnd + 1;
        const contentEnd = text.charCodeAt(lineEnd - 1) === 13 ? lineEnd - 1 : lineEnd;
        if (!isComment && contentEnd > position) this.#plainRow(text, position, contentEnd);
        this.#line++;
      } else {
        next = this.#quotedRow(text, position, final);
        if (next === INCOMPLETE) break;
        if (next - position > limit) throw recordTooLarge(this.#where(), limit);
        this.#row(this.#fields);
        this.#line += countNewlines(text, position, Math.min(next, text.length));
      }
      position = next;
      searchFrom = 0;
    }
    const rest = position < text.length ? text.slice(position) : '';
    this.#searched = nextQuote === Infinity ? rest.length : 0;
    this.#unfinished.keep(rest);
  }

  /** A row without quotes: the fast path. */
  #plainRow(text: string, start: number, end: number): void {
    const columns = this.#columns;
    const { delimiter } = this.#options;
    if (columns === undefined || this.#headerPending) {
      this.#row(text.slice(start, end).split(delimiter));
      return;
    }
    const record = { ...this.#template };
    const last = columns.length - 1;
    let position = start;
    for (let index = 0; index < last; index++) {
      const found = text.indexOf(delimiter, position);
      if (found === -1 || found >= end) throw this.#ragged(index + 1);
      record[columns[index]!] = this.#cell(text.slice(position, found));
      position = found + delimiter.length;
    }
    const extra = text.indexOf(delimiter, position);
    if (extra !== -1 && extra < end) throw this.#ragged(text.slice(start, end).split(delimiter).length);
    record[columns[last]!] = this.#cell(text.slice(position, end));
    this.#sink(record, this.#line);
  }

  /** Reads one row that holds quotes into `#fields`. @returns where the next row starts, or INCOMPLETE */
  #quotedRow(text: string, start: number, final: boolean): number {
    const { delimiter, quote } = this.#options;
    const fields: string[] = [];
    this.#fields = fields;
    let position = start;
    let newline = -1;
    for (;;) {
      if (!text.startsWith(quote, position)) {
        if (newline < position) newline = text.indexOf('\n', position);
        if (newline === -1 && !final) return INCOMPLETE;
        const lineEnd = newline === -1 ? text.length : newline;
        const found = text.indexOf(delimiter, position);
        if (found === -1 || found >= lineEnd) {
          const end = lineEnd > position && text.charCodeAt(lineEnd - 1) === 13 ? lineEnd - 1 : lineEnd;
          fields.push(text.slice(position, end));
          return lineEnd + 1;
        }
        fields.push(text.slice(position, found));
        position = found + delimiter.length;
        continue;
      }
      position = this.#quotedField(text, position + quote.length, final);
      if (position === INCOMPLETE) return INCOMPLETE;
      if (text.startsWith(delimiter, position)) {
        position += delimiter.length;
        continue;
      }
      const available = text.length - position;
      if (available === 0 && final) return position;
      if (text.startsWith('\n', position)) return position + 1;
      if (text.startsWith('\r\n', position)) return position + 2;
      if (available === 1 && final && text.endsWith('\r')) return position + 1;
      if (!final && available < Math.max(2, delimiter.length)) return INCOMPLETE;
      throw brokenFile(
        'PCP_CSV_QUOTE',
        this.#where(),
        phrase`text follows the closing quote of field ${fields.length}`,
        'Quotes inside a quoted field must be doubled; check the delimiter and the quote setting.',
      );
    }
  }

  /** Reads the rest of a quoted field. @returns the position after its closing quote, or INCOMPLETE */
  #quotedField(text: string, start: number, final: boolean): number {
    const { quote } = this.#options;
    let value = '';
    let position = start;
    for (;;) {
      const close = text.indexOf(quote, position);
      if (close === -1 && final) {
        throw brokenFile(
          'PCP_CSV_UNCLOSED_QUOTE',
          this.#where(),
          phrase`the quote that opens field ${this.#fields.length + 1} is never closed`,
          'The file is truncated, or a field starts with a quote that is not doubled.',
        );
      }
      const after = close + quote.length;
      if (close === -1 || (after === text.length && !final)) return INCOMPLETE;
      if (!text.startsWith(quote, after)) {
        this.#fields.push(value + text.slice(position, close));
        return after;
      }
      value += text.slice(position, after);
      position = after + quote.length;
    }
  }

  #row(fields: string[]): void {
    if (this.#headerPending) {
      this.#headerPending = false;
      if (this.#columns === undefined) this.#useColumns(fields.map((name, index) => name.trim() || numbered(index)));
      else if (fields.length !== this.#columns.length) throw this.#ragged(fields.length);
      return;
    }
    if (this.#columns === undefined) this.#useColumns(fields.map((_, index) => numbered(index)));
    const columns = this.#columns!;
    if (fields.length !== columns.length) throw this.#ragged(fields.length);
    const record: ParsedRecord = { ...this.#template };
    for (let index = 0; index < columns.length; index++) record[columns[index]!] = this.#cell(fields[index]!);
    this.#sink(record, this.#line);
  }

  #cell(text: string): string {
    return this.#context.restoresFormulas ? original(text) : text;
  }

  #useColumns(columns: string[]): void {
    const wrong =
      columns.find((name, index) => isReservedName(name) || columns.indexOf(name) !== index) ??
      (columns.length > MAX_COLUMNS ? columns[MAX_COLUMNS] : undefined);
    if (wrong !== undefined) {
      throw brokenFile(
        'PCP_CSV_HEADER',
        this.#where(),
        phrase`column "${wrong.slice(0, 80)}" is there twice, reserved, or beyond the ${MAX_COLUMNS}th`,
        'Give the columns distinct names, in the file or in the setting "columns".',
      );
    }
    const missing = this.#context.fields?.find((field) => !columns.includes(field));
    if (missing !== undefined) throw this.#columnMissing(missing, columns);
    this.#columns = columns;
    this.#template = Object.fromEntries(columns.map((name) => [name, '']));
  }

  /** Of class config: the file may be as good as ever, so it is not put aside. */
  #columnMissing(column: string, columns: string[]): IntegrationError {
    const shown = columns.slice(0, SHOWN_COLUMNS).join(', ').slice(0, 300);
    const said = phrase`${this.#context.fileName}: there is no column "${column}", which the mapping reads. It has: ${shown}.`;
    return new IntegrationError('config', 'PCP_COLUMN_UNKNOWN', said, {
      path: column,
      hint: 'Correct the header of the file, the delimiter, or the field mapping.',
    });
  }

  #ragged(found: number) {
    return brokenFile(
      'PCP_CSV_RAGGED_ROW',
      this.#where(),
      phrase`the row has ${found} fields, expected ${this.#columns?.length}`,
      'Check the delimiter, unquoted delimiters inside a field, or a truncated row.',
    );
  }

  #where(): string {
    return `${this.#context.fileName}:${this.#line}`;
  }
}

const numbered = (index: number): string => `column_${index + 1}`;

function indexOrInfinity(text: string, search: string, from: number): number {
  const found = text.indexOf(search, from);
  return found === -1 ? Infinity : found;
}

function countNewlines(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
