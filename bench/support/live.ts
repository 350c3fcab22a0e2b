import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHub } from '../../lib/hub';
import type { ConnectionInput, Hub } from '../../lib/model/services';
import type { LiveStatus } from '../../lib/model/stream';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { readSettings } from '../../lib/settings';
import { LiveClient } from '../../lib/stream/client';
import { DefinitionFile } from '../../lib/stream/definitions';
import { memoryNow, processorSeconds } from './process';

const ID = 1;
/** Values that arrive later than so long after the last one was sent are lost, as far as the benchmark is concerned. */
const LATEST_MS = 60_000;

/** A live process that spools one stream while its store is away. */
export class SpoolingProcess {
  private constructor(
    private readonly client: LiveClient,
    private readonly directory: string,
  ) {}

  static start(connection: ConnectionInput, entity: string): SpoolingProcess {
    const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
    const settings = readSettings({ integrations: { storeUrl: 'postgres://bench@127.0.0.1:1/none' } }, directory, {});
    const keys = loadKeys({ directory });
    const client = new LiveClient(settings, keys);
    const { config = {}, ...others } = connection;
    const opened = { ...others, id: ID, config, credentials: {} };
    const stream = { mapping_id: ID, version: 1, name: 'bench', connection: opened, entity, options: {} };
    // As after a restart while the store is away.
    new DefinitionFile(directory, new Vault(keys)).write([
      { ...stream, lease: 'live:connection:1', is_live_first: true },
    ]);
    client.resume();
    return new SpoolingProcess(client, directory);
  }

  status(): LiveStatus | null {
    return this.client.status(ID);
  }

  async close(): Promise<void> {
    await this.client.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The product's own hub with one live mapping into `measurement`, whose number is the moment at which the source sent it. */
export class LiveHub {
  private constructor(
    readonly hub: Hub,
    private readonly directory: string,
    private readonly mappingId: number,
    private pid: number,
  ) {}

  /** @param storeUrl of PostgreSQL, or undefined for the embedded SQLite store */
  static async open(connection: ConnectionInput, storeUrl: string | undefined): Promise<LiveHub> {
    const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
    const integrations = storeUrl === undefined ? {} : { storeUrl };
    const hub = await createHub(readSettings({ integrations }, directory, {}));
    const { id: connection_id } = await hub.connections.create(connection);
    const mapping = await hub.mappings.create({
      connection_id,
      name: 'bench values',
      direction: 'import',
      sync_mode: 'live',
      source_entity: 'values',
      entity_type: 'measurement',
      target_entity: 'measurement',
      field_mappings: [
        { target: 'source', constant: 'bench' },
        { source: '_topic', target: 'tag' },
        { source: '_time', target: 'source_timestamp' },
        { source: '_id', target: 'record_id' },
        { source: '_number', target: 'value_number' },
        { source: '_text', target: 'value_text' },
        { source: 'quality', target: 'quality' },
        { source: 'backfilled', target: 'backfilled' },
      ],
    });
    return new LiveHub(hub, directory, mapping.id, 0);
  }

  status(): LiveStatus | null {
    return this.hub.live.status(this.mappingId);
  }

  async connected(): Promise<void> {
    while (this.status()?.state !== 'connected') await delay(50);
    this.pid = (await this.hub.health()).live.pid ?? 0;
  }

  /** Of the live process. */
  memoryMb(): number {
    return memoryNow(this.pid) ?? Number.NaN;
  }

  /** Of the live process. */
  processorSeconds(): number {
    return processorSeconds(this.pid);
  }

  async arrived(count: number): Promise<void> {
    const deadline = Date.now() + LATEST_MS;
    for (;;) {
      const arrived = await this.number('SELECT COUNT(*) FROM pcp_measurement');
      if (arrived >= count) return;
      if (Date.now() > deadline) throw new Error(`${arrived} of ${count} values arrived.`);
      await delay(500);
    }
  }

  /** Rate from the first row to the last, and a quantile of how old values were when they were written. */
  async measure(): Promise<{ rate: number; lagMs(quantile: number): Promise<number> }> {
    const count = await this.number('SELECT COUNT(*) FROM pcp_measurement');
    const milliseconds = await this.number('SELECT MAX(_updated_at) - MIN(_updated_at) FROM pcp_measurement');
    return {
      rate: (1000 * count) / milliseconds,
      lagMs: (quantile) =>
        this.number(
          `SELECT _updated_at - value_number AS lag FROM pcp_measurement ORDER BY 1 LIMIT 1 OFFSET ${Math.floor(quantile * (count - 1))}`,
        ),
    };
  }

  async close(): Promise<void> {
    await this.hub.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async number(sql: string): Promise<number> {
    const [row] = await this.hub.database.query(sql);
    return Number(Object.values(row ?? {})[0]);
  }
}
