import { Duplex } from 'node:stream';
import type { PacketReader } from './packet-reader';

/**
 * A socket as the client library reads it: without the messages, which are read here, one chunk at a time, and so that what is
 * thrown at hostile bytes ends this connection instead of the process.
 */
export class PacketStream extends Duplex {
  readonly #socket: Duplex;
  readonly #reader: PacketReader;
  #parser: NodeJS.WritableStream | undefined;
  #isBusy = false;
  #isHeld = false;

  constructor(socket: Duplex, reader: PacketReader) {
    super();
    this.#socket = socket;
    this.#reader = reader;
    socket.pause();
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.destroy());
    socket.on('error', (error) => this.destroy(error));
  }

  /** The library's parser takes what comes; called once. */
  override pipe<T extends NodeJS.WritableStream>(parser: T): T {
    this.#parser = parser;
    this.#goOn();
    return parser;
  }

  /** While it is held, what the broker sends stays with the network. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#socket.pause();
    else this.#goOn();
  }

  override _read(): void {
    // What comes goes to the parser directly.
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  #receive(chunk: Buffer): void {
    try {
      const parts = this.#reader.read(chunk);
      if (parts.length === 0 || this.destroyed) return;
      this.#socket.pause();
      this.#isBusy = true;
      const taken = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      this.#parser?.write(taken, () => {
        this.#isBusy = false;
        this.#goOn();
      });
    } catch (thrown) {
      this.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #goOn(): void {
    if (!this.#isHeld && !this.#isBusy) this.#socket.resume();
  }
}
