import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { processStart } from './process-start';

/** What this process is called in rows that it holds, "host:pid:start-nonce": others on its host see when it is gone. */
export const WORKER = `${hostname()}:${process.pid}:${processStart(process.pid)}-${randomUUID().slice(0, 8)}`;

/** True when the worker ran on this host and its process has ended. Nothing can be said about other hosts. */
export function workerIsGone(worker: string | null): boolean {
  // One worker may hold several things, each under its name and a number.
  if (worker === null || worker === WORKER || worker.startsWith(`${WORKER}:`)) return false;
  const [host, pidText, begun = ''] = worker.split(':');
  const pid = Number(pidText);
  if (host !== hostname() || !Number.isInteger(pid) || pid <= 0) return false;
  if (pid === process.pid) return true;
  const start = processStart(pid);
  // Where nobody knows when processes began, one of this pid is taken for the owner.
  return start === null || (start !== '' && begun.includes('-') && start !== begun.split('-')[0]);
}
