import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { IntegrationError } from '../../../model/errors';
import { byteOrderMark, StrictDecoder, xmlDeclaredEncoding } from '../../../protocols/formats/encodings';
import { errorCode, fileError } from './fs-errors';
import type { RootFolder } from './root-folder';
import type { FileEntity, FileSettings } from './settings';

/** What tells a file from a later one of the same name. */
export interface FileIdentity {
  path: string;
  size: number;
  mtimeMs: number;
  /** Of the first 64 KiB and of the settings it is parsed with. */
  head: string;
}

const PIECE_BYTES = 64 * 1024;
const HEAD_BYTES = 64 * 1024;
/** Long enough for a byte order mark and an XML declaration. */
const SNIFF_BYTES = 256;
/** Small files may compress to next to nothing without being an attack. */
const RATIO_GRACE_BYTES = 16 * 1024 * 1024;

/** One open file as a stream of decoded text, with what it may cost. */
export class TextSource {
  readonly identity: FileIdentity;
  readonly #handle: FileHandle;
  readonly #entity: FileEntity;
  readonly #settings: FileSettings;
  #bytesRead = 0;
  #closed = false;

  private constructor(handle: FileHandle, identity: FileIdentity, entity: FileEntity, settings: FileSettings) {
    this.#handle = handle;
    this.identity = identity;
    this.#entity = entity;
    this.#settings = settings;
  }

  static async open(root: RootFolder, path: string, entity: FileEntity, settings: FileSettings): Promise<TextSource> {
    const { handle, stats } = await root.openForReading(path);
    try {
      const head = Buffer.alloc(Math.min(HEAD_BYTES, stats.size));
      await handle.read(head, 0, head.length, 0);
      const { csv, xml, recordsPath, format, encoding } = entity;
      const hash = createHash('sha256')
        .update(JSON.stringify({ csv, xml, recordsPath, format, encoding }))
        .update(head);
      const identity = { path, size: stats.size, mtimeMs: stats.mtimeMs, head: hash.digest('base64url').slice(0, 22) };
      return new TextSource(handle, identity, entity, settings);
    } catch (thrown) {
      await handle.close();
      throw fileError(thrown, path);
    }
  }

  /** Bytes of the file (as it is stored) that were read so far. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** @throws data PCP_FILE_ENCODING, PCP_GZIP_INVALID, PCP_FILE_TOO_LARGE; transient PCP_FILE_CHANGED */
  async *text(signal: AbortSignal): AsyncGenerator<string> {
    const { path } = this.identity;
    const bytes = path.toLowerCase().endsWith('.gz') ? this.#unzipped(signal) : this.#raw(signal, false);
    let decoder: StrictDecoder | undefined;
    let head: Buffer = Buffer.alloc(0);
    let total = 0;
    for await (const piece of bytes) {
      total += piece.length;
      if (total > this.#settings.max_file_bytes) {
        throw tooLarge(path, `is larger than ${this.#settings.max_file_bytes} bytes`, 'Raise max_file_bytes.');
      }
      if (decoder !== undefined) {
        yield decoder.write(piece);
        continue;
      }
      head = Buffer.concat([head, piece]);
      if (head.length < SNIFF_BYTES) continue;
      const begun = this.#begin(head);
      decoder = begun.decoder;
      yield decoder.write(begun.body);
    }
    if (decoder === undefined) {
      const begun = this.#begin(head);
      decoder = begun.decoder;
      yield decoder.write(begun.body);
    }
    decoder.end();
    await this.#assertUnchanged();
  }

  /** Repeating it is harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }

  #begin(head: Buffer): { decoder: StrictDecoder; body: Buffer } {
    const mark = byteOrderMark(head);
    const { format, encodingIsGiven, encoding } = this.#entity;
    const declared = format === 'xml' && !encodingIsGiven ? xmlDeclaredEncoding(head, this.identity.path) : null;
    const skipped = mark?.length ?? 0;
    const decoder = new StrictDecoder(mark?.encoding ?? declared ?? encoding, this.identity.path, skipped);
    return { decoder, body: head.subarray(skipped) };
  }

  /** @param own true when the consumer keeps the pieces, so that each needs its own memory */
  async *#raw(signal: AbortSignal, own: boolean): AsyncGenerator<Buffer> {
    // One piece is read from the disk while the consumer works on the one before.
    let next = this.#piece(Buffer.allocUnsafe(PIECE_BYTES), 0);
    let spare = Buffer.allocUnsafe(PIECE_BYTES);
    for (;;) {
      signal.throwIfAborted();
      const { buffer, bytesRead } = await next;
      if (bytesRead === 0) return;
      this.#bytesRead += bytesRead;
      next = this.#piece(own ? Buffer.allocUnsafe(PIECE_BYTES) : spare, this.#bytesRead);
      spare = buffer;
      yield buffer.subarray(0, bytesRead);
    }
  }

  #piece(buffer: Buffer<ArrayBuffer>, position: number): Promise<{ buffer: Buffer<ArrayBuffer>; bytesRead: number }> {
    const reading = this.#handle.read(buffer, 0, buffer.length, position).catch((thrown: unknown) => {
      throw fileError(thrown, this.identity.path);
    });
    // A consumer that leaves early never asks how the last read went.
    reading.catch(() => undefined);
    return reading;
  }

  async *#unzipped(signal: AbortSignal): AsyncGenerator<Buffer> {
    const { path } = this.identity;
    const packed = Readable.from(this.#raw(signal, true), { highWaterMark: 1 });
    const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
    packed.once('error', (error) => gunzip.destroy(error));
    let total = 0;
    try {
      for await (const piece of packed.pipe(gunzip) as AsyncIterable<Buffer>) {
        total += piece.length;
        const ratio = total / Math.max(1, this.#bytesRead);
        if (total > RATIO_GRACE_BYTES && ratio > this.#settings.max_compression_ratio) {
          const what = `grows more than ${this.#settings.max_compression_ratio} times when decompressed: a gzip bomb`;
          throw tooLarge(path, what, 'Raise max_compression_ratio if the file really is this repetitive.');
        }
        yield piece;
      }
    } catch (thrown) {
      if (!errorCode(thrown)?.startsWith('Z_')) throw thrown;
      throw new IntegrationError('data', 'PCP_GZIP_INVALID', `${path}: truncated or damaged gzip data.`, {
        hint: 'Send the file again; it was cut off or is no gzip file.',
        cause: thrown,
      });
    } finally {
      packed.destroy();
      gunzip.destroy();
    }
  }

  async #assertUnchanged(): Promise<void> {
    const { path, size, mtimeMs } = this.identity;
    const now = await this.#handle.stat();
    if (now.size === size && now.mtimeMs === mtimeMs) return;
    throw new IntegrationError('transient', 'PCP_FILE_CHANGED', `"${path}" changed while it was read.`, {
      hint: 'It is still being written; raise settle_seconds, or have the sender write to another name and rename.',
    });
  }
}

function tooLarge(path: string, what: string, hint: string): IntegrationError {
  return new IntegrationError('data', 'PCP_FILE_TOO_LARGE', `${path} ${what}.`, { hint });
}
