import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Encoding, encode } from '../../../protocols/formats/encodings';
import { fileError } from './fs-errors';
import type { RootFolder } from './root-folder';

const compress = promisify(gzip);
/** Written out at this much text, so that a large batch is not held twice. */
const FLUSH_CHARACTERS = 1024 * 1024;

export interface OutputFormat {
  encoding: Encoding;
  gzip: boolean;
}

/**
 * One file that grows at its end. Compressed files are a row of gzip members, one per flush, so that any flushed length is
 * a valid file to continue from.
 */
export class OutputPart {
  readonly path: string;
  /** Number of the file in its file system: a rename keeps it. */
  readonly inode: number;
  readonly #handle: FileHandle;
  readonly #format: OutputFormat;
  #bytes: number;
  #pending: string[] = [];
  #pendingLength = 0;
  #closed = false;

  private constructor(path: string, handle: FileHandle, inode: number, bytes: number, format: OutputFormat) {
    this.path = path;
    this.inode = inode;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#format = format;
  }

  /** A file that must not exist yet, or that a crash left behind: it is emptied. */
  static async create(root: RootFolder, path: string, format: OutputFormat): Promise<OutputPart> {
    const { handle, stats } = await root.openForWriting(path, 'any');
    const part = new OutputPart(path, handle, stats.ino, 0, format);
    await part.truncate(0);
    if (format.encoding.startsWith('utf-16')) part.add('\ufeff');
    return part;
  }

  /**
   * Continues a file.
   * @param known of the very file that is meant: what stands behind its length is cut off
   * @throws config PCP_FILE_NOT_FOUND also when another file has its name
   */
  static async reopen(
    root: RootFolder,
    path: string,
    format: OutputFormat,
    known?: { inode: number; bytes: number },
  ): Promise<OutputPart> {
    const { handle, stats } = await root.openForWriting(path, 'existing');
    if (known !== undefined && known.inode !== stats.ino) {
      await handle.close();
      throw fileError(Object.assign(new Error(), { code: 'ENOENT' }), path);
    }
    const part = new OutputPart(path, handle, stats.ino, stats.size, format);
    if (known !== undefined && known.bytes < stats.size) await part.truncate(known.bytes);
    return part;
  }

  /** Length of the file, without what is not flushed yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns true when it is time to flush */
  add(text: string): boolean {
    this.#pending.push(text);
    this.#pendingLength += text.length;
    return this.#pendingLength >= FLUSH_CHARACTERS;
  }

  /** @throws transient PCP_DISK_FULL */
  async flush(): Promise<void> {
    if (this.#pendingLength === 0) return;
    const encoded = encode(this.#pending.join(''), this.#format.encoding);
    this.#pending = [];
    this.#pendingLength = 0;
    const bytes = this.#format.gzip ? await compress(encoded) : encoded;
    try {
      for (let written = 0; written < bytes.length; ) {
        const rest = bytes.length - written;
        const { bytesWritten } = await this.#handle.write(bytes, written, rest, this.#bytes + written);
        written += bytesWritten;
      }
    } catch (thrown) {
      throw fileError(thrown, this.path);
    }
    this.#bytes += bytes.length;
  }

  /** Everything added is on the disk when this resolves. */
  async sync(): Promise<void> {
    await this.flush();
    try {
      await this.#handle.sync();
    } catch (thrown) {
      throw fileError(thrown, this.path);
    }
  }

  async truncate(bytes: number): Promise<void> {
    this.#pending = [];
    this.#pendingLength = 0;
    try {
      await this.#handle.truncate(bytes);
    } catch (thrown) {
      throw fileError(thrown, this.path);
    }
    this.#bytes = bytes;
  }

  /** Compares the start of the file with a text, and tells whether the file ends with a line end. */
  async startsWith(text: string): Promise<{ matches: boolean; endsWithNewline: boolean }> {
    const { encoding } = this.#format;
    const expected = encode(text, encoding);
    const mark = encoding.startsWith('utf-16') ? encode('\ufeff', encoding) : Buffer.from('\ufeff');
    const head = Buffer.alloc(expected.length + mark.length);
    await this.#handle.read(head, 0, head.length, 0);
    const start = head.subarray(0, mark.length).equals(mark) ? mark.length : 0;
    const newline = encode('\n', encoding);
    const tail = Buffer.alloc(newline.length);
    await this.#handle.read(tail, 0, tail.length, Math.max(0, this.#bytes - tail.length));
    return {
      matches: head.subarray(start, start + expected.length).equals(expected),
      endsWithNewline: tail.equals(newline),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}
