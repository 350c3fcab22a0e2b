import { basename, dirname, join } from 'node:path/posix';
import { IntegrationError } from '../../../model/errors';
import { unencodable } from '../../../protocols/formats/encodings';
import { type RecordSerialiser, unwritable } from '../../../protocols/formats/serialiser';
import type { WriteRecord, WriteResult, Writer, WriterState, WriteTarget } from '../../contract';
import { AppendJournal } from './append-journal';
import { createSerialiser } from './create-serialiser';
import { FileLock } from './file-lock';
import { fileError } from './fs-errors';
import { type OutputFormat, OutputPart } from './output-part';
import type { RootFolder } from './root-folder';
import type { FileEntity, FileSettings } from './settings';
import { fillTemplate, isStableName } from './templates';

/** One file of the run. In "replace" it grows under `path`, a temporary name beside `final`; in "append" both are the same. */
interface PartState {
  path: string;
  final: string;
  /** Tells the file from another one of its name. */
  inode: number;
  /** Length that the last commit covers. */
  bytes: number;
  records: number;
  /** Decoded size so far, for max_bytes. */
  size: number;
}

interface FileWriterState extends WriterState {
  v: 1;
  started: string;
  parts: PartState[];
}

const MAX_PARTS = 100_000;

/**
 * Writes the records of one run to one file or several parts. "replace" shows nothing until `finish` renames the parts;
 * "append" adds to the newest part. After a crash it continues at the length of the last `state()`. From open to finish no
 * other writer gets at the file.
 */
export class FileWriter implements Writer {
  readonly #root: RootFolder;
  readonly #entity: FileEntity;
  readonly #target: WriteTarget;
  readonly #serialiser: RecordSerialiser;
  readonly #format: OutputFormat;
  readonly #appends: boolean;
  readonly #journal: AppendJournal;
  readonly #template: string;
  readonly #signal: AbortSignal;
  readonly #locks = new Map<string, FileLock>();
  #started = new Date();
  #parts: PartState[] = [];
  #output: OutputPart | null = null;
  /** The journal says that the part in hand may be committed. */
  #isNoted = false;
  #isPublished = false;

  private constructor(
    root: RootFolder,
    entity: FileEntity,
    settings: FileSettings,
    target: WriteTarget,
    path: string,
    signal: AbortSignal,
  ) {
    this.#root = root;
    this.#signal = signal;
    this.#entity = entity;
    this.#target = target;
    this.#template = path;
    this.#appends = entity.write.mode === 'append';
    this.#journal = new AppendJournal(root, target.mappingId);
    this.#format = { encoding: entity.encoding, gzip: /\.gz$/i.test(path) };
    this.#serialiser = createSerialiser(entity, target, settings.neutralise_formulas);
  }

  /** @throws config PCP_NOT_WRITABLE, PCP_APPEND_FORMAT, PCP_EXPORT_LOST; transient PCP_FILE_BUSY */
  static async open(
    root: RootFolder,
    entity: FileEntity,
    settings: FileSettings,
    target: WriteTarget,
    signal: AbortSignal,
  ): Promise<FileWriter> {
    const { path, mode } = entity.write;
    if (path === null) {
      throw new IntegrationError(
        'config',
        'PCP_NOT_WRITABLE',
        `"${entity.path}" is a pattern: no file can be named so.`,
        {
          hint: 'Give the entity a "write": {"path": ...}, for example "out/orders-{date}.csv".',
        },
      );
    }
    if (mode === 'append' && (entity.format === 'json' || entity.format === 'xml')) {
      throw new IntegrationError('config', 'PCP_APPEND_FORMAT', `A ${entity.format} document cannot be appended to.`, {
        hint: 'Use csv or ndjson, or the mode "replace".',
      });
    }
    const writer = new FileWriter(root, entity, settings, target, path, signal);
    await root.resolve();
    try {
      await writer.#begin(target.resume as FileWriterState | null);
    } catch (thrown) {
      await writer.release();
      throw thrown;
    }
    return writer;
  }

  get finished(): boolean {
    return this.#isPublished;
  }

  async write(records: WriteRecord[], signal: AbortSignal): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    for (const { data } of records) {
      if (signal.aborted) throw new IntegrationError('cancelled', 'PCP_CANCELLED', 'The work was cancelled.');
      let text: string;
      try {
        text = this.#textOf(data);
      } catch (thrown) {
        results.push({ outcome: 'failed', error: IntegrationError.from(thrown) });
        continue;
      }
      await this.#add(text);
      results.push({ outcome: 'created' });
    }
    await this.#output?.flush();
    return results;
  }

  async state(): Promise<FileWriterState> {
    if (this.#output !== null) {
      await this.#output.sync();
      const part = this.#parts.at(-1)!;
      part.bytes = this.#output.bytes;
      if (this.#appends && !this.#isNoted) await this.#journal.noteCommit(part.path);
      this.#isNoted = true;
    }
    return { v: 1, started: this.#started.toISOString(), parts: structuredClone(this.#parts) };
  }

  async finish(): Promise<void> {
    if (this.#isPublished) return;
    if (this.#appends) {
      await this.#output?.sync();
      await this.#close();
      for (const part of this.#parts) await this.#journal.forget(part.path);
    } else {
      if (this.#parts.length === 0) await this.#startPart();
      await this.#endPart();
      for (const part of this.#parts) await this.#publish(part);
      await this.#removeLeftovers();
    }
    this.#isPublished = true;
    await this.release();
  }

  async abandon(resumable: boolean): Promise<void> {
    try {
      if (!resumable && this.#appends && !this.#isPublished) await this.#cutBack();
      await this.#close();
      if (resumable || this.#appends || this.#isPublished) return;
      for (const part of this.#parts.splice(0)) await this.#root.remove(part.path);
    } finally {
      await this.release();
    }
  }

  /** Lets other writers at the file. Repeating it is harmless. */
  async release(): Promise<void> {
    await this.#close();
    for (const lock of this.#locks.values()) await lock.release();
    this.#locks.clear();
  }

  async #begin(resume: FileWriterState | null): Promise<void> {
    if (resume !== null) {
      this.#started = new Date(resume.started);
      this.#parts = structuredClone(resume.parts);
    }
    await this.#claim(this.#name(1));
    if (this.#parts.length > 0) await this.#resume();
    else if (this.#appends) await this.#undoUncommitted();
  }

  /** Keeps other writers from a file until `release`. */
  async #claim(name: string): Promise<void> {
    if (this.#locks.has(name)) return;
    this.#locks.set(name, await FileLock.acquire(await this.#root.identify(name), name, this.#signal));
    if (this.#appends && !this.#parts.some(({ path }) => path === name)) await this.#journal.undo(name);
  }

  #textOf(data: Record<string, unknown>): string {
    const text = this.#serialiser.record(data);
    const character = unencodable(text, this.#entity.encoding);
    if (character === null) return text;
    const field = Object.keys(data).find((name) => unencodable(String(data[name]), this.#entity.encoding) !== null);
    throw unwritable(field ?? '', `"${character}" does not exist in ${this.#entity.encoding}`);
  }

  async #add(text: string): Promise<void> {
    const { maxBytes, maxRecords } = this.#entity.write;
    const size = maxBytes === Infinity ? text.length : Buffer.byteLength(text);
    const current = this.#parts.at(-1);
    const isFull =
      current !== undefined &&
      current.records > 0 &&
      (current.records >= maxRecords || current.size + size + this.#serialiser.end.length > maxBytes);
    if (this.#output === null || isFull) {
      if (this.#output !== null) await this.#endPart();
      await this.#startPart();
    }
    const part = this.#parts.at(-1)!;
    const isFirst = part.records === 0;
    const isDue = this.#output!.add(isFirst ? text : this.#serialiser.between + text);
    part.records++;
    part.size += size;
    if (isDue) await this.#output!.flush();
  }

  async #startPart(): Promise<void> {
    if (this.#appends) {
      await this.#startAppending();
      return;
    }
    const final = this.#name(this.#parts.length + 1);
    const path = temporaryName(final, this.#target);
    await this.#claim(final);
    // A name that may not be taken is refused before there is anything to leave behind.
    await this.#root.stat(final);
    this.#output = await OutputPart.create(this.#root, path, this.#format);
    this.#output.add(this.#serialiser.begin);
    this.#parts.push({
      path,
      final,
      inode: this.#output.inode,
      bytes: 0,
      records: 0,
      size: this.#serialiser.begin.length,
    });
  }

  /** Continues the newest part that exists, or makes the next one. */
  async #startAppending(): Promise<void> {
    const { maxBytes, maxRecords } = this.#entity.write;
    const splits = maxBytes !== Infinity || maxRecords !== Infinity;
    let number = 1;
    if (splits) while (number < MAX_PARTS && (await this.#root.stat(this.#name(number + 1)))) number++;
    let name = this.#name(number);
    let existing = await this.#root.stat(name);
    const used = this.#parts.some((part) => part.path === name);
    if (existing && splits && (used || existing.size >= maxBytes)) {
      name = this.#name(number + 1);
      existing = null;
    }
    await this.#claim(name);
    if (existing && existing.size > 0) {
      this.#output = await OutputPart.reopen(this.#root, name, this.#format);
      await this.#matchExisting(name);
    } else {
      this.#output = await OutputPart.create(this.#root, name, this.#format);
      this.#output.add(this.#serialiser.begin);
    }
    const { bytes, inode } = this.#output;
    await this.#journal.note(name, bytes);
    this.#isNoted = false;
    this.#parts.push({ path: name, final: name, inode, bytes, records: 0, size: bytes });
  }

  /** Rows of other columns under an existing header would be read wrongly by everybody after us. */
  async #matchExisting(name: string): Promise<void> {
    if (this.#format.gzip) return;
    const { matches, endsWithNewline } = await this.#output!.startsWith(this.#serialiser.begin.trimEnd());
    if (!matches) {
      await this.#close();
      throw new IntegrationError(
        'config',
        'PCP_APPEND_COLUMNS',
        `"${name}" begins with other columns than this export.`,
        {
          hint: 'Name the columns of the existing file in "columns", or write to another file.',
        },
      );
    }
    if (!endsWithNewline) this.#output!.add('\r\n');
  }

  async #endPart(): Promise<void> {
    if (this.#output === null) return;
    if (!this.#appends) this.#output.add(this.#serialiser.end);
    await this.#output.sync();
    this.#parts.at(-1)!.bytes = this.#output.bytes;
    await this.#close();
  }

  async #publish(part: PartState): Promise<void> {
    const isThere = (await this.#root.stat(part.path)) !== null;
    if (isThere) await this.#root.move(part.path, part.final, { keepExisting: false });
    else if (!(await this.#isAtPlace(part))) throw lost(part.final);
  }

  /** Whether the part has been renamed: a file of that name may also be what the run before this one exported. */
  async #isAtPlace({ final, inode }: PartState): Promise<boolean> {
    return (await this.#root.stat(final))?.ino === inode;
  }

  /** Parts beyond ours that an earlier, longer export left under the same names. */
  async #removeLeftovers(): Promise<void> {
    const { maxBytes, maxRecords } = this.#entity.write;
    if ((maxBytes === Infinity && maxRecords === Infinity) || !isStableName(this.#template)) return;
    for (let number = this.#parts.length + 1; number < MAX_PARTS; number++) {
      const name = this.#name(number);
      if ((await this.#root.stat(name)) === null) return;
      await this.#root.remove(name);
    }
  }

  async #resume(): Promise<void> {
    const last = this.#parts.at(-1)!;
    await this.#claim(last.final);
    this.#isNoted = true;
    await this.#removeUncommitted();
    try {
      this.#output = await OutputPart.reopen(this.#root, last.path, this.#format, last);
    } catch (thrown) {
      if (fileError(thrown, last.path).code !== 'PCP_FILE_NOT_FOUND') throw thrown;
      // The crash came while the finished parts were renamed: what is left to do is to rename the others.
      if (this.#appends || !(await this.#isAtPlace(last))) throw lost(last.final);
      this.#isPublished = true;
    }
    if (this.#output !== null && this.#output.bytes < last.bytes) {
      await this.#close();
      throw lost(last.path);
    }
  }

  /** Parts that were begun after the last commit are written again. */
  async #removeUncommitted(): Promise<void> {
    const { maxBytes, maxRecords } = this.#entity.write;
    if (maxBytes === Infinity && maxRecords === Infinity) return;
    for (let number = this.#partNumber() + 1; number < MAX_PARTS; number++) {
      const name = this.#appends ? this.#name(number) : temporaryName(this.#name(number), this.#target);
      if ((await this.#root.stat(name)) === null) return;
      if (this.#appends) await this.#journal.undoOwn(name);
      else await this.#root.remove(name);
    }
  }

  /** What a crash before the first commit has appended. */
  async #undoUncommitted(): Promise<void> {
    for (let number = 1; number < MAX_PARTS && (await this.#root.stat(this.#name(number))); number++) {
      await this.#journal.undoOwn(this.#name(number));
    }
  }

  /** Number of the last part in its name. */
  #partNumber(): number {
    if (!this.#appends) return this.#parts.length;
    let number = 1;
    while (number < MAX_PARTS && this.#name(number) !== this.#parts.at(-1)!.path) number++;
    return number;
  }

  async #cutBack(): Promise<void> {
    const part = this.#parts.at(-1);
    if (part !== undefined && this.#output !== null) {
      await this.#output.truncate(part.bytes);
      if (part.bytes === 0) await this.#root.remove(part.path);
    }
    for (const { path } of this.#parts) await this.#journal.forget(path);
  }

  #name(part: number): string {
    const { runId: run, mappingId: mapping } = this.#target;
    return fillTemplate(this.#template, { started: this.#started, run, mapping, part });
  }

  async #close(): Promise<void> {
    const output = this.#output;
    this.#output = null;
    await output?.close();
  }
}

/** Hidden and ending in ".part", so that nobody who looks for finished files takes it. */
function temporaryName(final: string, { mappingId, runId }: WriteTarget): string {
  return join(dirname(final), `.${basename(final)}.pcp-${mappingId}-${runId}.part`);
}

function lost(path: string): IntegrationError {
  return new IntegrationError('config', 'PCP_EXPORT_LOST', `The unfinished export "${path}" is gone or was changed.`, {
    hint: 'Something removed the temporary file; start a full run, which writes it anew.',
  });
}
