import type { CsvOptions } from './csv-parser';
import { neutralised } from './formulas';
import { type RecordSerialiser, unwritable } from './serialiser';

const PLAIN_DECIMAL = /^-?\d+\.\d+$/;

/** RFC 4180 rows; a header unless the entity has none. */
export class CsvSerialiser implements RecordSerialiser {
  readonly begin: string;
  readonly between = '';
  readonly end = '';
  readonly #options: CsvOptions;
  readonly #columns: string[];
  readonly #decimalComma: boolean;
  readonly #decimalTexts: boolean;
  readonly #neutralise: boolean;
  readonly #special: RegExp;

  /** @param decimalTexts decimals come as texts with a point, which no mapping has written as this file writes them */
  constructor(
    options: CsvOptions,
    columns: string[],
    decimalSeparator: '.' | ',',
    neutraliseFormulas: boolean,
    decimalTexts: boolean,
  ) {
    this.#options = options;
    this.#columns = columns;
    this.#decimalComma = decimalSeparator === ',';
    this.#decimalTexts = decimalTexts;
    this.#neutralise = neutraliseFormulas;
    const special = [options.delimiter, options.quote, '\n', '\r'].filter((text) => text !== '');
    this.#special = new RegExp(special.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'));
    this.begin = options.header ? this.#row(columns.map((name) => this.#quoted(name, name))) : '';
  }

  record(data: Record<string, unknown>): string {
    return this.#row(this.#columns.map((column) => this.#cell(data[column], column)));
  }

  #row(cells: string[]): string {
    const { comment, delimiter, quote } = this.#options;
    const row = cells.join(delimiter);
    // An empty line and a comment would not be read back as a record.
    const isMistakable = row === '' || (comment !== '' && row.startsWith(comment));
    if (!isMistakable) return `${row}\r\n`;
    if (quote === '') throw unwritable(this.#columns[0]!, 'the row would be empty or a comment, and quotes are off');
    return `${quote}${cells[0]}${quote}${row.slice(cells[0]!.length)}\r\n`;
  }

  #cell(value: unknown, column: string): string {
    if (value === null || value === undefined) return '';
    switch (typeof value) {
      case 'number':
        return this.#quoted(this.#number(String(value)), column);
      case 'string':
        return this.#quoted(this.#text(value), column);
      case 'object':
        return this.#quoted(value instanceof Date ? value.toISOString() : JSON.stringify(value), column);
      default:
        return this.#quoted(String(value), column);
    }
  }

  #text(value: string): string {
    if (this.#decimalTexts && PLAIN_DECIMAL.test(value)) return this.#number(value);
    return this.#neutralise ? neutralised(value) : value;
  }

  #number(value: string): string {
    return this.#decimalComma ? value.replace('.', ',') : value;
  }

  #quoted(text: string, column: string): string {
    if (!this.#special.test(text)) return text;
    const { quote } = this.#options;
    if (quote === '') throw unwritable(column, 'it holds a delimiter or a line end, and quotes are off');
    return `${quote}${text.replaceAll(quote, quote + quote)}${quote}`;
  }
}
