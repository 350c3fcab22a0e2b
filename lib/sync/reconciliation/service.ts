import { scheduleOf } from '../../calendar/definition';
import { nextRuns } from '../../calendar/due';
import type { ConnectorRegistry } from '../../connectors/registry';
import type { Actor } from '../../model/audit';
import { IntegrationError } from '../../model/errors';
import type { Direction, Mapping } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import type { ReconciliationRequest, Reconciliations } from '../../model/reconciliation';
import type { RunTrigger, Scheduled } from '../../model/schedule';
import type { Connections, JobStatus, Mappings } from '../../model/services';
import type { SqlDatabase, SqlRow, SqlTransaction } from '../../protocols/sql/database';
import type { Vault } from '../../security/vault';
import { equalities, newestFirst } from '../../store/lists';
import { streamName } from '../../store/stream-names';
import { ensureStream } from '../runs/lease';
import { lockStream } from '../runs/queue';
import { ACTIVE, type Beginning, insertRun, newJobId, newRun, stateList } from '../runs/run-rows';
import type { SyncService } from '../service';
import { comparedAfterLetters, hasNewLetters, isClosed } from './after-letters';
import { queueRepair, REPAIRED } from './repair';
import { getReconciliation, insertReconciliation, nothingToRepair, reconciliationOfRun, TABLE, withRuns } from './rows';
import { notComparable } from './sides';

/** Long enough for a record that is on its way, whatever the schedule. */
const SHORTEST_SETTLE_SECONDS = 300;
const LONGEST_SETTLE_SECONDS = 86_400;

export interface ReconciliationServiceOptions {
  database: SqlDatabase;
  vault: Vault;
  registry: Pick<ConnectorRegistry, 'descriptor'>;
  connections: Pick<Connections, 'get'>;
  mappings: Pick<Mappings, 'get'>;
  sync: Pick<SyncService, 'cancel' | 'status'>;
  /** Does something that somebody asked for, which is on record before. */
  record<T>(operation: string, subject: string, by: Actor, work: () => Promise<T>): Promise<T>;
  /** Tells the runner that there is work; must not throw. */
  wakeRunner(): void;
}

/** Starting and reading comparisons, as the API sees them. The comparisons themselves are the runner's. */
export class ReconciliationService implements Reconciliations {
  constructor(private readonly options: ReconciliationServiceOptions) {}

  async list({ limit, cursor, from, to, ...columns }: Parameters<Reconciliations['list']>[0]) {
    const { database } = this.options;
    const conditions = equalities(columns);
    if (from !== undefined) conditions.push(['started_at >= ?', Date.parse(from)]);
    if (to !== undefined) conditions.push(['started_at < ?', Date.parse(to)]);
    const page = await newestFirst(database, TABLE, conditions, { limit, cursor }, (row) => row);
    return { ...page, items: await withRuns(database.aside, page.items) };
  }

  get(id: number): ReturnType<Reconciliations['get']> {
    return getReconciliation(this.options.database, id, this.options.vault);
  }

  async start(mappingId: number, request: ReconciliationRequest, by: Actor): ReturnType<Reconciliations['start']> {
    const mapping = await this.options.mappings.get(mappingId);
    await this.check(mapping);
    const wanted = { ...request, trigger: 'api' as const, createdBy: by.name };
    const id = await this.options.record('reconcile', `mapping:${mappingId}`, by, () =>
      this.insert(mapping, wanted, null, async () => true),
    );
    if (id === null) throw new IntegrationError('bug', 'PCP_INTERNAL', 'A comparison was not started.');
    return this.get(id);
  }

  /**
   * Starts what a schedule wants, in one transaction with what decides whether it does. Whatever keeps it from that, its run tells.
   * @param skipped why it is not to be started at all
   */
  async startDue(
    mappingId: number,
    dueAt: number,
    decide: (transaction: SqlTransaction) => Promise<boolean>,
    skipped?: Beginning,
  ): Promise<void> {
    const mapping = await this.options.mappings.get(mappingId);
    await this.startUnattended(mapping, { trigger: 'schedule', at: dueAt, skipped }, decide);
  }

  /** Starts those that are wanted after so many dead letters. Of several processes one does. */
  async startAfterLetters(): Promise<void> {
    const { database, connections, mappings } = this.options;
    for (const [id, enough] of await comparedAfterLetters(database)) {
      if (!(await hasNewLetters(database, id, enough))) continue;
      const mapping = await mappings.get(id);
      if (isClosed(mapping, await connections.get(mapping.connection_id), Date.now())) continue;
      await this.startUnattended(mapping, { trigger: 'dead_letters', at: null }, async (transaction) => {
        await lockStream(transaction, id);
        return hasNewLetters(transaction, id, enough);
      });
    }
  }

  private async startUnattended(
    mapping: Mapping,
    { trigger, at, skipped }: { trigger: RunTrigger; at: number | null; skipped?: Beginning | undefined },
    decide: (transaction: SqlTransaction) => Promise<boolean>,
  ): Promise<void> {
    const refused = await this.check(mapping).then(
      () => undefined,
      (error: unknown): Beginning => {
        const failure = IntegrationError.from(error);
        if (failure.class !== 'config') throw error;
        return { state: 'failed', failure: failure.toJSON() };
      },
    );
    await this.insert(mapping, { trigger, createdBy: null }, { at, begins: skipped ?? refused }, decide);
  }

  async cancel(id: number, by: Actor): ReturnType<Reconciliations['cancel']> {
    const { record, sync } = this.options;
    const { job_id: jobId } = await this.get(id);
    await record('cancel_reconciliation', `reconciliation:${id}`, by, () => sync.cancel(jobId));
    return this.get(id);
  }

  repair(id: number, by: Actor): Promise<JobStatus> {
    return this.options.record('repair', `reconciliation:${id}`, by, () => this.startRepair(id, by));
  }

  private async startRepair(id: number, { name: createdBy }: Actor): Promise<JobStatus> {
    const { database, mappings, sync, wakeRunner } = this.options;
    const found = await this.get(id);
    const mapping = await mappings.get(found.mapping_id);
    const jobId = await database.transaction(async (transaction) => {
      await lockStream(transaction, mapping.id);
      const [keys] = await transaction.query(
        `SELECT COUNT(*) AS n FROM integration_reconciliation_keys
         WHERE reconciliation_id = ? AND kind IN (${[...REPAIRED].map((kind) => `'${kind}'`).join(', ')})`,
        [id],
      );
      const [active] = await transaction.query(
        `SELECT l.id FROM integration_sync_logs l JOIN ${TABLE} r ON r.repair_job_id = l.job_id
         WHERE r.id = ? AND l.state IN (${stateList(ACTIVE)})`,
        [id],
      );
      if (found.differences === null || Number(keys?.n) === 0 || active !== undefined) throw nothingToRepair(id);
      const by = { id, createdBy, trigger: 'api' as const };
      return queueRepair(transaction, mapping, found.direction, by, Date.now());
    });
    wakeRunner();
    return sync.status(jobId);
  }

  private async insert(
    mapping: Mapping,
    { trigger, createdBy, ...request }: ReconciliationRequest & { trigger: RunTrigger; createdBy: string | null },
    due: { at: number | null; begins: Beginning | undefined } | null,
    decide: (transaction: SqlTransaction) => Promise<boolean>,
  ): Promise<number | null> {
    const { database, wakeRunner } = this.options;
    const direction = directionOf(mapping, request.direction);
    const settleSeconds = request.settle_seconds ?? (await this.settleSeconds(mapping));
    await ensureStream(database, streamName(mapping.id));
    const id = await database.transaction(async (transaction) => {
      if (!(await decide(transaction))) return null;
      await lockStream(transaction, mapping.id);
      const [active] = await transaction.query(
        `SELECT id, job_id, state FROM integration_sync_logs
         WHERE mapping_id = ? AND direction = ? AND kind = 'reconcile' AND state IN (${stateList(ACTIVE)})`,
        [mapping.id, direction],
      );
      if (active !== undefined && due === null) throw comparisonActive(mapping, active);
      const begins = due?.begins ?? (active === undefined ? undefined : overlapped(comparisonActive(mapping, active)));
      const jobId = newJobId();
      const now = Date.now();
      const run = { ...newRun(mapping, direction, jobId), kind: 'reconcile' as const, createdBy, trigger };
      const runId = await insertRun(
        transaction,
        { ...run, ...(typeof due?.at === 'number' && { dueAt: due.at }) },
        now,
        begins,
      );
      await insertReconciliation(
        transaction,
        {
          run: { id: runId, jobId, connectionId: mapping.connection_id, mappingId: mapping.id, direction },
          mappingVersion: mapping.version,
          action: request.action ?? mapping.options.reconciliation?.action ?? 'report',
          settleSeconds,
          trigger,
          createdBy,
          dueAt: due?.at ?? null,
        },
        now,
      );
      return (await reconciliationOfRun(transaction, runId)).id;
    });
    if (id !== null) wakeRunner();
    return id;
  }

  private async check(mapping: Mapping): Promise<void> {
    const { connections, registry } = this.options;
    if (mapping.sync_mode === 'live') throw notComparable('a live mapping has no source that could be read once more');
    for (const id of [mapping.connection_id, mapping.peer_connection_id]) {
      if (id === null) continue;
      const { name, connector_type, is_active } = await connections.get(id);
      if (!is_active) {
        throw new IntegrationError('config', 'PCP_CONNECTION_INACTIVE', phrase`Connection "${name}" is not active.`);
      }
      const { capabilities, title } = registry.descriptor(connector_type);
      if (!capabilities.includes('read')) throw notComparable(`${title['en-US']} cannot be read`);
    }
  }

  private async settleSeconds(mapping: Mapping): Promise<number> {
    const wanted = mapping.options.reconciliation?.settle_seconds;
    if (wanted !== undefined) return wanted;
    const connection = await this.options.connections.get(mapping.connection_id);
    const owner: Scheduled = mapping.schedule === null ? connection : mapping;
    if (owner.schedule === null) return SHORTEST_SETTLE_SECONDS;
    const [first, second] = nextRuns(scheduleOf(owner.schedule, owner.schedule_options, connection), Date.now(), 2);
    if (first === undefined || second === undefined) return SHORTEST_SETTLE_SECONDS;
    const twice = (2 * (second - first)) / 1000;
    return Math.round(Math.min(LONGEST_SETTLE_SECONDS, Math.max(SHORTEST_SETTLE_SECONDS, twice)));
  }
}

/** Both directions of a mapping compare the same. */
function directionOf({ direction }: Mapping, wanted: Direction | undefined): Direction {
  if (direction === 'bidirectional') return 'import';
  if (wanted === undefined || wanted === direction) return direction;
  throw new IntegrationError('config', 'PCP_DIRECTION', `The mapping goes one way only: ${direction}.`, {
    path: '/direction',
  });
}

/** One that was due meanwhile. */
function overlapped({ message }: IntegrationError): Beginning {
  return { state: 'skipped', failure: new IntegrationError('cancelled', 'PCP_SKIPPED_OVERLAP', message).toJSON() };
}

function comparisonActive({ name }: Mapping, active: SqlRow): IntegrationError {
  const [runId, jobId, state] = [Number(active.id), String(active.job_id), String(active.state)];
  return new IntegrationError(
    'conflict',
    'PCP_RUN_ACTIVE',
    `Mapping "${name}" has a comparison that is ${state}: sync log ${runId}, job ${jobId}.`,
    { value: { sync_log_id: runId, job_id: jobId }, hint: 'Wait for it, or cancel it.' },
  );
}
