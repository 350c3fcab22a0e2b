import { IntegrationError } from '../model/errors';
import type { Metrics, RunMetricsRequest } from '../model/metrics';
import { DIFFERENCES } from '../model/reconciliation';
import type { LiveStatus, WaitingWrites } from '../model/stream';
import type { SqlDatabase } from '../protocols/sql/database';
import { Tally } from '../store/tally';
import { toDate } from '../sync/runs/run-rows';
import { exposition, type Family, histogram, type Labels } from './exposition';
import { runMetrics } from './run-metrics';
import { DURATION_BUCKETS, OUTCOMES, type RunTotal, RunTotals } from './run-totals';
import { forgetGone, tallied } from './tallied';

export interface HubMetricsOptions {
  database: SqlDatabase;
  clock: { now(): number };
  /** The streams of this instance. */
  streams(): ReadonlyMap<number, LiveStatus>;
  /** In the queues of writes of this instance. */
  writes(): readonly WaitingWrites[];
  /** Of some connections those whose sign-in was refused. */
  refused(ids: readonly number[]): Promise<ReadonlyMap<number, string>>;
  log(level: 'debug', message: string): void;
}

/** What the hub measures, from what the store holds anyway. Labels are ids and kinds, so that there are never too many. */
export class HubMetrics implements Metrics {
  /** Of what happens in this process. */
  readonly tally: Tally;
  private readonly totals: RunTotals;

  constructor(private readonly options: HubMetricsOptions) {
    this.tally = new Tally(options.database, options.log);
    this.totals = new RunTotals(options.database);
  }

  runs(request: RunMetricsRequest): ReturnType<Metrics['runs']> {
    return runMetrics(this.options.database, request, this.options.clock.now());
  }

  /** Adds up what has ended, so that it outlives its logs. Never throws. */
  async bringUp(): Promise<void> {
    try {
      const { database, clock } = this.options;
      if (await this.totals.bringUp(clock.now())) await forgetGone(database);
    } catch (error) {
      this.options.log('debug', `Runs could not be added up: ${IntegrationError.from(error).message}`);
    }
  }

  async exposition(): Promise<string> {
    await this.tally.flush();
    const totals = await this.totals.all();
    return exposition([
      ...ofRuns(totals),
      ...(await tallied(this.options.database.aside)),
      await this.waitingDeliveries(),
      await this.lastSuccess(),
      ...(await this.deadLetters()),
      await this.drift(),
      await this.breakers(),
      await this.quotas(),
      await this.alerts(),
      ...this.ofStreams(),
      ...this.ofWrites(),
    ]);
  }

  private async lastSuccess(): Promise<Family> {
    const rows = await this.options.database.aside.query(
      `SELECT m.id, m.connection_id, d.direction,
         (SELECT l.ended_at FROM integration_sync_logs l
          WHERE l.mapping_id = m.id AND l.direction = d.direction AND l.ended_at IS NOT NULL AND l.dry_run = ?
            AND l.kind NOT IN ('replay', 'reconcile', 'repair')
            AND l.state IN ('succeeded', 'partial') ORDER BY l.ended_at DESC LIMIT 1) AS at
       FROM integration_mappings m JOIN (SELECT 'import' AS direction UNION ALL SELECT 'export') d
         ON m.direction IN (d.direction, 'bidirectional')
       WHERE m.is_active = ? ORDER BY m.id, d.direction`,
      [false, true],
    );
    return {
      name: 'last_success_timestamp_seconds',
      type: 'gauge',
      help: 'When a run of an active mapping last succeeded, in whole or in part.',
      samples: rows.flatMap((row) => {
        const at = toDate(row.at);
        const labels = {
          connection: Number(row.connection_id),
          mapping: Number(row.id),
          direction: String(row.direction),
        };
        return at === null ? [] : [{ labels, value: at.getTime() / 1000 }];
      }),
    };
  }

  private async deadLetters(): Promise<Family[]> {
    const rows = await this.options.database.aside.query(
      `SELECT m.connection_id, d.mapping_id, SUM(CASE WHEN d.error_class = 'conflict' THEN 1 ELSE 0 END) AS conflicts,
         COUNT(*) AS letters
       FROM integration_dead_letters d JOIN integration_mappings m ON m.id = d.mapping_id
       WHERE d.state IN ('open', 'replaying') GROUP BY m.connection_id, d.mapping_id ORDER BY d.mapping_id`,
    );
    const family = (name: string, help: string, column: string): Family => ({
      name,
      type: 'gauge',
      help,
      samples: rows.map((row) => ({
        labels: { connection: Number(row.connection_id), mapping: Number(row.mapping_id) },
        value: Number(row[column]),
      })),
    });
    return [
      family('dead_letters_open', 'Records that could not be applied and wait for somebody.', 'letters'),
      family('conflicts_open', 'Those of them that were changed on both sides.', 'conflicts'),
    ];
  }

  private async drift(): Promise<Family> {
    const rows = await this.options.database.aside.query(
      `SELECT m.connection_id, r.mapping_id, r.direction, ${DIFFERENCES.map((kind) => `n_${kind}`).join(' + ')} AS n
       FROM integration_reconciliations r JOIN integration_mappings m ON m.id = r.mapping_id
       WHERE r.id IN (SELECT MAX(id) FROM integration_reconciliations WHERE ended_at IS NOT NULL
         GROUP BY mapping_id, direction) ORDER BY r.mapping_id, r.direction`,
    );
    return {
      name: 'drift_records',
      type: 'gauge',
      help: 'Records that both sides of a mapping hold differently, as they were last compared.',
      samples: rows.map(({ connection_id, mapping_id, direction, n }) => ({
        labels: { connection: Number(connection_id), mapping: Number(mapping_id), direction: String(direction) },
        value: Number(n),
      })),
    };
  }

  private async waitingDeliveries(): Promise<Family> {
    const rows = await this.options.database.aside.query(
      `SELECT w.id, (SELECT COUNT(*) FROM integration_webhook_executions x
         WHERE x.webhook_id = w.id AND x.status = 'pending') AS n FROM integration_webhooks w ORDER BY w.id`,
    );
    return {
      name: 'webhook_deliveries_waiting',
      type: 'gauge',
      help: 'What a webhook is still to be told.',
      samples: rows.map(({ id, n }) => ({ labels: { endpoint: Number(id) }, value: Number(n) })),
    };
  }

  private async breakers(): Promise<Family> {
    const now = this.options.clock.now();
    const rows = await this.options.database.query(
      `SELECT c.id, p.paused_until FROM integration_connections c
       LEFT JOIN integration_connection_pauses p ON p.connection_id = c.id WHERE c.is_active = ? ORDER BY c.id`,
      [true],
    );
    const refused = await this.options.refused(rows.map(({ id }) => Number(id)));
    return {
      name: 'breaker_state',
      type: 'gauge',
      help: 'Whether a connection is used (0), tried (1) or left alone for a while (2).',
      samples: rows.map(({ id, paused_until: until }) => ({
        labels: { connection: Number(id) },
        value: refused.has(Number(id)) || Number(until ?? 0) > now ? 2 : until === null ? 0 : 1,
      })),
    };
  }

  private async quotas(): Promise<Family> {
    const rows = await this.options.database.query(
      `SELECT c.id, l.quota, l.quota_remaining FROM integration_request_limits l
       JOIN integration_connections c ON c.id = l.connection_id
       WHERE c.is_active = ? AND l.quota > 0 AND (l.quota_reset_at IS NULL OR l.quota_reset_at > ?) ORDER BY c.id`,
      [true, this.options.clock.now()],
    );
    return {
      name: 'api_quota_ratio',
      type: 'gauge',
      help: 'How much is used up of what an API allows, as it last said.',
      samples: rows.map(({ id, quota, quota_remaining: remaining }) => ({
        labels: { connection: Number(id) },
        value: 1 - Number(remaining) / Number(quota),
      })),
    };
  }

  private async alerts(): Promise<Family> {
    const rows = await this.options.database.query(
      `SELECT kind, severity, state, COUNT(*) AS n FROM integration_alerts WHERE state IN ('firing', 'acknowledged')
       GROUP BY kind, severity, state ORDER BY kind, severity, state`,
    );
    return {
      name: 'alerts_open',
      type: 'gauge',
      help: 'Alerts that are not resolved.',
      samples: rows.map(({ kind, severity, state, n }) => ({
        labels: { kind: String(kind), severity: String(severity), state: String(state) },
        value: Number(n),
      })),
    };
  }

  private ofWrites(): Family[] {
    const now = this.options.clock.now();
    const family = (name: string, help: string, measure: (waiting: WaitingWrites) => number): Family => ({
      name,
      type: 'gauge',
      help,
      samples: this.options
        .writes()
        .map((waiting) => ({ labels: { connection: waiting.connection_id }, value: measure(waiting) })),
    });
    return [
      family('queued_writes', 'Writes of flows that wait for the other side.', ({ records }) => records),
      family('queued_writes_bytes', 'The same in bytes.', ({ bytes }) => bytes),
      family('queued_writes_age_seconds', 'Age of the oldest of them.', ({ oldest_at: at }) =>
        at === null ? 0 : Math.max(0, (now - Date.parse(at)) / 1000),
      ),
    ];
  }

  private ofStreams(): Family[] {
    const now = this.options.clock.now();
    const streams = [...this.options.streams()].sort(([a], [b]) => a - b);
    const family = (
      name: string,
      type: Family['type'],
      help: string,
      measure: (status: LiveStatus) => number,
    ): Family => ({
      name,
      type,
      help,
      samples: streams.map(([mapping, status]) => ({ labels: { mapping }, value: measure(status) })),
    });
    return [
      family('buffer_bytes', 'gauge', 'What waits in the spool of a live mapping.', ({ backlog }) => backlog.bytes),
      family('buffer_records', 'gauge', 'The same in records.', ({ backlog }) => backlog.records),
      family('buffer_dropped_total', 'counter', "Records that the spool's limits cost.", ({ dropped }) => dropped),
      family('stream_lag_seconds', 'gauge', 'Age of the oldest record that waits in the spool.', ({ backlog }) =>
        backlog.oldest_at === null ? 0 : Math.max(0, (now - Date.parse(backlog.oldest_at)) / 1000),
      ),
      family('stream_connected', 'gauge', 'Whether a live mapping hears its source.', ({ state }) =>
        state === 'connected' || state === 'silent' ? 1 : 0,
      ),
    ];
  }
}

function ofRuns(totals: readonly RunTotal[]): Family[] {
  const streams = new Map<string, { labels: Labels; totals: RunTotal[] }>();
  for (const total of totals) {
    const { connectionId: connection, mappingId: mapping, direction } = total;
    const key = `${mapping} ${direction}`;
    const stream = streams.get(key) ?? { labels: { connection, mapping, direction }, totals: [] };
    streams.set(key, stream);
    stream.totals.push(total);
  }
  const each = [...streams.values()];
  const sum = (some: readonly RunTotal[], name: string): number =>
    some.reduce((all, { counts }) => all + (counts[name] ?? 0), 0);
  return [
    {
      name: 'records_total',
      type: 'counter',
      help: 'Records of runs that ended, by what became of them.',
      samples: each.flatMap((stream) =>
        OUTCOMES.map((outcome) => ({
          labels: { ...stream.labels, outcome },
          value: sum(stream.totals, `c_${outcome}`),
        })),
      ),
    },
    {
      name: 'runs_total',
      type: 'counter',
      help: 'Runs that ended, by how they ended.',
      samples: each.flatMap((stream) =>
        stream.totals.map(({ state, errorClass: error_class, counts }) => ({
          labels: { ...stream.labels, state, error_class },
          value: counts.runs ?? 0,
        })),
      ),
    },
    {
      name: 'run_duration_seconds',
      type: 'histogram',
      help: 'From the start of a run to its end, waiting included.',
      samples: each.flatMap((stream) => {
        const begun = stream.totals.filter(({ state }) => state !== 'skipped');
        const within = DURATION_BUCKETS.map((seconds) => sum(begun, `within_${seconds}`));
        const total = { count: sum(begun, 'runs'), sum: sum(begun, 'duration_ms') / 1000 };
        return histogram(stream.labels, DURATION_BUCKETS, within, total);
      }),
    },
  ];
}
