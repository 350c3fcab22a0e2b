import { type Budget, budgetSpent } from '../../protocols/http/budget';
import type { Quota } from '../../protocols/http/request-gate';
import type { LimitsRow } from './limits-row';

const DAY_MS = 86_400_000;
/** Requests that a process takes at once, so that most cost nothing. */
const BLOCK = 50;
/** Of the budget, this part is left to what people and flows ask for. */
const RESERVE = 0.1;

/** Requests of a day, of all processes of a store together: each takes some at once. The day is the store's, in UTC. */
export class DailyBudget implements Budget {
  /** Taken and not spent yet: by unattended runs, and by others. */
  private readonly blocks = new Map<boolean, number>();
  private readonly taking = new Map<boolean, Promise<void>>();
  /** Of the day, by `performance.now()`. */
  private endsAt = Number.NEGATIVE_INFINITY;
  private used = 0;

  /** @param onTaken told what is left */
  constructor(
    private readonly row: LimitsRow,
    private readonly perDay: number,
    private readonly onTaken: (quota: Quota) => void,
  ) {}

  spendNow(isUnattended: boolean): boolean {
    const left = performance.now() < this.endsAt ? (this.blocks.get(isUnattended) ?? 0) : 0;
    if (left > 0) this.blocks.set(isUnattended, left - 1);
    return left > 0;
  }

  async spend(isUnattended: boolean): Promise<void> {
    while (!this.spendNow(isUnattended)) {
      const taken = this.taking.get(isUnattended) ?? this.take(isUnattended);
      this.taking.set(isUnattended, taken);
      await taken.finally(() => this.taking.delete(isUnattended));
    }
  }

  /** The stricter of what the other side says and of what is left here. */
  stricter(told: Quota): Quota {
    if (performance.now() >= this.endsAt) return told;
    const own = this.quota;
    const part = ({ limit, remaining }: Quota) => (limit === undefined ? Number(remaining > 0) : remaining / limit);
    return part(own) < part(told) ? own : told;
  }

  /** Gives back what was not spent. */
  async close(): Promise<void> {
    const left = [...this.blocks.values()].reduce((sum, block) => sum + block, 0);
    this.blocks.clear();
    if (left === 0 || performance.now() >= this.endsAt) return;
    await this.row.locked((now, transaction) =>
      transaction.execute(
        'UPDATE integration_request_limits SET budget_used = budget_used - ? WHERE connection_id = ? AND budget_day = ?',
        [left, this.row.connectionId, Math.floor(now / DAY_MS)],
      ),
    );
  }

  private get quota(): Quota {
    const resetAt = new Date(Date.now() + this.endsAt - performance.now()).toISOString();
    return { limit: this.perDay, remaining: Math.max(0, this.perDay - this.used), resetAt };
  }

  private async take(isUnattended: boolean): Promise<void> {
    const most = isUnattended ? this.perDay - Math.ceil(this.perDay * RESERVE) : this.perDay;
    const { connectionId } = this.row;
    const { granted, leftMs } = await this.row.locked(async (now, transaction) => {
      const day = Math.floor(now / DAY_MS);
      const [row] = await transaction.query(
        'SELECT budget_day, budget_used FROM integration_request_limits WHERE connection_id = ?',
        [connectionId],
      );
      const used = Number(row?.budget_day) === day ? Number(row?.budget_used) : 0;
      const free = most - used;
      // Towards the end others want some as well.
      const granted = free <= 0 ? 0 : Math.max(1, Math.min(BLOCK, Math.floor(free / 10)));
      await transaction.execute(
        'UPDATE integration_request_limits SET budget_day = ?, budget_used = ? WHERE connection_id = ?',
        [day, used + granted, connectionId],
      );
      this.used = used + granted;
      return { granted, leftMs: (day + 1) * DAY_MS - now };
    });
    const endsAt = performance.now() + leftMs;
    // What was left of yesterday is nothing today.
    if (endsAt - this.endsAt > DAY_MS / 2) this.blocks.clear();
    this.endsAt = endsAt;
    this.onTaken(this.quota);
    if (granted === 0) throw budgetSpent(this.perDay, isUnattended, leftMs);
    this.blocks.set(isUnattended, (this.blocks.get(isUnattended) ?? 0) + granted);
  }
}
