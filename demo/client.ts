import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionView, JobStatus, MappingView, Page } from '../lib/model/services';

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

  /** Waits until the deployed flows have registered theirs, since Node-RED starts flows after its server. */
  async registered(expected: { connections: number; mappings: number }): Promise<ConnectionView[]> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const connections = await this.get<Page<ConnectionView>>('/integrations/connections?is_active=true&limit=100');
      const mappings = await this.get<Page<MappingView>>('/integrations/mappings?is_active=true&limit=100');
      const isComplete = connections.total >= expected.connections && mappings.total >= expected.mappings;
      if (isComplete) return connections.items;
      if (Date.now() > deadline) {
        const found = `${connections.total} connections and ${mappings.total} mappings`;
        throw new Error(`Of the demo's flows only ${found} appeared.`);
      }
      await delay(200);
    }
  }

  /** Starts a sync of all mappings of a connection and waits for its end. */
  async synchronise(connectionId: number): Promise<JobStatus> {
    const response = await fetch(`${this.base}/integrations/sync/${connectionId}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    if (response.status !== 202) throw new Error(`Sync of connection ${connectionId}: ${await response.text()}`);
    const { job_id } = (await response.json()) as { job_id: string };
    for (;;) {
      const job = await this.get<JobStatus>(`/integrations/sync/status/${job_id}`);
      if (job.status !== 'in_progress') return job;
      await delay(150);
    }
  }

  async mappingNames(): Promise<Map<number, string>> {
    const page = await this.get<Page<MappingView>>('/integrations/mappings?limit=100');
    return new Map(page.items.map((mapping) => [mapping.id, mapping.name]));
  }

  async countRecords(entity: string): Promise<number> {
    return (await this.get<Page<unknown>>(`/integrations/entities/${entity}/records?limit=1`)).total;
  }

  private async get<T>(path: string): Promise<T> {
    const response = await fetch(this.base + path);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
}
