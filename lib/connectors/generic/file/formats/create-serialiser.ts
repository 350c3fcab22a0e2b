import type { FileEntity } from '../settings';
import { CsvSerialiser } from './csv-serialiser';
import type { RecordSerialiser } from './serialiser';
import { XmlSerialiser } from './xml-serialiser';

/** @param fields of the records, in order */
export function createSerialiser(entity: FileEntity, fields: string[], neutraliseFormulas: boolean): RecordSerialiser {
  const columns = entity.csv.columns ?? fields;
  switch (entity.format) {
    case 'csv':
      return new CsvSerialiser(entity.csv, columns, entity.decimalSeparator, neutraliseFormulas);
    case 'xml':
      return new XmlSerialiser(entity.xml.recordElement, entity.write.rootElement, columns, entity.encoding);
    case 'ndjson':
      return { begin: '', between: '', end: '', record: (data) => `${JSON.stringify(pick(data, columns))}\n` };
    case 'json': {
      const keys = entity.recordsPath === '' ? [] : entity.recordsPath.split('.');
      return {
        begin: `${keys.map((key) => `{${JSON.stringify(key)}:`).join('')}[\n`,
        between: ',\n',
        end: `\n]${'}'.repeat(keys.length)}\n`,
        record: (data) => JSON.stringify(pick(data, columns)),
      };
    }
  }
}

function pick(data: Record<string, unknown>, fields: string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const field of fields) if (data[field] !== undefined) picked[field] = data[field];
  return picked;
}
