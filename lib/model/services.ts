import type { ConnectorDescriptor } from '../connectors/descriptor';
import type { SqlDatabase } from '../protocols/sql/database';
import type { Vault } from '../security/vault';
import type { Alerts } from './alert';
import type { Actor, AuditEntry, AuditEvent, AuditFilter, AuditVerification } from './audit';
import type { KnownCertificate } from './certificate';
import type { Connection, OpenConnection } from './connection';
import type { EntityType, JsonSchema } from './entity';
import type { WebhookInbox } from './incoming-webhook';
import type { Direction, Mapping } from './mapping';
import type { Metrics } from './metrics';
import type { Phrase } from './phrase';
import type { Live, Runner } from './processes';
import type { Reconciliations } from './reconciliation';
import type { RunTrigger } from './schedule';
import type { StreamsHealth, WaitingWrites } from './stream';
import type { DeadLetter, ReplayMode, SyncLog } from './sync';
import type { WebhookDeliveries, Webhooks } from './webhook';

/** A page of a list, newest or smallest id first as the list says. `next_cursor` is opaque. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total: number;
}

/** 1 to 1000 rows, from where an earlier page ended. */
export interface PageRequest {
  limit?: number;
  cursor?: string;
}

export type ConnectionInput = Pick<Connection, 'name' | 'connector_type'> &
  Partial<
    Pick<
      Connection,
      'description' | 'config' | 'is_active' | 'schedule' | 'schedule_options' | 'timezone' | 'created_by'
    >
  > & {
    /** Only the secrets given change; an empty string removes one. */
    credentials?: Record<string, string>;
  };

/** What a connection looks like to a reader: which secrets are set, never their values. */
export type ConnectionView = Connection & { credentials: Record<string, true>; revision: number };
export type MappingView = Mapping & {
  revision: number;
  /** Why what a flow deploys for it is refused; it is inactive until the flow is valid again. */
  flow_error: string | null;
};

export type MappingInput = Pick<
  Mapping,
  'connection_id' | 'name' | 'entity_type' | 'direction' | 'source_entity' | 'target_entity' | 'field_mappings'
> &
  Partial<
    Pick<
      Mapping,
      | 'description'
      | 'transformations'
      | 'filters'
      | 'key_fields'
      | 'sync_mode'
      | 'cursor_field'
      | 'peer_connection_id'
      | 'options'
      | 'depends_on'
      | 'schedule'
      | 'schedule_options'
      | 'is_active'
    >
  >;

/** All throw IntegrationErrors: PCP_NOT_FOUND, PCP_MANAGED_BY_FLOW (conflict), PCP_STALE_REVISION (conflict), PCP_NAME_TAKEN (conflict). */
export interface Connections {
  list(
    filter: { connector_type?: string; is_active?: boolean; managed_by?: 'api' | 'flow'; name?: string } & PageRequest,
  ): Promise<Page<ConnectionView>>;
  get(id: number): Promise<ConnectionView>;
  create(input: ConnectionInput): Promise<ConnectionView>;
  /** @param revision of the row that the writer saw (If-Match); absent = any */
  update(id: number, input: ConnectionInput, revision?: number): Promise<ConnectionView>;
  /** @throws conflict PCP_CONNECTION_IN_USE when mappings refer to it and `cascade` is not set */
  delete(id: number, options: { cascade: boolean }): Promise<void>;
  /** With its secrets, for the runner. Id 0 is the platform itself. */
  open(id: number): Promise<OpenConnection>;
  /** Creates or updates the row that a deployed config node owns; keeps its id over redeploys. Credentials stay in memory. */
  registerFlow(nodeId: string, input: ConnectionInput): Promise<ConnectionView>;
  /** The node is gone from the deployed flows, or what it deploys is refused: the row becomes inactive. */
  releaseFlow(nodeId: string): Promise<void>;
}

export interface Mappings {
  list(
    filter: { connection_id?: number; entity_type?: string; is_active?: boolean } & PageRequest,
  ): Promise<Page<MappingView>>;
  get(id: number): Promise<MappingView>;
  /** Compiles it in each of its directions first. @throws config PCP_MAPPING_INVALID with `path` naming the field */
  create(input: MappingInput): Promise<MappingView>;
  update(id: number, input: MappingInput, revision?: number): Promise<MappingView>;
  delete(id: number): Promise<void>;
  registerFlow(nodeId: string, input: MappingInput): Promise<MappingView>;
  /** The node is gone, or what it deploys is refused for this reason: the row becomes inactive. */
  releaseFlow(nodeId: string, reason?: string): Promise<void>;
}

export interface EntityTypes {
  list(): Promise<EntityType[]>;
  /** @throws data PCP_NOT_FOUND */
  get(type: string): Promise<EntityType>;
  create(input: Pick<EntityType, 'type' | 'title' | 'key' | 'schema'>): Promise<EntityType>;
  /** Additive only: new optional fields, wider ones. @throws conflict PCP_ENTITY_NARROWED, PCP_ENTITY_BUILT_IN */
  update(type: string, input: Pick<EntityType, 'type' | 'title' | 'key' | 'schema'>): Promise<EntityType>;
  /** @throws conflict PCP_ENTITY_IN_USE, PCP_ENTITY_NOT_EMPTY when it has records and `cascade` is not set */
  delete(type: string, options: { cascade: boolean }): Promise<void>;
}

/** Platform records over the API. A record is its plain fields; `key` is its parts in the order of the type's key. */
export interface EntityRecords {
  list(
    type: string,
    request: PageRequest & { filter?: Record<string, string> },
  ): Promise<Page<Record<string, unknown>>>;
  get(type: string, key: string[]): Promise<Record<string, unknown>>;
  /** @throws data PCP_RECORD_INVALID with `path`, conflict PCP_RECORD_EXISTS */
  create(type: string, record: Record<string, unknown>): Promise<Record<string, unknown>>;
  replace(
    type: string,
    key: string[],
    record: Record<string, unknown>,
  ): Promise<{ record: Record<string, unknown>; created: boolean }>;
  /** As `replace`, but fields that the record does not name keep their values. */
  merge: EntityRecords['replace'];
  delete(type: string, key: string[]): Promise<void>;
}

export interface SyncRequest {
  /** One mapping of the connection; absent = all active ones, in id order. */
  mapping_id?: number;
  /** Needed for bidirectional mappings when only one way is wanted; absent = import, then export. */
  direction?: Direction;
  /** Read everything again, whatever the cursor. */
  full?: boolean;
  /** Read, map and compare, write nothing. */
  dry_run?: boolean;
  /** A mapping that runs already: is refused, which is the default, or runs once more behind that. */
  overlap?: 'refuse' | 'queue';
  created_by?: string;
  trigger?: RunTrigger;
}

export interface JobProgress {
  processed: number;
  total: number | null;
  percent: number | null;
  records_per_second: number;
}

export interface JobStatus {
  job_id: string;
  connection_id: number;
  status: SyncLog['status'];
  started_at: string;
  ended_at: string | null;
  progress: JobProgress;
  logs: SyncLog[];
}

export interface DeadLetterFilter {
  connection_id?: number;
  mapping_id?: number;
  sync_log_id?: number;
  state?: DeadLetter['state'];
  group?: string;
  code?: string;
  error_class?: string;
  field?: string;
  /** When the last thing happened to them: at or after, before. */
  from?: string;
  to?: string;
}

export interface ReplaySelection {
  ids?: number[];
  group?: string;
  mapping_id?: number;
  /** Those that this run left. */
  sync_log_id?: number;
  /** Absent = as each dead letter's `replay_mode` says. */
  mode?: ReplayMode;
  created_by?: string;
}

export interface DeadLetterGroup {
  group: string;
  mapping_id: number;
  code: string;
  error_class: string;
  stage: string;
  field: string | null;
  /** Message of the newest of them. */
  message: string;
  said?: Phrase;
  count: number;
  first_at: string;
  last_at: string;
}

/** `same`: the system that got the records before; `other`: one that is to get every record. */
export type MovedTarget = 'same' | 'other';

/** Why a connection is left alone. */
export interface ConnectionPause {
  /** Null: its sign-in was refused; until its settings or secrets change, or a test succeeds. */
  until: string | null;
  reason: string;
}

export interface Sync {
  /** @throws conflict PCP_RUN_ACTIVE naming the running run; config PCP_NO_MAPPING; config PCP_CONNECTION_INACTIVE */
  start(connectionId: number, request: SyncRequest): Promise<JobStatus>;
  status(jobId: string): Promise<JobStatus>;
  /** Idempotent. */
  cancel(jobId: string): Promise<JobStatus>;
  logs(
    filter: {
      connection_id?: number;
      mapping_id?: number;
      job_id?: string;
      status?: string;
      direction?: string;
      error_class?: string;
      from?: string;
      to?: string;
    } & PageRequest,
  ): Promise<Page<SyncLog>>;
  log(id: number): Promise<SyncLog>;
  deadLetters(filter: DeadLetterFilter & PageRequest): Promise<Page<DeadLetter>>;
  deadLetterGroups(filter: DeadLetterFilter): Promise<DeadLetterGroup[]>;
  deadLetter(id: number): Promise<DeadLetter>;
  /**
   * Replaces the kept payload; only while it is open.
   * @param seenAt `last_at` of the letter that was corrected
   * @throws conflict PCP_DEAD_LETTER_CLOSED, PCP_STALE_REVISION when something happened to it since
   */
  editDeadLetter(id: number, payload: Record<string, unknown>, seenAt?: string): Promise<DeadLetter>;
  /** Replays the chosen ones through the newest version of their mappings: one run per mapping and direction. */
  replay(selection: ReplaySelection): Promise<JobStatus[]>;
  discard(id: number, note?: string): Promise<DeadLetter>;
  /** Says of a mapping whose target is under another address what it is there: see PCP_TARGET_MOVED. */
  decideTarget(mappingId: number, is: MovedTarget): Promise<void>;
  /** The connection was seen to work: runs that leave it alone for a while go on at once. */
  endPause(connectionId: number): Promise<void>;
  /** Those of some connections that are left alone now, by id. */
  paused(connections: readonly ConnectionView[]): Promise<Map<number, ConnectionPause>>;
  /** Calls back on every change of a job that is committed, until the returned function is called. */
  watch(jobId: string, onChange: (status: JobStatus) => void): () => void;
}

/** Who did what. */
export interface Audit {
  /** Puts all on record, in their order, or none. */
  append(events: readonly AuditEvent[]): Promise<void>;
  list(filter: AuditFilter & PageRequest): Promise<Page<AuditEntry>>;
  verify(): Promise<AuditVerification>;
}

export interface Health {
  status: 'ok' | 'degraded';
  version: string;
  store: { dialect: string; ok: boolean; error?: string };
  runner: { state: 'idle' | 'running' | 'restarting'; pid: number | null; rss_bytes: number | null; restarts: number };
  /** The process that holds the connections of the shop floor. */
  live: { state: 'idle' | 'running' | 'restarting'; pid: number | null; rss_bytes: number | null; restarts: number };
  runs: { queued: number; running: number; waiting: number };
  dead_letters_open: number;
  streams: StreamsHealth;
  /** In the queues of writes of this Node-RED. */
  writes_waiting: WaitingWrites[];
  /** Those that have to be renewed. */
  certificates: KnownCertificate[];
}

/** Certificates of OPC UA, for all connections. */
export interface Certificates {
  list(): Promise<KnownCertificate[]>;
  /** The hub's own and those that are trusted, unless another one of theirs is there; what ends first comes first. */
  inUse(): Promise<KnownCertificate[]>;
  /** Those of them that end soon or have ended. */
  expiring(): Promise<KnownCertificate[]>;
  /** Connections that wait for it try again at once. @throws config PCP_OPCUA_THUMBPRINT */
  trust(thumbprint: string, by: Actor): Promise<KnownCertificate>;
  /** Sessions that are open go on until they end. @throws config PCP_OPCUA_THUMBPRINT */
  reject(thumbprint: string, by: Actor): Promise<KnownCertificate>;
}

/** The hub as the API and the nodes see it: one per Node-RED process. */
export interface Hub {
  /** Of the store, for what the API itself keeps there. */
  readonly database: SqlDatabase;
  /** Seals what the API keeps there of somebody's data. */
  readonly vault: Pick<Vault, 'encrypt' | 'decrypt' | 'isSealed'>;
  readonly descriptors: readonly ConnectorDescriptor[];
  readonly connections: Connections;
  readonly mappings: Mappings;
  readonly entityTypes: EntityTypes;
  readonly records: EntityRecords;
  readonly sync: Sync;
  readonly reconciliations: Reconciliations;
  readonly runner: Runner;
  readonly live: Live;
  readonly certificates: Certificates;
  readonly audit: Audit;
  readonly webhooks: Webhooks;
  readonly deliveries: WebhookDeliveries;
  readonly webhookInbox: WebhookInbox;
  readonly alerts: Alerts;
  readonly metrics: Metrics;
  /** Config and credentials of a connector as one JSON Schema 2020-12; secrets are `writeOnly`. */
  connectorSchema(type: string): JsonSchema;
  health(): Promise<Health>;
  /** Stops claiming, lets the batch in hand commit (15 s at most), releases leases. */
  close(): Promise<void>;
}
