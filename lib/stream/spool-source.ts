import type { Batch, Connector, ReadQuery } from '../connectors/contract';
import { IntegrationError } from '../model/errors';
import type { Cursor } from '../model/sync';
import type { Range, Spooled } from '../spool/rows';
import type { Spool } from '../spool/spool';
import { liveRecord } from '../sync/live-record';
import type { StreamDefinition } from './definitions';

/** A run goes on for so long, and the next one follows it: neither endless runs nor a log that floods. */
const ROLL_OVER_MS = 60 * 60_000;
/** Of ten batches seven are of new records, while there is a backlog and as many new ones come. */
const LIVE_SHARE = 0.7;
/** What an instance has left of a stream that another one has taken over goes on for so long, then it is the other's turn. */
export const TURN_MS = 5_000;

/** By spool: what was committed last. Each instance has its own. */
interface SpoolCursor extends Cursor {
  spools: Record<string, Range>;
}

/** The spool as the source of a run: gives what waits and what comes, until somebody ends it. */
export class SpoolSource implements Connector {
  /** Aborted when the run is to end after the batch in hand. */
  readonly ended = new AbortController();
  private committed: SpoolCursor['spools'] = {};
  private readonly closing = Promise.withResolvers<void>();

  constructor(
    private readonly spool: Spool,
    private readonly definition: StreamDefinition,
    /** Records still come; else it ends with those that are there. */
    private readonly isOwner: () => boolean,
    /** The run has let go of it. */
    private readonly onClose: () => void,
  ) {}

  /** Nobody tests it: a run alone has it. */
  async test(): Promise<never> {
    throw new IntegrationError('bug', 'PCP_INTERNAL', 'The spool is no connection.');
  }

  async *read({ cursor, batchSize }: ReadQuery, signal: AbortSignal): AsyncIterable<Batch> {
    const { spool } = this;
    const { mapping_id: stream } = this.definition;
    this.committed = (cursor as SpoolCursor | null)?.spools ?? {};
    const last = this.committed[spool.id];
    // The process ended between the commit of these and their removal.
    if (last !== undefined) spool.remove(stream, last);
    const lastsMs = this.isOwner() ? ROLL_OVER_MS : TURN_MS;
    const endsAt = performance.now() + lastsMs;
    const until = AbortSignal.any([signal, this.ended.signal, AbortSignal.timeout(lastsMs)]);
    const turns = new Turns(this.definition.is_live_first ? spool.lastSeq : 0, batchSize);
    try {
      while (!this.ended.signal.aborted && performance.now() < endsAt) {
        signal.throwIfAborted();
        const rows = turns.take((after, upTo) => spool.take(stream, after, upTo, batchSize));
        if (rows.length > 0) yield this.batch(rows);
        else if (!this.isOwner()) return;
        else await spool.appended(stream, until);
      }
    } finally {
      spool.putBack(stream);
    }
  }

  /** Resolves when the run has let go of it. */
  get closed(): Promise<void> {
    return this.closing.promise;
  }

  async close(): Promise<void> {
    this.onClose();
    this.closing.resolve();
  }

  private batch(rows: Spooled[]): Batch {
    const { spool } = this;
    const from = (rows[0] as Spooled).seq;
    const to = (rows.at(-1) as Spooled).seq;
    const cursorAfter: SpoolCursor = {
      v: 1,
      kind: 'sequence',
      spools: { ...this.committed, [spool.id]: [from, to] },
    };
    return {
      records: rows.map(({ record, receivedAt }) => liveRecord(record, receivedAt)),
      positions: (index) => `spool:${rows[index]?.seq}`,
      cursorAfter,
      acknowledge: async () => spool.remove(this.definition.mapping_id, [from, to]),
    };
  }
}

type Take = (after: number, upTo: number) => Spooled[];

/** Whose turn it is: what was there when the run began, or what has come since. */
class Turns {
  private backlogAt = 0;
  private liveAt: number;
  private backlogTurns = 0;
  private liveTurns = 0;
  /** The last turn took all new records that there were: others may gather while the backlog has its turn. */
  private isLiveDrained = false;

  /** @param split number of the last record of the backlog */
  constructor(
    private readonly split: number,
    private readonly batchSize: number,
  ) {
    this.liveAt = split;
  }

  take(from: Take): Spooled[] {
    if (this.backlogAt >= this.split) return this.live(from);
    const isBehind = this.liveTurns * (1 - LIVE_SHARE) < this.backlogTurns * LIVE_SHARE;
    const isLive = isBehind && !this.isLiveDrained;
    const first = isLive ? this.live(from) : this.backlog(from);
    if (first.length > 0) return first;
    return isLive ? this.backlog(from) : this.live(from);
  }

  private live(from: Take): Spooled[] {
    const rows = from(this.liveAt, Number.MAX_SAFE_INTEGER);
    this.liveAt = rows.at(-1)?.seq ?? this.liveAt;
    this.liveTurns++;
    this.isLiveDrained = rows.length < this.batchSize;
    return rows;
  }

  private backlog(from: Take): Spooled[] {
    const rows = from(this.backlogAt, this.split);
    this.backlogAt = rows.at(-1)?.seq ?? this.split;
    this.backlogTurns++;
    this.isLiveDrained = false;
    return rows;
  }
}
