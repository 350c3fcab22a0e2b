import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Difference, DifferenceKind, Reconciliation, ReconciliationRequest } from '../../lib/model/reconciliation';
import type { Hub, MappingInput, MappingView } from '../../lib/model/services';
import type { SqlDatabase } from '../../lib/protocols/sql/database';
import { openDatabase } from '../../lib/protocols/sql/open';
import type { HubSettings } from '../../lib/settings';
import type { StorePlace } from '../unit/store/stores';
import { jobEnd, jobWhen, openHub, runToEnd } from './hub';

export const BY = { id: 'user:anna', name: 'anna', origin: null };
const TYPE = 'stock_item';

type Compared = Reconciliation & { sample: Difference[] };

/** A table of a plant that is imported into the platform, and both of them for a test to spoil. */
export class ComparedImport {
  private constructor(
    private readonly place: StorePlace,
    public hub: Hub,
    readonly source: SqlDatabase,
    readonly connectionId: number,
    readonly mapping: MappingView,
  ) {}

  static async create(place: StorePlace, changes: Partial<MappingInput> = {}): Promise<ComparedImport> {
    const folder = join(place.options.directory, 'plant');
    await mkdir(folder);
    const hub = await openAt(place, {});
    await hub.entityTypes.create({
      type: TYPE,
      title: 'Stock item',
      key: ['code'],
      schema: {
        type: 'object',
        required: ['code'],
        properties: {
          code: { type: 'string' },
          quantity: { type: ['string', 'null'], format: 'decimal' },
          counted_at: { type: ['string', 'null'], format: 'date-time' },
          note: { type: ['string', 'null'] },
        },
      },
    });
    const config = { dialect: 'sqlite', storage: join(folder, 'plant.db') };
    const source = await openDatabase({ dialect: 'sqlite', storage: config.storage });
    // Without a key, so that there may be two of one.
    await source.execute('CREATE TABLE items (code TEXT, quantity TEXT, counted_at TEXT, note TEXT)');
    const { id } = await hub.connections.create({ name: 'plant', connector_type: 'generic.database', config });
    const mapping = await hub.mappings.create({ ...mappingOf(id), ...changes });
    return new ComparedImport(place, hub, source, id, mapping);
  }

  async put(...rows: { code: string; quantity?: string; note?: string; counted_at?: string }[]): Promise<void> {
    await this.source.transaction(async (transaction) => {
      for (const { code, quantity = '1.50', note = 'fine', counted_at = '2026-11-01T10:00:00Z' } of rows) {
        await transaction.execute('DELETE FROM items WHERE code = ?', [code]);
        await transaction.execute('INSERT INTO items VALUES (?, ?, ?, ?)', [code, quantity, counted_at, note]);
      }
    });
  }

  /** Many records, "K-0" and so on. */
  async fill(count: number): Promise<void> {
    await this.source.execute(
      `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
       INSERT INTO items SELECT 'K-' || n, '1.50', '2026-11-01T10:00:00Z', 'fine' FROM numbers`,
      [count - 1],
    );
  }

  async sync(): Promise<void> {
    const { status, logs } = await runToEnd(this.hub, this.connectionId, { mapping_id: this.mapping.id });
    if (status !== 'success') throw new Error(JSON.stringify(logs));
  }

  /** Compares, looking again at once. */
  async compare(request: ReconciliationRequest = {}): Promise<Compared> {
    await comparisonsEnd(this.hub);
    const { id } = await this.hub.reconciliations.start(this.mapping.id, { settle_seconds: 0, ...request }, BY);
    return this.end(id);
  }

  /** Begins one, and waits for its first look to be over. */
  async firstLook(): Promise<number> {
    await comparisonsEnd(this.hub);
    const { id, job_id } = await this.hub.reconciliations.start(this.mapping.id, { settle_seconds: 86_400 }, BY);
    await jobWhen(this.hub, job_id, ({ logs }) => logs[0]?.details.state === 'waiting_retry');
    return id;
  }

  /** As when a day, and what a source lags behind, has passed. */
  async secondLook(id: number): Promise<Compared> {
    const { database, sync } = this.hub;
    await database.execute(
      `UPDATE integration_reconciliations SET settled_at = settled_at - 86460000, settle_seconds = 0 WHERE id = ?`,
      [id],
    );
    await database.execute(
      `UPDATE integration_sync_logs SET next_attempt_at = 0 WHERE kind = 'reconcile' AND state = 'waiting_retry'`,
    );
    // Nobody looks at once whether it is time.
    await sync.endPause(this.connectionId);
    return this.end(id);
  }

  async end(id: number): Promise<Compared> {
    await jobEnd(this.hub, (await this.hub.reconciliations.get(id)).job_id);
    return this.hub.reconciliations.get(id);
  }

  /** What the repair of a comparison came to. */
  async repaired({ repair_job_id: jobId }: Pick<Reconciliation, 'repair_job_id'>) {
    const { logs } = await jobEnd(this.hub, String(jobId));
    const { records_processed: processed, details } = logs[0]!;
    const { created, updated, unchanged, state } = details;
    return { state, counters: { processed, created, updated, unchanged } };
  }

  /** Changes what the platform holds behind the hub's back. */
  async spoil(sql: string, parameters: string[] = []): Promise<void> {
    await this.hub.database.execute(sql.replace('TARGET', `pcp_${TYPE}`), parameters);
  }

  async target(): Promise<Record<string, unknown>[]> {
    return (await this.hub.records.list(TYPE, { limit: 1000 })).items;
  }

  async reopen(settings: Partial<HubSettings> = {}): Promise<void> {
    await this.hub.close();
    this.hub = await openAt(this.place, settings);
  }

  async close(): Promise<void> {
    await this.hub.close();
    await this.source.close();
  }
}

/** Resolves when none is going on, such as those that follow a repair; with the newest. */
export async function comparisonsEnd(hub: Hub): Promise<Compared | undefined> {
  const { items } = await hub.reconciliations.list({ limit: 100 });
  for (const { job_id, status } of items) if (status === 'in_progress') await jobEnd(hub, job_id);
  return items[0] && hub.reconciliations.get(items[0].id);
}

/** "different A", sorted. */
export function found({ sample }: Compared): string[] {
  return sample.flatMap(({ kind, key, known }) => (known === null ? [`${kind} ${key.join()}`] : [])).sort();
}

export function planted(differences: readonly [DifferenceKind, string][]): string[] {
  return differences.map(([kind, code]) => `${kind} ${code}`).sort();
}

function openAt({ options }: StorePlace, settings: Partial<HubSettings>): Promise<Hub> {
  return openHub(options.directory, { storeUrl: options.url, ...settings });
}

function mappingOf(connectionId: number): MappingInput {
  return {
    connection_id: connectionId,
    name: 'items',
    entity_type: TYPE,
    direction: 'import',
    source_entity: 'items',
    target_entity: TYPE,
    field_mappings: [
      { source: 'code', target: 'code', type: 'string' },
      { source: 'quantity', target: 'quantity', type: 'decimal' },
      { source: 'counted_at', target: 'counted_at', type: 'datetime' },
      { source: 'note', target: 'note' },
    ],
    options: { max_error_ratio: 1 },
  };
}
