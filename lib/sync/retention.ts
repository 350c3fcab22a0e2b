import { IntegrationError } from '../model/errors';
import type { SqlDatabase, SqlRow, SqlValue } from '../protocols/sql/database';
import type { Vault } from '../security/vault';
import type { StoreClock } from './clock';
import { sealedAnew } from './letter-rows';
import { toDate } from './run-rows';

export interface DeadLetterPolicy {
  /** Dead letters that may be open at a time; a run that would open more stops. */
  limit: number;
  /** An open one goes when nothing has happened to it for so long. */
  openDays: number;
  /** One that is resolved, discarded or superseded. */
  closedDays: number;
}

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;
/** Rows of one step: other writers wait no longer than that takes, and records of 64 KiB find room. */
const ROWS_PER_STEP = 100;
const STEPS = 100;
const OUTDATED: Record<'open' | 'closed', string> = {
  open: `state = 'open'`,
  closed: `state IN ('resolved', 'discarded', 'superseded')`,
};

export interface RetentionOptions {
  database: SqlDatabase;
  clock: StoreClock;
  vault: Vault;
  deadLetters: DeadLetterPolicy;
  log(level: 'info' | 'warn', message: string): void;
}

/** Lets old dead letters go, and seals with the current key what an earlier one sealed. */
export class DeadLetterRetention {
  private nextAt = 0;

  constructor(private readonly options: RetentionOptions) {}

  /** Does its work once an hour, in small steps. What a replay has in hand is left alone. */
  async tidy(): Promise<void> {
    const { clock, deadLetters, log } = this.options;
    if (clock.now() < this.nextAt) return;
    this.nextAt = clock.now() + EVERY_MS;
    await this.remove('closed', deadLetters.closedDays);
    const lost = await this.remove('open', deadLetters.openDays);
    if (lost > 0) {
      log(
        'warn',
        `${lost} open dead letters were removed: nothing had happened to them for ${deadLetters.openDays} days.`,
      );
    }
    const sealed = await this.sealAnew();
    if (sealed > 0) log('info', `${sealed} dead letters were sealed with the current key.`);
  }

  private async remove(which: 'open' | 'closed', days: number): Promise<number> {
    const { database, clock } = this.options;
    const condition = `${OUTDATED[which]} AND last_at < ?`;
    const before = new Date(clock.now() - days * DAY_MS);
    return this.inSteps(async () => {
      const rows = await database.query(
        `SELECT id FROM integration_dead_letters WHERE ${condition} LIMIT ${ROWS_PER_STEP}`,
        [before],
      );
      if (rows.length === 0) return { found: 0, changed: 0 };
      const changed = await database.execute(
        `DELETE FROM integration_dead_letters WHERE ${condition} AND id IN (${rows.map(() => '?').join(', ')})`,
        [before, ...rows.map(({ id }) => Number(id))],
      );
      return { found: rows.length, changed };
    });
  }

  private sealAnew(): Promise<number> {
    const { database, vault } = this.options;
    const earlier = vault.earlierKeyIds;
    const keys = earlier.length === 0 ? '' : ` OR key_id IN (${earlier.map(() => '?').join(', ')})`;
    let after = 0;
    return this.inSteps(async () => {
      const rows = await database.query(
        `SELECT * FROM integration_dead_letters WHERE id > ? AND (key_id IS NULL${keys}) ORDER BY id LIMIT ${ROWS_PER_STEP}`,
        [after, ...earlier],
      );
      after = Number(rows.at(-1)?.id ?? 0);
      let changed = 0;
      for (const row of rows) changed += await this.sealRow(row);
      return { found: rows.length, changed };
    });
  }

  /** Only if the row is still as it was read; one that does not open stays as it is. */
  private async sealRow(row: SqlRow): Promise<number> {
    const { database, vault } = this.options;
    let values: Record<string, SqlValue>;
    try {
      values = sealedAnew(row, vault);
    } catch (error) {
      if (error instanceof IntegrationError) return 0;
      throw error;
    }
    return database.execute(
      `UPDATE integration_dead_letters SET ${Object.keys(values)
        .map((name) => `${database.quote(name)} = ?`)
        .join(', ')} WHERE id = ? AND last_at = ?`,
      [...Object.values(values), Number(row.id), toDate(row.last_at)],
    );
  }

  /** @returns rows changed by all steps; the last one is the first that finds less than a full one */
  private async inSteps(step: () => Promise<{ found: number; changed: number }>): Promise<number> {
    let sum = 0;
    for (let steps = 0; steps < STEPS; steps++) {
      const { found, changed } = await step();
      sum += changed;
      if (found < ROWS_PER_STEP) return sum;
    }
    // There is more: the next look goes on.
    this.nextAt = 0;
    return sum;
  }
}
