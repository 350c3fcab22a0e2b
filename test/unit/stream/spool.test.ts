import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpoolLimits } from '../../../lib/spool/limits';
import { Spool } from '../../../lib/spool/spool';
import { temporaryDirectory } from '../../support/hub';

const ROOMY: SpoolLimits = { maxBytes: 1e9, whenFull: 'stop_ack' };
const EVERYTHING = Number.MAX_SAFE_INTEGER;

describe('spool', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let path: string;
  let logged: string[];
  const opened: Spool[] = [];

  beforeEach(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    path = join(directory, 'spool.db');
    logged = [];
  });

  afterEach(async () => {
    for (const spool of opened.splice(0)) spool.close();
    await remove();
  });

  function open(limits: SpoolLimits = ROOMY): Spool {
    const spool = new Spool(path, { isFlushed: false, log: (_level, message) => logged.push(message) });
    opened.push(spool);
    spool.configure(1, limits);
    return spool;
  }

  function close(spool: Spool): void {
    opened.splice(opened.indexOf(spool), 1);
    spool.close();
  }

  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => ({ n: from + at }));
  const kept = (spool: Spool, limit = 1e6) =>
    spool.take(1, 0, EVERYTHING, limit).map(({ record }) => (record as { n: number }).n);
  const range = (from: number, to: number) => numbers(from, to).map(({ n }) => n);

  it('keeps a record that cannot be written as one that says so, and the others as they are', async () => {
    let nested: unknown = 1;
    for (let depth = 0; depth < 20_000; depth++) nested = [nested];
    const spool = open();
    await spool.append(1, [{ n: 1 }, { n: 2, tag: 'a', nested, big: 1n }, { n: 3 }], true);
    const [first, second, third] = spool.take(1, 0, EVERYTHING, 10).map(({ record }) => record);
    assert.deepEqual([first, third], [{ n: 1 }, { n: 3 }]);
    const { _error, ...rest } = second ?? {};
    assert.deepEqual([rest, (_error as { code: string }).code], [{ n: 2, tag: 'a' }, 'PCP_RECORD_UNREADABLE']);
  });

  it('gives records back in order, until they are removed, over a restart', async () => {
    const spool = open();
    await spool.append(1, numbers(1, 700), false);
    assert.deepEqual(kept(spool), range(1, 700));
    const [first] = spool.take(1, 0, EVERYTHING, 1);
    const from = first?.seq ?? 0;
    spool.remove(1, [from, from + 499]);
    close(spool);
    const again = open();
    assert.equal(again.id, spool.id);
    assert.deepEqual(kept(again), range(501, 700));
    assert.equal(again.usage(1).records, 200);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('gives back each record once wherever batches end in what came together, over a restart', async () => {
    let spool = open();
    for (let n = 1; n <= 991; n += 110) await spool.append(1, numbers(n, n + 109), true);
    const given: number[] = [];
    for (let batch = 0; given.length < 1100; batch++) {
      const rows = spool.take(1, 0, EVERYTHING, 37);
      given.push(...rows.map(({ record }) => (record as { n: number }).n));
      assert.equal(new Set(rows.map(({ seq }) => seq)).size, rows.length);
      spool.remove(1, [rows[0]?.seq ?? 0, rows.at(-1)?.seq ?? 0]);
      assert.equal(spool.usage(1).records, 1100 - given.length);
      if (batch % 7 === 0) {
        close(spool);
        spool = open();
      }
    }
    assert.deepEqual(given, range(1, 1100));
    assert.deepEqual(spool.usage(1), { records: 0, bytes: 0, dropped: 0, oldestAt: null, alarms: [] });
  });

  it('leaves out, wherever it goes on, what it gave before', async () => {
    const spool = open();
    await spool.append(1, numbers(1, 10), true);
    const [, , third] = spool.take(1, 0, EVERYTHING, 3);
    const next = spool.take(1, third?.seq ?? 0, EVERYTHING, 100);
    assert.deepEqual(
      next.map(({ record }) => (record as { n: number }).n),
      range(4, 10),
    );
  });

  it('takes a delivery once for each stream, over a restart, until its sender lets go of it', async () => {
    const delivery = (id: number, isRepeated: boolean) => ({ session: 'line', id, isRepeated });
    const append = (spool: Spool, n: number, id: number, isRepeated: boolean, stream = 1) =>
      spool.append(stream, numbers(n, n), true, undefined, delivery(id, isRepeated));
    const spool = open();
    await append(spool, 1, 7, false);
    await append(spool, 2, 8, true);
    close(spool);
    const again = open();
    again.configure(2, ROOMY);
    await append(again, 1, 7, true);
    await append(again, 1, 7, true, 2);
    await append(again, 2, 8, true);
    assert.deepEqual(kept(again), [1, 2]);
    assert.equal(again.usage(2).records, 1);
    await again.release('line', 7);
    await append(again, 3, 7, true);
    await append(again, 2, 8, true);
    await again.forget('other');
    await append(again, 2, 8, true);
    assert.deepEqual(kept(again), [1, 2, 3]);
    await again.forget('line');
    await append(again, 4, 8, true);
    assert.deepEqual(kept(again), [1, 2, 3, 4]);
  });

  it('never uses a sequence number twice', async () => {
    const spool = open();
    await spool.append(1, numbers(1, 3), true);
    const last = spool.lastSeq;
    spool.remove(1, [1, last]);
    assert.deepEqual(spool.usage(1), { records: 0, bytes: 0, dropped: 0, oldestAt: null, alarms: [] });
    close(spool);
    const again = open();
    await again.append(1, numbers(4, 4), true);
    assert.ok(again.lastSeq > last);
  });

  it('keeps what was acknowledged when its process is killed, once and in order', async () => {
    const random = (most: number) => Math.floor(Math.random() * most);
    let next = 0;
    let acknowledged = -1;
    for (let round = 0; round < 5; round++) {
      const child = fork(join(__dirname, 'appending-process.js'), [path, String(next)], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      });
      const most = 100 + random(2000);
      child.on('message', (n: number) => {
        acknowledged = n;
        if (n > next + most) child.kill('SIGKILL');
      });
      await once(child, 'exit');
      const spool = open();
      const found = kept(spool, EVERYTHING);
      close(spool);
      const last = found.at(-1) ?? -1;
      assert.ok(last >= acknowledged, `${acknowledged} was acknowledged, ${last} is the last one there`);
      assert.deepEqual(found, range(0, last));
      next = last + 1;
    }
  });

  it('acknowledges only after the commit, and nothing when the commit fails', async () => {
    const spool = open();
    const appended = spool.append(1, numbers(1, 2), true);
    assert.deepEqual(kept(spool), []);
    await appended;
    assert.deepEqual(kept(spool), [1, 2]);
    (spool as unknown as { file: { exec(sql: string): void } }).file.exec('ALTER TABLE batches RENAME TO gone');
    await assert.rejects(spool.append(1, numbers(3, 3), true), /no such table/);
    (spool as unknown as { file: { exec(sql: string): void } }).file.exec('ALTER TABLE gone RENAME TO batches');
    assert.equal(spool.usage(1).records, 2);
  });

  it('full with stop_ack takes nothing more until there is room', async () => {
    const spool = open({ maxBytes: 1e9, maxRecords: 10, whenFull: 'stop_ack' });
    await spool.append(1, numbers(1, 10), true);
    let isTaken = false;
    const late = spool.append(1, numbers(11, 12), true).then(() => {
      isTaken = true;
    });
    // Another stream is committed meanwhile.
    spool.configure(2, ROOMY);
    await spool.append(2, [{ other: 1 }], true);
    assert.equal(isTaken, false);
    const [alarm, ...others] = spool.usage(1).alarms;
    assert.deepEqual([alarm?.kind, alarm?.count, others], ['full', 2, []]);
    const [first] = spool.take(1, 0, EVERYTHING, 5);
    spool.remove(1, [first?.seq ?? 0, (first?.seq ?? 0) + 4]);
    await late;
    assert.deepEqual(spool.usage(1).alarms, [], 'nobody waits any more');
    assert.deepEqual(kept(spool), range(6, 12));
    assert.equal(spool.usage(1).dropped, 0);
    assert.match(logged.join('\n'), /^The spool of stream 1 is full \(stop_ack\)\.$/);
  });

  it('full with stop_ack keeps one copy of what its source sends again and again', async () => {
    const spool = open({ maxBytes: 1e9, maxRecords: 10, whenFull: 'stop_ack' });
    await spool.append(1, numbers(1, 10), true);
    for (let connection = 0; connection < 5; connection++) {
      const over = new AbortController();
      const refused = assert.rejects(spool.append(1, numbers(11, 12), true, over.signal), { name: 'AbortError' });
      over.abort();
      void spool.append(1, [], true, over.signal).catch(() => undefined);
      await refused;
    }
    const taken = spool.append(1, numbers(11, 12), true);
    const [first] = spool.take(1, 0, EVERYTHING, 5);
    spool.remove(1, [first?.seq ?? 0, (first?.seq ?? 0) + 4]);
    await taken;
    assert.deepEqual(kept(spool), range(6, 12));
  });

  it('lets a run put back and remove what it had in hand when its stream is forgotten', async () => {
    const spool = open(ROOMY);
    await spool.append(1, numbers(1, 10), true);
    const [first] = spool.take(1, 0, EVERYTHING, 5);
    assert.equal(spool.discard(1), 10);
    spool.remove(1, [first?.seq ?? 0, (first?.seq ?? 0) + 4]);
    spool.putBack(1);
    assert.equal(spool.usage(1).records, 0);
  });

  it('full with drop_newest counts what it drops, over a restart', async () => {
    const limits: SpoolLimits = { maxBytes: 1e9, maxRecords: 10, whenFull: 'drop_newest' };
    const spool = open(limits);
    await spool.append(1, numbers(1, 10), true);
    await spool.append(1, numbers(11, 13), true);
    assert.deepEqual(kept(spool), range(1, 10));
    close(spool);
    assert.equal(open(limits).usage(1).dropped, 3);
  });

  it('full with drop_oldest leaves alone what a run has in hand', async () => {
    const spool = open({ maxBytes: 1e9, maxRecords: 1100, whenFull: 'drop_oldest' });
    await spool.append(1, numbers(1, 1100), true);
    assert.equal(spool.take(1, 0, EVERYTHING, 50).length, 50);
    await spool.append(1, numbers(1101, 1110), true);
    spool.putBack(1);
    assert.deepEqual(kept(spool), [...range(1, 100), ...range(1101, 1110)], 'and what is written together with it');
    assert.equal(spool.usage(1).dropped, 1000);
    assert.equal(spool.usage(1).records, 110);
  });

  it('full by bytes with downsample keeps every second record of each tag', async () => {
    const spool = open({ maxBytes: 100_000, whenFull: 'downsample' });
    const record = (n: number) => ({ n, tag: n % 2 === 0 ? 'even' : 'odd' });
    for (let n = 0; n < 2_000; n += 10) {
      await spool.append(
        1,
        Array.from({ length: 10 }, (_, at) => record(n + at)),
        true,
      );
    }
    const { bytes, dropped, records } = spool.usage(1);
    assert.ok(bytes <= 100_000, String(bytes));
    assert.equal(records + dropped, 2_000);
    const found = kept(spool);
    assert.equal(found.length, records);
    assert.deepEqual(
      found,
      [...found].sort((a, b) => a - b),
    );
    assert.equal(found[0], 0);
    assert.equal(found[1], 1);
    assert.ok(found.includes(1_999));
  });

  it('full of large records with downsample reads no more of them than it has to, and takes the newest all the same', async () => {
    const spool = open({ maxBytes: 30_000_000, whenFull: 'downsample' });
    const large = (n: number, bytes: number) => ({ n, tag: 'a', text: 'x'.repeat(bytes) });
    for (let n = 0; n < 29; n++) await spool.append(1, [large(n, 1_000_000)], true);
    await spool.append(1, [large(29, 1_000_000)], true);
    const once = kept(spool);
    spool.putBack(1);
    assert.deepEqual(once.slice(0, 5), [0, 2, 4, 6, 8]);
    assert.deepEqual(once.slice(-15), range(15, 29));
    await spool.append(1, [large(30, 20_000_000)], true);
    assert.equal(kept(spool).at(-1), 30);
    assert.ok(spool.usage(1).bytes <= 30_000_000);
  });

  it('drops what became too old', async () => {
    const spool = open({ ...ROOMY, maxAgeMs: 0 });
    await spool.append(1, numbers(1, 3), true);
    while (Date.now() === spool.usage(1).oldestAt) await new Promise(setImmediate);
    (spool as unknown as { tidy(): void }).tidy();
    const { records, dropped, alarms } = spool.usage(1);
    assert.deepEqual([records, dropped, alarms[0]?.kind, alarms[0]?.count], [0, 3, 'dropped', 3]);
    assert.match(logged.join(), /too old/);
  });

  it('puts a file aside that is no database, and says so', async () => {
    writeFileSync(path, 'no database at all, but long enough to be looked at'.repeat(100));
    const spool = open();
    await spool.append(1, numbers(1, 1), true);
    assert.deepEqual(kept(spool), [1]);
    assert.ok(readdirSync(directory).some((name) => name.startsWith('spool.db.broken-')));
    assert.match(logged[0] ?? '', /damaged/);
  });

  it('forgets a stream whose mapping is gone', async () => {
    const spool = open();
    await spool.append(1, numbers(1, 3), true);
    assert.deepEqual(spool.filled, [1]);
    assert.equal(spool.discard(1), 3);
    assert.deepEqual(spool.filled, []);
    assert.ok(existsSync(path));
  });
});
