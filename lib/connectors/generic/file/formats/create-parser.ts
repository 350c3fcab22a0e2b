import type { FileEntity } from '../settings';
import { CsvParser } from './csv-parser';
import { JsonParser } from './json-parser';
import { NdjsonParser } from './ndjson-parser';
import type { ParserContext, RecordParser, RecordSink } from './parser';
import { XmlParser } from './xml-parser';

export function createParser(entity: FileEntity, context: ParserContext, sink: RecordSink): RecordParser {
  switch (entity.format) {
    case 'csv':
      return new CsvParser(entity.csv, context, sink);
    case 'ndjson':
      return new NdjsonParser(context, sink);
    case 'json':
      return new JsonParser(entity.recordsPath, context, sink);
    case 'xml':
      return new XmlParser(entity.xml, context, sink);
  }
}
