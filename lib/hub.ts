import { join } from 'node:path';
import { version } from '../package.json';
import { HubAlerts } from './alerts/alerts';
import { AuditLog } from './audit/audit-log';
import { CertificateTrust } from './audit/certificate-trust';
import { FlowChanges } from './audit/flow-changes';
import { HubActs } from './audit/hub-acts';
import { MachineWrites } from './audit/machine-writes';
import { AuditRetention } from './audit/retention';
import type { ConnectorDescriptor } from './connectors/descriptor';
import { ConnectorRegistry } from './connectors/registry';
import { connectorSchema, validateSettings } from './connectors/schema';
import { processHealth, storeHealth } from './health';
import { checkMapping } from './mapping/compile';
import { HubMetrics } from './metrics/hub-metrics';
import type { ConnectionOfRun } from './model/connection';
import { IntegrationError } from './model/errors';
import { phrase } from './model/phrase';
import type { Runner } from './model/processes';
import type { Certificates, ConnectionView, EntityRecords, EntityTypes, Health, Hub, Sync } from './model/services';
import { EntityTypeStore } from './platform/entity-types';
import { EntityRecordStore } from './platform/records';
import { CertificateFolder, PKI_FOLDER } from './protocols/opcua/certificate-folder';
import type { SqlDatabase } from './protocols/sql/database';
import { RunnerClient } from './runner/client';
import { Arrivals } from './schedule/arrivals';
import { Scheduler } from './schedule/scheduler';
import { loadKeys, type VaultKey } from './security/keys';
import { Vault } from './security/vault';
import type { HubSettings } from './settings';
import { ConnectionStore } from './store/connections';
import { type MappingSettings, MappingStore } from './store/mappings';
import { openStore, type Store } from './store/store';
import { LiveClient, type LiveHost } from './stream/client';
import { DesiredStreams } from './stream/desired-streams';
import { StoreClock } from './sync/clock';
import { SignInStore } from './sync/http/sign-ins';
import { keyFieldsOf } from './sync/keys';
import { ReconciliationService } from './sync/reconciliation/service';
import { ACTIVE, stateList } from './sync/runs/run-rows';
import { SyncService } from './sync/service';
import { RefusedSignIns } from './sync/sign-ins/refused-sign-ins';
import { SourceRules } from './sync/source-rules';
import { Inbox } from './webhooks/incoming/inbox';
import { RunStarter } from './webhooks/incoming/run-starter';
import { Deliveries } from './webhooks/outgoing/deliveries';
import { WebhookStore } from './webhooks/outgoing/webhooks';

/** How often the hub looks whether runs wait that nobody told the runner of, e.g. after another instance died. */
const LOOK_EVERY_MS = 15_000;

/** By directory: live processes that began before their hub could, since its store is away. */
const ahead = new Map<string, LiveClient>();

/**
 * Builds the hub of this process: store, connectors, platform, synchronisation and the clients of the runner and of the live
 * process. What an earlier process left unfinished goes on at once; streams do so even when the store is away.
 * @throws config PCP_KEY_..., PCP_STORE_..., transient PCP_CONNECT_... when the store cannot be opened
 */
export async function createHub(settings: HubSettings): Promise<Hub> {
  const { directory } = settings;
  const keys = loadKeys({ directory, environment: settings.key });
  const live = ahead.get(directory) ?? new LiveClient(settings, keys);
  ahead.set(directory, live);
  live.resume();
  const store = await openStore({ directory, ...(settings.storeUrl !== undefined && { url: settings.storeUrl }) });
  try {
    const hub = new OpenHub(settings, store, keys, live, await StoreClock.of(store.database));
    await hub.rotateKeys();
    ahead.delete(directory);
    return hub;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Ends what began before a hub that was never opened. */
export async function closeAhead(): Promise<void> {
  await Promise.all([...ahead.values()].map((live) => live.close()));
  ahead.clear();
}

class OpenHub implements Hub {
  readonly connections: ConnectionStore;
  readonly mappings: MappingStore;
  readonly entityTypes: EntityTypes;
  readonly records: EntityRecords;
  readonly sync: Sync;
  readonly reconciliations: ReconciliationService;
  readonly audit: AuditLog;
  readonly webhooks: WebhookStore;
  readonly deliveries: Deliveries;
  readonly alerts: HubAlerts;
  readonly metrics: HubMetrics;
  readonly vault: Vault;
  readonly certificates: Certificates;
  readonly webhookInbox: Inbox;
  private readonly registry = new ConnectorRegistry();
  private readonly sourceRules: SourceRules;
  private readonly client: RunnerClient;
  private readonly streams: DesiredStreams;
  private readonly scheduler: Scheduler;
  private readonly arrivals: Arrivals;
  private readonly acts: HubActs;
  private readonly timer: NodeJS.Timeout;

  constructor(
    settings: HubSettings,
    private readonly store: Store,
    keys: readonly VaultKey[],
    readonly live: LiveClient,
    clock: StoreClock,
  ) {
    this.vault = new Vault(keys);
    const types = new EntityTypeStore(store.database);
    this.entityTypes = types;
    this.records = new EntityRecordStore({ database: store.database, types });
    this.audit = new AuditLog(store.database);
    const { audit } = this;
    const { add: onFlow } = new FlowChanges({ audit, log: settings.log });
    this.acts = new HubActs({ audit, log: settings.log });
    this.connections = new ConnectionStore({
      onFlow,
      store,
      vault: this.vault,
      onChange: () => this.configurationChanged(),
      validate: (type, config, credentials) => validateSettings(this.registry.descriptor(type), config, credentials),
    });
    this.sourceRules = new SourceRules({
      database: store.database,
      registry: this.registry,
      connections: this.connections,
      environment: { log: settings.log },
    });
    this.mappings = new MappingStore({
      onFlow,
      store,
      onChange: () => this.configurationChanged(),
      check: (definition, id) => this.checkMapping(definition).then(() => this.sourceRules.check(definition, id)),
    });
    const sync: SyncService = new SyncService({
      database: async () => store.database,
      vault: this.vault,
      connections: this.connections,
      mappings: this.mappings,
      check: (mapping) => this.sourceRules.check(mapping, mapping.id),
      wakeRunner: () => this.client.wake(),
      nudgeCancel: () => {
        this.client.checkCancelled();
        live.checkCancelled();
      },
    });
    this.sync = sync;
    const { log } = settings;
    const recorder = new MachineWrites(this.audit, this.registry, log);
    const folder = new CertificateFolder(join(settings.directory, PKI_FOLDER));
    this.certificates = new CertificateTrust(folder, recorder, () => live.retry());
    const streams = () => live.streams;
    const refused = (ids: readonly number[]) => sync.refused(ids);
    const writes = () => this.client.waitingWrites;
    this.metrics = new HubMetrics({ database: store.database, clock, streams, writes, refused, log });
    const openConnection = (id: number) => this.openForRun(id);
    const refusals = new RefusedSignIns(store.database, this.vault);
    const lookAtDeliveries = () => void this.deliveries.look();
    const webhooks = new WebhookStore(store, this.vault, clock, lookAtDeliveries, openConnection);
    this.webhooks = webhooks;
    this.deliveries = new Deliveries({
      database: store.database,
      vault: this.vault,
      webhook: (id) => webhooks.row(id),
      allowedTargets: settings.network.allowedTargets,
      signIn: { openConnection, refused: refusals, signIns: new SignInStore(store.database, this.vault, log) },
      expressionHeapMb: settings.runner.expressionHeapMb,
      days: settings.webhookDays,
      tally: this.metrics.tally,
      onDisabled: (id, reason) => this.acts.webhookDisabled(id, reason),
      clock,
      log,
    });
    void this.deliveries.look();
    const host: LiveHost = {
      recorder,
      refused: refusals,
      openConnection,
      onChange: (jobId) => {
        void this.deliveries.look();
        sync
          .changed(jobId)
          .catch((error: unknown) => log('warn', `Job ${jobId}: ${IntegrationError.from(error).message}`));
      },
    };
    this.client = new RunnerClient({ settings, keys, ...host, onSignedIn: () => live.retry() });
    live.attach(host);
    this.streams = new DesiredStreams({
      database: store.database,
      mapping: (id) => this.mappings.get(id),
      isDeployed: (nodeId) => this.mappings.isDeployed(nodeId),
      ...host,
      client: live,
      log,
    });
    const starting = {
      database: store.database,
      mappings: this.mappings,
      starter: sync.starter,
      wakeRunner: () => this.client.wake(),
      log,
    };
    const { vault, registry, connections } = this;
    const record = recorder.operation.bind(recorder) as MachineWrites['operation'];
    this.reconciliations = new ReconciliationService({ ...starting, vault, registry, connections, sync, record });
    const startComparison = this.reconciliations.startDue.bind(this.reconciliations);
    this.scheduler = new Scheduler({ ...starting, clock, startComparison });
    this.arrivals = new Arrivals({ ...starting, connections: this.connections, runner: this.client });
    void this.scheduler.look();
    this.webhookInbox = new Inbox({
      database: store.database,
      vault: this.vault,
      runs: new RunStarter({ ...starting, connections: this.connections }),
      days: settings.deliveryDays,
      log,
    });
    this.alerts = new HubAlerts({
      ...{ database: store.database, clock, streams, keptDays: settings.logDays, log },
      certificates: this.certificates,
      openConnection: (id) => this.connections.open(id),
    });
    this.alerts.watch.start();
    const auditRetention = new AuditRetention({ audit, days: settings.auditDays, clock, log });
    const look = (): void => {
      void Promise.all([this.wakeWhenWaiting(settings), this.streams.refresh(), this.webhookInbox.look()]);
      sync
        .lookAfterWatched()
        .catch((error: unknown) =>
          log('debug', `Jobs could not be looked at: ${IntegrationError.from(error).message}`),
        );
      this.reconciliations
        .startAfterLetters()
        .catch((error: unknown) =>
          log('debug', `No comparison could be started: ${IntegrationError.from(error).message}`),
        );
      void this.metrics.bringUp();
      void auditRetention.tidy();
    };
    this.timer = setInterval(look, LOOK_EVERY_MS).unref();
    look();
  }

  get descriptors(): readonly ConnectorDescriptor[] {
    return this.registry.descriptors;
  }

  get database(): SqlDatabase {
    return this.store.database;
  }

  get runner(): Runner {
    return this.client;
  }

  connectorSchema(type: string): ReturnType<typeof connectorSchema> {
    return connectorSchema(this.registry.descriptor(type));
  }

  async health(): Promise<Health> {
    const runner = processHealth(this.client.state);
    const live = processHealth(this.live.state);
    const facts = await storeHealth(this.store);
    const streams = this.live.health;
    const writes_waiting = [...this.client.waitingWrites];
    const certificates = await this.certificates.expiring();
    const isWell =
      facts.store.ok &&
      streams.alarms.length === 0 &&
      certificates.length === 0 &&
      [runner, live].every(({ state }) => state !== 'restarting');
    const status = isWell ? 'ok' : 'degraded';
    return { status, version, ...facts, runner, live, streams, writes_waiting, certificates };
  }

  /** Seals with the current key what an earlier one sealed. */
  async rotateKeys(): Promise<void> {
    const count = (await this.connections.rotateKeys()) + (await this.webhooks.rotateKeys());
    if (count > 0) await this.acts.keysRotated(this.vault.keyId, count);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.scheduler.stop(), this.arrivals.stop(), this.webhookInbox.stop(), this.alerts.close()]);
    await Promise.all([this.client.close(), this.live.close(), this.deliveries.close()]);
    await this.metrics.tally.close();
    await this.store.close();
  }

  private configurationChanged(): void {
    void this.streams.refresh();
    void this.scheduler.look();
  }

  private async openForRun(id: number): Promise<ConnectionOfRun> {
    const open = await this.connections.open(id);
    if (id === 0) return { ...open, timezone: null };
    const { is_active, name, timezone } = await this.connections.get(id);
    if (!is_active) {
      throw new IntegrationError('config', 'PCP_CONNECTION_INACTIVE', phrase`Connection "${name}" is not active.`);
    }
    return { ...open, timezone };
  }

  /** A mapping is saved only when it can do what it promises. */
  private async checkMapping(definition: MappingSettings): Promise<void> {
    const external = await this.connections.get(definition.connection_id);
    const peer =
      definition.peer_connection_id === null ? null : await this.connections.get(definition.peer_connection_id);
    if (definition.sync_mode === 'live') this.checkLive(definition, external, peer);
    const { direction } = definition;
    if (definition.options.on_arrival) this.checkArrival(definition, external);
    if (direction !== 'export') this.checkCursor(definition, external);
    if (direction !== 'import' && peer !== null) this.checkCursor(definition, peer);
    if (peer !== null) {
      checkMapping(definition, {});
      return;
    }
    const entity = await this.entityTypes.get(definition.target_entity);
    checkMapping({ ...definition, key_fields: keyFieldsOf(definition, entity) }, { targetSchema: entity.schema });
  }

  private checkLive({ direction }: MappingSettings, source: ConnectionView, peer: ConnectionView | null): void {
    const { capabilities, title } = this.registry.descriptor(source.connector_type);
    const refuse = (path: string, why: string): never => {
      throw new IntegrationError('config', 'PCP_MAPPING_INVALID', `A live mapping is an import: ${why}.`, {
        path,
        hint: 'Set sync_mode to full or incremental.',
      });
    };
    if (direction !== 'import') refuse('/direction', 'what is live comes in');
    if (!capabilities.includes('subscribe')) {
      refuse('/sync_mode', `${title['en-US']} does not tell what happens there, so it cannot be live`);
    }
    // What is published when a run ends would be an hour late, and would lack what came before.
    if (peer !== null && this.registry.descriptor(peer.connector_type).writes?.snapshot === true) {
      refuse('/peer_connection_id', 'its target takes records one by one, which files do not');
    }
  }

  private checkArrival({ direction, sync_mode }: MappingSettings, source: ConnectionView): void {
    const { capabilities, title } = this.registry.descriptor(source.connector_type);
    const why =
      direction === 'export' || sync_mode === 'live'
        ? 'it is for imports that have an end'
        : capabilities.includes('arrival')
          ? undefined
          : `${title['en-US']} cannot tell that something has arrived`;
    if (why === undefined) return;
    throw new IntegrationError('config', 'PCP_MAPPING_INVALID', `The mapping cannot run on arrival: ${why}.`, {
      path: '/options/on_arrival',
      hint: 'Give it a schedule instead.',
    });
  }

  private checkCursor(definition: MappingSettings, source: ConnectionView): void {
    const { needsCursorField, title } = this.registry.descriptor(source.connector_type);
    if (!needsCursorField || definition.sync_mode !== 'incremental' || definition.cursor_field !== null) return;
    throw new IntegrationError(
      'config',
      'PCP_MAPPING_INVALID',
      `${title['en-US']}: without a cursor_field an incremental read would read everything.`,
      { path: '/cursor_field', hint: 'Name the column that grows with each change, or set sync_mode to full.' },
    );
  }

  private async wakeWhenWaiting({ log }: HubSettings): Promise<void> {
    try {
      const [row] = await this.store.database.query(
        `SELECT COUNT(*) AS n FROM integration_sync_logs WHERE kind <> 'live' AND state IN (${stateList(ACTIVE)})
           AND (kind <> 'reconcile' OR COALESCE(next_attempt_at, 0) < ${this.store.database.epochMs})`,
      );
      if (Number(row?.n) > 0) this.client.wake();
    } catch (error) {
      log('warn', `The store could not be read: ${IntegrationError.from(error).message}`);
    }
  }
}
