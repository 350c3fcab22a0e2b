import { join } from 'node:path';
import type { MachineWrites } from '../audit/machine-writes';
import type { Subscription, TagWritePlan, TagWriteResult } from '../connectors/live';
import type { ConnectionOfRun, OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { Live, LiveBatch } from '../model/processes';
import type { LiveStatus, StreamsHealth } from '../model/stream';
import { type LiveCalls, unpackResults } from '../runner/protocol';
import { WorkProcess, type WorkProcessState } from '../runner/work-process';
import type { VaultKey } from '../security/keys';
import type { HubSettings } from '../settings';
import type { RefusedSignIns } from '../sync/sign-ins/refused-sign-ins';
import { DefinitionFile, type StreamDefinition } from './definitions';
import type { SignInQuestion } from './refused-here';

/** What the live process needs of the hub once there is one. */
export interface LiveHost {
  openConnection(id: number): Promise<ConnectionOfRun>;
  onChange(jobId: string): void;
  /** What was refused is kept for all processes. */
  refused: Pick<RefusedSignIns, 'note' | 'reason'>;
  /** Through which everything that moves a machine goes. */
  recorder: MachineWrites;
}

/** The live process, as Node-RED's process sees it. It may run before there is a hub: its spool does not wait for a store. */
export class LiveClient implements Live {
  private readonly process: WorkProcess;
  private readonly directory: string;
  private readonly isEnabled: boolean;
  private statuses = new Map<number, LiveStatus>();
  private host: LiveHost | null = null;

  constructor(settings: HubSettings, keys: readonly VaultKey[], entry = join(__dirname, 'process.js')) {
    this.directory = settings.directory;
    this.isEnabled = settings.spool.isEnabled;
    this.process = new WorkProcess({
      settings,
      keys,
      entry,
      name: 'live process',
      heapMb: settings.spool.heapMb,
      openConnection: (id) => {
        return this.opened.openConnection(id);
      },
      // What it said of its streams is not so any more.
      onExit: () => this.statuses.clear(),
      onMessage: (message) => {
        if (message.type === 'changed') this.host?.onChange(message.jobId);
        if (message.type === 'streams') this.statuses = new Map(message.statuses);
        if (message.type === 'sign_in') void this.answerSignIn(message);
      },
    });
  }

  private get opened(): LiveHost {
    if (this.host !== null) return this.host;
    throw new IntegrationError('transient', 'PCP_HUB_NOT_OPEN', 'The hub is not open yet.');
  }

  get state(): WorkProcessState {
    return this.process.state;
  }

  /** Goes on with the streams of the last time, if there were any. */
  resume(): void {
    if (this.isEnabled && DefinitionFile.exists(this.directory)) this.process.wake();
  }

  attach(host: LiveHost): void {
    this.host = host;
  }

  /** All streams that there are to be: see the message of this name. */
  setStreams(streams: StreamDefinition[], kept: number[], unknown: number[]): void {
    if (!this.isEnabled || (streams.length === 0 && !DefinitionFile.exists(this.directory))) return;
    this.process.send({ type: 'streams', streams, kept, unknown });
  }

  checkCancelled(): void {
    if (this.state.state === 'running') this.process.send({ type: 'check_cancelled' });
  }

  /** What connections wait for may have been done: those that failed try again at once. */
  retry(): void {
    if (this.state.state === 'running') this.process.send({ type: 'retry' });
  }

  get health(): StreamsHealth {
    const health: StreamsHealth = { states: {}, backlog: 0, dropped: 0, alarms: [] };
    for (const [mapping_id, { state, backlog, dropped, alarms }] of this.statuses) {
      health.states[state] = (health.states[state] ?? 0) + 1;
      health.backlog += backlog.records;
      health.dropped += dropped;
      health.alarms.push(...alarms.map((alarm) => ({ mapping_id, ...alarm })));
    }
    return health;
  }

  /** Of this instance, by mapping. */
  get streams(): ReadonlyMap<number, LiveStatus> {
    return this.statuses;
  }

  status(mappingId: number): LiveStatus | null {
    return this.statuses.get(mappingId) ?? null;
  }

  subscribe(connection: OpenConnection, subscription: Subscription, signal?: AbortSignal): AsyncIterable<LiveBatch> {
    return this.process.pull((id) => ({ type: 'subscribe', id, connection, subscription }), signal);
  }

  readTags(...[connection, tags, signal]: Parameters<Live['readTags']>): ReturnType<Live['readTags']> {
    return this.ask('readTags', [connection, tags], signal);
  }

  async writeTags(
    ...[connection, writes, { by, validForMs }, signal]: Parameters<Live['writeTags']>
  ): Promise<TagWriteResult[]> {
    const deadline = Date.now() + validForMs;
    return this.opened.recorder.tags(connection, by, writes, async () =>
      unpackResults(await this.ask('writeTags', [connection, writes, deadline], signal)),
    );
  }

  async planTags(...[connection, writes, signal]: Parameters<Live['planTags']>): Promise<TagWritePlan[]> {
    return unpackResults(await this.ask('planTags', [connection, writes], signal));
  }

  browse(...[connection, parent, signal]: Parameters<Live['browse']>): ReturnType<Live['browse']> {
    return this.ask('browse', [connection, parent], signal);
  }

  async call(
    ...[connection, operation, parameters, { by, validForMs }, signal]: Parameters<Live['call']>
  ): ReturnType<Live['call']> {
    const deadline = validForMs === undefined ? null : Date.now() + validForMs;
    const send = () => this.ask('call', [connection, operation, parameters, deadline], signal);
    return this.opened.recorder.call(connection, by, operation, parameters, send);
  }

  /** Lets the process commit what it has in hand, and ends it. */
  close(): Promise<void> {
    return this.process.close();
  }

  /** While the store is away, the process goes by what it knows itself. */
  private async answerSignIn({ id, connectionId, digest, reason }: SignInQuestion): Promise<void> {
    const answer = async () => {
      const { refused } = this.opened;
      if (reason !== null) await refused.note({ id: connectionId }, digest, { message: reason });
      return refused.reason(digest);
    };
    const refused = await answer().catch(() => 'unknown' as const);
    if (this.state.state === 'running') this.process.send({ type: 'sign_in', id, refused });
  }

  private ask<Name extends keyof LiveCalls>(
    name: Name,
    parameters: LiveCalls[Name]['arguments'],
    signal: AbortSignal | undefined,
  ): Promise<LiveCalls[Name]['answer']> {
    return this.process.ask(name, parameters, signal) as Promise<LiveCalls[Name]['answer']>;
  }
}
