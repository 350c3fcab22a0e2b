import { basename, dirname, join } from 'node:path/posix';
import { fileBusy } from './file-lock';
import { fileError } from './fs-errors';
import type { RootFolder } from './root-folder';

const LONGEST_NOTE = 128;
const NOTE = /^(\d+) (\d+);(committed)?/;

interface Note {
  mapping: number;
  /** Length of the file before the run touched it. */
  bytes: number;
  /** Part of what the run appended may be committed, so that only its own mapping knows where to go back to. */
  isCommitted: boolean;
}

/**
 * Remembers, in a hidden file beside an appended one, how long that was before the run of which mapping touched it. A crash
 * before the run's first commit leaves nothing else to go back by; after it, the note keeps the file for the run that goes on.
 * Used under the file's lock only.
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
    await this.#write(path, `${this.#mappingId} ${bytes};`, 'anew');
  }

  /** From now on the end of the file may be committed. Durable when it resolves. */
  async noteCommit(path: string): Promise<void> {
    await this.#write(path, 'committed', 'behind');
  }

  /**
   * Cuts off what a crash left at the end of the file; a file that was not there before is removed.
   * @throws transient PCP_FILE_BUSY when it belongs to the unfinished run of another mapping
   */
  async undo(path: string): Promise<void> {
    const note = await this.#read(path);
    if (note === null) return;
    if (note.mapping !== this.#mappingId && note.isCommitted) {
      const why = `the run of mapping ${note.mapping} that was interrupted while it appended to it has to end first; if there is no such mapping any more, remove "${noteName(path)}"`;
      throw fileBusy(path, why);
    }
    await this.#cutBack(path, note);
  }

  /** The same for a file that this mapping itself has begun; any other is left alone. */
  async undoOwn(path: string): Promise<void> {
    const note = await this.#read(path);
    if (note?.mapping === this.#mappingId) await this.#cutBack(path, note);
  }

  async forget(path: string): Promise<void> {
    await this.#root.remove(noteName(path));
  }

  async #cutBack(path: string, { bytes }: Note): Promise<void> {
    const existing = await this.#root.stat(path);
    if (bytes === 0) {
      await this.#root.remove(path);
    } else if (existing !== null && existing.size > bytes) {
      const { handle } = await this.#root.openForWriting(path, 'existing');
      try {
        await handle.truncate(bytes);
      } finally {
        await handle.close();
      }
    }
    await this.forget(path);
  }

  async #write(path: string, text: string, where: 'anew' | 'behind'): Promise<void> {
    const { handle, stats } = await this.#root.openForWriting(noteName(path), 'any');
    try {
      if (where === 'anew') await handle.truncate(0);
      await handle.write(text, where === 'anew' ? 0 : stats.size);
      await handle.sync();
    } catch (thrown) {
      throw fileError(thrown, path);
    } finally {
      await handle.close();
    }
  }

  /** Null also when the crash came before the note was complete, and so before anything was appended. */
  async #read(path: string): Promise<Note | null> {
    const name = noteName(path);
    if ((await this.#root.stat(name)) === null) return null;
    const { handle } = await this.#root.openForReading(name);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_NOTE), 0, LONGEST_NOTE, 0);
      const parts = NOTE.exec(buffer.toString('latin1', 0, bytesRead));
      return parts && { mapping: Number(parts[1]), bytes: Number(parts[2]), isCommitted: parts[3] !== undefined };
    } finally {
      await handle.close();
    }
  }
}

function noteName(path: string): string {
  return join(dirname(path), `.${basename(path)}.pcp-append.part`);
}
