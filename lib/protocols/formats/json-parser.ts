import { type Phrase, phrase } from '../../model/phrase';
import { parseRecord } from './ndjson-parser';
import {
  brokenFile,
  MAX_DEPTH,
  type ParserContext,
  type RecordParser,
  type RecordSink,
  recordTooLarge,
  UnfinishedText,
} from './parser';

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

interface Container {
  isArray: boolean;
  holdsRecords: boolean;
  key: string;
}

const INCOMPLETE = -1;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * The objects of one array in a JSON document, at the top or at a path of keys ("data.items"); an object in its place
 * counts as one record. Only the text of one record is held: it is cut out, then parsed. The rest of the document is
 * checked as strictly as JSON.parse would.
 */
export class JsonParser implements RecordParser {
  readonly #path: string[];
  readonly #context: ParserContext;
  readonly #sink: RecordSink;
  readonly #stack: Container[] = [];
  #expected: Expected = 'value';
  #found = false;
  #index = 0;
  readonly #unfinished = new UnfinishedText();
  /** Characters before the unfinished text, for messages. */
  #consumed = 0;
  /** How far the open value at the start of the unfinished text has been scanned, and how deep it was there. */
  #scanned = 0;
  #depth = 0;

  constructor(recordsPath: string[], context: ParserContext, sink: RecordSink) {
    this.#path = recordsPath;
    this.#context = context;
    this.#sink = sink;
  }

  write(piece: string): void {
    const text = this.#unfinished.add(piece);
    if (text !== null) this.#run(text, false);
    const { maxRecordLength } = this.#context;
    if (this.#unfinished.length > maxRecordLength) throw recordTooLarge(this.#record(), maxRecordLength);
  }

  end(): void {
    this.#run(this.#unfinished.take(), true);
    if (this.#expected !== 'nothing') {
      const hint = 'The file ends in the middle: it was truncated or is still being written.';
      const end = this.#consumed + this.#unfinished.length;
      const what = phrase`the document is not complete: it ends at character ${end}, after ${this.#index} whole records`;
      throw brokenFile('PCP_JSON_TRUNCATED', this.#context.fileName, what, hint);
    }
    if (!this.#found) throw this.#noRecords(phrase`is not in the document`);
  }

  #run(text: string, final: boolean): void {
    let position = 0;
    for (;;) {
      position = skipWhitespace(text, position);
      if (position >= text.length) break;
      const next = this.#step(text, position, final);
      if (next === INCOMPLETE) break;
      position = next;
    }
    this.#unfinished.keep(text.slice(position));
    this.#consumed += position;
  }

  /** Takes one token or one whole record. @returns the position after it, or INCOMPLETE */
  #step(text: string, position: number, final: boolean): number {
    const character = text.charCodeAt(position);
    const top = this.#stack.at(-1);
    switch (this.#expected) {
      case 'value or end':
        if (character === CLOSE_BRACKET) return this.#close(position);
        return this.#value(text, position, final);
      case 'value':
        return this.#value(text, position, final);
      case 'key or end':
        if (character === CLOSE_BRACE) return this.#close(position);
        return this.#key(text, position);
      case 'key':
        return this.#key(text, position);
      case 'colon':
        if (character !== COLON) throw this.#unexpected(text, position);
        this.#expected = 'value';
        return position + 1;
      case 'comma or end':
        if (character === COMMA) {
          this.#expected = top?.isArray ? 'value' : 'key';
          return position + 1;
        }
        if (character !== (top?.isArray ? CLOSE_BRACKET : CLOSE_BRACE)) throw this.#unexpected(text, position);
        return this.#close(position);
      case 'nothing':
        throw this.#unexpected(text, position);
    }
  }

  #value(text: string, position: number, final: boolean): number {
    const character = text.charCodeAt(position);
    const isContainer = character === OPEN_BRACE || character === OPEN_BRACKET;
    if (this.#stack.at(-1)?.holdsRecords) return this.#recordAt(text, position, isContainer, final);
    const isArray = character === OPEN_BRACKET;
    const isTarget = this.#isAtPath();
    if (isTarget) {
      if (this.#found) throw this.#noRecords(phrase`is there twice`);
      if (!isContainer) throw this.#noRecords(phrase`is neither an array nor an object`);
      if (!isArray) {
        const end = this.#recordAt(text, position, true, final);
        this.#found = end !== INCOMPLETE;
        return end;
      }
      this.#found = true;
    }
    if (!isContainer) return this.#scalar(text, position, final);
    if (this.#stack.length === MAX_DEPTH) {
      const hint = 'Flatten the document.';
      throw brokenFile('PCP_JSON_DEPTH', this.#at(position), phrase`nested deeper than ${MAX_DEPTH} levels`, hint);
    }
    this.#stack.push({ isArray, holdsRecords: isTarget, key: '' });
    this.#expected = isArray ? 'value or end' : 'key or end';
    return position + 1;
  }

  #recordAt(text: string, position: number, isContainer: boolean, final: boolean): number {
    const end = isContainer ? this.#endOfContainer(text, position) : endOfScalar(text, position, final);
    if (end === INCOMPLETE) return INCOMPLETE;
    if (end - position > this.#context.maxRecordLength) {
      throw recordTooLarge(this.#record(), this.#context.maxRecordLength);
    }
    this.#sink(parseRecord(text.slice(position, end), this.#record()), this.#index++);
    this.#afterValue();
    return end;
  }

  #scalar(text: string, position: number, final: boolean): number {
    const end = endOfScalar(text, position, final);
    if (end === INCOMPLETE) return INCOMPLETE;
    const value = this.#parseToken(text.slice(position, end), position);
    this.#context.beside?.(
      this.#stack.map(({ key }) => key),
      value,
    );
    this.#afterValue();
    return end;
  }

  #key(text: string, position: number): number {
    if (text.charCodeAt(position) !== QUOTE) throw this.#unexpected(text, position);
    const end = endOfString(text, position);
    if (end === INCOMPLETE) return INCOMPLETE;
    this.#stack.at(-1)!.key = this.#parseToken(text.slice(position, end), position) as string;
    this.#expected = 'colon';
    return end;
  }

  #close(position: number): number {
    this.#stack.pop();
    this.#afterValue();
    return position + 1;
  }

  #afterValue(): void {
    this.#expected = this.#stack.length === 0 ? 'nothing' : 'comma or end';
  }

  #isAtPath(): boolean {
    return (
      this.#stack.length === this.#path.length &&
      this.#stack.every((container, index) => !container.isArray && container.key === this.#path[index])
    );
  }

  #endOfContainer(text: string, start: number): number {
    let position = start + this.#scanned;
    let depth = this.#depth;
    for (; position < text.length; position++) {
      const character = text.charCodeAt(position);
      if (character === QUOTE) {
        const end = endOfString(text, position);
        if (end === INCOMPLETE) break;
        position = end - 1;
      } else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
        depth++;
      } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) {
        if (--depth === 0) {
          this.#scanned = 0;
          this.#depth = 0;
          return position + 1;
        }
      }
    }
    this.#scanned = position - start;
    this.#depth = depth;
    return INCOMPLETE;
  }

  #parseToken(text: string, position: number): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#unexpected(text, 0, position);
    }
  }

  #unexpected(text: string, position: number, at = position) {
    const found = JSON.stringify(text.slice(position, position + 20));
    const what = phrase`not valid JSON: expected ${this.#expected}, found ${found}`;
    return brokenFile('PCP_JSON_INVALID', this.#at(at), what, 'Repair the file at this place.');
  }

  #noRecords(what: Phrase) {
    const name = this.#path.length === 0 ? phrase`the top of the document` : `"${this.#path.join('.')}"`;
    const hint = 'Set records_path to the array that holds the records, such as "data.items".';
    return brokenFile('PCP_JSON_PATH', this.#context.fileName, phrase`${name} ${what}`, hint);
  }

  #record(): string {
    return `${this.#context.fileName}[${this.#index}]`;
  }

  #at(position: number): Phrase {
    return phrase`${this.#context.fileName} (character ${this.#consumed + position})`;
  }
}

function skipWhitespace(text: string, start: number): number {
  let position = start;
  for (; position < text.length; position++) {
    const character = text.charCodeAt(position);
    if (character !== 32 && character !== 10 && character !== 13 && character !== 9) break;
  }
  return position;
}

/** @returns the position after the closing quote of the string that starts at `start`, or INCOMPLETE */
function endOfString(text: string, start: number): number {
  let close = start;
  for (;;) {
    close = text.indexOf('"', close + 1);
    if (close === -1) return INCOMPLETE;
    let backslashes = 0;
    while (text.charCodeAt(close - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return close + 1;
  }
}

const SCALAR_END = /[,\]}\s]/g;

function endOfScalar(text: string, start: number, final: boolean): number {
  if (text.charCodeAt(start) === QUOTE) return endOfString(text, start);
  SCALAR_END.lastIndex = start;
  const found = SCALAR_END.exec(text);
  if (found) return Math.max(found.index, start + 1);
  return final ? text.length : INCOMPLETE;
}
