import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHub } from '../../lib/hub';
import type { ConnectionInput, Hub, JobStatus, MappingInput } from '../../lib/model/services';
import { readSettings } from '../../lib/settings';
import { ORDER_FIELDS, ORDER_SCHEMA } from './orders';
import { peakMemory } from './process';

export const ORDER_TYPE = 'bench_order';

export interface SyncMeasure {
  rows: number;
  unchanged: number;
  /** From the claim of the run to its end: no peer's figure holds the start of its process, or how often one looks at it. */
  rowsPerSecond: number;
  /** Of the runner, in MB. */
  peakMemoryMb: number | null;
}

/** What a mapping of the benchmark says; its fields are those of the benchmark's order as rows have them, if it names none. */
export type BenchMapping = Pick<MappingInput, 'direction' | 'source_entity'> &
  Partial<Pick<MappingInput, 'field_mappings'>>;

/** The product's own hub with a store of its own, its entity type for the orders and one connection. */
export class BenchHub {
  private constructor(
    readonly hub: Hub,
    private readonly directory: string,
    private readonly connectionId: number,
  ) {}

  /**
   * @param storeUrl of PostgreSQL, or undefined for the embedded SQLite store
   * @param peer another system in place of the platform, and its entity
   */
  static async open(
    connection: ConnectionInput,
    mappings: BenchMapping[],
    storeUrl?: string,
    peer?: { connection: ConnectionInput; entity: string },
  ): Promise<BenchHub> {
    const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
    const integrations = storeUrl ? { storeUrl } : {};
    const hub = await createHub(readSettings({ integrations }, directory, {}));
    await hub.entityTypes.create({
      type: ORDER_TYPE,
      title: 'Order of the benchmark',
      key: ['order_number'],
      schema: ORDER_SCHEMA,
    });
    const { id } = await hub.connections.create(connection);
    const other = peer && {
      peer_connection_id: (await hub.connections.create(peer.connection)).id,
      target_entity: peer.entity,
    };
    for (const mapping of mappings) {
      await hub.mappings.create({
        connection_id: id,
        name: `bench ${mapping.direction}`,
        entity_type: ORDER_TYPE,
        target_entity: ORDER_TYPE,
        field_mappings: ORDER_FIELDS,
        key_fields: ['order_number'],
        ...other,
        ...mapping,
      });
    }
    // Starts the runner: what is measured is a run, not a process that begins.
    await hub.runner.test(await hub.connections.open(id));
    return new BenchHub(hub, directory, id);
  }

  /** @param full reads everything again, whatever the checkpoint says, and writes all of it where links alone tell what is there */
  async synchronise(direction: 'import' | 'export' = 'import', full = true): Promise<SyncMeasure> {
    let job: JobStatus = await this.hub.sync.start(this.connectionId, { full, direction });
    let peak: number | null = null;
    while (job.status === 'in_progress') {
      await delay(100);
      const { pid } = (await this.hub.health()).runner;
      peak = (pid === null ? null : peakMemory(pid)) ?? peak;
      job = await this.hub.sync.status(job.job_id);
    }
    const [log] = job.logs;
    if (log?.status !== 'success') throw new Error(`The run failed: ${log?.error_message ?? 'no log'}`);
    return {
      rows: log.records_processed,
      unchanged: log.details.unchanged,
      rowsPerSecond: log.records_processed / ((Date.parse(log.ended_at ?? '') - Date.parse(log.started_at)) / 1000),
      peakMemoryMb: peak,
    };
  }

  async close(): Promise<void> {
    await this.hub.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
