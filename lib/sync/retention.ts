import { IntegrationError } from '../model/errors';
import type { SqlDatabase, SqlRow, SqlValue } from '../protocols/sql/database';
import type { Vault } from '../security/vault';
import { reseal } from '../store/reseal';
import type { StoreClock } from './clock';
import { idsAtOnce, LETTER_SIZE, sealedAnew } from './letters/letter-rows';
import { sampleContext } from './reconciliation/rows';
import { ENDED, stateList, toDate } from './runs/run-rows';

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
/** Rows of one step: other writers wait no longer than that takes. */
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
  /** A sync log goes after so long. */
  logDays: number;
  log(level: 'info' | 'warn', message: string): void;
}

interface Step {
  /** There may be more of the kind. */
  more: boolean;
  /** Rows that were changed or removed. */
  changed: number;
}

/** Lets old dead letters and sync logs go, and seals with the current key what an earlier one sealed. */
export class Retention {
  private nextAt = 0;
  /** The last log looked at, while there are more old ones than one look goes through. */
  private lastLog = 0;

  constructor(private readonly options: RetentionOptions) {}

  /** Does its work once an hour, in small steps. What a replay has in hand is left alone. */
  async tidy(): Promise<void> {
    const { clock, deadLetters, logDays, log } = this.options;
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
    await this.removeLogs(logDays);
    const sealed = await this.sealAnew();
    if (this.options.vault.earlierKeyIds.length > 0) {
      await reseal(this.options.database, this.options.vault, 'integration_reconciliations', 'sample', (id) =>
        sampleContext(Number(id)),
      );
    }
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
      if (rows.length === 0) return { more: false, changed: 0 };
      const changed = await database.execute(
        `DELETE FROM integration_dead_letters WHERE ${condition} AND id IN (${rows.map(() => '?').join(', ')})`,
        [before, ...rows.map(({ id }) => Number(id))],
      );
      return { more: rows.length === ROWS_PER_STEP, changed };
    });
  }

  /**
   * Runs are numbered as they start, so the old ones come first. What stays: runs with dead letters that wait; those that left
   * something at their target; of each stream the last one that went well, which says what need not be taken back, and the last
   * comparison, which says how both sides are.
   */
  private removeLogs(days: number): Promise<number> {
    const { database, clock } = this.options;
    const before = new Date(clock.now() - days * DAY_MS);
    return this.inSteps(async () => {
      const rows = await database.query(
        `SELECT id, started_at FROM integration_sync_logs WHERE id > ? ORDER BY id LIMIT ${ROWS_PER_STEP}`,
        [this.lastLog],
      );
      const old = rows.filter(({ started_at }) => (toDate(started_at) as Date) < before).map(({ id }) => Number(id));
      const more = old.length === ROWS_PER_STEP;
      this.lastLog = more ? (old.at(-1) as number) : 0;
      if (old.length === 0) return { more, changed: 0 };
      const removable = await database.query(
        `SELECT id FROM integration_sync_logs old
         WHERE id IN (${old.join(', ')}) AND state IN (${stateList(ENDED)})
           AND NOT EXISTS (SELECT 1 FROM integration_dead_letters
             WHERE sync_log_id = old.id AND state IN ('open', 'replaying'))
           AND NOT EXISTS (SELECT 1 FROM integration_reconciliations mine
             WHERE mine.sync_log_id = old.id AND mine.ended_at IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM integration_reconciliations later
                 WHERE later.mapping_id = mine.mapping_id AND later.direction = mine.direction AND later.id > mine.id
                   AND later.ended_at IS NOT NULL))
           AND (dry_run = ? OR kind = 'reconcile' OR (writer_state IS NULL AND state IN ('failed', 'cancelled', 'skipped'))
             OR EXISTS (SELECT 1 FROM integration_sync_logs later
               WHERE later.mapping_id = old.mapping_id AND later.direction = old.direction AND later.id > old.id
                 AND later.kind <> 'reconcile' AND later.dry_run = ? AND later.state IN ('succeeded', 'partial')))`,
        [true, false],
      );
      if (removable.length === 0) return { more, changed: 0 };
      const ids = removable.map(({ id }) => Number(id)).join(', ');
      await database.execute(`DELETE FROM integration_sync_attempts WHERE sync_log_id IN (${ids})`);
      const ofRuns = `integration_reconciliations WHERE sync_log_id IN (${ids})`;
      await database.execute(
        `DELETE FROM integration_reconciliation_keys WHERE reconciliation_id IN (SELECT id FROM ${ofRuns})`,
      );
      await database.execute(`DELETE FROM ${ofRuns}`);
      return { more, changed: await database.execute(`DELETE FROM integration_sync_logs WHERE id IN (${ids})`) };
    });
  }

  private sealAnew(): Promise<number> {
    const { database, vault } = this.options;
    const earlier = vault.earlierKeyIds;
    const keys = earlier.length === 0 ? '' : ` OR key_id IN (${earlier.map(() => '?').join(', ')})`;
    let after = 0;
    return this.inSteps(async () => {
      const found = await database.query(
        `SELECT id, ${LETTER_SIZE} AS size FROM integration_dead_letters
         WHERE id > ? AND (key_id IS NULL${keys}) ORDER BY id LIMIT ${ROWS_PER_STEP}`,
        [after, ...earlier],
      );
      if (found.length === 0) return { more: false, changed: 0 };
      const ids = idsAtOnce(found);
      after = ids.at(-1) as number;
      const rows = await database.query(`SELECT * FROM integration_dead_letters WHERE id IN (${ids.join(', ')})`);
      let changed = 0;
      for (const row of rows) changed += await this.sealRow(row);
      return { more: found.length === ROWS_PER_STEP || ids.length < found.length, changed };
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

  /** @returns rows changed by all steps */
  private async inSteps(step: () => Promise<Step>): Promise<number> {
    let sum = 0;
    for (let steps = 0; steps < STEPS; steps++) {
      const { more, changed } = await step();
      sum += changed;
      if (!more) return sum;
    }
    // There is more: the next look goes on.
    this.nextAt = 0;
    return sum;
  }
}
