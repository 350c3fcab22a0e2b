import type { IntegrationError } from '../../../model/errors';
import { createParser } from '../../../protocols/formats/create-parser';
import type { Batch, ConnectorEnvironment, ReadQuery, SourceFailure } from '../../contract';
import { disposeOfReadFile, quarantineFile } from './disposal';
import { asFileCursor, type FileCursor, isSameFile, SeenFiles } from './file-cursor';
import { fileError } from './fs-errors';
import { type CutRecords, type FileInProgress, PendingRecords } from './pending-records';
import type { FoundFile, RootFolder } from './root-folder';
import { settledFiles } from './selection';
import type { FileEntity, FileSettings } from './settings';
import { TextSource } from './text-source';

/** A batch also ends when about this much text has been read for it, so that large records do not pile up. */
const BATCH_TEXT = 8 * 1024 * 1024;

/** One pass over the files of an entity. */
export class FileReader {
  readonly #root: RootFolder;
  readonly #entity: FileEntity;
  readonly #settings: FileSettings;
  readonly #environment: ConnectorEnvironment;
  readonly #pending = new PendingRecords();
  #seen = new SeenFiles(null, []);
  #batchSize = 1;
  /** For the estimate of the total: sizes of all files of this pass, and what was read of them. */
  #bytesInAll = 0;
  #bytesDone = 0;
  #recordsDone = 0;
  #source: TextSource | null = null;
  #fields: readonly string[] = [];

  constructor(root: RootFolder, entity: FileEntity, settings: FileSettings, environment: ConnectorEnvironment) {
    this.#root = root;
    this.#entity = entity;
    this.#settings = settings;
    this.#environment = environment;
  }

  async *read(
    query: Pick<ReadQuery, 'cursor' | 'batchSize' | 'namedFields'>,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    signal.throwIfAborted();
    const cursor = asFileCursor(query.cursor);
    const files = await settledFiles(this.#root, this.#entity, this.#settings, this.#environment, signal);
    this.#seen = new SeenFiles(cursor, files);
    this.#batchSize = query.batchSize;
    this.#fields = query.namedFields ?? [];
    this.#bytesInAll = files.reduce((sum, file) => sum + (this.#seen.has(file) ? 0 : file.size), 0);
    for (const file of files) {
      if (this.#seen.has(file)) this.#finishAgain(file);
      else yield* this.#file(file, cursor, signal);
    }
    if (!this.#pending.isEmpty) yield this.#batch(this.#batchSize);
  }

  async *#file(file: FoundFile, cursor: FileCursor | null, signal: AbortSignal): AsyncGenerator<Batch> {
    let progress: FileInProgress | null = null;
    try {
      const source = await TextSource.open(this.#root, file.path, this.#entity, this.#settings);
      this.#source = source;
      progress = this.#begin(source, cursor);
      this.#pending.startFile(progress);
      yield* this.#records(source, progress.delivered, signal);
      this.#pending.finishFile(progress);
      this.#bytesDone += source.identity.size;
    } catch (thrown) {
      const error = fileError(thrown, file.path);
      // What stands before the fault is good and was read in order: it is delivered first.
      if (error.class !== 'cancelled') while (this.#pending.length > 0) yield this.#batch(this.#batchSize);
      throw progress === null ? error : this.#withQuarantine(error, progress);
    } finally {
      await this.#source?.close();
      this.#source = null;
    }
  }

  /** Continues a file that was read in part, if it is still the same. */
  #begin(source: TextSource, cursor: FileCursor | null): FileInProgress {
    const { identity } = source;
    const partial = cursor?.partial?.path === identity.path ? cursor.partial : null;
    const resumes = partial !== null && isSameFile(partial, identity);
    if (partial !== null && !resumes) {
      const message = `"${identity.path}" changed since it was read in part; it is read from its beginning.`;
      this.#environment.log('info', message);
    }
    return { identity, format: this.#entity.format, delivered: resumes ? partial.record : 0 };
  }

  async *#records(source: TextSource, skip: number, signal: AbortSignal): AsyncGenerator<Batch> {
    const context = {
      fileName: source.identity.path,
      maxRecordLength: this.#settings.max_record_bytes,
      fields: this.#fields,
      restoresFormulas: this.#settings.neutralise_formulas,
    };
    let toSkip = skip;
    let count = 0;
    const unseen = new Set(this.#fields);
    const parser = createParser(this.#entity, context, (record, place) => {
      this.#recordsDone++;
      count++;
      for (const field of unseen) if (Object.hasOwn(record, field)) unseen.delete(field);
      if (toSkip > 0) toSkip--;
      else this.#pending.add(record, place);
    });
    let textInBatch = 0;
    for await (const text of source.text(signal)) {
      parser.write(text);
      textInBatch += text.length;
      // The last record waits for the end of the file, so that a file's last batch knows that it is the last.
      while (this.#pending.length > this.#batchSize || (textInBatch > BATCH_TEXT && this.#pending.length > 0)) {
        yield this.#batch(this.#batchSize);
        signal.throwIfAborted();
        if (this.#pending.length <= this.#batchSize) textInBatch = 0;
      }
    }
    parser.end();
    if (count > 0 && unseen.size > 0) this.#warnOfUnseen(context.fileName, unseen);
    while (this.#pending.length > this.#batchSize) yield this.#batch(this.#batchSize);
  }

  /** No error: in formats without columns every field may be absent. */
  #warnOfUnseen(file: string, fields: ReadonlySet<string>): void {
    const names = [...fields].map((name) => `"${name}"`).join(', ');
    this.#environment.log(
      'warn',
      `No record of "${file}" has ${names}, which the mapping reads: it is taken as empty.`,
    );
  }

  /** A file whose records were committed, but that was not moved or deleted before the process ended. */
  #finishAgain(file: FoundFile): void {
    if (this.#entity.afterRead === 'keep') return;
    const identity = { path: file.path, size: file.size, mtimeMs: file.mtimeMs, head: '' };
    this.#pending.finishFile({ identity, format: this.#entity.format, delivered: 0 });
  }

  #batch(count: number): Batch {
    const cut: CutRecords = this.#pending.cut(count);
    for (const { identity } of cut.finished) this.#seen.add(identity);
    const { current } = cut;
    const partial = current === null ? null : { ...current.identity, record: current.delivered };
    const total = this.#estimate();
    return {
      records: cut.records,
      positions: cut.positions,
      cursorAfter: this.#seen.cursor(partial),
      ...(total !== undefined && { total }),
      ...(this.#entity.afterRead !== 'keep' &&
        cut.finished.length > 0 && { acknowledge: () => this.#dispose(cut.finished) }),
    };
  }

  async #dispose(finished: FileInProgress[]): Promise<void> {
    for (const { identity } of finished) {
      await disposeOfReadFile(this.#root, identity, this.#entity, this.#settings);
      this.#seen.forget(identity);
    }
  }

  #estimate(): number | undefined {
    const bytes = this.#bytesDone + (this.#source?.bytesRead ?? 0);
    if (bytes === 0 || this.#recordsDone === 0) return undefined;
    return Math.max(this.#recordsDone, Math.round((this.#recordsDone * this.#bytesInAll) / bytes));
  }

  /** Only a file whose content is wrong is put aside; a share that is gone says nothing about the file. */
  #withQuarantine(error: IntegrationError, progress: FileInProgress): IntegrationError & SourceFailure {
    if (error.class !== 'data' || this.#entity.afterError !== 'move') return error;
    const { identity, delivered } = progress;
    const quarantine = () => quarantineFile(this.#root, identity, this.#settings, error, delivered);
    return Object.assign(error, { quarantine });
  }
}
