import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';

/** Plain data, own keys only. Numbers that a binary float cannot hold are texts. */
export type ParsedRecord = Record<string, unknown>;

/** Takes the decoded text of one file piece by piece and gives its records to a sink. Memory: one record and one piece. */
export interface RecordParser {
  /** @throws data PCP_CSV_..., PCP_JSON_..., PCP_XML_..., PCP_RECORD_TOO_LARGE; records before the fault are in the sink */
  write(text: string): void;
  /** The file is complete: a record still open is an error. */
  end(): void;
}

/** `place` is the line a record starts at (CSV, NDJSON, XML) or its index in the array (JSON). */
export type RecordSink = (record: ParsedRecord, place: number) => void;

/** What a parser needs besides the entity. */
export interface ParserContext {
  /** For messages. */
  fileName: string;
  /** In characters. */
  maxRecordLength: number;
  /** Fields that somebody waits for. */
  fields?: readonly string[];
  /** JSON: told of each plain value that stands beside the records, with the names that lead to it. */
  beside?: (names: readonly string[], value: unknown) => void;
  /** CSV: takes off the apostrophe with which an export makes a formula harmless. */
  restoresFormulas?: boolean;
}

export const MAX_DEPTH = 64;

export function brokenFile(code: string, where: Said, what: Said, hint: string): IntegrationError {
  return new IntegrationError('data', code, phrase`${where}: ${what}`, { hint });
}

export function recordTooLarge(where: string, limit: number): IntegrationError {
  return brokenFile(
    'PCP_RECORD_TOO_LARGE',
    where,
    phrase`a record is larger than ${limit} bytes`,
    'Check quotes, line ends and the format; raise max_record_bytes if records really are this large.',
  );
}

/** Reserved by JavaScript objects: a field of this name would vanish or change the record's prototype. */
export function isReservedName(name: string): boolean {
  return name === '__proto__';
}

/** True when objects and arrays nest deeper than `levels`. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  // Without a list of the values, nor names for places: every record comes by here, and most have no depth at all.
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) if (isDeeperThan(value[at], levels - 1)) return true;
    return false;
  }
  for (const name in value) {
    const inner = (value as Record<string, unknown>)[name];
    if (typeof inner === 'object' && inner !== null && isDeeperThan(inner, levels - 1)) return true;
  }
  return false;
}

const SHORT_REST = 64 * 1024;

/**
 * The text from the start of an unfinished record on. A long one is scanned again only after it has doubled, so that a
 * record of many pieces costs time in proportion to its size.
 */
export class UnfinishedText {
  #rest = '';
  #waiting = '';

  /** @returns the text to scan, or null when it is not worth it yet */
  add(piece: string): string | null {
    this.#waiting += piece;
    if (this.#rest.length > SHORT_REST && this.#waiting.length < this.#rest.length) return null;
    return this.take();
  }

  /** Everything there is. */
  take(): string {
    const text = this.#rest + this.#waiting;
    this.#rest = '';
    this.#waiting = '';
    return text;
  }

  /** What the scan could not finish. */
  keep(rest: string): void {
    this.#rest = rest;
  }

  get length(): number {
    return this.#rest.length + this.#waiting.length;
  }
}
