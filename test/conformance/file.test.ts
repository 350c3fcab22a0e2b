import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { SourceRecord } from '../../lib/connectors/contract';
import { create } from '../../lib/connectors/generic/file/connector';
import { descriptor } from '../../lib/connectors/generic/file/descriptor';
import type { ConformanceCases } from './cases';
import { conformance } from './suite';

const RECORDS: SourceRecord[] = Array.from({ length: 14 }, (_, index) => ({
  order: `PO-${String(index + 1).padStart(4, '0')}`,
  text: ['plain', 'with "quotes"', 'two\nlines', 'a;b,c', 'Peça nº 1 – ção'][index % 5],
  quantity: `${index}.50`,
}));

const FIELDS = ['order', 'text', 'quantity'];
const quoted = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
const csv = (records: SourceRecord[]) =>
  ['order,text,quantity', ...records.map((record) => FIELDS.map((field) => quoted(record[field])).join(','))].join(
    '\r\n',
  );
const ndjson = (records: SourceRecord[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const json = (records: SourceRecord[]) => JSON.stringify({ meta: { a: [1, { b: '}' }] }, data: { items: records } });
const xml = (records: SourceRecord[]) => {
  const escaped = (value: unknown) => String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const elements = records.map(
    (record) => `<ns:Order>${FIELDS.map((f) => `<${f}>${escaped(record[f])}</${f}>`).join('')}</ns:Order>`,
  );
  return `<?xml version="1.0"?><Orders xmlns:ns="urn:x"><Head/>${elements.join('\n')}</Orders>`;
};

interface Format {
  extension: string;
  settings: Record<string, unknown>;
  encode: (records: SourceRecord[]) => string | Buffer;
  decode: (bytes: Buffer) => SourceRecord[];
}

const lines = (bytes: Buffer) => bytes.toString().split('\n').filter(Boolean);
const FORMATS: Format[] = [
  {
    extension: 'csv',
    settings: {},
    encode: csv,
    decode: (bytes) => {
      const [, ...rows] = bytes.toString().trimEnd().split('\r\n');
      return rows.map((row) => {
        const cells = row
          .match(/"(?:[^"]|"")*"|[^,]+/g)!
          .map((cell) => cell.replace(/^"|"$/g, '').replaceAll('""', '"'));
        return Object.fromEntries(FIELDS.map((field, index) => [field, cells[index]]));
      });
    },
  },
  {
    extension: 'ndjson.gz',
    settings: {},
    encode: (records) => gzipSync(ndjson(records)),
    decode: (bytes) => lines(gunzipSync(bytes)).map((line) => JSON.parse(line) as SourceRecord),
  },
  {
    extension: 'json',
    settings: { records_path: 'data.items' },
    encode: json,
    decode: (bytes) => (JSON.parse(bytes.toString()) as { data: { items: SourceRecord[] } }).data.items,
  },
  {
    extension: 'xml',
    settings: { record_element: 'Order' },
    encode: xml,
    decode: (bytes) =>
      [...bytes.toString().matchAll(/<Order>(.*?)<\/Order>/gs)].map(([, body]) =>
        Object.fromEntries([...body!.matchAll(/<(\w+)>(.*?)<\/\1>/gs)].map(([, name, value]) => [name, value])),
      ),
  },
];

for (const format of FORMATS) {
  for (const mode of ['replace', 'append']) {
    if (mode === 'append' && (format.extension === 'json' || format.extension === 'xml')) continue;
    const root = mkdtempSync(join(tmpdir(), 'pcp-file-'));
    conformance(`generic.file, ${format.extension}, ${mode}`, {
      descriptor,
      create,
      cases: () => casesFor(root, format, mode),
      release: () => rmSync(root, { recursive: true }),
    });
  }
}

function casesFor(root: string, { extension, settings, encode, decode }: Format, mode: string): ConformanceCases {
  for (const folder of ['in', 'out', 'drop']) mkdirSync(join(root, folder));
  writeFileSync(join(root, `in/orders-1.${extension}`), encode(RECORDS.slice(0, 8)));
  writeFileSync(join(root, `in/orders-2.${extension}`), encode(RECORDS.slice(8)));
  writeFileSync(join(root, `drop/a.${extension}`), encode(RECORDS.slice(0, 5)));
  const connectionWith = (config: Record<string, unknown>) => ({
    id: 1,
    name: 'files',
    connector_type: 'generic.file',
    config: { root, settle_seconds: 0, ...config },
    credentials: {},
  });
  const entities = {
    orders: { path: `in/orders-*.${extension}`, ...settings },
    drop: { path: `drop/*.${extension}`, ...settings },
    out: { path: `out/orders.${extension}`, write: { mode }, ...settings },
  };
  return {
    connection: connectionWith({ entities }),
    failing: [
      {
        name: 'no such root',
        connection: connectionWith({ root: join(root, 'gone') }),
        step: 'connect',
        class: 'config',
        code: 'PCP_FOLDER_NOT_FOUND',
      },
      {
        name: 'the root is a file',
        connection: connectionWith({ root: join(root, `in/orders-1.${extension}`) }),
        step: 'connect',
        class: 'config',
      },
      {
        name: 'the folder of an entity is missing',
        connection: connectionWith({ entities: { x: { path: `gone/*.${extension}`, ...settings } } }),
        step: 'read',
        class: 'config',
        code: 'PCP_FOLDER_NOT_FOUND',
      },
      {
        name: 'an entity leaves the root',
        connection: connectionWith({ entities: { x: { path: `../x.${extension}`, ...settings } } }),
        step: 'authorise',
        class: 'permission',
        code: 'PCP_PATH_OUTSIDE_ROOT',
      },
      {
        name: 'a setting of the wrong type',
        connection: connectionWith({ entities: { x: { path: 'x.csv', header: 'yes' } } }),
        step: 'connect',
        class: 'config',
        code: 'PCP_SETTING_INVALID',
      },
    ],
    read: { entity: 'orders', key: ['order'], records: RECORDS },
    incremental: {
      entity: 'drop',
      key: ['order'],
      cursorField: 'order',
      change: async () => {
        writeFileSync(join(root, `drop/b.${extension}`), encode(RECORDS.slice(9)));
        return RECORDS.slice(9).map((record) => String(record.order));
      },
    },
    write: {
      target: { entity: 'out', keyFields: ['order'], fields: FIELDS },
      records: RECORDS,
      readBack: async () => decode(readFileSync(join(root, `out/orders.${extension}`))),
      reset: async () => {
        for (const name of readdirSync(join(root, 'out'))) rmSync(join(root, 'out', name));
      },
    },
  };
}
