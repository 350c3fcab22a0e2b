import { intervalMs, LATEST_MS, type Turn } from '../../protocols/http/request-gate';
import type { LimitsRow } from './limits-row';

/** No block is longer, so that nobody waits long behind turns that are not used. */
const BLOCK_MS = 100;

/** Turns at a rate that all processes of a store share: taken in blocks, so that few requests cost a round trip. */
export class SharedTurns {
  private readonly intervalMs: number;
  private readonly largestBlock: number;
  private blockSize = 1;
  private turns: Turn[] = [];
  private waiting = 0;
  private fetching: Promise<void> | undefined;

  constructor(
    private readonly row: LimitsRow,
    perSecond: number,
  ) {
    this.intervalMs = intervalMs(perSecond);
    this.largestBlock = Math.max(1, Math.floor(BLOCK_MS / this.intervalMs));
  }

  async reserve(): Promise<Turn> {
    this.waiting += 1;
    try {
      for (;;) {
        const turn = this.next();
        if (turn !== undefined) return turn;
        this.fetching ??= this.fetch().finally(() => {
          this.fetching = undefined;
        });
        await this.fetching;
      }
    } finally {
      this.waiting -= 1;
    }
  }

  private next(): Turn | undefined {
    const now = performance.now();
    const good = this.turns.filter(({ latest }) => latest >= now);
    // More than are used would be lost to the others.
    if (good.length < this.turns.length) this.blockSize = 1;
    this.turns = good;
    return this.turns.shift();
  }

  private async fetch(): Promise<void> {
    const count = Math.min(this.largestBlock, Math.max(this.waiting, this.blockSize));
    this.blockSize = Math.min(this.largestBlock, count * 2);
    const lengthUs = Math.round(count * this.intervalMs * 1000);
    await this.row.locked(lengthUs, async ({ now, asked, answered, nextTurn }) => {
      this.turns = Array.from({ length: count }, (_, index) => {
        const inMs = (nextTurn - lengthUs) / 1000 - now + index * this.intervalMs;
        return { at: answered + inMs, latest: asked + inMs + LATEST_MS };
      });
    });
  }
}
