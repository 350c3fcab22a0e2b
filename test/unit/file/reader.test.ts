import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SourceRecord } from '../../../lib/connectors/contract';
import type { Cursor } from '../../../lib/model/sync';
import { fileConnector, filesBelow, never, readBatches, readRecords, sharedData, temporaryRoot } from './support';

const MIB = 1024 * 1024;
const numbers = (from: number, to: number): SourceRecord[] =>
  Array.from({ length: to - from }, (_, index) => ({ n: String(from + index), text: `row "${from + index}"` }));
const csv = (records: SourceRecord[]) =>
  `n,text\n${records.map(({ n, text }) => `${n},"${String(text).replaceAll('"', '""')}"\n`).join('')}`;
const reparsed = (cursor: Cursor): Cursor => JSON.parse(JSON.stringify(cursor)) as Cursor;

describe('reading files', () => {
  const root = temporaryRoot();

  it('continues exactly after a kill at any batch, in any number of files', async () => {
    for (const [name, from, to] of [
      ['a', 0, 7],
      ['b', 7, 7],
      ['c', 7, 8],
      ['d', 8, 40],
      ['e', 40, 50],
    ] as const) {
      root.put(`in/${name}.csv`, csv(numbers(from, to)));
    }
    const entity = 'in/*.csv';
    const seen: SourceRecord[] = [];
    let cursor: Cursor | null = null;
    let passes = 0;
    for (;;) {
      // One batch per process: what is read ahead of it is lost each time, as with kill -9.
      const iterator = fileConnector(root.path).read!({ entity, cursor, batchSize: 3 }, never)[Symbol.asyncIterator]();
      const next = await iterator.next();
      await iterator.return?.();
      if (next.done) break;
      seen.push(...next.value.records);
      cursor = reparsed(next.value.cursorAfter);
      passes++;
    }
    assert.deepEqual(seen, numbers(0, 50));
    assert.ok(passes >= 17);
  });

  it('tells positions and a total', async () => {
    root.put('a.csv', csv(numbers(0, 3)));
    root.put('b.json', '[{"n":"3"},{"n":"4"}]');
    const { batches } = await readBatches(fileConnector(root.path, { entities: { all: { path: 'a.csv' } } }), 'all');
    assert.deepEqual(
      [0, 2].map((index) => batches[0]!.positions?.(index)),
      ['a.csv:2', 'a.csv:4'],
    );
    assert.equal(batches[0]!.total, 3);
    const json = await readBatches(fileConnector(root.path), 'b.json');
    assert.equal(json.batches[0]!.positions?.(1), 'b.json[1]');
  });

  it('incremental: reads new and changed files only, and forgets those that are gone', async () => {
    root.put('a.csv', csv(numbers(0, 3)));
    root.put('b.csv', csv(numbers(3, 5)));
    const connector = fileConnector(root.path);
    const read = async (cursor: Cursor | null) => {
      const { batches } = await readBatches(connector, '*.csv', { cursor });
      return {
        records: batches.flatMap((batch) => batch.records),
        cursor: reparsed(batches.at(-1)?.cursorAfter ?? cursor!),
      };
    };
    const first = await read(null);
    assert.equal(first.records.length, 5);
    assert.deepEqual((await read(first.cursor)).records, []);
    root.put('b.csv', csv(numbers(3, 7)));
    root.put('0.csv', csv(numbers(9, 10)));
    const second = await read(first.cursor);
    assert.deepEqual(second.records, [...numbers(9, 10), ...numbers(3, 7)]);
    assert.equal(String(second.cursor.seen).length, 3 * 8);
  });

  it('reads a file from its beginning when it changed since it was read in part', async () => {
    root.put('a.csv', csv(numbers(0, 10)));
    const log: string[] = [];
    const connector = fileConnector(root.path, {}, log);
    const { batches } = await readBatches(connector, 'a.csv', { batchSize: 4 });
    const cursor = reparsed(batches[0]!.cursorAfter);
    root.put('a.csv', csv(numbers(100, 112)));
    const rest = await readBatches(connector, 'a.csv', { cursor });
    assert.deepEqual(rest.batches[0]!.records, numbers(100, 112));
    assert.match(log.join(), /changed since/);
    const { mtime } = statSync(join(root.path, 'a.csv'));
    utimesSync(join(root.path, 'a.csv'), mtime, mtime);
    const part = await readBatches(connector, 'a.csv', { batchSize: 4 });
    utimesSync(root.put('a.csv', csv(numbers(200, 212))), mtime, mtime);
    const same = await readBatches(connector, 'a.csv', { cursor: reparsed(part.batches[0]!.cursorAfter) });
    assert.deepEqual(same.batches[0]!.records, numbers(200, 212), 'same size and time, other content');
  });

  it('moves or deletes a file only when its last batch is acknowledged, and never over another', async () => {
    root.put('in/a.csv', csv(numbers(0, 5)));
    root.put('in/done/a.csv', 'older');
    const entities = {
      in: { path: 'in/**/*.csv', after_read: 'move' },
      gone: { path: 'in/**/*.csv', after_read: 'delete' },
    };
    const connector = fileConnector(root.path, { entities });
    const { batches } = await readBatches(connector, 'in', { batchSize: 4 });
    await batches[0]!.acknowledge?.();
    assert.ok(existsSync(join(root.path, 'in/a.csv')));
    await batches[1]!.acknowledge!();
    await batches[1]!.acknowledge!();
    const names = filesBelow(root.path);
    assert.equal(names.length, 2);
    assert.ok(
      names.includes('in/done/a.csv') && names.some((name) => /^in\/done\/a-\d{8}T\d+\.csv$/.test(name)),
      `${names}`,
    );
    assert.equal(readFileSync(join(root.path, 'in/done/a.csv'), 'utf8'), 'older');
    root.put('in/b.csv', csv(numbers(0, 1)));
    for (const batch of (await readBatches(connector, 'gone')).batches) await batch.acknowledge?.();
    assert.ok(!existsSync(join(root.path, 'in/b.csv')));
  });

  it('moves a file whose records were committed just before a crash, without reading it again', async () => {
    root.put('in/a.csv', csv(numbers(0, 5)));
    const connector = fileConnector(root.path, { entities: { in: { path: 'in/*.csv', after_read: 'move' } } });
    const { batches } = await readBatches(connector, 'in');
    const again = await readBatches(connector, 'in', { cursor: reparsed(batches[0]!.cursorAfter) });
    assert.deepEqual(
      again.batches.flatMap((batch) => batch.records),
      [],
    );
    for (const batch of again.batches) await batch.acknowledge!();
    assert.deepEqual(filesBelow(root.path), ['in/done/a.csv']);
  });

  it('leaves a file alone that was replaced between reading and acknowledging', async () => {
    root.put('in/a.csv', csv(numbers(0, 5)));
    const connector = fileConnector(root.path, { entities: { in: { path: 'in/*.csv', after_read: 'delete' } } });
    const { batches } = await readBatches(connector, 'in');
    root.put('in/a.csv', csv(numbers(5, 6)));
    await batches[0]!.acknowledge!();
    assert.deepEqual(await readRecords(connector, 'in'), numbers(5, 6));
  });

  it('delivers what stands before a fault, then fails and puts the file aside with its reason', async () => {
    root.put('in/a.csv', `${csv(numbers(0, 5))}6\n7,x\n`);
    root.put('in/b.csv', csv(numbers(5, 6)));
    const connector = fileConnector(root.path, { entities: { in: { path: 'in/*.csv', after_read: 'move' } } });
    const { batches, error } = await readBatches(connector, 'in', { batchSize: 2 });
    assert.deepEqual(
      batches.flatMap((batch) => batch.records),
      numbers(0, 5),
    );
    assert.equal(error?.class, 'data');
    assert.match(error.message, /^in\/a\.csv:7: /);
    await (error as { quarantine?: () => Promise<void> }).quarantine!();
    assert.deepEqual(filesBelow(root.path), ['in/b.csv', 'in/error/a.csv', 'in/error/a.csv.reason.json']);
    const reason = JSON.parse(readFileSync(join(root.path, 'in/error/a.csv.reason.json'), 'utf8')) as SourceRecord;
    assert.equal(reason.code, 'PCP_CSV_RAGGED_ROW');
    assert.equal(reason.records_read_before_the_error, 5);
    const inPortuguese = (reason.translations as Record<string, { message: string }>)['pt-BR'];
    assert.equal(inPortuguese?.message, 'in/a.csv:7: a linha tem 1 campos, esperados 2');
    const cursor = reparsed(batches.at(-1)!.cursorAfter);
    const next = await readBatches(connector, 'in', { cursor });
    assert.deepEqual(
      next.batches.flatMap((batch) => batch.records),
      numbers(5, 6),
    );
  });

  it('never reads unfinished or hidden names, and waits for a file to settle', async () => {
    const unfinished = ['a.csv.tmp', 'b.csv.part', '.c.csv', 'd.csv~', '~e.csv', '~$f.csv'];
    for (const name of unfinished) root.put(`in/${name}`, csv(numbers(0, 1)));
    root.put('in/e.csv', csv(numbers(1, 2)));
    assert.deepEqual(
      await readRecords(fileConnector(root.path, { entities: { in: { path: 'in/*', format: 'csv' } } }), 'in'),
      numbers(1, 2),
    );
    const log: string[] = [];
    const settling = fileConnector(root.path, { settle_seconds: 1 }, log);
    const growing = readRecords(settling, 'in/*.csv');
    const timer = setInterval(
      () => writeFileSync(join(root.path, 'in/e.csv'), csv(numbers(1, 2 + Math.ceil(Math.random() * 50)))),
      100,
    );
    assert.deepEqual(await growing.finally(() => clearInterval(timer)), []);
    assert.match(log.join(), /still being written/);
    root.put('in/e.csv', csv(numbers(1, 2)));
    assert.deepEqual(await readRecords(settling, 'in/*.csv'), numbers(1, 2));
  });

  it('fails when a file changes while it is read', async () => {
    const path = root.put('a.csv', csv(numbers(0, 9000)));
    const reading = fileConnector(root.path).read!({ entity: 'a.csv', cursor: null, batchSize: 10 }, never);
    const rest = async () => {
      for await (const _ of reading) utimesSync(path, new Date(), new Date(1));
    };
    await assert.rejects(rest, { class: 'transient', code: 'PCP_FILE_CHANGED' });
  });

  it('says which file is missing, and that an empty pattern is none', async () => {
    const connector = fileConnector(root.path, { entities: { in: { path: 'drop.csv', after_read: 'move' } } });
    assert.equal((await readBatches(connector, 'x.csv')).error?.code, 'PCP_FILE_NOT_FOUND');
    assert.equal((await readBatches(connector, 'gone/*.csv')).error?.code, 'PCP_FOLDER_NOT_FOUND');
    assert.deepEqual(await readBatches(connector, '*.csv'), { batches: [], error: null });
    assert.deepEqual(await readBatches(connector, 'in'), { batches: [], error: null });
    assert.equal((await readBatches(connector, 'noformat')).error?.code, 'PCP_ENTITY_UNKNOWN');
  });

  it('describes the decimal separator and the fields, and a file that is not there yet', async () => {
    root.put('a.csv', 'a;b\n1,5;x\n');
    const entities = {
      a: { path: 'a.csv', delimiter: ';', decimal_separator: ',' },
      later: { path: 'later.csv', columns: ['x'] },
    };
    const connector = fileConnector(root.path, { entities });
    const { schema } = await connector.describe!('a', never);
    assert.equal(connector.decimalSeparator?.('a'), ',');
    assert.deepEqual(schema.properties?.a, { type: 'string', examples: ['1,5'] });
    assert.deepEqual((await connector.describe!('later', never)).schema.properties, { x: { type: 'string' } });
  });
});

describe('files that attack or break', () => {
  const root = temporaryRoot();

  for (const [name, content] of [
    ['a.csv', 'a,b\n'],
    ['q.csv', 'a\n"'],
    ['a.ndjson', '{"a":"'],
    ['a.json', '[{"a":"'],
    ['a.xml', '<a><b>'],
  ] as const) {
    it(`${name}: a record of 1 GiB stops at the limit, with bounded memory`, async () => {
      // What follows the first megabytes is a hole: it takes no room on the disk.
      truncateSync(root.put(name, Buffer.concat([Buffer.from(content), Buffer.alloc(12 * MIB, 'x')])), 1024 * MIB);
      const before = process.memoryUsage.rss();
      const { error } = await readBatches(fileConnector(root.path), name);
      assert.equal(error?.code, 'PCP_RECORD_TOO_LARGE');
      assert.ok(process.memoryUsage.rss() - before < 150 * MIB, `${(process.memoryUsage.rss() - before) / MIB} MiB`);
    });
  }

  it('a gzip bomb is refused early', async () => {
    root.put(
      'a.csv.gz',
      gzipSync(Buffer.concat([Buffer.from('a\n'), Buffer.alloc(64 * MIB, `${'x'.repeat(999)}\n`)]), { level: 9 }),
    );
    const { error, batches } = await readBatches(fileConnector(root.path), 'a.csv.gz', { batchSize: 20_000 });
    assert.equal(error?.code, 'PCP_FILE_TOO_LARGE', `${batches.length}`);
    assert.match(error.message, /gzip bomb/);
    assert.ok(batches.length < 10);
  });

  it('a file beyond max_file_bytes is refused', async () => {
    root.put('a.csv', csv(numbers(0, 200)));
    assert.equal(
      (await readBatches(fileConnector(root.path, { max_file_bytes: 2000 }), 'a.csv')).error?.code,
      'PCP_FILE_TOO_LARGE',
    );
    assert.equal((await readBatches(fileConnector(root.path, { max_file_bytes: 20_000 }), 'a.csv')).error, null);
  });

  it('truncated and damaged files end in an error of class data that names them', async () => {
    const packed = gzipSync(csv(numbers(0, 5000)));
    const damaged = Buffer.from(packed);
    damaged[damaged.length >> 1]! ^= 0xff;
    const CASES: [string, string | Buffer, string][] = [
      ['cut.csv.gz', packed.subarray(0, packed.length - 20), 'PCP_GZIP_INVALID'],
      ['no.csv.gz', 'a,b\n1,2\n', 'PCP_GZIP_INVALID'],
      ['cut.json', '[{"a":1},{"a":', 'PCP_JSON_TRUNCATED'],
      ['cut.xml', '<os><o><a>1</a></o><o>', 'PCP_XML_INVALID'],
      ['cut.ndjson', '{"a":1}\n{"a":', 'PCP_JSON_INVALID'],
      ['latin.csv', Buffer.from('a,b\nPeça,2\n', 'latin1'), 'PCP_FILE_ENCODING'],
    ];
    for (const [name, content, code] of CASES) {
      root.put(name, content);
      const { error } = await readBatches(fileConnector(root.path), name);
      assert.equal(error?.code, code, name);
      assert.equal(error.class, 'data');
      assert.ok(error.message.includes(name) && error.hint, error.message);
    }
    root.put('bad.csv.gz', damaged);
    assert.equal((await readBatches(fileConnector(root.path), 'bad.csv.gz')).error?.class, 'data');
  });

  it('a column that the mapping names and the file lacks is an error, and the file stays', async () => {
    root.put('a.csv', 'k,vv\n1,2\n');
    const entities = { a: { path: 'a.csv', after_read: 'delete' } };
    const columns = { path: 'a.csv', header: false, columns: ['k', 'w'] };
    for (const connector of [
      fileConnector(root.path, { entities }),
      fileConnector(root.path, { entities: { a: columns } }),
    ]) {
      const { batches, error } = await readBatches(connector, 'a', { namedFields: ['k', 'v'] });
      assert.deepEqual([batches, error?.class, error?.code, error?.path], [[], 'config', 'PCP_COLUMN_UNKNOWN', 'v']);
      assert.equal('quarantine' in error!, false);
    }
    assert.deepEqual(filesBelow(root.path), ['a.csv']);
    const { error } = await readBatches(fileConnector(root.path), 'a.csv', { namedFields: ['vv'] });
    assert.equal(error, null);
  });

  it('says which field no record of a file without columns has', async () => {
    root.put('a.json', '[{"k":1},{"k":2,"v":null}]');
    root.put('b.ndjson', '{"k":1}\n{"k":2}\n');
    root.put('c.json', '[]');
    const log: string[] = [];
    for (const name of ['a.json', 'b.ndjson', 'c.json']) {
      const { error } = await readBatches(fileConnector(root.path, {}, log), name, { namedFields: ['k', 'v'] });
      assert.equal(error, null);
    }
    assert.equal(log.length, 1);
    assert.match(log[0]!, /b\.ndjson.*"v"/);
  });

  it('a declared encoding that is unknown or does not fit ends in an error', async () => {
    for (const encoding of ['ebcdic-cp-us', 'us-ascii']) {
      root.put('a.xml', Buffer.from(`<?xml version="1.0" encoding="${encoding}"?><r><o>ç</o></r>`, 'latin1'));
      const { error } = await readBatches(fileConnector(root.path), 'a.xml');
      assert.deepEqual([error?.class, error?.code], ['data', 'PCP_FILE_ENCODING'], encoding);
    }
    const entities = { a: { path: 'a.xml', encoding: 'iso-8859-1' } };
    assert.deepEqual(await readRecords(fileConnector(root.path, { entities }), 'a'), [{ '#text': 'ç' }]);
  });

  it('byte order marks and declared encodings win over the default', async () => {
    root.put('a.csv', Buffer.from('\ufeffa\nç\n', 'utf16le'));
    root.put('b.csv', '\ufeffa\nç\n');
    root.put('c.xml', Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><r><o><a>ç</a></o></r>', 'latin1'));
    for (const name of ['a.csv', 'b.csv', 'c.xml']) {
      assert.deepEqual(await readRecords(fileConnector(root.path), name), [{ a: 'ç' }], name);
    }
    assert.deepEqual(await readRecords(fileConnector(root.path, { encoding: 'windows-1252' }), 'b.csv'), [{ a: 'ç' }]);
  });
});

describe('public files', () => {
  const folder = sharedData('adventureworks');
  const columns = {
    'Product.csv':
      'ProductID Name ProductNumber MakeFlag FinishedGoodsFlag Color SafetyStockLevel ReorderPoint StandardCost ListPrice Size SizeUnitMeasureCode WeightUnitMeasureCode Weight DaysToManufacture ProductLine Class Style ProductSubcategoryID ProductModelID SellStartDate SellEndDate DiscontinuedDate rowguid ModifiedDate',
    'BillOfMaterials.csv':
      'BillOfMaterialsID ProductAssemblyID ComponentID StartDate EndDate UnitMeasureCode BOMLevel PerAssemblyQty ModifiedDate',
    'ProductInventory.csv': 'ProductID LocationID Shelf Bin Quantity rowguid ModifiedDate',
    'Location.csv': 'LocationID Name CostRate Availability ModifiedDate',
  };
  for (const [name, names] of Object.entries(columns)) {
    (folder ? it : it.skip)(`AdventureWorks ${name}: every line is a record`, async () => {
      const entities = { x: { path: name, delimiter: '\t', quote: '', columns: names.split(' ') } };
      const records = await readRecords(fileConnector(folder!, { entities }), 'x');
      const lines = readFileSync(join(folder!, name), 'utf8')
        .split('\n')
        .filter((line) => line.trim() !== '');
      assert.equal(records.length, lines.length);
      assert.deepEqual(Object.values(records.at(-1)!), lines.at(-1)!.replace(/\r$/, '').split('\t'));
    });
  }
});
