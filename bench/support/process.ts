import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Highest resident memory of a living process so far, in MB; null where /proc is missing or the process is gone. */
export function peakMemory(pid: number): number | null {
  return statusLine(pid, 'VmHWM');
}

/** Resident memory now, in MB. */
export function memoryNow(pid: number): number | null {
  return statusLine(pid, 'VmRSS');
}

/** Processor time that a living process has taken, in seconds: tells its cost on a machine that others use as well. */
export function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function statusLine(pid: number, name: string): number | null {
  try {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) / 1024 : null;
  } catch {
    return null;
  }
}

/** Runs a compiled module in a process of its own and gives the one message that it sends. @throws when it ends without */
export function runAlone<Result>(modulePath: string, argument: unknown): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(modulePath, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let result: Result | undefined;
    child.once('message', (message) => {
      result = message as Result;
      child.disconnect();
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (result !== undefined) resolve(result);
      else reject(new Error(`${modulePath} ended with code ${code} before it had a result.`));
    });
    child.send(argument as object);
  });
}
