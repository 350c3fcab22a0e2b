import { CsvSerialiser } from '../../../protocols/formats/csv-serialiser';
import type { RecordSerialiser } from '../../../protocols/formats/serialiser';
import { XmlSerialiser } from '../../../protocols/formats/xml-serialiser';
import type { WriteTarget } from '../../contract';
import type { FileEntity } from './settings';

/** @param target whose fields are those of the records, in order; without a mapping decimals come as the platform has them */
export function createSerialiser(
  entity: FileEntity,
  { fields, mappingId }: Pick<WriteTarget, 'fields' | 'mappingId'>,
  neutraliseFormulas: boolean,
): RecordSerialiser {
  const columns = entity.csv.columns ?? fields;
  switch (entity.format) {
    case 'csv':
      return new CsvSerialiser(entity.csv, columns, entity.decimalSeparator, neutraliseFormulas, mappingId === 0);
    case 'xml':
      return new XmlSerialiser(entity.xml.recordElement, entity.write.rootElement, columns, entity.encoding);
    case 'ndjson':
      return { begin: '', between: '', end: '', record: (data) => `${JSON.stringify(pick(data, columns))}\n` };
    case 'json': {
      const keys = entity.recordsPath;
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
