import type { CallAnswer, ReadQuery, WriteResult } from '../../lib/connectors/contract';
import type { Subscription, TagWrite, TagWriteResult } from '../../lib/connectors/live';
import type { Mapped } from '../../lib/mapping/contract';
import type { Actor } from '../../lib/model/audit';
import type { OpenConnection } from '../../lib/model/connection';
import { IntegrationError } from '../../lib/model/errors';
import type { LiveBatch, MessageTarget, Runner } from '../../lib/model/processes';
import type {
  ConnectionInput,
  ConnectionView,
  Hub,
  JobStatus,
  MappingInput,
  MappingView,
  SyncRequest,
} from '../../lib/model/services';
import type { Cursor } from '../../lib/model/sync';
import { descriptors } from '../../nodes/support/connectors';

type PlainRecord = Record<string, unknown>;

/** A stand-in for the hub, typed by its interface: it records what the nodes ask of it and answers as the test says. */
export class StandInHub implements Hub {
  get database(): never {
    throw new Error('The stand-in has no store.');
  }

  get vault(): never {
    throw new Error('The stand-in has no keys.');
  }

  get webhookInbox(): never {
    throw new Error('The stand-in takes no deliveries.');
  }

  get reconciliations(): never {
    throw new Error('The stand-in compares nothing.');
  }

  get certificates(): never {
    throw new Error('The stand-in knows no certificates.');
  }

  get webhooks(): never {
    throw new Error('The stand-in tells nobody.');
  }

  get deliveries(): never {
    throw new Error('The stand-in tells nobody.');
  }

  readonly alertFollowers = new Map<string, Parameters<Hub['alerts']['follow']>[1]>();
  readonly alerts = {
    follow: (reader, onEvent) => {
      this.alertFollowers.set(reader, onEvent);
      return () => void this.alertFollowers.delete(reader);
    },
  } as Partial<Hub['alerts']> as Hub['alerts'];

  get metrics(): never {
    throw new Error('The stand-in measures nothing.');
  }

  readonly descriptors = descriptors;
  readonly registered = new Map<string, ConnectionInput>();
  readonly mappingsRegistered = new Map<string, MappingInput>();
  readonly released: string[] = [];
  batches: PlainRecord[][] = [];
  queries: ReadQuery[] = [];
  /** How many batches were asked for beyond the first: each acknowledges the one before. */
  acknowledged = 0;
  readFailure: Error | null = null;
  writes: { target: MessageTarget; records: PlainRecord[] }[] = [];
  writeResults: (records: PlainRecord[]) => WriteResult[] = (records) => records.map(() => ({ outcome: 'created' }));
  calls: { operation: string; parameters: PlainRecord }[] = [];
  callAnswer: () => CallAnswer = () => ({ payload: null });
  mapRecords: (records: PlainRecord[]) => Mapped[] = () => [];
  stored = new Map<string, PlainRecord>();
  started: { connection: number; request: SyncRequest }[] = [];
  cancelled: string[] = [];
  startFailure: IntegrationError | null = null;
  #watchers = new Set<(status: JobStatus) => void>();
  #ids = new Map<string, number>();
  job: JobStatus = {
    job_id: 'job-1',
    connection_id: 1,
    status: 'in_progress',
    started_at: '2026-11-24T05:00:00.000Z',
    ended_at: null,
    progress: { processed: 0, total: null, percent: null, records_per_second: 0 },
    logs: [],
  };

  #id(nodeId: string): number {
    const id = this.#ids.get(nodeId) ?? this.#ids.size + 1;
    this.#ids.set(nodeId, id);
    return id;
  }

  readonly connections = {
    registerFlow: async (nodeId: string, input: ConnectionInput): Promise<ConnectionView> => {
      this.registered.set(nodeId, input);
      return { ...(input as unknown as ConnectionView), id: this.#id(nodeId) };
    },
    releaseFlow: async (nodeId: string): Promise<void> => {
      this.released.push(nodeId);
    },
    open: async (id: number): Promise<OpenConnection> => ({
      id,
      name: 'c',
      connector_type: 'generic.file',
      config: {},
      credentials: {},
    }),
  } as unknown as Hub['connections'];

  readonly mappings = {
    registerFlow: async (nodeId: string, input: MappingInput): Promise<MappingView> => {
      if (input.field_mappings.length === 0) throw new IntegrationError('config', 'PCP_MAPPING_INVALID', 'No fields.');
      this.mappingsRegistered.set(nodeId, input);
      return { ...(input as unknown as MappingView), id: this.#id(nodeId) };
    },
    releaseFlow: async (nodeId: string, reason?: string): Promise<void> => {
      this.released.push(reason === undefined ? nodeId : `${nodeId}: ${reason}`);
    },
  } as unknown as Hub['mappings'];

  readonly entityTypes = {
    get: async (type: string) =>
      type === 'stock'
        ? { type, title: type, key: ['material', 'batch'], schema: { properties: { batch: { default: '' } } } }
        : { type, title: type, key: ['number'], schema: {}, built_in: true },
  } as unknown as Hub['entityTypes'];

  readonly records = {
    merge: async (_type: string, key: string[], record: PlainRecord) => {
      const created = !this.stored.has(key.join());
      if (record.bad) throw new IntegrationError('data', 'PCP_RECORD_INVALID', 'bad is not allowed', { path: '/bad' });
      this.stored.set(key.join(), record);
      return { record, created };
    },
    get: async (_type: string, key: string[]) => {
      const found = this.stored.get(key.join());
      if (!found) throw new IntegrationError('data', 'PCP_NOT_FOUND', 'no such record');
      return found;
    },
    list: async () => ({ items: [...this.stored.values()], next_cursor: null, total: this.stored.size }),
    delete: async (_type: string, key: string[]) => {
      this.stored.delete(key.join());
    },
  } as unknown as Hub['records'];

  readonly sync = {
    start: async (connection: number, request: SyncRequest) => {
      if (this.startFailure) throw this.startFailure;
      this.started.push({ connection, request });
      return this.job;
    },
    status: async () => this.job,
    cancel: async (id: string) => {
      this.cancelled.push(id);
      return this.job;
    },
    endPause: async () => undefined,
    watch: (_id: string, onChange: (status: JobStatus) => void) => {
      this.#watchers.add(onChange);
      return () => this.#watchers.delete(onChange);
    },
    logs: async () => {
      const active = this.startFailure ? [{ job_id: this.job.job_id }] : [];
      return { items: active, next_cursor: null, total: active.length };
    },
  } as unknown as Hub['sync'];

  get watching(): number {
    return this.#watchers.size;
  }

  /** The job goes on, as its watchers see it. */
  progress(change: Partial<JobStatus>): void {
    this.job = { ...this.job, ...change };
    for (const watcher of this.#watchers) watcher(this.job);
  }

  readonly runner = {
    read: (_connection: OpenConnection, query: ReadQuery, signal?: AbortSignal) => this.#read(query, signal),
    write: async (_connection: OpenConnection, target: MessageTarget, records: PlainRecord[]) => {
      this.writes.push({ target, records });
      return this.writeResults(records);
    },
    call: async (_connection: OpenConnection, operation: string, parameters: PlainRecord) => {
      this.calls.push({ operation, parameters });
      return this.callAnswer();
    },
    map: async (_mapping: MappingInput, _direction: string, records: PlainRecord[]) => this.mapRecords(records),
  } as unknown as Runner;

  /** What a subscription gives, in order; it then waits for the end. */
  liveBatches: LiveBatch[] = [];
  subscriptions: Subscription[] = [];
  tagWrites: { writes: readonly TagWrite[]; by: Actor; validForMs: number }[] = [];
  tagWriteResults: (writes: readonly TagWrite[]) => TagWriteResult[] = (writes) =>
    writes.map(({ tag, value }) => ({ tag, outcome: 'written', verified: true, value }));

  readonly live: Hub['live'] = {
    status: () => null,
    subscribe: (_connection, subscription, signal) => this.#subscribe(subscription, signal),
    readTags: async (_connection, tags) =>
      tags.map((tag) => ({
        tag,
        value: 1,
        quality: 'good',
        source_timestamp: null,
        received_at: '2026-11-24T05:00:00.000Z',
      })),
    writeTags: async (_connection, writes, options) => {
      this.tagWrites.push({ writes, ...options });
      return this.tagWriteResults(writes);
    },
    planTags: async (_connection, writes) =>
      writes.map(({ tag }) => ({ tag, outcome: 'planned', request: { function: 6 } })),
    browse: async () => [],
    call: async (_connection, operation, parameters) => {
      this.calls.push({ operation, parameters });
      return this.callAnswer();
    },
  };

  async *#subscribe(subscription: Subscription, signal?: AbortSignal): AsyncIterable<LiveBatch> {
    this.subscriptions.push(subscription);
    for (const batch of this.liveBatches.splice(0)) {
      yield batch;
      this.acknowledged += 1;
    }
    if (this.readFailure) throw this.readFailure;
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  }

  async *#read(query: ReadQuery, signal?: AbortSignal) {
    this.queries.push(query);
    if (this.readFailure) throw this.readFailure;
    for (const [index, records] of this.batches.entries()) {
      signal?.throwIfAborted();
      const cursorAfter: Cursor = { v: 1, kind: 'file', batch: index };
      yield { records, cursorAfter };
      this.acknowledged += 1;
    }
  }

  get audit(): never {
    throw new Error('The stand-in has no audit log.');
  }

  connectorSchema() {
    return {};
  }

  async health(): Promise<never> {
    throw new Error('A node has no business with the health of the hub.');
  }

  async close(): Promise<void> {}
}
