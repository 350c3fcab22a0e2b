import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '../../demo/random';
import type { Hub, JobStatus } from '../../lib/model/services';
import { jobEnd } from './hub';

interface Torture {
  hub: Hub;
  random: SeededRandom;
  /** How often the runner is killed. */
  kills: number;
  connectionId: number;
  mappingId: number;
  prepare(round: number): Promise<void>;
  /** Before each kill, while the runner stands still: what it has committed by then is all that it ever will. */
  halted?(): Promise<void>;
  verify(round: number, job: JobStatus): Promise<void>;
}

/** Runs a mapping again and again, killing the runner at random moments, until the kills are used up. */
export async function killTheRunner(torture: Torture): Promise<void> {
  const { hub, random } = torture;
  let kills = 0;
  for (let round = 0; kills < torture.kills; round++) {
    await torture.prepare(round);
    const { job_id } = await hub.sync.start(torture.connectionId, { mapping_id: torture.mappingId });
    let ended = false;
    const end = jobEnd(hub, job_id).finally(() => {
      ended = true;
    });
    // Every third kill comes as soon as the runner has the run, or before; the others after it has committed something.
    let early = random.next() < 0.3;
    let ready = false;
    let committed = 0;
    const unwatch = hub.sync.watch(job_id, ({ progress }) => {
      ready ||= early || progress.processed > committed;
      committed = Math.max(committed, progress.processed);
    });
    while (!ended && kills < torture.kills) {
      await Promise.race([end, delay(ready ? random.next() * 300 : 10)]);
      const { pid } = (await hub.health()).runner;
      if (ended || pid === null || !ready) continue;
      if (torture.halted !== undefined && (await halt(pid))) await torture.halted();
      if (!kill(pid, 'SIGKILL')) continue;
      ready = false;
      early = random.next() < 0.3;
      kills++;
    }
    unwatch();
    const job = await end;
    assert.equal(job.status, 'success', JSON.stringify(job.logs[0]));
    await torture.verify(round, job);
  }
}

/** False when it ended by itself meanwhile. */
async function halt(pid: number): Promise<boolean> {
  if (!kill(pid, 'SIGSTOP')) return false;
  while (!isHalted(pid)) await delay(1);
  return true;
}

function isHalted(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((id) => /\) [TZ] /.test(readFileSync(`${tasks}/${id}/stat`, 'latin1')));
}

/** False when it ended by itself meanwhile. */
function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
