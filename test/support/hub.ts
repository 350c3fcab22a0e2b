import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub } from '../../lib/hub';
import type { Hub, JobStatus } from '../../lib/model/services';
import { type HubSettings, readSettings } from '../../lib/settings';

/** A directory of its own, and how to remove it. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'pcp-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** PCP_TEST_LOG=1 shows what the hub says. */
const log: HubSettings['log'] = (level, message) => {
  if (process.env.PCP_TEST_LOG) process.stderr.write(`${level}: ${message}\n`);
};

/** The real hub with its real runner, as Node-RED would open it; retries wait no time. */
export function openHub(
  directory: string,
  changes: Partial<HubSettings> & { section?: Record<string, unknown> } = {},
): Promise<Hub> {
  const { section, ...rest } = changes;
  const settings = readSettings(
    { integrations: { retry: { seconds: 0, attempts: 3 }, ...section } },
    directory,
    {},
    log,
  );
  return createHub({ ...settings, ...rest });
}

/** Resolves when no run of the job is in progress any more. The test's own time limit bounds it. */
export function jobEnd(hub: Hub, jobId: string): Promise<JobStatus> {
  return jobWhen(hub, jobId, (status) => status.status !== 'in_progress');
}

/** Resolves with the first state of a job that fulfils a condition. */
export function jobWhen(hub: Hub, jobId: string, wanted: (status: JobStatus) => boolean): Promise<JobStatus> {
  return new Promise((resolve, reject) => {
    const look = (status: JobStatus): void => {
      if (!wanted(status)) return;
      stop();
      resolve(status);
    };
    const unwatch = hub.sync.watch(jobId, look);
    // The runner's messages may get lost with the runner.
    const poll = setInterval(() => hub.sync.status(jobId).then(look, fail), 200);
    const stop = (): void => {
      clearInterval(poll);
      unwatch();
    };
    const fail = (error: unknown): void => {
      stop();
      reject(error);
    };
    hub.sync.status(jobId).then(look, fail);
  });
}

export async function runToEnd(
  hub: Hub,
  connectionId: number,
  request: Parameters<Hub['sync']['start']>[1] = {},
): Promise<JobStatus> {
  const { job_id } = await hub.sync.start(connectionId, request);
  return jobEnd(hub, job_id);
}
