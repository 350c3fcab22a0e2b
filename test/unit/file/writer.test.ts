import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { SourceRecord, WriterState } from '../../../lib/connectors/contract';
import { exporter, fileConnector, filesBelow, never, readRecords, rows, temporaryRoot, writeRecords } from './support';

describe('writing files', () => {
  const root = temporaryRoot();
  const { openWriter, writeAll } = exporter(root);
  const content = (name: string) => readFileSync(join(root.path, name), 'utf8');

  it('shows nothing before the run is complete, and replaces the old file then', async () => {
    root.put('out/a.csv', 'old');
    const writer = await openWriter({ path: 'out/a.csv' });
    await writer.write(writeRecords(rows(0, 2)), never);
    await writer.state!();
    assert.equal(content('out/a.csv'), 'old');
    await writer.finish();
    await writer.finish();
    assert.equal(content('out/a.csv'), 'id,text\r\n0,t0\r\n1,t1\r\n');
    assert.deepEqual(filesBelow(root.path), ['out/a.csv']);
  });

  it('leaves nothing behind when the run fails, also in a resumed attempt', async () => {
    const writer = await openWriter({ path: 'out/a.csv' });
    await writer.write(writeRecords(rows(0, 2)), never);
    const state = await writer.state!();
    await writer.abandon(true);
    assert.equal(filesBelow(root.path).length, 1);
    await (await openWriter({ path: 'out/a.csv' }, { resume: state })).abandon(false);
    assert.deepEqual(filesBelow(root.path), []);
  });

  it('publishes an empty file for an empty export', async () => {
    await writeAll({ path: 'a.csv' }, []);
    await writeAll({ path: 'a.json', records_path: 'data.items' }, []);
    await writeAll({ path: 'a.xml' }, []);
    await writeAll({ path: 'a.ndjson' }, []);
    assert.equal(content('a.csv'), 'id,text\r\n');
    assert.deepEqual(JSON.parse(content('a.json')), { data: { items: [] } });
    assert.match(content('a.xml'), /<Records [^>]*>\n<\/Records>/);
    assert.equal(content('a.ndjson'), '');
  });

  it('neutralises formulas in text, never in numbers, unless told otherwise', async () => {
    const values = ['=1+1', '+x', '-x', '@SUM(A1)', '\tx', '＝1', '-12.5', '+5', '1e5', 'x=1', -3, null, true];
    const records = values.map((text, id) => ({ id, text }));
    await writeAll({ path: 'a.csv', write: {} }, records);
    const asItStands = fileConnector(root.path, { neutralise_formulas: false });
    const read = async () => (await readRecords(asItStands, 'a.csv')).map(({ text }) => text);
    assert.deepEqual(await read(), [
      "'=1+1",
      "'+x",
      "'-x",
      "'@SUM(A1)",
      "'\tx",
      "'＝1",
      '-12.5',
      '+5',
      '1e5',
      'x=1',
      '-3',
      '',
      'true',
    ]);
    await writeAll({ path: 'a.csv' }, records.slice(0, 2), { config: { neutralise_formulas: false } });
    assert.deepEqual(await read(), ['=1+1', '+x']);
  });

  it('writes delimiter, decimal comma, columns and encoding as the entity says', async () => {
    const entity = {
      path: 'a.csv',
      delimiter: ';',
      decimal_separator: ',',
      columns: ['text', 'id'],
      header: true,
      encoding: 'windows-1252',
    };
    const results = await writeAll(entity, [
      { id: '12,50', text: 'ç;€' },
      { id: 2.5, text: '😀' },
      { id: 1.5, text: 'x' },
    ]);
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['created', 'failed', 'created'],
    );
    const failure = results[1] as { error: { class: string; path: string } };
    assert.equal(failure.error.class, 'data');
    assert.equal(failure.error.path, 'text');
    assert.deepEqual(
      readFileSync(join(root.path, 'a.csv')),
      Buffer.from('text;id\r\n"\xe7;\x80";12,50\r\nx;1,5\r\n', 'latin1'),
    );
  });

  it('writes decimals that come as the platform has them by the decimal comma, where no mapping has', async () => {
    const entity = { path: 'a.csv', delimiter: ';', decimal_separator: ',' };
    const records = [
      { id: '12.125', text: '1.2.3' },
      { id: '-7.0', text: '10' },
    ];
    const writer = await openWriter(entity, { mappingId: 0 });
    await writer.write(writeRecords(records), never);
    await writer.finish();
    assert.equal(content('a.csv'), 'id;text\r\n12,125;1.2.3\r\n-7,0;10\r\n');
    await writeAll(entity, records);
    assert.equal(content('a.csv'), 'id;text\r\n12.125;1.2.3\r\n-7.0;10\r\n');
  });

  it('reads back any text that it writes, neutralised or not; other apostrophes stay', async () => {
    const texts = fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '1', '.', 'a', '\t', '\uff1d'), minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 1 }), fc.boolean(), async (values, neutralise) => {
        const records = values.map((text) => ({ id: 'x', text }));
        await writeAll({ path: 'a.csv' }, records, { config: { neutralise_formulas: neutralise } });
        const connector = fileConnector(root.path, { neutralise_formulas: neutralise });
        assert.deepEqual(await readRecords(connector, 'a.csv'), records);
      }),
      { numRuns: 60 },
    );
    root.put('b.csv', "a,b,c,d\n'n,'-5,'+55 11,''=1\n");
    assert.deepEqual(await readRecords(fileConnector(root.path), 'b.csv'), [
      { a: "'n", b: "'-5", c: '+55 11', d: "'=1" },
    ]);
    const exact = fileConnector(root.path, { neutralise_formulas: false });
    assert.deepEqual(await readRecords(exact, 'b.csv'), [{ a: "'n", b: "'-5", c: "'+55 11", d: "''=1" }]);
  });

  it('writes rows that would look empty or like a comment so that they are read back', async () => {
    await writeAll({ path: 'a.csv', comment: '#', columns: ['id'], header: true }, [
      { id: '' },
      { id: '#1' },
      { id: 'x' },
    ]);
    const entities = { a: { path: 'a.csv', comment: '#' } };
    assert.deepEqual(await readRecords(fileConnector(root.path, { entities }), 'a'), [
      { id: '' },
      { id: '#1' },
      { id: 'x' },
    ]);
  });

  it('reads back what it writes as XML: attributes, nested and repeated elements, null, special characters', async () => {
    const records = [
      { '@id': '1"<', a: { '@u': 'kg', '#text': '2' }, b: ['x', ' & \r\n'], n: null, o: { p: { q: '' } } },
    ];
    await writeAll({ path: 'a.xml', record_element: 'Data/Orders/Order' }, records, {
      fields: Object.keys(records[0]!),
    });
    const entities = { a: { path: 'a.xml', record_element: 'Data/Orders/Order' } };
    assert.deepEqual(await readRecords(fileConnector(root.path, { entities }), 'a'), records);
    const [bad] = await writeAll({ path: 'b.xml' }, [{ id: 'a\u0001', text: '' }]);
    assert.equal(bad!.outcome, 'failed');
  });

  it('splits by records and by bytes, names the parts, and removes those of a longer export before', async () => {
    await writeAll({ path: 'a.csv', write: { max_records: 2 } }, rows(0, 5));
    assert.deepEqual(filesBelow(root.path), ['a-2.csv', 'a-3.csv', 'a.csv']);
    await writeAll({ path: 'a.csv', write: { max_records: 2 } }, rows(0, 3));
    assert.deepEqual(filesBelow(root.path), ['a-2.csv', 'a.csv']);
    assert.equal(content('a-2.csv'), 'id,text\r\n2,t2\r\n');
    await writeAll({ path: 'b-{run}-{part}.json', write: { max_bytes: 60 } }, rows(0, 5), { runId: 42 });
    const parts = filesBelow(root.path).filter((name) => name.startsWith('b-42-'));
    assert.ok(parts.length > 1);
    for (const name of parts) assert.ok(content(name).length <= 62, content(name));
    assert.deepEqual(
      parts.flatMap((name) => JSON.parse(content(name)) as SourceRecord[]),
      rows(0, 5),
    );
  });

  it('fills dates in names from the start of the run, also after a resume', async () => {
    const entity = { path: 'o-{date}T{time}.csv' };
    const writer = await openWriter(entity);
    await writer.write(writeRecords(rows(0, 1)), never);
    const state = { ...(await writer.state!()), started: '2026-11-24T01:02:03.000Z' };
    const [temporary] = filesBelow(root.path);
    await writer.abandon(true);
    const parts = [{ ...(state as unknown as { parts: object[] }).parts[0], final: 'o-20261124T010203.csv' }];
    const second = await openWriter(entity, { resume: { ...state, parts } });
    await second.finish();
    assert.deepEqual(filesBelow(root.path), ['o-20261124T010203.csv']);
    assert.match(temporary!, /^\.o-\d{8}T\d{6}\.csv\.pcp-7-1\.part$/);
  });

  for (const path of ['log.csv', 'log.ndjson', 'log.csv.gz']) {
    it(`appends to ${path}: nothing lost or doubled, wherever the crash comes`, async () => {
      const entity = { path, write: { mode: 'append' } };
      await writeAll(entity, rows(0, 3));
      const states: (WriterState | null)[] = [null];
      // Each round is a process that crashes after writing its batch, before and after the commit.
      for (let batch = 0; batch < 4; batch++) {
        const lost = await openWriter(entity, { resume: states.at(-1)!, runId: 2 });
        await lost.write(writeRecords(rows(3 + batch, 4 + batch)), never);
        await lost.abandon(true);
        const kept = await openWriter(entity, { resume: states.at(-1)!, runId: 2 });
        await kept.write(writeRecords(rows(3 + batch, 4 + batch)), never);
        states.push(await kept.state!());
        await kept.abandon(true);
      }
      await (await openWriter(entity, { resume: states.at(-1)!, runId: 2 })).finish();
      assert.deepEqual(filesBelow(root.path), [path]);
      assert.deepEqual(await readRecords(fileConnector(root.path), path), rows(0, 7));
      if (path.endsWith('.gz'))
        assert.match(gunzipSync(readFileSync(join(root.path, path))).toString(), /^id,text\r\n/);
    });
  }

  it('an abandoned append keeps what was committed and takes back the rest', async () => {
    const entity = { path: 'log.csv', write: { mode: 'append' } };
    const fresh = await openWriter(entity);
    await fresh.write(writeRecords(rows(0, 1)), never);
    await fresh.abandon(false);
    assert.deepEqual(filesBelow(root.path), []);
    await writeAll(entity, rows(0, 2));
    const writer = await openWriter(entity, { runId: 2 });
    await writer.write(writeRecords(rows(2, 3)), never);
    await writer.state!();
    await writer.write(writeRecords(rows(3, 4)), never);
    await writer.abandon(false);
    assert.deepEqual(await readRecords(fileConnector(root.path), 'log.csv'), rows(0, 3));
    assert.deepEqual(filesBelow(root.path), ['log.csv']);
  });

  it('appends to parts that others began, and refuses other columns', async () => {
    root.put('log.csv', 'id,text\n0,t0');
    await writeAll({ path: 'log.csv', write: { mode: 'append' } }, rows(1, 2));
    assert.deepEqual(await readRecords(fileConnector(root.path), 'log.csv'), rows(0, 2));
    const other = await openWriter({ path: 'log.csv', write: { mode: 'append' } }, { fields: ['id', 'more'] });
    await assert.rejects(other.write(writeRecords(rows(0, 1)), never), { class: 'config', code: 'PCP_APPEND_COLUMNS' });
    await other.abandon(false);
    await assert.rejects(openWriter({ path: 'a.json', write: { mode: 'append' } }), { code: 'PCP_APPEND_FORMAT' });
    await assert.rejects(openWriter({ path: '*.csv' }), { code: 'PCP_NOT_WRITABLE' });
    await writeAll({ path: 's.csv', write: { mode: 'append', max_records: 2 } }, rows(0, 3));
    await writeAll({ path: 's.csv', write: { mode: 'append', max_bytes: 30 } }, rows(3, 9));
    const connector = fileConnector(root.path, { entities: { s: { path: 's*.csv' } } });
    assert.deepEqual(
      (await readRecords(connector, 's')).map(({ id }) => Number(id)).sort(),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
  });

  it('refuses to continue a temporary file that somebody cut or removed', async () => {
    const writer = await openWriter({ path: 'a.csv' });
    await writer.write(writeRecords(rows(0, 2)), never);
    const state = await writer.state!();
    await writer.abandon(true);
    root.put(filesBelow(root.path)[0]!, 'id');
    await assert.rejects(openWriter({ path: 'a.csv' }, { resume: state }), {
      class: 'config',
      code: 'PCP_EXPORT_LOST',
    });
  });

  it('cuts nothing off a file that has taken the place of the one that it added to', async () => {
    const entity = { path: 'a.csv', write: { mode: 'append' } };
    const writer = await openWriter(entity);
    await writer.write(writeRecords(rows(0, 1)), never);
    const state = await writer.state!();
    await writer.abandon(true);
    renameSync(join(root.path, 'a.csv'), join(root.path, 'fetched.csv'));
    const others = 'id,text\r\n9,of somebody else\r\n';
    root.put('a.csv', others);
    await assert.rejects(openWriter(entity, { resume: state }), { code: 'PCP_EXPORT_LOST' });
    assert.equal(content('a.csv'), others);
  });

  it('does not take the export of an earlier run for its own when its temporary file is gone', async () => {
    root.put('a.csv', 'id,text\r\n9,yesterday\r\n');
    const writer = await openWriter({ path: 'a.csv' });
    await writer.write(writeRecords(rows(0, 1)), never);
    const state = await writer.state!();
    rmSync(join(root.path, '.a.csv.pcp-7-1.part'));
    await assert.rejects(writer.finish(), { code: 'PCP_EXPORT_LOST' });
    await writer.abandon(true);
    await assert.rejects(openWriter({ path: 'a.csv' }, { resume: state }), { code: 'PCP_EXPORT_LOST' });
  });

  it('says when an attempt that died had published everything', async () => {
    const writer = await openWriter({ path: 'a.json' });
    await writer.write(writeRecords(rows(0, 2)), never);
    const state = JSON.parse(JSON.stringify(await writer.state!())) as WriterState;
    assert.equal(writer.finished, false);
    await writer.finish();
    const second = await openWriter({ path: 'a.json' }, { resume: state });
    assert.equal(second.finished, true);
    await second.finish();
    assert.equal((JSON.parse(content('a.json')) as unknown[]).length, 2);
  });

  it('cuts off what was written after the last commit', async () => {
    const writer = await openWriter({ path: 'a.csv', write: { max_records: 2 } });
    await writer.write(writeRecords(rows(0, 1)), never);
    const state = await writer.state!();
    await writer.write(writeRecords(rows(1, 5)), never);
    await writer.abandon(true);
    appendFileSync(join(root.path, '.a.csv.pcp-7-1.part'), 'torn');
    const second = await openWriter({ path: 'a.csv', write: { max_records: 2 } }, { resume: state });
    await second.write(writeRecords(rows(1, 3)), never);
    await second.finish();
    assert.deepEqual(filesBelow(root.path), ['a-2.csv', 'a.csv']);
    assert.equal(content('a.csv') + content('a-2.csv'), 'id,text\r\n0,t0\r\n1,t1\r\nid,text\r\n2,t2\r\n');
  });

  it('a full disk is a transient error, and an abandoned export leaves nothing', async () => {
    const probe = await open(join(root.path, 'probe'), 'w');
    const handles = Object.getPrototypeOf(probe) as { write: unknown };
    const original = handles.write;
    await probe.close();
    const writer = await openWriter({ path: 'out/a.csv' });
    handles.write = async () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    try {
      await assert.rejects(writer.write(writeRecords(rows(0, 2)), never), {
        class: 'transient',
        code: 'PCP_DISK_FULL',
      });
    } finally {
      handles.write = original;
    }
    await writer.abandon(false);
    assert.deepEqual(filesBelow(root.path), ['probe']);
  });
});
