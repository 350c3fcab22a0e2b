import { IntegrationError } from '../../model/errors';
import type { OpcUaClient, OpenSession } from './client';
import { readHistory, recordedNodes } from './history';
import type { NodeId } from './library';
import type { NodeValue } from './read';

interface Gap {
  tag: string;
  /** Time of the last value before the interruption, later of the last one that was found. */
  after: string;
  /** Times of values that came by themselves since; the last one ends the gap. */
  seen: Set<string>;
  before: string;
  tries: number;
}

/** A history that cannot be read three times over a connection that stands is given up. */
const MOST_TRIES = 3;

/**
 * Reads from the server's history what it recorded during an interruption: from the last value before it on, without those that
 * the server had kept for us, of which some may be missing as well.
 * Live values are not kept waiting: gaps are read one after the other beside them. One that is interrupted itself is read again
 * when the connection is back, from where it got to.
 */
export class GapFill {
  readonly #client: OpcUaClient;
  readonly #open: OpenSession;
  readonly #found: (tag: string, value: NodeValue) => Promise<void>;
  readonly #report: (message: string) => void;
  readonly #closed = new AbortController();
  /** Nodes with a history. */
  readonly #nodes = new Map<string, NodeId>();
  /** Gaps that have not ended yet. */
  readonly #begun = new Map<string, Gap>();
  readonly #gaps: Gap[] = [];
  #isReading = false;

  constructor(
    client: OpcUaClient,
    open: OpenSession,
    found: (tag: string, value: NodeValue) => Promise<void>,
    report: (message: string) => void,
  ) {
    this.#client = client;
    this.#open = open;
    this.#found = found;
    this.#report = report;
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
      this.#begun.set(tag, { tag, after, seen: new Set(), before: after, tries: 0 });
    }
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
    this.#gaps.push(...[...this.#begun.values()].filter(({ after, before }) => before > after));
    this.#begun.clear();
    this.#read();
  }

  close(): void {
    this.#closed.abort();
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
        this.#report(
          `The history of ${gap.tag} from ${gap.after} to ${gap.before} is missing: ${IntegrationError.from(thrown).message}`,
        );
      }
      this.#gaps.shift();
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
        await this.#found(gap.tag, value);
        gap.after = time;
      }
    }
  }
}
