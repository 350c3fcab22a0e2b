import type { SqlDatabase, SqlRow, SqlTransaction } from '../protocols/sql/database';
import { isUniqueViolation } from '../store/rows';
import { ENDED, stateList } from '../sync/runs/run-rows';
import { durationMs } from './run-times';

/** Upper ends of the histogram of durations, in seconds. */
export const DURATION_BUCKETS = [1, 10, 60, 300, 1800, 7200] as const;

export const OUTCOMES = ['created', 'updated', 'unchanged', 'deleted', 'filtered', 'conflicts', 'errors'] as const;

const COUNTS = [
  'runs',
  ...OUTCOMES.map((name) => `c_${name}`),
  'duration_ms',
  ...DURATION_BUCKETS.map((seconds) => `within_${seconds}`),
];
/** It is not written more often than it is worth: a look at the logs of some hours is quick. */
const EVERY_MS = 60 * 60_000;
/** What ended a moment ago may not be committed yet, and hosts' clocks differ. */
const SETTLED_MS = 10 * 60_000;

/** What the ended runs of one mapping, direction, state and class of failure have come to, ever. */
export interface RunTotal {
  connectionId: number;
  mappingId: number;
  direction: string;
  state: string;
  errorClass: string;
  /** By names of columns. */
  counts: Record<string, number>;
}

/**
 * Totals that only grow, although sync logs are removed when they are old: what ended is added up in a table, and what ended
 * since is reckoned from the logs.
 */
export class RunTotals {
  constructor(private readonly database: SqlDatabase) {}

  /**
   * Adds up what has ended. Any number of processes may do so: one of them does.
   * @returns whether it was this one
   */
  async bringUp(now: number): Promise<boolean> {
    const { database } = this;
    const until = now - SETTLED_MS;
    const from = await this.countedUntil();
    if (until - from < EVERY_MS) return false;
    return database.transaction(async (transaction) => {
      const moved = await transaction.execute(
        'UPDATE integration_run_totals_end SET counted_until = ? WHERE id = 1 AND counted_until = ?',
        [until, from],
      );
      if (moved !== 1) return false;
      const ended = await this.sums(transaction, 'ended_at > ? AND ended_at <= ?', [new Date(from), new Date(until)]);
      for (const total of ended) await addTo(transaction, total);
      await transaction.execute(
        'DELETE FROM integration_run_totals WHERE mapping_id NOT IN (SELECT id FROM integration_mappings)',
      );
      return true;
    });
  }

  /** Of the mappings that there are. */
  async all(): Promise<RunTotal[]> {
    const { aside } = this.database;
    const totals = new Map<string, RunTotal>();
    let from: number;
    let kept: SqlRow[];
    let since: RunTotal[];
    do {
      from = await this.countedUntil();
      kept = await aside.query('SELECT * FROM integration_run_totals');
      since = await this.sums(aside, 'ended_at > ?', [new Date(from)]);
      // What was added up meanwhile would count twice.
    } while ((await this.countedUntil()) !== from);
    for (const total of [...kept.map(toTotal), ...since]) {
      const key = [total.mappingId, total.direction, total.state, total.errorClass].join(' ');
      const known = totals.get(key);
      if (known === undefined) totals.set(key, total);
      else for (const name of COUNTS) known.counts[name] = (known.counts[name] ?? 0) + (total.counts[name] ?? 0);
    }
    const mappings = await aside.query('SELECT id FROM integration_mappings');
    const existing = new Set(mappings.map(({ id }) => Number(id)));
    return [...totals.values()].filter(({ mappingId }) => existing.has(mappingId));
  }

  private async countedUntil(): Promise<number> {
    const [row] = await this.database.query('SELECT counted_until FROM integration_run_totals_end WHERE id = 1');
    if (row !== undefined) return Number(row.counted_until);
    try {
      await this.database.execute('INSERT INTO integration_run_totals_end (id, counted_until) VALUES (1, 0)');
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    return 0;
  }

  private async sums(
    reader: Pick<SqlTransaction, 'query'>,
    condition: string,
    parameters: Date[],
  ): Promise<RunTotal[]> {
    const rows = await reader.query(
      `SELECT mapping_id, direction, state, error_class, MAX(connection_id) AS connection_id, COUNT(*) AS runs,
         ${OUTCOMES.map((name) => `SUM(c_${name}) AS c_${name}`).join(', ')}, SUM(ms) AS duration_ms,
         ${DURATION_BUCKETS.map((s) => `SUM(CASE WHEN ms <= ${s * 1000} THEN 1 ELSE 0 END) AS within_${s}`).join(', ')}
       FROM (SELECT l.*, ${durationMs(this.database.dialect)} AS ms FROM integration_sync_logs l
         WHERE ${condition} AND kind <> 'reconcile' AND dry_run = ? AND state IN (${stateList(ENDED)})) ended
       GROUP BY mapping_id, direction, state, error_class`,
      [...parameters, false],
    );
    return rows.map(toTotal);
  }
}

async function addTo(transaction: SqlTransaction, total: RunTotal): Promise<void> {
  const { connectionId, mappingId, direction, state, errorClass, counts } = total;
  const key = [mappingId, direction, state, errorClass];
  const added = COUNTS.map((name) => Math.round(counts[name] ?? 0));
  const changed = await transaction.execute(
    `UPDATE integration_run_totals SET ${COUNTS.map((name) => `${name} = ${name} + ?`).join(', ')}
     WHERE mapping_id = ? AND direction = ? AND state = ? AND error_class = ?`,
    [...added, ...key],
  );
  if (changed === 1) return;
  const names = ['mapping_id', 'direction', 'state', 'error_class', 'connection_id', ...COUNTS];
  await transaction.execute(
    `INSERT INTO integration_run_totals (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    [...key, connectionId, ...added],
  );
}

function toTotal(row: SqlRow): RunTotal {
  return {
    connectionId: Number(row.connection_id),
    mappingId: Number(row.mapping_id),
    direction: String(row.direction),
    state: String(row.state),
    errorClass: row.error_class === null ? '' : String(row.error_class),
    counts: Object.fromEntries(COUNTS.map((name) => [name, Number(row[name])])),
  };
}
