import type { ErrorClass } from '../model/errors';
import { IntegrationError } from '../model/errors';
import type { RunMetrics, RunMetricsRequest } from '../model/metrics';
import type { RunState } from '../model/sync';
import type { SqlDatabase, SqlRow } from '../protocols/sql/database';
import { between, type Condition, equalities, values, where } from '../store/lists';
import { COUNTERS, ENDED, stateList } from '../sync/runs/run-rows';
import { durationMs, periodNumber } from './run-times';

const DAY_MS = 86_400_000;
const SECONDS = { hour: 3600, day: 86_400 };
const MOST_PERIODS = 1000;
const MOST_ITEMS = 10_000;
/** Runs that say whether things go well. */
const JUDGED: readonly RunState[] = ['succeeded', 'partial', 'failed'];

/**
 * Success rate, time, volume and errors of the runs that ended in a period, reckoned by the database.
 * @throws data PCP_PERIOD_INVALID
 */
export async function runMetrics(
  database: SqlDatabase,
  request: RunMetricsRequest,
  now: number,
): Promise<{ from: string; to: string; items: RunMetrics[] }> {
  const to = request.to === undefined ? now : Date.parse(request.to);
  const from = request.from === undefined ? to - DAY_MS : Date.parse(request.from);
  const { by, period, connection_id, mapping_id } = request;
  const periodMs = period === undefined ? null : SECONDS[period] * 1000;
  checkPeriod(from, to, periodMs);
  const whole = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const owner = by === undefined ? '0' : `${by}_id`;
  const number = period === undefined ? '0' : periodNumber(database.dialect, SECONDS[period]);
  const columns = `${number} AS period, ${owner} AS owner`;
  const conditions: Condition[] = [
    ...between('ended_at', whole.from, whole.to),
    ['dry_run = ?', false],
    [`kind <> 'reconcile'`],
    ...equalities({ connection_id, mapping_id }),
  ];
  const found = await database.aside.query(
    `SELECT period, owner, state, error_class, COUNT(*) AS runs, MAX(connection_id) AS connection,
       ${COUNTERS.map((name) => `SUM(c_${name}) AS c_${name}`).join(', ')}
     FROM (SELECT ${columns}, l.* FROM integration_sync_logs l${where(conditions)} AND state IN (${stateList(ENDED)})) ended
     GROUP BY period, owner, state, error_class ORDER BY period, owner`,
    values(conditions),
  );
  const items = new Map<string, RunMetrics>();
  for (const row of found) {
    const key = keyOf(row);
    const item = items.get(key) ?? emptyItem(row, request, whole, periodMs);
    items.set(key, item);
    add(item, row);
  }
  if (items.size > MOST_ITEMS) {
    throw invalid('/period', `That would be more than ${MOST_ITEMS} items.`, 'Ask for less time, or longer periods.');
  }
  for (const row of await durations(database, columns, conditions)) {
    const item = items.get(keyOf(row));
    if (item === undefined) continue;
    const ms = (name: string): number => Math.round(Number(row[name]));
    item.duration_ms = { mean: ms('mean'), p50: ms('p50'), p95: ms('p95'), max: ms('longest') };
  }
  return { ...whole, items: [...items.values()] };
}

/** Percentiles by nearest rank: a duration that there was. */
function durations(database: SqlDatabase, columns: string, conditions: Condition[]): Promise<SqlRow[]> {
  return database.aside.query(
    `SELECT period, owner, AVG(ms) AS mean, MAX(ms) AS longest,
       MIN(CASE WHEN nth >= 0.5 * n THEN ms END) AS p50, MIN(CASE WHEN nth >= 0.95 * n THEN ms END) AS p95
     FROM (SELECT period, owner, ms, ROW_NUMBER() OVER (PARTITION BY period, owner ORDER BY ms) AS nth,
         COUNT(*) OVER (PARTITION BY period, owner) AS n
       FROM (SELECT ${columns}, ${durationMs(database.dialect)} AS ms FROM integration_sync_logs${where(conditions)}
         AND kind <> 'live' AND state IN (${stateList(JUDGED)})) timed) ranked
     GROUP BY period, owner`,
    values(conditions),
  );
}

function keyOf({ period, owner }: SqlRow): string {
  return `${Number(period)} ${Number(owner)}`;
}

function emptyItem(
  { period, owner, connection }: SqlRow,
  { by, connection_id, mapping_id }: RunMetricsRequest,
  whole: { from: string; to: string },
  periodMs: number | null,
): RunMetrics {
  const start = Number(period) * (periodMs ?? 0);
  const clamped = (at: number): string => {
    return new Date(Math.min(Math.max(at, Date.parse(whole.from)), Date.parse(whole.to))).toISOString();
  };
  return {
    ...(periodMs === null ? whole : { from: clamped(start), to: clamped(start + periodMs) }),
    connection_id: by === undefined && mapping_id === undefined ? (connection_id ?? null) : Number(connection),
    mapping_id: by === 'mapping' ? Number(owner) : (mapping_id ?? null),
    runs: { succeeded: 0, partial: 0, failed: 0, cancelled: 0, skipped: 0 },
    success_rate: null,
    duration_ms: null,
    records: {
      processed: 0,
      created: 0,
      updated: 0,
      unchanged: 0,
      deleted: 0,
      filtered: 0,
      conflicts: 0,
      errors: 0,
    },
    errors: {},
  };
}

function add(item: RunMetrics, row: SqlRow): void {
  const { runs, records, errors } = item;
  const count = Number(row.runs);
  runs[row.state as keyof RunMetrics['runs']] += count;
  const well = runs.succeeded + runs.partial;
  if (well + runs.failed > 0) item.success_rate = well / (well + runs.failed);
  for (const name of COUNTERS) records[name === 'read' ? 'processed' : name] += Number(row[`c_${name}`]);
  if (row.state !== 'failed' || row.error_class === null) return;
  const errorClass = row.error_class as ErrorClass;
  errors[errorClass] = (errors[errorClass] ?? 0) + count;
}

function checkPeriod(from: number, to: number, periodMs: number | null): void {
  if (!(from < to)) throw invalid('/from', 'The period begins when it has ended.', 'Give a from that is before to.');
  if (periodMs === null || (to - from) / periodMs <= MOST_PERIODS) return;
  throw invalid('/period', `That would be more than ${MOST_PERIODS} periods.`, 'Ask for less time, or longer periods.');
}

function invalid(path: string, message: string, hint: string): IntegrationError {
  return new IntegrationError('data', 'PCP_PERIOD_INVALID', message, { path, hint });
}
