import type { SourceRecord } from '../../contract';
import type { FileIdentity } from './text-source';

/** A file while it is read; `delivered` of its records have left in batches, skipped ones included. */
export interface FileInProgress {
  identity: FileIdentity;
  format: string;
  delivered: number;
}

interface Segment {
  file: FileInProgress;
  /** Index of its first record. */
  from: number;
}

/** What is cut off for one batch. */
export interface CutRecords {
  records: SourceRecord[];
  positions: (index: number) => string;
  /** Files whose last record is in this batch or before it. */
  finished: FileInProgress[];
  /** The file whose reading goes on after this batch, or null between two files. */
  current: FileInProgress | null;
}

/** Records that were parsed and wait for their batch. Small files share batches, large ones fill many. */
export class PendingRecords {
  #records: SourceRecord[] = [];
  #places: number[] = [];
  #segments: Segment[] = [];
  #finished: { file: FileInProgress; at: number }[] = [];

  get length(): number {
    return this.#records.length;
  }

  /** True when a batch could still carry something: records, or files to finish. */
  get isEmpty(): boolean {
    return this.#records.length === 0 && this.#finished.length === 0;
  }

  startFile(file: FileInProgress): void {
    this.#segments.push({ file, from: this.#records.length });
  }

  add(record: SourceRecord, place: number): void {
    this.#records.push(record);
    this.#places.push(place);
  }

  finishFile(file: FileInProgress): void {
    this.#finished.push({ file, at: this.#records.length });
  }

  /** Takes the first `count` records, or all there are. */
  cut(count: number): CutRecords {
    const size = Math.min(count, this.#records.length);
    const isAll = size === this.#records.length;
    const records = isAll ? this.#records : this.#records.slice(0, size);
    const places = isAll ? this.#places : this.#places.slice(0, size);
    this.#records = isAll ? [] : this.#records.slice(size);
    this.#places = isAll ? [] : this.#places.slice(size);

    const segments = this.#segments.filter(({ from }) => from < size || isAll);
    segments.forEach(({ file, from }, index) => {
      file.delivered += Math.max(0, Math.min(size, segments[index + 1]?.from ?? size) - from);
    });
    const finished = this.#finished.filter(({ at }) => at <= size).map(({ file }) => file);
    this.#finished = this.#finished.filter(({ at }) => at > size).map(({ file, at }) => ({ file, at: at - size }));
    const last = segments.at(-1)?.file ?? null;
    const current = last === null || finished.includes(last) ? null : last;
    const later = this.#segments.slice(segments.length).map(({ file, from }) => ({ file, from: from - size }));
    this.#segments = current === null ? later : [{ file: current, from: 0 }, ...later];
    return { records, finished, current, positions: (index) => position(segments, places, index) };
  }
}

/** "orders.csv:17" is a line, "orders.json[16]" an index. */
function position(segments: Segment[], places: number[], index: number): string {
  const segment = segments.findLast(({ from }) => from <= index);
  if (segment === undefined) return '';
  const { path } = segment.file.identity;
  return segment.file.format === 'json' ? `${path}[${places[index]}]` : `${path}:${places[index]}`;
}
