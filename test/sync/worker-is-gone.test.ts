import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Writable } from 'node:stream';
import { processStart } from '../../lib/store/process-start';
import { WORKER, workerIsGone } from '../../lib/store/worker-name';

describe('a worker of this host is known to be gone', () => {
  if (process.platform !== 'linux') return;
  let parent: ChildProcess;
  /** Ended, and its parent never asks for it. */
  let zombie: number;

  before(async () => {
    const stdio = ['ignore', 'pipe', 'ignore', 'pipe'] as const;
    parent = spawn('sh', ['-c', 'read line <&3 & echo $!; exec sleep 60'], { stdio: [...stdio] });
    zombie = Number(await once(parent.stdout!, 'data'));
    // A shell would take notice.
    while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'sleep\n') await new Promise(setImmediate);
    (parent.stdio[3] as Writable).end();
  });
  after(() => parent.kill('SIGKILL'));

  const worker = (pid: number | undefined, start: string | null) => `${hostname()}:${pid}:${start}-1a2b3c4d`;

  it('not while its process lives', () => {
    assert.equal(workerIsGone(worker(parent.pid, processStart(parent.pid!))), false);
    assert.equal(workerIsGone(`${worker(parent.pid, processStart(parent.pid!))}:7`), false);
    assert.equal(workerIsGone(WORKER), false);
  });

  it('when its process has ended, though its parent has not taken notice', async () => {
    while (processStart(zombie) !== null) await new Promise(setImmediate);
    assert.doesNotThrow(() => process.kill(zombie, 0), 'it still has its pid');
    assert.equal(workerIsGone(worker(zombie, '1')), true);
  });

  it('when another process has its pid now', () => {
    assert.equal(workerIsGone(worker(parent.pid, '1')), true);
    assert.equal(workerIsGone(worker(process.pid, processStart(process.pid))), true);
  });

  it('never of another host', () => {
    assert.equal(workerIsGone(`elsewhere:${zombie}:1-1a2b3c4d`), false);
  });
});
