import type {
  Batch,
  CallAnswer,
  DescribedRequest,
  EntityDescription,
  ReadQuery,
  SourceRecord,
  TestReport,
  WriteResult,
} from '../connectors/contract';
import type { BrowseNode, Subscription, TagValue, TagWrite, TagWritePlan, TagWriteResult } from '../connectors/live';
import type { FieldFailure, Mapped } from '../mapping/contract';
import type { Actor } from './audit';
import type { ConnectionOfRun, OpenConnection } from './connection';
import type { EntityInfo } from './entity';
import type { SerializedError } from './errors';
import type { Direction } from './mapping';
import type { MappingInput } from './services';
import type { LiveStatus } from './stream';
import type { Cursor } from './sync';

export interface PreviewRequest {
  /** A saved mapping's definition, or an unsaved one. */
  mapping: MappingInput & { id?: number };
  /** Unsaved connections, by the ids that the mapping gives them. */
  connections?: ConnectionOfRun[];
  direction?: Direction;
  /** Records that the result shows: 1 to 100, default 10. */
  limit?: number;
  /** `full_plan` reads the whole source for its totals and reasons; default `sample`. */
  mode?: 'sample' | 'full_plan';
  /** Fields and values of the source's records that are wanted. */
  keys?: Record<string, unknown>[];
  /** Records to map instead of reading the source. */
  records?: Record<string, unknown>[];
}

export interface PreviewRecord {
  position: string | null;
  before: Record<string, unknown>;
  /** Null when it failed or was filtered. */
  after: Record<string, unknown> | null;
  /** What the target holds now for this key, when it can be looked up. */
  current: Record<string, unknown> | null;
  /** Of an update: what would change. */
  diff: { field: string; old: unknown; new: unknown }[];
  action: 'create' | 'update' | 'unchanged' | 'write' | 'filtered' | 'error';
  /** What would be sent for it, to targets that can tell; not with `full_plan`. */
  request: DescribedRequest | null;
  errors: FieldFailure[];
}

/**
 * What a mapping promises about its writes: `exactly_once` joins the commit of the store; `once` finds a lost write again or
 * repeats it without harm; `asks` makes one question to a person of it; `snapshot` and `resumable` are files, written anew or
 * appended to.
 */
export type GuaranteeLevel = 'exactly_once' | 'once' | 'asks' | 'snapshot' | 'resumable';

export interface PreviewResult {
  guarantee: GuaranteeLevel;
  records: PreviewRecord[];
  totals: Record<PreviewRecord['action'], number>;
  /** False when the time was over before the whole source was read. */
  complete: boolean;
  /** With `full_plan`: why records would be rejected. */
  reasons?: PreviewReason[];
}

/** Code, field and rule of an error, and the message of its first record. One with several wrong fields counts for each. */
export type PreviewReason = FieldFailure & { count: number; first: Pick<PreviewRecord, 'position' | 'before'>[] };

/** Where the records of a message go. */
export interface MessageTarget {
  entity: string;
  keyFields: string[];
  /** The records are removed there; their keys are enough. */
  deletes?: true;
  /** By which another attempt of the same message is known. */
  message?: { id: string; idempotencyKey?: string };
}

/** Work that happens in the runner's process. Everything takes an AbortSignal. */
export interface Runner {
  test(connection: OpenConnection, signal?: AbortSignal): Promise<TestReport>;
  discover(connection: OpenConnection, signal?: AbortSignal): Promise<EntityInfo[]>;
  describe(connection: OpenConnection, entity: string, signal?: AbortSignal): Promise<EntityDescription>;
  /** Names what lies ready to be read: another text when that is something else; null = nothing, or nobody can tell. */
  present(connection: OpenConnection, entity: string, signal?: AbortSignal): Promise<string | null>;
  preview(request: PreviewRequest, signal?: AbortSignal): Promise<PreviewResult>;
  /** Applies a mapping to records of a message, in one direction. */
  map(
    mapping: MappingInput,
    direction: Direction,
    records: Record<string, unknown>[],
    signal?: AbortSignal,
  ): Promise<Mapped[]>;
  /** A batch's source is acknowledged when the next one is asked for; leaving the loop early stops the read. */
  read(
    connection: OpenConnection,
    query: ReadQuery,
    signal?: AbortSignal,
  ): AsyncIterable<Pick<Batch, 'records' | 'total'> & { cursorAfter: Cursor }>;
  write(
    connection: OpenConnection,
    target: MessageTarget,
    records: Record<string, unknown>[],
    signal?: AbortSignal,
  ): Promise<WriteResult[]>;
  /** An operation of the other side, once. */
  call(
    connection: OpenConnection,
    operation: string,
    parameters: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<CallAnswer>;
}

/** What a subscription of a flow gives: records, or how its connection is now. */
export type LiveBatch =
  | { kind: 'records'; records: SourceRecord[]; dropped: number }
  | { kind: 'state'; state: 'connecting' | 'connected' | 'interrupted' | 'failed'; error?: SerializedError };

/** The shop floor: open connections that all nodes and streams share, in a process of their own. */
export interface Live {
  /** How the stream of a live mapping is; null when it has none here. */
  status(mappingId: number): LiveStatus | null;
  /**
   * The source is told that a batch is done with when the next one is asked for. Goes on over outages; ends by the signal, or
   * by throwing transient PCP_RUNNER_DIED.
   */
  subscribe(connection: OpenConnection, subscription: Subscription, signal?: AbortSignal): AsyncIterable<LiveBatch>;
  readTags(connection: OpenConnection, tags: readonly string[], signal?: AbortSignal): Promise<TagValue[]>;
  /**
   * Nothing is written later than `validForMs` from now, and nothing that is not on record.
   * @throws transient PCP_AUDIT_AWAY, PCP_AUDIT_REFUSED
   */
  writeTags(
    connection: OpenConnection,
    writes: readonly TagWrite[],
    options: { by: Actor; validForMs: number },
    signal?: AbortSignal,
  ): Promise<TagWriteResult[]>;
  /** What a write would send: nothing is written. @throws config PCP_NOT_SUPPORTED */
  planTags(connection: OpenConnection, writes: readonly TagWrite[], signal?: AbortSignal): Promise<TagWritePlan[]>;
  browse(connection: OpenConnection, parent: string | null, signal?: AbortSignal): Promise<BrowseNode[]>;
  /**
   * What acts on a machine is not sent later than `validForMs` from now.
   * @throws transient PCP_AUDIT_AWAY, PCP_AUDIT_REFUSED when it moves a machine
   */
  call(
    connection: OpenConnection,
    operation: string,
    parameters: Record<string, unknown>,
    options: { by: Actor; validForMs?: number },
    signal?: AbortSignal,
  ): Promise<CallAnswer>;
}
