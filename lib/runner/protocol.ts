import type { Batch, CallAnswer, EntityDescription, ReadQuery, TestReport, WriteResult } from '../connectors/contract';
import type { BrowseNode, Subscription, TagValue, TagWrite, TagWritePlan, TagWriteResult } from '../connectors/live';
import type { Mapped } from '../mapping/contract';
import type { ConnectionOfRun, OpenConnection } from '../model/connection';
import type { EntityInfo } from '../model/entity';
import { IntegrationError, type SerializedError } from '../model/errors';
import type { Direction } from '../model/mapping';
import type { LiveBatch, MessageTarget, PreviewRequest, PreviewResult } from '../model/processes';
import type { MappingInput } from '../model/services';
import type { LiveStatus, WaitingWrites } from '../model/stream';
import type { Cursor } from '../model/sync';
import type { VaultKey } from '../security/keys';
import type { ProtectedPlaces } from '../security/protected-files';
import type { HubSettings } from '../settings';
import type { StreamDefinition } from '../stream/definitions';
import type { SignInAnswer, SignInQuestion } from '../stream/refused-here';
import type { DeadLetterPolicy } from '../sync/retention';
import type { RetryPolicy } from '../sync/runs/retry';

/** What a runner needs to know. It travels over IPC alone: the store's URL may hold a password, and there are keys. */
export interface RunnerSetup {
  directory: string;
  storeUrl: string | undefined;
  protectedPlaces: ProtectedPlaces;
  concurrency: number;
  retry: RetryPolicy;
  expressionHeapMb: number;
  deadLetters: DeadLetterPolicy;
  logDays: number;
  /** The vault's keys, the current one first. */
  keys: readonly VaultKey[];
  allowedTargets: readonly string[];
  /** Of the live process. */
  spool: HubSettings['spool'];
}

/** The work that is asked of a runner: arguments and answer of each call. */
export interface Calls {
  test: { arguments: [connection: OpenConnection]; answer: TestReport };
  discover: { arguments: [connection: OpenConnection]; answer: EntityInfo[] };
  describe: { arguments: [connection: OpenConnection, entity: string]; answer: EntityDescription };
  present: { arguments: [connection: OpenConnection, entity: string]; answer: string | null };
  preview: { arguments: [request: PreviewRequest]; answer: PreviewResult };
  map: {
    arguments: [mapping: MappingInput, direction: Direction, records: Record<string, unknown>[]];
    answer: Mapped[];
  };
  write: {
    arguments: [connection: OpenConnection, target: MessageTarget, records: Record<string, unknown>[]];
    answer: WriteResult[];
  };
  call: {
    arguments: [connection: OpenConnection, operation: string, parameters: Record<string, unknown>];
    answer: CallAnswer;
  };
}

/** The work that is asked of the live process, over connections that are open anyway. */
export interface LiveCalls {
  readTags: { arguments: [connection: OpenConnection, tags: readonly string[]]; answer: TagValue[] };
  /** @param deadline in epoch milliseconds: nothing is written after it */
  writeTags: {
    arguments: [connection: OpenConnection, writes: readonly TagWrite[], deadline: number];
    answer: TagWriteResult[];
  };
  planTags: { arguments: [connection: OpenConnection, writes: readonly TagWrite[]]; answer: TagWritePlan[] };
  browse: { arguments: [connection: OpenConnection, parent: string | null]; answer: BrowseNode[] };
  /** @param deadline in epoch milliseconds: nothing that acts on a machine is sent after it */
  call: {
    arguments: [
      connection: OpenConnection,
      operation: string,
      parameters: Record<string, unknown>,
      deadline: number | null,
    ];
    answer: CallAnswer;
  };
}

export type ReadBatch = Pick<Batch, 'records' | 'total'> & { cursorAfter: Cursor };

export type ToRunner =
  | { type: 'setup'; setup: RunnerSetup }
  | { type: 'wake' }
  | { type: 'check_cancelled' }
  | { type: 'call'; id: number; name: string; arguments: unknown[] }
  | { type: 'read'; id: number; connection: OpenConnection; query: ReadQuery }
  | { type: 'subscribe'; id: number; connection: OpenConnection; subscription: Subscription }
  /** All streams that there are to be; mappings whose spooled records stay; those whose streams stay as they are. */
  | { type: 'streams'; streams: StreamDefinition[]; kept: number[]; unknown: number[] }
  /** Acknowledges the batch before and asks for the next one. */
  | { type: 'next'; id: number }
  | { type: 'abort'; id: number }
  /** Connections that failed try again at once. */
  | { type: 'retry' }
  | SignInAnswer
  | { type: 'connection'; id: number; connection?: ConnectionOfRun; error?: SerializedError }
  | { type: 'stop' };

export type FromRunner =
  | { type: 'answer'; id: number; value: unknown }
  | { type: 'failure'; id: number; error: SerializedError }
  | { type: 'batch'; id: number; batch: ReadBatch | LiveBatch | null }
  | { type: 'open_connection'; id: number; connectionId: number }
  | SignInQuestion
  | { type: 'changed'; jobId: string }
  | { type: 'streams'; statuses: [mappingId: number, status: LiveStatus][] }
  | { type: 'writes'; waiting: WaitingWrites[] }
  | { type: 'state'; busy: boolean; rssBytes: number }
  | { type: 'log'; level: 'info' | 'warn' | 'error' | 'debug'; message: string };

/** Errors lose their class on the way between processes; inside results they travel in their serialised form. */
export function packResults<T extends object>(results: readonly T[]): unknown[] {
  return results.map((result) =>
    'error' in result && result.error instanceof IntegrationError
      ? { ...result, error: result.error.toJSON() }
      : result,
  );
}

export function unpackResults<T>(results: readonly unknown[]): T[] {
  return results.map((result) => {
    const { error, ...rest } = result as { error?: SerializedError };
    return (error === undefined ? result : { ...rest, error: IntegrationError.fromJSON(error) }) as T;
  });
}
