import { IntegrationError } from '../../model/errors';
import type { OpcUaClient, OpenSession } from './client';
import { readHistory, recordedNodes } from './history';
import type { NodeId } from './library';
import type { TagChange } from './monitor';
import type { NodeValue } from './read';

interface Gap {
  tag: string;
  /** Time of the last value before the interruption, later of the last one that was found. */
  after: string;
  /** Times of values that came by themselves since; the last one ends the gap. */
  seen: Set<string>;
  before: string;
  tries: number;
  /** What came of the tag since, in the order of its coming. */
  held: TagChange[];
  /** Nothing is held any more: what its history has comes late. */
  isLate: boolean;
}

/** A history that cannot be read three times over a connection that stands is given up. */
const MOST_TRIES = 3;
/** Of all that is held. */
const MOST_BYTES = 16 * 2 ** 20;

/** To whom it gives. */
export interface GapFillWays {
  /** Of the history; resolves when there is room for more. */
  found(tag: string, value: NodeValue): Promise<void>;
  /** What was held. */
  give(change: TagChange): void;
  report(message: string): void;
}

/**
 * Reads from the server's history what it recorded during an interruption: from the last value before it on, without those that
 * the server had kept for us, of which some may be missing as well.
 * Gaps are read one after the other. What comes of their tags meanwhile is held, so that it follows what was before it, but not for
 * longer than `patienceMs`. A gap that is interrupted itself is read again when the connection is back, from where it got to.
 */
export class GapFill {
  readonly #client: OpcUaClient;
  readonly #open: OpenSession;
  readonly #ways: GapFillWays;
  readonly #patienceMs: number;
  readonly #closed = new AbortController();
  /** Nodes with a history. */
  readonly #nodes = new Map<string, NodeId>();
  /** Gaps that have not ended yet. */
  readonly #begun = new Map<string, Gap>();
  readonly #gaps: Gap[] = [];
  /** Of each tag the gap that began last. */
  readonly #latest = new Map<string, Gap>();
  #bytes = 0;
  #patience: NodeJS.Timeout | undefined;
  #isReading = false;

  constructor(client: OpcUaClient, open: OpenSession, ways: GapFillWays, patienceMs: number) {
    this.#client = client;
    this.#open = open;
    this.#ways = ways;
    this.#patienceMs = patienceMs;
  }

  async prepare(tags: readonly { tag: string; nodeId: NodeId }[], signal: AbortSignal): Promise<void> {
    const nodes = tags.map(({ nodeId }) => nodeId);
    const recorded = await recordedNodes(this.#client, this.#open, nodes, signal);
    tags.forEach(({ tag, nodeId }, index) => {
      if (recorded[index]) this.#nodes.set(tag, nodeId);
    });
  }

  /** @param last the time of each tag's last value, where there is one */
  interrupted(last: ReadonlyMap<string, string>): void {
    for (const [tag, after] of last) {
      if (this.#begun.has(tag) || !this.#nodes.has(tag)) continue;
      const gap = { tag, after, seen: new Set<string>(), before: after, tries: 0, held: [], isLate: false };
      this.#begun.set(tag, gap);
      this.#latest.set(tag, gap);
    }
  }

  /** @returns whether it is given later, because what was before it is still being looked for */
  holds(change: TagChange): boolean {
    const gap = this.#latest.get(change.tag);
    if (gap === undefined || gap.isLate) return false;
    gap.held.push(change);
    this.#bytes += JSON.stringify(change).length;
    if (this.#bytes > MOST_BYTES) this.#giveAll();
    else this.#patience ??= setTimeout(() => this.#giveAll(), this.#patienceMs).unref();
    return true;
  }

  /** What was interrupted itself goes on. */
  resumed(): void {
    this.#read();
  }

  arrived(tag: string, { source_timestamp: time }: NodeValue): void {
    const gap = this.#begun.get(tag);
    if (gap === undefined || time === null) return;
    gap.seen.add(time);
    if (time > gap.before) gap.before = time;
  }

  /** What the server had kept has come. A tag without a newer value missed nothing: the server holds the same as before. */
  settled(): void {
    const begun = [...this.#begun.values()];
    this.#begun.clear();
    for (const gap of begun) {
      if (gap.before > gap.after) this.#gaps.push(gap);
      else this.#end(gap);
    }
    this.#read();
  }

  close(): void {
    this.#closed.abort();
    clearTimeout(this.#patience);
  }

  /** @param before the time that what is given of it has to be before */
  #give({ held }: Gap, before?: string): void {
    const rest = held.findIndex((change) => before !== undefined && timeOf(change) >= before);
    for (const change of held.splice(0, rest < 0 ? held.length : rest)) this.#ways.give(change);
  }

  /** Gaps of one tag are read in the order in which they began, and so is given what followed them. */
  #giveAll(): void {
    for (const gap of [...this.#gaps, ...this.#begun.values()]) {
      gap.isLate = true;
      this.#give(gap);
    }
    this.#rest();
  }

  #end(gap: Gap): void {
    this.#give(gap);
    if (this.#latest.get(gap.tag) === gap) this.#latest.delete(gap.tag);
    if (this.#latest.size === 0) this.#rest();
  }

  #rest(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#bytes = 0;
  }

  #read(): void {
    if (this.#isReading || !this.#client.isConnected) return;
    this.#isReading = true;
    this.#readAll().finally(() => {
      this.#isReading = false;
    });
  }

  async #readAll(): Promise<void> {
    for (let gap = this.#gaps[0]; gap !== undefined; gap = this.#gaps[0]) {
      try {
        await this.#fill(gap);
      } catch (thrown) {
        if (this.#closed.signal.aborted || !this.#client.isConnected) return;
        gap.tries++;
        if (gap.tries < MOST_TRIES) continue;
        this.#ways.report(
          `The history of ${gap.tag} from ${gap.after} to ${gap.before} is missing: ${IntegrationError.from(thrown).message}`,
        );
      }
      this.#gaps.shift();
      this.#end(gap);
    }
  }

  async #fill(gap: Gap): Promise<void> {
    const nodeId = this.#nodes.get(gap.tag);
    if (nodeId === undefined) return;
    const { after } = gap;
    const range = { start: new Date(after), end: new Date(gap.before) };
    for await (const values of readHistory(this.#client, this.#open, nodeId, range, this.#closed.signal)) {
      for (const value of values) {
        const time = value.source_timestamp;
        if (time === null || time <= after || time >= gap.before || gap.seen.has(time)) continue;
        this.#give(gap, time);
        await this.#ways.found(gap.tag, value);
        gap.after = time;
      }
    }
  }
}

function timeOf(change: TagChange): string {
  return (change.kind === 'value' ? change.value.source_timestamp : null) ?? '';
}
