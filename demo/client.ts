import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionView, JobStatus, MappingView, Page } from '../lib/model/services';
import type { LiveStatus } from '../lib/model/stream';
import type { DeadLetter, SyncLog } from '../lib/model/sync';

export type LiveMapping = MappingView & { live?: LiveStatus | null };

/** The little of the hub's HTTP API that the demo uses, as any other program would. */
export class DemoClient {
  constructor(private readonly base: string) {}

  /** @throws when it has not answered within the time given */
  async waitUntilUp(timeoutMs: number, stillRunning: () => boolean): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const answer = await fetch(`${this.base}/integrations/health`).catch(() => null);
      if (answer?.ok) return;
      if (!stillRunning()) throw new Error('Node-RED ended while it was starting.');
      if (Date.now() > deadline) throw new Error(`Node-RED did not answer within ${timeoutMs / 1000} s.`);
      await delay(200);
    }
  }

  /**
   * Waits until the deployed flows have registered theirs, since Node-RED starts flows after its server. After 30 s the
   * answer is what there is: the user may have changed the flows.
   */
  async registered(expected: { connections: number; mappings: number }): Promise<ConnectionView[]> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const connections = await this.get<Page<ConnectionView>>('/integrations/connections?is_active=true&limit=100');
      const mappings = await this.get<Page<MappingView>>('/integrations/mappings?is_active=true&limit=100');
      const isComplete = connections.total >= expected.connections && mappings.total >= expected.mappings;
      if (isComplete || Date.now() > deadline) return connections.items;
      await delay(200);
    }
  }

  /**
   * Starts a sync of all mappings of a connection and waits for its end. A run that is active already (after a power cut the
   * hub goes on with it by itself) is followed first.
   * @returns the jobs that were followed, in their order
   * @throws when the hub refuses the sync, or a job goes on for longer than `patienceMs`
   */
  async synchronise(connectionId: number, patienceMs = 120_000): Promise<JobStatus[]> {
    const deadline = Date.now() + patienceMs;
    const finished: JobStatus[] = [];
    for (;;) {
      const response = await this.post(`/integrations/sync/${connectionId}`, {});
      if (response.status === 202) {
        const { job_id } = (await response.json()) as { job_id: string };
        finished.push(await this.follow(job_id, deadline));
        return finished;
      }
      const problem = await problemOf(response);
      if (problem.code !== 'PCP_RUN_ACTIVE') throw new Error(problem.sentence);
      for (const job of await this.activeJobs(connectionId)) finished.push(await this.follow(job, deadline));
      if (Date.now() > deadline) throw new Error(problem.sentence);
      await delay(150);
    }
  }

  private async follow(job_id: string, deadline: number): Promise<JobStatus> {
    for (;;) {
      const job = await this.get<JobStatus>(`/integrations/sync/status/${job_id}`);
      if (job.status !== 'in_progress') return job;
      if (Date.now() > deadline) throw new Error(`Job ${job_id} is still in progress.`);
      await delay(150);
    }
  }

  private async activeJobs(connectionId: number): Promise<Set<string>> {
    const query = `connection_id=${connectionId}&status=in_progress&limit=100`;
    const page = await this.get<Page<SyncLog>>(`/integrations/sync/logs?${query}`);
    return new Set(page.items.map((log) => log.job_id));
  }

  /** Says of each target of exports that it is what it was, whatever its address. */
  async keepTargets(): Promise<void> {
    const page = await this.get<Page<MappingView>>('/integrations/mappings?is_active=true&limit=100');
    for (const { id } of page.items.filter(({ direction }) => direction === 'export')) {
      const response = await this.post(`/integrations/mappings/${id}/target`, { is: 'same' });
      if (!response.ok) throw new Error((await problemOf(response)).sentence);
    }
  }

  /** Number of the records that wait for a correction, and one of them when there is any. */
  async openDeadLetters(): Promise<{ total: number; newest: DeadLetter | undefined }> {
    const page = await this.get<Page<DeadLetter>>('/integrations/sync/dead-letters?state=open&limit=1');
    return { total: page.total, newest: page.items[0] };
  }

  async mappingNames(): Promise<Map<number, string>> {
    const page = await this.get<Page<MappingView>>('/integrations/mappings?limit=100');
    return new Map(page.items.map((mapping) => [mapping.id, mapping.name]));
  }

  /** The live mappings as they are, as soon as each is connected and the first measurements are in the platform. */
  async liveMappings(patienceMs: number): Promise<LiveMapping[]> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const page = await this.get<Page<LiveMapping>>('/integrations/mappings?is_active=true&limit=100');
      const live = page.items.filter(({ sync_mode }) => sync_mode === 'live');
      if (live.every(hasArrived) || Date.now() > deadline) return live;
      await delay(200);
    }
  }

  async countRecords(entity: string): Promise<number> {
    return (await this.get<Page<unknown>>(`/integrations/entities/${entity}/records?limit=1`)).total;
  }

  private post(path: string, body: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(this.base + path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(this.base + path);
    if (!response.ok) throw new Error((await problemOf(response)).sentence);
    return (await response.json()) as T;
  }
}

/** Reports of production may be long in coming. */
function hasArrived({ live, target_entity }: LiveMapping): boolean {
  if (live?.state !== 'connected') return false;
  return target_entity !== 'measurement' || live.received > live.backlog.records;
}

/** What an answer that is not a success says, as a sentence. */
async function problemOf(response: Response): Promise<{ code: string | undefined; sentence: string }> {
  const text = await response.text();
  try {
    const { code, detail, hint } = JSON.parse(text) as { code?: string; detail?: string; hint?: string };
    return { code, sentence: [detail ?? `Status ${response.status}.`, hint].filter(Boolean).join(' ') };
  } catch {
    return { code: undefined, sentence: `The hub answered ${response.status}: ${text.slice(0, 200)}` };
  }
}
