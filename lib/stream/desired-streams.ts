import type { ConnectionOfRun } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { Mapping } from '../model/mapping';
import type { SqlDatabase } from '../protocols/sql/database';
import { settleLeftStreams } from '../sync/runs/left-streams';
import { truth } from '../sync/runs/run-rows';
import type { LiveClient } from './client';
import type { StreamDefinition } from './definitions';

export interface DesiredStreamsOptions {
  database: SqlDatabase;
  mapping(id: number): Promise<Mapping>;
  /** Whether a node is part of the flows of this instance, as far as they have started. */
  isDeployed(nodeId: string): boolean;
  openConnection(id: number): Promise<ConnectionOfRun>;
  client: Pick<LiveClient, 'setStreams'>;
  /** A run of this job was ended. */
  onChange(jobId: string): void;
  log(level: 'warn', message: string): void;
}

/** Tells the live process which streams there are to be: the active live mappings of active connections. */
export class DesiredStreams {
  private refreshing: Promise<void> | null = null;
  private again = false;

  constructor(private readonly options: DesiredStreamsOptions) {}

  /** Something may have changed. Never throws: while the store is away the streams stay as they are. */
  refresh(): Promise<void> {
    if (this.refreshing !== null) {
      this.again = true;
      return this.refreshing;
    }
    this.refreshing = this.tell()
      .catch((error: unknown) =>
        this.options.log('warn', `The live mappings could not be read: ${IntegrationError.from(error).message}`),
      )
      .finally(() => {
        this.refreshing = null;
        if (!this.again) return;
        this.again = false;
        void this.refresh();
      });
    return this.refreshing;
  }

  private async tell(): Promise<void> {
    const { database, client, onChange } = this.options;
    const rows = await database.query(
      `SELECT id, is_active FROM integration_mappings WHERE sync_mode = 'live' ORDER BY id`,
    );
    const streams: StreamDefinition[] = [];
    const unknown: number[] = [];
    for (const { id, is_active } of rows) {
      if (!truth(is_active)) continue;
      const definition = await this.define(Number(id));
      if (definition === 'unknown') unknown.push(Number(id));
      else if (definition !== null) streams.push(definition);
    }
    client.setStreams(
      streams,
      rows.map(({ id }) => Number(id)),
      unknown,
    );
    for (const jobId of await settleLeftStreams(database, Date.now())) onChange(jobId);
  }

  private async define(id: number): Promise<StreamDefinition | 'unknown' | null> {
    const mapping = await this.options.mapping(id);
    const { managed_by, node_id, connection_id } = mapping;
    const isOfFlow = managed_by === 'flow' && node_id !== null;
    // Another instance's, or Node-RED has not started its flows yet: what it listened to goes on.
    if (isOfFlow && !this.options.isDeployed(node_id)) return 'unknown';
    try {
      const { timezone: _, ...connection } = await this.options.openConnection(connection_id);
      const live = mapping.options.live ?? {};
      const isMeasurement = mapping.peer_connection_id === null && mapping.target_entity === 'measurement';
      return {
        mapping_id: id,
        version: mapping.version,
        name: mapping.name,
        lease: isOfFlow ? `live:mapping:${id}` : `live:connection:${connection_id}`,
        connection,
        entity: mapping.source_entity,
        options: live,
        is_live_first: live.order === undefined ? isMeasurement : live.order === 'live_first',
      };
    } catch (error) {
      const { code, class: errorClass } = IntegrationError.from(error);
      // Likewise: flows bring the credentials, and until then the stream goes on with those it had.
      if (code === 'PCP_FLOW_NOT_DEPLOYED') return 'unknown';
      if (errorClass === 'config') return null;
      throw error;
    }
  }
}
