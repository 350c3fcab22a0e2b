import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FieldMapping } from '../../lib/model/mapping';
import type { Hub, MappingInput, MappingView, ReplaySelection } from '../../lib/model/services';
import type { DeadLetter, SyncLog } from '../../lib/model/sync';
import type { SqlDatabase } from '../../lib/protocols/sql/database';
import { openDatabase } from '../../lib/protocols/sql/open';
import type { HubSettings } from '../../lib/settings';
import type { StorePlace } from '../unit/store/stores';
import { jobEnd, openHub, runToEnd } from './hub';

export const ORDER_FIELDS: FieldMapping[] = [
  { source: 'id', target: 'order_number', type: 'string' },
  { source: 'material', target: 'material' },
  { source: 'quantity', target: 'quantity', type: 'decimal' },
  { source: 'status', target: 'status', lookup: { REL: 'released' } },
];

/** An import of orders from a database of a plant, and the dead letters that come of it. */
export class OrderImport {
  private constructor(
    private readonly place: StorePlace,
    public hub: Hub,
    readonly source: SqlDatabase,
    readonly connectionId: number,
    readonly mapping: MappingView,
  ) {}

  static async create(place: StorePlace, settings: Partial<HubSettings> = {}): Promise<OrderImport> {
    const folder = join(place.options.directory, 'erp');
    await mkdir(folder);
    const hub = await openAt(place, settings);
    const config = { dialect: 'sqlite', storage: join(folder, 'erp.db') };
    const source = await openDatabase({ dialect: 'sqlite', storage: config.storage });
    await source.execute(
      'CREATE TABLE orders (id TEXT PRIMARY KEY, material TEXT, quantity TEXT, status TEXT, changed TEXT)',
    );
    const { id } = await hub.connections.create({ name: 'erp', connector_type: 'generic.database', config });
    return new OrderImport(place, hub, source, id, await hub.mappings.create(mappingOf(id)));
  }

  /** The mapping with some changes. */
  input(changes: Partial<MappingInput> = {}): MappingInput {
    return { ...mappingOf(this.connectionId), ...changes };
  }

  /** Something in each order changes that the mapping does not read. */
  async put(id: string, quantity: string, status = 'REL', material = 'M-1'): Promise<void> {
    const row = [id, material, quantity, status, String(Math.random())];
    await this.source.execute('INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)', row);
  }

  async run(dryRun = false): Promise<SyncLog> {
    const { logs } = await runToEnd(this.hub, this.connectionId, { mapping_id: this.mapping.id, dry_run: dryRun });
    return logs[0]!;
  }

  async replay(selection: ReplaySelection): Promise<SyncLog> {
    const [job] = await this.hub.sync.replay(selection);
    return (await jobEnd(this.hub, job!.job_id)).logs[0]!;
  }

  /** Newest first. */
  async letters(): Promise<DeadLetter[]> {
    return (await this.hub.sync.deadLetters({ state: 'open' })).items;
  }

  order(number: string): Promise<Record<string, unknown>> {
    return this.hub.records.get('production_order', [number]);
  }

  /** Starts the hub anew. */
  async reopen(settings: Partial<HubSettings>): Promise<void> {
    await this.hub.close();
    this.hub = await openAt(this.place, settings);
  }

  async close(): Promise<void> {
    await this.hub.close();
    await this.source.close();
  }
}

function openAt({ options }: StorePlace, settings: Partial<HubSettings>): Promise<Hub> {
  return openHub(options.directory, { storeUrl: options.url, ...settings });
}

function mappingOf(connectionId: number): MappingInput {
  return {
    connection_id: connectionId,
    name: 'orders',
    entity_type: 'production_order',
    direction: 'import',
    source_entity: 'orders',
    target_entity: 'production_order',
    field_mappings: ORDER_FIELDS,
    options: { max_error_ratio: 1 },
  };
}
