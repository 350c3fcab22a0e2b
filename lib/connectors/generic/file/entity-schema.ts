import type { JsonSchema } from '../../../model/entity';
import { ENCODINGS } from '../../../protocols/formats/encodings';

const text = (description: string, extra: JsonSchema = {}): JsonSchema => ({ type: 'string', description, ...extra });

/** The setting "entities": named files, each with its format. */
export const ENTITIES_SCHEMA: JsonSchema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['path'],
    additionalProperties: false,
    properties: {
      path: text(
        'Path under the root folder: a file, a pattern with * ? ** {a,b}, or for exports a template with {date} {time} {run} {part} {mapping}. ".gz" at the end means gzip.',
        { minLength: 1, maxLength: 1024 },
      ),
      format: text('Default: from the file extension.', { enum: ['csv', 'json', 'ndjson', 'xml'] }),
      delimiter: text('CSV: between two fields. Default "," (for .tsv a tab).', { minLength: 1, maxLength: 8 }),
      quote: text('CSV: around a field. Default a double quote; empty: none.', { maxLength: 1 }),
      header: {
        type: 'boolean',
        description: 'CSV: the first row holds the names. Default: true, unless "columns" is given.',
      },
      columns: {
        type: 'array',
        description: 'CSV: names of the columns in order. Exports: the fields to write, in order.',
        items: { type: 'string', minLength: 1 },
        minItems: 1,
        uniqueItems: true,
      },
      comment: text('CSV: lines that start with this are skipped.', { maxLength: 8 }),
      encoding: text('Default: that of the connection. A byte order mark or an XML declaration wins.', {
        enum: [...ENCODINGS],
      }),
      decimal_separator: text('How numbers are written in the file.', { enum: ['.', ','], default: '.' }),
      records_path: text('JSON: keys that lead to the array of records ("data.items"). Default: the top.'),
      record_element: text(
        'XML: name ("Order") or path ("Orders/Order") of the element that is a record. Default: each child of the root.',
        { minLength: 1 },
      ),
      strip_prefix: { type: 'boolean', default: true, description: 'XML: read "ns:Order" as "Order".' },
      after_read: text('What happens to a file that was read completely.', {
        enum: ['keep', 'move', 'delete'],
        default: 'keep',
      }),
      after_error: text('What happens to a broken file. Default: keep when after_read is keep, else move.', {
        enum: ['keep', 'move'],
      }),
      write: {
        type: 'object',
        description: 'How exports write.',
        additionalProperties: false,
        properties: {
          mode: text('replace: every run writes the file anew. append: records are added at the end.', {
            enum: ['replace', 'append'],
            default: 'replace',
          }),
          path: text('Template of the name, when it differs from "path".', { minLength: 1, maxLength: 1024 }),
          max_bytes: { type: 'integer', minimum: 1, description: 'A new part begins beyond this size.' },
          max_records: { type: 'integer', minimum: 1, description: 'A new part begins after this many records.' },
          root_element: text('XML: name of the outermost element. Default: from record_element, else "Records".'),
        },
      },
    },
  },
};

export const ENTITIES_EXAMPLE = {
  orders: {
    path: 'in/orders-*.csv',
    format: 'csv',
    delimiter: ';',
    encoding: 'windows-1252',
    decimal_separator: ',',
    after_read: 'move',
  },
  confirmations: { path: 'in/confirmations.ndjson.gz' },
  stock: { path: 'in/stock.xml', record_element: 'Stock' },
  released_orders: { path: 'out/released-{date}.csv', write: { mode: 'replace', max_records: 100000 } },
};
