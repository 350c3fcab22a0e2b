import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestReport } from '../../../lib/connectors/contract';
import { temporaryRoot } from './support';

/** Who has no rights but those of everybody. */
const NOBODY = 65_534;

describe('the test of a file connection, by a user who may not do everything', () => {
  const root = temporaryRoot();

  /** In a process of its own, since nothing is forbidden to root. */
  async function tested(entities: Record<string, unknown>): Promise<TestReport> {
    chmodSync(root.path, 0o755);
    const connection = { id: 1, name: 'files', connector_type: 'generic.file', credentials: {} };
    const config = { root: root.path, settle_seconds: 0, entities };
    const script = `require(${JSON.stringify(require.resolve('../../../lib/connectors/generic/file/connector'))})
      .create(${JSON.stringify({ ...connection, config })}, { log() {} })
      .test(new AbortController().signal).then((report) => console.log(JSON.stringify(report)))`;
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], user);
    return JSON.parse(stdout) as TestReport;
  }

  const failed = async (entities: Record<string, unknown>) => {
    const step = (await tested(entities)).steps.find(({ ok }) => !ok);
    return step && [step.name, step.error?.code, step.error?.message];
  };

  /** A folder that others may write to, or not. */
  function folder(name: string, mode: number): void {
    mkdirSync(join(root.path, name), { recursive: true });
    chmodSync(join(root.path, name), mode);
  }

  it('names the folder that files could not leave', async function () {
    if (process.platform === 'win32') this.skip();
    root.put('in/a.csv', 'no\n1\n');
    folder('in', 0o755);
    const moved = { a: { path: 'in/*.csv', after_read: 'move' } };
    assert.deepEqual(await failed(moved), ['authorise', 'PCP_FILE_PERMISSION', '"in" is not accessible.']);
    assert.equal(await failed({ a: { path: 'in/*.csv' } }), undefined, 'what is kept needs no such right');
    folder('in', 0o777);
    assert.equal(await failed(moved), undefined);
    folder('in/done', 0o755);
    assert.deepEqual((await failed(moved))?.at(-1), '"in/done" is not accessible.');
  });

  it('names the folder that an export could not bring its file to, or not make', async function () {
    if (process.platform === 'win32') this.skip();
    const written = { o: { path: 'out/o.csv', write: { mode: 'replace' } } };
    assert.deepEqual((await failed(written))?.slice(0, 2), ['authorise', 'PCP_FILE_PERMISSION']);
    folder('out', 0o755);
    assert.deepEqual((await failed(written))?.at(-1), '"out" is not accessible.');
    folder('out', 0o777);
    const { ok, steps } = await tested({ o: { path: 'out/{date}/o.csv', write: { mode: 'replace' } } });
    assert.deepEqual([ok, steps[1]?.detail], [true, { 'en-US': 'read and write', 'pt-BR': 'leitura e gravação' }]);
    assert.match(JSON.stringify(steps[2]?.detail), /only written/);
  });
});
