import type { OpenConnection } from '../model/connection';
import type { Deliveries } from '../model/delivery';
import type { EntityInfo, JsonSchema } from '../model/entity';
import type { IntegrationError, SerializedError } from '../model/errors';
import type { PushedFilter } from '../model/mapping';
import type { Phrase } from '../model/phrase';
import type { Cursor } from '../model/sync';
import type { HttpEnvironment } from '../protocols/http/client';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import type { ProtectedPlaces } from '../security/protected-files';
import type { LocalizedText } from './descriptor';
import type { BrowseNode, LiveEvent, Subscription, TagValue, TagWrite, TagWritePlan, TagWriteResult } from './live';

/** A record as the external side gives it: plain data, own keys only. 64-bit integers and decimals may be strings. */
export type SourceRecord = Record<string, unknown>;

/**
 * One open connection to a system, shared by all its users. Connectors throw IntegrationErrors and hold no retry or
 * reconnect loops: the engine owns those. Every method honours its AbortSignal.
 */
export interface Connector {
  /** Steps in order; stops at the first that fails. Never throws for a failure of the other side, and answers within 10 s. */
  test(signal: AbortSignal): Promise<TestReport>;
  discover?(signal: AbortSignal): Promise<EntityInfo[]>;
  /** JSON Schema of one entity's records. @throws config PCP_ENTITY_UNKNOWN */
  describe?(entity: string, signal: AbortSignal): Promise<EntityDescription>;
  /** Pulls batches; the next one is read when the consumer asks for it. No side effects before `Batch.acknowledge`. */
  read?(query: ReadQuery, signal: AbortSignal): AsyncIterable<Batch>;
  /**
   * Names what lies ready to be read of an entity: another text whenever that is something else; null where there is nothing.
   * Reads none of it. For mappings that run when something arrives.
   */
  present?(entity: string, signal: AbortSignal): Promise<string | null>;
  /** How texts of the entity's records write decimals; absent = with a point. */
  decimalSeparator?(entity: string): ',' | '.';
  /** What reading and writing an entity does to the place where it is; absent = nothing that others would miss. */
  place?(entity: string): EntityPlace;
  /** Where an entity's promise differs from the descriptor's `writes`. */
  guarantee?(entity: string): WriteGuarantee;
  openWriter?(target: WriteTarget, signal: AbortSignal): Promise<Writer>;
  /**
   * How a record of an entity, as `read` gives it, tells that it is one that a writer of `written` has sent; null where what is
   * written there does not come back in the entity.
   */
  recognise?(
    entity: string,
    written: { entity: string; keyFields: string[] },
    signal: AbortSignal,
  ): Promise<Recognition | null>;
  /**
   * What an entity holds for these keys (one object of key fields each), as `read` gives it; null where nothing, undefined
   * where it cannot be told: for previews, and for reading a rejected record anew.
   */
  lookup?(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
    transaction?: SqlTransaction,
  ): Promise<(SourceRecord | null | undefined)[]>;
  /**
   * Whether what a flow writes to an entity waits on disk until the other side takes it, at least once, and for how long at
   * most; null = it fails while that is away. Never for what acts on a machine.
   * @throws what `openWriter` throws when nothing may be written there
   */
  queues?(entity: string): { validForMs?: number } | null;
  /** False where `lookup` cannot find the records of an entity. */
  looksUp?(entity: string): boolean;
  /** What a writer would do with a record now. For previews: the other side is asked once, and is not changed. */
  describeWrite?(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite>;
  /**
   * Functions, methods, actions of the other side; done once, whatever comes of it.
   * @param validUntil in epoch milliseconds: what acts on a machine is not sent later
   */
  call?(
    operation: string,
    parameters: Record<string, unknown>,
    signal: AbortSignal,
    validUntil?: number,
  ): Promise<CallAnswer>;
  /**
   * What the source sends or what changes there, as it comes, until the signal aborts. Any number of subscriptions may run
   * over one open connection. Ends only by the signal, or by throwing what broke it: whoever subscribed opens it anew.
   */
  subscribe?(subscription: Subscription, signal: AbortSignal): AsyncIterable<LiveEvent>;
  /** Values now, one per tag, in order; what cannot be read has quality `bad` and its status. */
  readTags?(tags: readonly string[], signal: AbortSignal): Promise<TagValue[]>;
  /**
   * Sets values of a machine, each at most once, and reads them back. One result per write, in order. Nothing is tried again.
   * @param validUntil in epoch milliseconds, for protocols that can tell it the other side; the signal aborts then as well
   * @throws permission PCP_WRITE_REFUSED when the connection does not allow a write
   */
  writeTags?(writes: readonly TagWrite[], signal: AbortSignal, validUntil?: number): Promise<TagWriteResult[]>;
  /** What `writeTags` would send, or why it would not: nothing is written. One result per write, in order. */
  planTags?(writes: readonly TagWrite[], signal: AbortSignal): Promise<TagWritePlan[]>;
  /** What lies below a place of the source's tree; null = its root. For pick lists. */
  browse?(parent: string | null, signal: AbortSignal): Promise<BrowseNode[]>;
  close(): Promise<void>;
}

export interface EntityPlace {
  /** The same for all names of one place. */
  name: string;
  /** What was read is moved or deleted, so that nobody else can read it. */
  isEmptied: boolean;
  /** An export puts its records in place of what an import reads. */
  isReplaced: boolean;
  /** Where records that are written go; absent = nowhere. */
  output?: string;
}

export type TestStepName = 'resolve' | 'connect' | 'tls' | 'authenticate' | 'authorise' | 'read';

/** What was reached or read: a name ("erp.example:5432"), or words ("3 files match") in every language. */
export type TestDetail = string | LocalizedText;

export interface TestStep {
  name: TestStepName;
  ok: boolean;
  detail?: TestDetail;
  error?: SerializedError;
  /** What was asked for and does not answer, though the step went well without it. */
  unanswered?: Unanswered[];
}

/** Services, routes or entities that do not answer for one reason. */
export interface Unanswered {
  names: string[];
  /** Of the first of them. */
  error: SerializedError;
}

export interface TestReport {
  ok: boolean;
  steps: TestStep[];
  duration_ms: number;
}

export interface EntityDescription {
  info: EntityInfo;
  schema: JsonSchema;
}

export interface ReadQuery {
  entity: string;
  /** Top-level fields wanted; absent = all. A connector may give more. */
  fields?: string[];
  /** Fields that the asker names: where a source has fixed columns, one that it lacks is an error of class config. */
  namedFields?: string[];
  /** Conditions the connector may push down. The engine applies all of them again, so what is pushed must never exclude too much. */
  filters?: PushedFilter[];
  /** Only what changed since the cursor of the last complete pass, by this field. Absent = everything. */
  cursorField?: string;
  /** Where an earlier pass got to, or null at the beginning. */
  cursor: Cursor | null;
  /** Seconds to re-read behind the cursor in incremental reads. */
  lookbackSeconds?: number;
  batchSize: number;
  /** Each batch is acknowledged once its effects stay: not so in previews, comparisons and dry runs. */
  acknowledges?: boolean;
}

/** Names under which a record that was read may have been written. */
export interface Recognition {
  /** What has to be read of a record for them. */
  fields: string[];
  /** `Writer.ownKey` of the record; null = it has none, undefined = it does not tell: it may be what is being sent just now. */
  ownKey(record: SourceRecord): string | null | undefined;
  /** `WriteResult.externalKey` of the record. */
  externalKey(record: SourceRecord): string | undefined;
}

export interface Batch {
  records: SourceRecord[];
  /** For each record, where it came from ("orders-1.csv:17"); absent where the connector has nothing better than its key. */
  positions?: (index: number) => string;
  /** Committed with the effects of this batch; a later read with it continues after this batch. */
  cursorAfter: Cursor;
  /** Estimated total of the records of this read, when known. */
  total?: number;
  /** What the log of the run has to tell of this read, though nothing failed. */
  warnings?: readonly Phrase[];
  /** Called after the effects are committed: moves a finished file, acknowledges a message. Repeating it is harmless. */
  acknowledge?(): Promise<void>;
}

/**
 * A run that fails calls `Connector.read`'s iterator `return()`. When the source itself is broken (truncated file),
 * the error thrown may carry this hook: the engine calls it after the failure is recorded.
 */
export interface SourceFailure {
  quarantine?(): Promise<void>;
}

export interface WriteTarget {
  entity: string;
  /** Fields of the target that identify a record. */
  keyFields: string[];
  /** All fields that this mapping writes, in order. */
  fields: string[];
  /** What `Writer.state()` gave at the last commit of the same, unfinished run: continue there. Null at the start of a run. */
  resume: WriterState | null;
  /** Tells this run from others, for names of temporary files. */
  runId: number;
  /** What `WriteRecord.hash` is of a record's fields. */
  hashOf?(data: Record<string, unknown>): string;
  /** 0 = records of a message, which no mapping has converted. */
  mappingId: number;
  /** The target was seen to hold something else than it was given: what is remembered of that counts for nothing. */
  isDistrusted?: boolean;
  /** Asked before each request that writes: throws when the run may have lost its hold on the mapping since the last one. */
  assertSafeToWrite?(): void;
}

export type WriterState = Record<string, unknown>;

/** A record to write, with the key that identifies it and the idempotency key of this very change. */
export interface WriteRecord {
  data: Record<string, unknown>;
  /** Canonical JSON array of the key parts. */
  key: string;
  /** Digest of the canonical data, base64url. */
  hash: string;
  /**
   * What it is the digest of, in one line: a JSON array of what stands for the names of `WriteTarget.fields`, and of their values
   * in order. Where `hash` is not computed yet, whoever finds it elsewhere sets it.
   */
  text?: string;
  /** Record's own key on the source side, as canonical JSON array; `key` where it is the same. */
  sourceKey: string;
  /** Same for every attempt of this very change, so that a target which knows it does the change once. */
  idempotencyKey?: string;
  /** This very change was sent before, under the same key, and its answer was lost. */
  wasSent?: boolean;
  /** What the target called the record when it was written before (`WriteResult.externalKey`). */
  externalKey?: string;
  /** The target was given a version of it before, as the store remembers. */
  wasWritten?: boolean;
  /** `Writer.ownKey` of it. */
  ownKey?: string | undefined;
  /** Its key at the source, as canonical JSON array, where it may come back from the target. */
  originKey?: string;
  /** Version of the record at the target (ETag) when it was last seen there: a change since then is a conflict. */
  version?: string;
}

/** How the records of one run go to a target. */
export interface Writer {
  /** True when an earlier attempt of the run had published all of it before it died: nothing more is to be read for it. */
  readonly finished?: boolean;
  /**
   * For targets that keep the hub's hash beside the record: the hash for each record's key, null = there, but changed by
   * others since, undefined = absent. The engine then needs no record links and skips what is unchanged. A writer may take
   * a batch for new without looking; `write` then answers `unchanged` for what is not.
   */
  hashes?(records: WriteRecord[], transaction?: SqlTransaction): Promise<(string | null | undefined)[]>;
  /** `hashes` compares texts now, so that most hashes need not be computed. */
  readonly comparesTexts?: boolean;
  /** `hashes` takes records for new now: `writeNew` is the quicker way. */
  readonly expectsNew?: boolean;
  /** Writes records that are all new; null = nothing was written, because one of them is refused or is not: they go by `write`. */
  writeNew?(records: WriteRecord[], transaction: SqlTransaction): Promise<WriteResult[] | null>;
  /**
   * For targets with `hashes`: when this mapping last wrote each record, in epoch milliseconds of the store; null where it
   * did not, or where others did since.
   */
  writtenAt?(records: WriteRecord[]): Promise<(number | null)[]>;
  /**
   * One result per record, in order. Throws only when nothing can be said about single records (connection lost, disk full);
   * the error may be a `WriteInterruption`. With `transaction`, and `capabilities.transactional` declared, the effects belong
   * to that transaction.
   */
  write(records: WriteRecord[], signal: AbortSignal, transaction?: SqlTransaction): Promise<WriteResult[]>;
  /** Removes records from the target; what is gone already counts as deleted. Results and errors as for `write`. */
  delete?(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]>;
  /** Our own key of a record as the target keeps it, known before it is sent; undefined where it has none. */
  ownKey?(record: WriteRecord): string | undefined;
  /** Looks each record up by its external reference or natural key: what became of a write whose answer was lost. */
  resolve?(records: WriteRecord[], signal: AbortSignal): Promise<Resolution[]>;
  /** State to continue from after a crash; everything written so far must be durable when this resolves. */
  state?(): Promise<WriterState>;
  /** The run is complete: publish (rename the file) and release. */
  finish(): Promise<void>;
  /** The run ended otherwise: release, publish nothing. Keeps what `resume` needs if `resumable`. */
  abandon(resumable: boolean): Promise<void>;
}

export type WriteResult =
  | { outcome: 'created' | 'updated' | 'unchanged' | 'deleted'; externalKey?: string }
  | { outcome: 'failed'; error: IntegrationError }
  /**
   * The write may have happened: why its answer was lost, or said nothing about this record. `isInWork`: the target is at it, as
   * it says itself, and tells what came of it when it is asked again under the same idempotency key.
   */
  | { outcome: 'unknown'; error: IntegrationError; isInWork?: boolean };

/** A batch that ended early: an error thrown by `Writer.write` may tell what became of its records until then. */
export interface WriteInterruption {
  /** In the order of the records; undefined = surely not written, or written so that repeating it is harmless. */
  results?: (WriteResult | undefined)[];
}

export type Resolution =
  | { state: 'found'; externalKey?: string; version?: string; data: SourceRecord }
  | { state: 'absent' }
  | { state: 'unknown'; error: IntegrationError };

export interface DescribedWrite {
  /** What the target holds for the record now, as `lookup` gives it. */
  current: SourceRecord | null | undefined;
  /** What would be sent, without secrets; null where nothing is, or where it cannot be told. */
  request: DescribedRequest | null;
  /** Whether the record is left as it is; where it is not told, the fields say it. */
  unchanged?: boolean;
}

export interface DescribedRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

/** What was answered, and beside it what is told about the answer (a status): properties of the message that a node sends. */
export interface CallAnswer {
  payload: unknown;
  [detail: string]: unknown;
}

export type Capability =
  | 'test'
  | 'read'
  | 'write'
  | 'call'
  | 'subscribe'
  | 'browse'
  | 'discover'
  | 'describe'
  | 'incremental'
  | 'arrival'
  | 'delete';

/** What a target promises about writes (SEMANTICS 2.3); the engine chooses the protocol and words the guarantee from it. */
export interface WriteGuarantee {
  /** Writing the same record again changes nothing. */
  upsertByKey: boolean;
  idempotencyKey: boolean;
  lookup: 'strong' | 'eventual' | 'none';
  /** Writes can join the commit of the hub's own store. */
  transactional: boolean;
  /** Each run writes the whole target anew (a replaced file), so unchanged records must be sent too. */
  snapshot: boolean;
  /** What a run writes takes the place of all that was there: each run reads everything, whatever the mapping's `sync_mode`. */
  replaces?: boolean;
  /** What was written beyond the last commit is taken back, or gone on with, by `WriteTarget.resume`. */
  resumable?: boolean;
  /** Milliseconds after which a write whose answer was lost has either arrived or never will; default 40,000. */
  settleMs?: number;
}

export type ConnectorFactory = (connection: OpenConnection, environment: ConnectorEnvironment) => Connector;

/** What the hub lends to a connector. */
export interface ConnectorEnvironment {
  /** The hub's own store, for the platform connector. */
  store?: SqlDatabase;
  /** Where connectors may reach private addresses besides their own host: `network.allowedTargets` of the settings. */
  allowedTargets?: readonly string[];
  /** What clients by HTTP share beyond their process: to be handed on to `openHttp`. */
  http?: HttpEnvironment;
  /** What of the hub and of Node-RED connectors refuse to touch. */
  protectedPlaces?: ProtectedPlaces;
  /** The hub's own, for what a connector has to keep, such as its certificate. */
  directory?: string;
  /** Of messages that come exactly once. */
  deliveries?: Deliveries;
  /** What connections wait for has been done, such as trust in a certificate: those that failed try again at once. */
  retry?(): void;
  log(level: 'info' | 'warn' | 'error' | 'debug', message: string): void;
}
