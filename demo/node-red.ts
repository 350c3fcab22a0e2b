import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';

/** True when nothing listens on this port of the loopback interface. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Node-RED as a child process with its own user directory. */
export class NodeRed {
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(projectRoot: string, userDirectory: string, environment: Record<string, string> = {}) {
    const script = path.join(projectRoot, 'node_modules', 'node-red', 'red.js');
    this.child = spawn(process.execPath, [script, '--userDir', userDirectory], {
      cwd: userDirectory,
      // The package's example flows (Import > Examples) take their folder from here.
      env: { PCP_EXAMPLES: path.join(userDirectory, 'examples'), ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    this.exited = new Promise((resolve) => this.child.once('exit', (code) => resolve(code)));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Node-RED gets 20 s to let the batch in hand commit. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    const overdue = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    await this.exited;
    clearTimeout(overdue);
  }
}
