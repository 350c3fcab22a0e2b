import { parseExactJson } from '../../model/exact-json';
import { phrase } from '../../model/phrase';
import {
  brokenFile,
  isDeeperThan,
  MAX_DEPTH,
  type ParsedRecord,
  type ParserContext,
  type RecordParser,
  type RecordSink,
  recordTooLarge,
} from './parser';

/** One JSON object per line. Blank lines are skipped. */
export class NdjsonParser implements RecordParser {
  readonly #context: ParserContext;
  readonly #sink: RecordSink;
  #rest = '';
  #line = 1;

  constructor(context: ParserContext, sink: RecordSink) {
    this.#context = context;
    this.#sink = sink;
  }

  write(piece: string): void {
    // Only the new piece can hold the first line end, so a long line is not searched again and again.
    let newline = piece.indexOf('\n');
    if (newline !== -1) {
      this.#record(this.#rest + piece.slice(0, newline));
      let position = newline + 1;
      for (newline = piece.indexOf('\n', position); newline !== -1; newline = piece.indexOf('\n', position)) {
        this.#record(piece.slice(position, newline));
        position = newline + 1;
      }
      this.#rest = piece.slice(position);
    } else {
      this.#rest += piece;
    }
    this.#limit(this.#rest);
  }

  end(): void {
    const text = this.#rest;
    this.#rest = '';
    this.#record(text);
  }

  #record(text: string): void {
    this.#limit(text);
    if (text.trim() !== '') this.#sink(parseRecord(text, this.#where()), this.#line);
    this.#line++;
  }

  #limit(text: string): void {
    if (text.length > this.#context.maxRecordLength) {
      throw recordTooLarge(this.#where(), this.#context.maxRecordLength);
    }
  }

  #where(): string {
    return `${this.#context.fileName}:${this.#line}`;
  }
}

/** @throws data PCP_JSON_INVALID, PCP_JSON_RECORD naming `where` */
export function parseRecord(text: string, where: string): ParsedRecord {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message.slice(0, 200) : String(thrown);
    throw brokenFile('PCP_JSON_INVALID', where, phrase`not valid JSON: ${reason}`, 'Repair the file at this place.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
    throw brokenFile(
      'PCP_JSON_RECORD',
      where,
      phrase`a record is not an object but: ${found}`,
      'Each record must be {...}.',
    );
  }
  if (isDeeperThan(value, MAX_DEPTH)) {
    throw brokenFile('PCP_JSON_DEPTH', where, phrase`nested deeper than ${MAX_DEPTH} levels`, 'Flatten the records.');
  }
  return value as ParsedRecord;
}
