import { type ChildProcess, fork } from 'node:child_process';
import type { ConnectionOfRun } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { VaultKey } from '../security/keys';
import type { HubSettings } from '../settings';
import type { FromRunner, ToRunner } from './protocol';

/** All of the environment that drivers need. Everything else, secrets among it, stays in Node-RED. */
const ENVIRONMENT = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'TEMP',
  'SystemRoot',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];
/** A batch in hand dies young: room for it saves copying, and a fixed size keeps the runner's memory the same everywhere. */
const YOUNG_GENERATION_MB = 32;
/**
 * How much what lives long may grow before all of it is looked through. By itself V8 lets a heap of this size grow by a few
 * megabytes, which the texts of some pages fill: a read would pay a quarter of its processor time for that.
 */
const OLD_GENERATION_GROWTH_PERCENT = 60;
/** Calls that do something on the other side. */
const ACTS = new Set(['write', 'writeTags', 'call']);
const STOP_MS = 20_000;
const LONGEST_RESTART_DELAY_MS = 30_000;
/** A runner that lived this long had no fault of its own at its start. */
const HEALTHY_AFTER_MS = 60_000;

export interface WorkProcessOptions {
  /** The module that the process begins with, and what logs and errors call it ("runner"). */
  entry: string;
  name: string;
  settings: HubSettings;
  /** Of the vault, the current one first. */
  keys: readonly VaultKey[];
  heapMb: number;
  /** Answers the process's question for a connection and its secrets. */
  openConnection(id: number): Promise<ConnectionOfRun>;
  /** It has ended, for whatever reason. */
  onExit?(): void;
  /** Whatever else it tells. */
  onMessage(message: FromRunner): void;
}

interface Pending {
  /** The process that was asked; null while the message waits for one that is stopping. */
  child: ChildProcess | null;
  acts: boolean;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface WorkProcessState {
  state: 'idle' | 'running' | 'restarting';
  pid: number | null;
  rssBytes: number | null;
  restarts: number;
}

/** Starts a child process when there is work, talks to it, starts it again when it died, and lets it go when it is idle. */
export class WorkProcess {
  private child: ChildProcess | null = null;
  private readonly pending = new Map<number, Pending>();
  private readonly reading = new Set<number>();
  private nextId = 1;
  private busy = false;
  private idleTimer: NodeJS.Timeout | undefined;
  private restartTimer: NodeJS.Timeout | undefined;
  private startedAt = 0;
  private deaths = 0;
  private restarts = 0;
  private rssBytes: number | null = null;
  private stopping: Promise<void> | null = null;
  private closed = false;

  constructor(private readonly options: WorkProcessOptions) {}

  get state(): WorkProcessState {
    const state = this.child !== null ? 'running' : this.restartTimer !== undefined ? 'restarting' : 'idle';
    return {
      state,
      pid: this.child?.pid ?? null,
      rssBytes: this.child === null ? null : this.rssBytes,
      restarts: this.restarts,
    };
  }

  /** Asks for work that is answered once. */
  ask(name: string, parameters: unknown[], signal: AbortSignal | undefined): Promise<unknown> {
    const id = this.nextId++;
    return this.answered(id, { type: 'call', id, name, arguments: parameters }, signal, ACTS.has(name));
  }

  /** Pulls what a message opens; the next batch is asked for when the one before is done. */
  async *pull<T>(open: (id: number) => ToRunner, signal: AbortSignal | undefined): AsyncIterable<T> {
    const id = this.nextId++;
    this.reading.add(id);
    try {
      this.send(open(id));
      for (;;) {
        const batch = await this.answered<T | null>(id, { type: 'next', id }, signal);
        if (batch === null) return;
        yield batch;
      }
    } finally {
      this.reading.delete(id);
      this.tell({ type: 'abort', id });
      this.considerIdle();
    }
  }

  wake(): void {
    if (!this.closed) this.send({ type: 'wake' });
  }

  /** Lets the process end its work in hand, and ends it. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.restartTimer);
    this.restartTimer = undefined;
    await this.stop();
  }

  /** @param acts it may have been done when nobody says so */
  private async answered<T>(id: number, message: ToRunner, signal: AbortSignal | undefined, acts = false): Promise<T> {
    if (signal?.aborted) throw aborted();
    const abort = (): void => {
      this.tell({ type: 'abort', id });
      this.pending.get(id)?.reject(aborted());
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        this.pending.set(id, { child: null, acts, resolve: resolve as (value: unknown) => void, reject });
        this.send(message);
      });
    } finally {
      this.pending.delete(id);
      signal?.removeEventListener('abort', abort);
      this.considerIdle();
    }
  }

  /** Starts the process if needed. */
  send(message: ToRunner): void {
    if (this.closed) {
      this.failAll(null, new IntegrationError('cancelled', 'PCP_HUB_STOPPED', 'The integration hub is shutting down.'));
      return;
    }
    if (this.stopping !== null) {
      void this.stopping.then(() => {
        // Whoever has given up meanwhile wants nothing to happen any more.
        if (message.type !== 'call' || this.pending.has(message.id)) this.send(message);
      });
      return;
    }
    clearTimeout(this.idleTimer);
    this.idleTimer = undefined;
    this.child ??= this.start();
    const pending = 'id' in message ? this.pending.get(message.id) : undefined;
    if (pending !== undefined) pending.child = this.child;
    this.tell(message);
  }

  private tell(message: ToRunner): void {
    // One that has just died answers by its exit, which fails whatever waits.
    if (this.child?.connected) this.child.send(message, () => undefined);
  }

  private start(): ChildProcess {
    clearTimeout(this.restartTimer);
    this.restartTimer = undefined;
    const { settings } = this.options;
    const child = fork(this.options.entry, [], {
      execArgv: [
        `--max-old-space-size=${this.options.heapMb}`,
        `--min-semi-space-size=${YOUNG_GENERATION_MB}`,
        `--max-semi-space-size=${YOUNG_GENERATION_MB}`,
        `--heap-growing-percent=${OLD_GENERATION_GROWTH_PERCENT}`,
        '--disable-warning=ExperimentalWarning',
      ],
      env: Object.fromEntries(
        ENVIRONMENT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.startedAt = performance.now();
    this.busy = true;
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-2000);
    });
    child.on('message', (message: FromRunner) => this.receive(message));
    child.on('error', (error) => {
      settings.log('error', `The ${this.options.name}: ${error.message}`);
      // One that was never started does not exit either.
      if (child.pid === undefined) this.exited(child, null, null, error.message);
    });
    child.on('exit', (code, signal) => this.exited(child, code, signal, lastWords));
    child.send({
      type: 'setup',
      setup: {
        directory: settings.directory,
        storeUrl: settings.storeUrl,
        protectedPlaces: settings.protectedPlaces,
        concurrency: settings.runner.concurrency,
        retry: settings.retry,
        expressionHeapMb: settings.runner.expressionHeapMb,
        deadLetters: settings.deadLetters,
        logDays: settings.logDays,
        keys: this.options.keys,
        allowedTargets: settings.network.allowedTargets,
        spool: settings.spool,
      },
    } satisfies ToRunner);
    return child;
  }

  private receive(message: FromRunner): void {
    switch (message.type) {
      case 'answer':
        this.pending.get(message.id)?.resolve(message.value);
        return;
      case 'batch':
        this.pending.get(message.id)?.resolve(message.batch);
        return;
      case 'failure':
        this.pending.get(message.id)?.reject(IntegrationError.fromJSON(message.error));
        return;
      case 'open_connection':
        void this.answerConnection(message.id, message.connectionId);
        return;
      case 'log':
        this.options.settings.log(message.level, message.message);
        return;
      case 'state':
        this.busy = message.busy;
        this.rssBytes = message.rssBytes;
        this.considerIdle();
        return;
      default:
        // Work went on. What a process says of itself every second is no sign of that.
        if (message.type !== 'streams' && message.type !== 'writes') this.deaths = 0;
        this.options.onMessage(message);
    }
  }

  private async answerConnection(id: number, connectionId: number): Promise<void> {
    try {
      this.tell({ type: 'connection', id, connection: await this.options.openConnection(connectionId) });
    } catch (error) {
      this.tell({ type: 'connection', id, error: IntegrationError.from(error).toJSON() });
    }
  }

  private considerIdle(): void {
    if (this.child === null || this.busy || this.pending.size > 0 || this.reading.size > 0) {
      clearTimeout(this.idleTimer);
      this.idleTimer = undefined;
      return;
    }
    this.idleTimer ??= setTimeout(() => {
      this.idleTimer = undefined;
      void this.stop();
    }, this.options.settings.runner.idleMs).unref();
  }

  private stop(): Promise<void> {
    const { child } = this;
    if (child === null) return Promise.resolve();
    this.stopping ??= new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      if (child.connected) child.send({ type: 'stop' } satisfies ToRunner);
      else child.kill('SIGTERM');
    });
    return this.stopping;
  }

  private exited(child: ChildProcess, code: number | null, signal: string | null, lastWords: string): void {
    if (this.child !== child) return;
    const wanted = this.stopping !== null;
    this.child = null;
    this.options.onExit?.();
    this.stopping = null;
    this.busy = false;
    clearTimeout(this.idleTimer);
    this.idleTimer = undefined;
    const how = signal ?? `code ${code}`;
    const outOfMemory = /heap out of memory|Allocation failed/.test(lastWords);
    this.failAll(
      child,
      new IntegrationError(
        'transient',
        'PCP_RUNNER_DIED',
        `The ${this.options.name} ended (${how})${outOfMemory ? ' because its memory was used up' : ''}.`,
        {
          hint: outOfMemory
            ? 'Use smaller batches, or raise integrations.runner.heapMb.'
            : 'Its work is taken up again.',
        },
      ),
    );
    if (wanted || this.closed) return;
    this.restarts++;
    this.deaths = performance.now() - this.startedAt > HEALTHY_AFTER_MS ? 1 : this.deaths + 1;
    const delay = Math.min(LONGEST_RESTART_DELAY_MS, 100 * 2 ** this.deaths);
    this.options.settings.log(
      'error',
      `The ${this.options.name} ended (${how}); starting it again in ${delay} ms. ${lastWords.trim().slice(-500)}`,
    );
    this.restartTimer = setTimeout(() => {
      this.restartTimer = undefined;
      this.wake();
    }, delay).unref();
  }

  /** @param child whose calls fail; null = those that no process has got */
  private failAll(child: ChildProcess | null, error: IntegrationError): void {
    for (const pending of this.pending.values()) {
      if (pending.child !== child) continue;
      pending.reject(pending.acts && child !== null ? inDoubt(error) : error);
    }
  }
}

function inDoubt(error: IntegrationError): IntegrationError {
  const hint = 'Nothing is repeated: look at the other system before it is sent again.';
  return IntegrationError.fromJSON({ ...error.toJSON(), hint, outcomeUnknown: true });
}

function aborted(): IntegrationError {
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The request was cancelled.');
}
