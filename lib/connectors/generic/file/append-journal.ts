import { basename, dirname, join } from 'node:path/posix';
import { fileError } from './fs-errors';
import type { RootFolder } from './root-folder';

const LONGEST_NOTE = 64;

/**
 * Remembers, in a hidden file beside an appended one, how long that was before a run of a mapping touched it. A crash
 * before the run's first commit leaves nothing else to go back by.
 */
export class AppendJournal {
  readonly #root: RootFolder;
  readonly #mappingId: number;

  constructor(root: RootFolder, mappingId: number) {
    this.#root = root;
    this.#mappingId = mappingId;
  }

  /** Durable when it resolves. */
  async note(path: string, bytes: number): Promise<void> {
    const { handle } = await this.#root.openForWriting(this.#name(path), 'any');
    try {
      await handle.truncate(0);
      await handle.write(String(bytes), 0);
      await handle.sync();
    } catch (thrown) {
      throw fileError(thrown, path);
    } finally {
      await handle.close();
    }
  }

  /** Cuts the file back to the noted length; a file that was not there is removed. @returns false without a note */
  async undo(path: string): Promise<boolean> {
    const name = this.#name(path);
    if ((await this.#root.stat(name)) === null) return false;
    const bytes = await this.#read(name);
    const existing = await this.#root.stat(path);
    if (bytes === 0) {
      await this.#root.remove(path);
    } else if (bytes !== null && existing !== null && existing.size > bytes) {
      const { handle } = await this.#root.openForWriting(path, 'existing');
      try {
        await handle.truncate(bytes);
      } finally {
        await handle.close();
      }
    }
    await this.forget(path);
    return true;
  }

  async forget(path: string): Promise<void> {
    await this.#root.remove(this.#name(path));
  }

  /** Null when the crash came before the note was complete, and so before anything was appended. */
  async #read(name: string): Promise<number | null> {
    const { handle } = await this.#root.openForReading(name);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_NOTE), 0, LONGEST_NOTE, 0);
      const text = buffer.toString('latin1', 0, bytesRead);
      return /^\d+$/.test(text) ? Number(text) : null;
    } finally {
      await handle.close();
    }
  }

  #name(path: string): string {
    return join(dirname(path), `.${basename(path)}.pcp-${this.#mappingId}.part`);
  }
}
