import { join } from 'node:path';
import { AuditLog } from '../../lib/audit/audit-log';
import { MachineWrites } from '../../lib/audit/machine-writes';
import { ConnectorRegistry } from '../../lib/connectors/registry';
import type { MappingInput } from '../../lib/model/services';
import { EntityTypeStore } from '../../lib/platform/entity-types';
import { EntityRecordStore } from '../../lib/platform/records';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { type HubSettings, readSettings } from '../../lib/settings';
import { ConnectionStore } from '../../lib/store/connections';
import { MappingStore } from '../../lib/store/mappings';
import { openStore, type Store } from '../../lib/store/store';
import { LiveClient, type LiveHost } from '../../lib/stream/client';
import { DesiredStreams } from '../../lib/stream/desired-streams';
import { SyncService } from '../../lib/sync/service';
import { RefusedSignIns } from '../../lib/sync/sign-ins/refused-sign-ins';
import { LiveSource } from './live-source';

/** Every field of a measurement, as the documents propose it. */
const MEASUREMENT: Pick<MappingInput, 'entity_type' | 'target_entity' | 'field_mappings'> = {
  entity_type: 'measurement',
  target_entity: 'measurement',
  field_mappings: [
    { target: 'source', constant: 'counter' },
    { source: 'tag', target: 'tag', required: true },
    { source: '_time', target: 'source_timestamp' },
    { source: '_id', target: 'record_id' },
    { source: '_number', target: 'value_number' },
    { source: '_text', target: 'value_text' },
    { source: 'quality', target: 'quality' },
    { source: 'received_at', target: 'received_at' },
    { source: 'backfilled', target: 'backfilled' },
  ],
};

/** What of the hub the live process needs, with a connector of the tests: opened again and again, as by restarts of Node-RED. */
export class LiveHub {
  readonly logged: string[] = [];
  store: Store | null = null;
  readonly client: LiveClient;
  private readonly vault: Vault;
  private readonly settings: HubSettings;
  private streams: DesiredStreams | null = null;

  constructor(directory: string, storeUrl?: string, entry = 'live-process.js') {
    const log = (level: string, message: string) => void this.logged.push(`${level}: ${message}`);
    const integrations = { retry: { seconds: 0 }, ...(storeUrl !== undefined && { storeUrl }) };
    this.settings = readSettings({ integrations }, directory, {}, log);
    const keys = loadKeys({ directory });
    this.vault = new Vault(keys);
    this.client = new LiveClient(this.settings, keys, join(__dirname, entry));
    this.client.resume();
  }

  /** @throws when the store is away */
  async open(): Promise<void> {
    const { directory, storeUrl } = this.settings;
    const store = await openStore({ directory, ...(storeUrl !== undefined && { url: storeUrl }) });
    this.store = store;
    const host: LiveHost = {
      refused: new RefusedSignIns(store.database, this.vault),
      openConnection: async (id) => ({ ...(await this.connections.open(id)), timezone: null }),
      onChange: () => undefined,
      recorder: new MachineWrites(new AuditLog(store.database), new ConnectorRegistry(), this.settings.log),
    };
    this.client.attach(host);
    this.streams = new DesiredStreams({
      database: store.database,
      ...host,
      mapping: (id) => this.mappings.get(id),
      isDeployed: () => true,
      client: this.client,
      log: this.settings.log,
    });
    await this.streams.refresh();
  }

  /** As the hub does every fifteen seconds. */
  async refresh(): Promise<void> {
    await this.streams?.refresh();
  }

  get connections(): ConnectionStore {
    return new ConnectionStore({ store: this.opened, vault: this.vault, validate: () => undefined });
  }

  get mappings(): MappingStore {
    return new MappingStore({
      store: this.opened,
      check: async () => undefined,
      onChange: () => void this.streams?.refresh(),
    });
  }

  get records(): EntityRecordStore {
    const { database } = this.opened;
    return new EntityRecordStore({ database, types: new EntityTypeStore(database) });
  }

  get sync(): SyncService {
    return new SyncService({
      database: async () => this.opened.database,
      vault: this.vault,
      connections: this.connections,
      mappings: this.mappings,
      check: async () => undefined,
      wakeRunner: () => undefined,
      nudgeCancel: () => this.client.checkCancelled(),
    });
  }

  /** A connection to a counter, and a live mapping of it. */
  async follow(port: number, mapping: Partial<MappingInput> = {}): Promise<number> {
    const { id } = await this.connections.create({
      name: 'line',
      connector_type: LiveSource.type,
      config: { port },
      credentials: { password: 'open-sesame' },
    });
    const created = await this.mappings.create({
      connection_id: id,
      name: 'values',
      direction: 'import',
      source_entity: 'values',
      sync_mode: 'live',
      ...MEASUREMENT,
      ...mapping,
    });
    return created.id;
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.store?.close();
    this.store = null;
  }

  private get opened(): Store {
    if (this.store === null) throw new Error('The store is not open.');
    return this.store;
  }
}
