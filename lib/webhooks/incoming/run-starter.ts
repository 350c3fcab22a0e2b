import { IntegrationError } from '../../model/errors';
import type { Connections, Mappings } from '../../model/services';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import type { JobStarter } from '../../sync/runs/start';
import { streamsOf } from '../../sync/runs/streams';

export interface RunStarterOptions {
  database: SqlDatabase;
  mappings: Pick<Mappings, 'get'>;
  connections: Pick<Connections, 'get'>;
  starter: JobStarter;
  /** Tells the runner that there is work; must not throw. */
  wakeRunner(): void;
}

/** Starts the run of a mapping about which something was reported. */
export class RunStarter {
  constructor(private readonly options: RunStarterOptions) {}

  /**
   * @param decide marks the reports as done with, in the transaction that starts the run; false when another process has
   * @throws config PCP_MAPPING_INACTIVE: the reports are kept until it is active
   */
  async start(mappingId: number, decide: (transaction: SqlTransaction) => Promise<boolean>): Promise<void> {
    const { database, mappings, connections, starter, wakeRunner } = this.options;
    const mapping = await mappings.get(mappingId);
    const { is_active } = await connections.get(mapping.connection_id);
    if (!mapping.is_active || !is_active) {
      throw new IntegrationError('config', 'PCP_MAPPING_INACTIVE', `Mapping "${mapping.name}" is not active.`);
    }
    const waiting = await this.waiting(mappingId);
    // A run that has not begun is going to read what is reported by now; an export of a two-way mapping reads this side only.
    if (waiting.has(mapping.direction === 'export' ? 'export' : 'import')) await decide(database);
    else {
      const streams = streamsOf(mapping).filter(({ direction }) => !waiting.has(direction));
      // Behind whatever is there, a repair and a run that waits for its next attempt as well: neither reads what is reported by now.
      const job = { streams, trigger: 'webhook', overlap: 'queue_all' } as const;
      if (await starter.startUnattended([job], decide)) wakeRunner();
    }
  }

  /** Directions of runs that have not begun. */
  private async waiting(mappingId: number): Promise<Set<string>> {
    const rows = await this.options.database.query(
      `SELECT direction FROM integration_sync_logs WHERE mapping_id = ? AND kind = 'sync' AND state = 'queued'
         AND attempts = 0 AND dry_run = ?`,
      [mappingId, false],
    );
    return new Set(rows.map(({ direction }) => String(direction)));
  }
}
