import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { EvaluateMessage, SandboxMessage } from './protocol';

const START_MS = 15_000;

/** Why a sandbox is gone. */
export type End = 'hang' | 'death';

/** One sandbox process. It never keeps its parent alive while it is idle. */
export class Sandbox {
  private readonly child: ChildProcess;
  private receive: ((message: SandboxMessage) => void) | undefined;
  private onEnd: ((end: End) => void) | undefined;
  private reason: End = 'death';
  ended = false;

  constructor(heapMb: number) {
    this.child = fork(path.join(__dirname, 'sandbox-process.js'), [], {
      execArgv: [`--max-old-space-size=${heapMb}`, '--disallow-code-generation-from-strings'],
      // Windows cannot start a process without it; nothing else is handed on.
      env: process.platform === 'win32' ? { SystemRoot: process.env.SystemRoot } : {},
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.child.on('message', (message: SandboxMessage) => this.receive?.(message));
    this.child.on('exit', () => this.finish());
    this.child.on('error', () => this.finish());
    this.hold(false);
  }

  /** Resolves when the process takes messages; false when it ended instead. */
  async ready(): Promise<boolean> {
    return this.listen<boolean>(START_MS, (settle) => ({
      message: (message) => 'ready' in message && settle(true),
      end: () => settle(false),
    }));
  }

  /**
   * Sends one message and passes on the answers as they come.
   * @param silenceMs without an answer for so long, the process is killed
   * @returns "done", or how the process ended before that
   */
  async run(message: EvaluateMessage, silenceMs: number, onOutcomes: (json: string) => void): Promise<'done' | End> {
    return this.listen<'done' | End>(silenceMs, (settle) => {
      if (this.child.connected) this.child.send(message, () => undefined);
      return {
        message: (answer) => {
          if (!('outcomes' in answer) || answer.id !== message.id) return;
          onOutcomes(answer.outcomes);
          if (answer.done) settle('done');
        },
        end: settle,
      };
    });
  }

  kill(reason: End = 'death'): void {
    this.reason = reason;
    this.child.kill('SIGKILL');
  }

  private listen<T>(
    silenceMs: number,
    start: (settle: (result: T) => void) => { message: (message: SandboxMessage) => unknown; end: (end: End) => void },
  ): Promise<T> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.kill('hang'), silenceMs);
      const settle = (result: T) => {
        clearTimeout(timer);
        this.receive = undefined;
        this.onEnd = undefined;
        this.hold(false);
        resolve(result);
      };
      const { message, end } = start(settle);
      this.receive = (answer) => {
        timer.refresh();
        message(answer);
      };
      this.onEnd = end;
      this.hold(true);
      if (this.ended) end(this.reason);
    });
  }

  private finish(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd?.(this.reason);
  }

  /** While somebody waits for an answer, the process and its channel count as work; otherwise not. */
  private hold(busy: boolean): void {
    if (busy) {
      this.child.ref();
      this.child.channel?.ref();
    } else {
      this.child.unref();
      this.child.channel?.unref();
    }
  }
}
