import { join } from 'node:path';
import type { ReadQuery } from '../connectors/contract';
import type { Mapped } from '../mapping/contract';
import type { ConnectionOfRun, OpenConnection } from '../model/connection';
import type { Runner } from '../model/processes';
import type { WaitingWrites } from '../model/stream';
import type { VaultKey } from '../security/keys';
import type { HubSettings } from '../settings';
import { hasQueuedWrites } from '../sync/queued-writes';
import { type Calls, type ReadBatch, unpackResults } from './protocol';
import { WorkProcess, type WorkProcessState } from './work-process';

export interface RunnerClientOptions {
  settings: HubSettings;
  /** Of the vault, the current one first. */
  keys: readonly VaultKey[];
  /** Answers the runner's question for a connection and its secrets. */
  openConnection(id: number): Promise<ConnectionOfRun>;
  /** Something of a job was committed. */
  onChange(jobId: string): void;
  /** A test has shown that a sign-in is good. */
  onSignedIn(): void;
}

/** The runner, as the process sees it that it works for. */
export class RunnerClient implements Runner {
  private readonly process: WorkProcess;
  private readonly onSignedIn: () => void;
  /** As the runner said last. */
  waitingWrites: readonly WaitingWrites[] = [];

  constructor({ onChange, onSignedIn, ...options }: RunnerClientOptions) {
    this.onSignedIn = onSignedIn;
    this.process = new WorkProcess({
      ...options,
      entry: join(__dirname, 'process.js'),
      name: 'runner',
      heapMb: options.settings.runner.heapMb,
      onMessage: (message) => {
        if (message.type === 'changed') onChange(message.jobId);
        if (message.type === 'writes') this.waitingWrites = message.waiting;
      },
    });
    if (hasQueuedWrites(options.settings.directory)) this.wake();
  }

  get state(): WorkProcessState {
    return this.process.state;
  }

  async test(connection: OpenConnection, signal?: AbortSignal): Promise<Calls['test']['answer']> {
    const report = await this.ask('test', [connection], signal);
    if (report.ok) this.onSignedIn();
    return report;
  }

  discover(connection: OpenConnection, signal?: AbortSignal): Promise<Calls['discover']['answer']> {
    return this.ask('discover', [connection], signal);
  }

  describe(connection: OpenConnection, entity: string, signal?: AbortSignal): Promise<Calls['describe']['answer']> {
    return this.ask('describe', [connection, entity], signal);
  }

  present(connection: OpenConnection, entity: string, signal?: AbortSignal): Promise<Calls['present']['answer']> {
    return this.ask('present', [connection, entity], signal);
  }

  preview(request: Calls['preview']['arguments'][0], signal?: AbortSignal): Promise<Calls['preview']['answer']> {
    return this.ask('preview', [request], signal);
  }

  async map(...[mapping, direction, records, signal]: Parameters<Runner['map']>): Promise<Mapped[]> {
    return unpackResults(await this.ask('map', [mapping, direction, records], signal));
  }

  async write(...[connection, target, records, signal]: Parameters<Runner['write']>): ReturnType<Runner['write']> {
    return unpackResults(await this.ask('write', [connection, target, records], signal));
  }

  call(...[connection, operation, parameters, signal]: Parameters<Runner['call']>): ReturnType<Runner['call']> {
    return this.ask('call', [connection, operation, parameters], signal);
  }

  read(connection: OpenConnection, query: ReadQuery, signal?: AbortSignal): AsyncIterable<ReadBatch> {
    return this.process.pull((id) => ({ type: 'read', id, connection, query }), signal);
  }

  /** There is work in the store. */
  wake(): void {
    this.process.wake();
  }

  /** Somebody wants runs to be cancelled. */
  checkCancelled(): void {
    this.process.send({ type: 'check_cancelled' });
  }

  /** Lets the runner commit the batch in hand, and ends it. */
  close(): Promise<void> {
    return this.process.close();
  }

  private ask<Name extends keyof Calls>(
    name: Name,
    parameters: Calls[Name]['arguments'],
    signal: AbortSignal | undefined,
  ): Promise<Calls[Name]['answer']> {
    return this.process.ask(name, parameters, signal) as Promise<Calls[Name]['answer']>;
  }
}
