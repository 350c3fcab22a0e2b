import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { FileLock } from '../../../lib/connectors/generic/file/file-lock';
import { exporter, fileConnector, filesBelow, never, readRecords, rows, temporaryRoot, writeRecords } from './support';

describe('exports to one file', () => {
  const root = temporaryRoot();
  const { openWriter, writeAll } = exporter(root);

  it('lets one writer at a file at a time, whatever the names of the entities', async () => {
    const append = { write: { mode: 'append' } };
    const first = await openWriter({ path: 'log.csv', ...append });
    await first.write(writeRecords(rows(0, 1)), never);
    let isOpen = false;
    const opening = openWriter({ path: './log.csv', ...append }, { mappingId: 8 }).then((writer) => {
      isOpen = true;
      return writer;
    });
    // Many that are opened later are open already: this one waits.
    for (let other = 0; other < 20; other++) await (await openWriter({ path: 'other.csv', ...append })).abandon(false);
    await first.write(writeRecords(rows(1, 3)), never);
    assert.equal(isOpen, false);
    await first.finish();
    const second = await opening;
    await second.write(writeRecords(rows(3, 5)), never);
    await second.finish();
    assert.deepEqual(await readRecords(fileConnector(root.path), 'log.csv'), rows(0, 5));
    assert.deepEqual(filesBelow(root.path), ['log.csv']);
  });

  it('an interrupted append keeps its file from other mappings until it has gone on', async () => {
    const entity = { path: 'log.csv', write: { mode: 'append' } };
    await writeAll(entity, rows(0, 1));
    const interrupted = await openWriter(entity);
    await interrupted.write(writeRecords(rows(1, 2)), never);
    const state = await interrupted.state!();
    await interrupted.write(writeRecords(rows(7, 8)), never);
    await interrupted.abandon(true);
    await assert.rejects(openWriter(entity, { mappingId: 8 }), { class: 'transient', code: 'PCP_FILE_BUSY' });
    const resumed = await openWriter(entity, { resume: state });
    await resumed.write(writeRecords(rows(2, 3)), never);
    await resumed.finish();
    const other = await openWriter(entity, { mappingId: 8 });
    await other.write(writeRecords(rows(3, 4)), never);
    await other.finish();
    assert.deepEqual(await readRecords(fileConnector(root.path), 'log.csv'), rows(0, 4));
    assert.deepEqual(filesBelow(root.path), ['log.csv']);
  });

  it('goes on behind an interruption without the parts that others began meanwhile', async () => {
    const entity = { path: 's.csv', write: { mode: 'append', max_bytes: 20 } };
    await writeAll(entity, rows(0, 3));
    const interrupted = await openWriter(entity);
    await interrupted.write(writeRecords(rows(3, 6)), never);
    const state = await interrupted.state!();
    await interrupted.abandon(true);
    const before = filesBelow(root.path);
    await writeAll(entity, rows(6, 7), { mappingId: 8 });
    assert.ok(filesBelow(root.path).length > before.length, 'the other began a part');
    const resumed = await openWriter(entity, { resume: state });
    await resumed.write(writeRecords(rows(7, 8)), never);
    await resumed.finish();
    const connector = fileConnector(root.path, { entities: { s: { path: 's*.csv' } } });
    assert.deepEqual((await readRecords(connector, 's')).map(({ id }) => Number(id)).sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('what a crash before the first commit appended is cut off by whoever comes next', async () => {
    const entity = { path: 'log.csv', write: { mode: 'append' } };
    await writeAll(entity, rows(0, 1));
    const lost = await openWriter(entity);
    await lost.write(writeRecords(rows(7, 9)), never);
    await lost.abandon(true);
    const next = await openWriter(entity, { mappingId: 8 });
    await next.write(writeRecords(rows(1, 2)), never);
    await next.finish();
    assert.deepEqual(await readRecords(fileConnector(root.path), 'log.csv'), rows(0, 2));
  });

  it('waits for a writer in another process, and no longer than that lives', async () => {
    const full = join(realpathSync(root.path), 'log.csv');
    const script = `const { FileLock } = require(process.argv[1]);
      FileLock.acquire(process.argv[2], 'log.csv', new AbortController().signal).then(() => {
        console.log('held');
        setInterval(() => {}, 1000);
      });`;
    const lock = join(__dirname, '../../../lib/connectors/generic/file/file-lock.js');
    const holder = spawn(process.execPath, ['-e', script, lock, full], { stdio: ['ignore', 'pipe', 'inherit'] });
    const impatient = new AbortController();
    try {
      await once(holder.stdout, 'data');
      const waiting = FileLock.acquire(full, 'log.csv', impatient.signal);
      impatient.abort();
      await assert.rejects(waiting, { name: 'AbortError' });
    } finally {
      holder.kill('SIGKILL');
    }
    await (await openWriter({ path: 'log.csv' })).abandon(false);
  });
});
