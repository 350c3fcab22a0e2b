import { type CsvOptions, CsvParser } from './csv-parser';
import { JsonParser } from './json-parser';
import { NdjsonParser } from './ndjson-parser';
import type { ParserContext, RecordParser, RecordSink } from './parser';
import { type XmlOptions, XmlParser } from './xml-parser';

export type RecordFormat = 'csv' | 'json' | 'ndjson' | 'xml';

/** How a text holds its records: what concerns its format alone is read. */
export interface FormatOptions {
  format: RecordFormat;
  csv: CsvOptions;
  xml: XmlOptions;
  /** JSON: keys that lead to the array of records. */
  recordsPath: string[];
}

export function createParser(options: FormatOptions, context: ParserContext, sink: RecordSink): RecordParser {
  switch (options.format) {
    case 'csv':
      return new CsvParser(options.csv, context, sink);
    case 'ndjson':
      return new NdjsonParser(context, sink);
    case 'json':
      return new JsonParser(options.recordsPath, context, sink);
    case 'xml':
      return new XmlParser(options.xml, context, sink);
  }
}
