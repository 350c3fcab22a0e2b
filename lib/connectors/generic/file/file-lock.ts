import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { IntegrationError } from '../../../model/errors';
import { errorCode } from './fs-errors';

const LOOK_EVERY_MS = 100;
/** A writer that waits for longer lets go of its worker. */
const LONGEST_WAIT_MS = 30_000;

const held = new Set<string>();

/**
 * The right to write to one file, for one writer at a time. Other processes of the machine are kept away by the name of a
 * local socket, which the system frees when its process dies, however it does; macOS has no such names.
 */
export class FileLock {
  readonly #key: string;
  readonly #server: Server | null;

  private constructor(key: string, server: Server | null) {
    this.#key = key;
    this.#server = server;
  }

  /**
   * Waits until no other writer has the file.
   * @param name what messages call the file
   * @throws transient PCP_FILE_BUSY, which a run waits out without spending an attempt
   */
  static async acquire(fullPath: string, name: string, signal: AbortSignal): Promise<FileLock> {
    const key = createHash('sha256').update(fullPath).digest('base64url');
    const until = performance.now() + LONGEST_WAIT_MS;
    for (;;) {
      signal.throwIfAborted();
      if (!held.has(key)) {
        held.add(key);
        const server = await listen(key).catch((thrown: unknown) => {
          held.delete(key);
          if (errorCode(thrown) !== 'EADDRINUSE') throw thrown;
        });
        if (server !== undefined) return new FileLock(key, server);
      }
      if (performance.now() > until) throw fileBusy(name, 'another export is writing to it');
      await delay(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  /** Repeating it is harmless. */
  async release(): Promise<void> {
    const server = this.#server;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    held.delete(this.#key);
  }
}

export function fileBusy(name: string, why: string): IntegrationError {
  return new IntegrationError('transient', 'PCP_FILE_BUSY', `"${name}" is not free: ${why}.`, {
    hint: 'The run goes on by itself as soon as the file is free.',
  });
}

function listen(key: string): Promise<Server | null> {
  const path = { linux: `\0pcp-file-${key}`, win32: `\\\\.\\pipe\\pcp-file-${key}` }[process.platform as string];
  if (path === undefined) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => resolve(server.unref()));
  });
}
