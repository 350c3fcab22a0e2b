import { IntegrationError } from '../model/errors';
import type { Direction, Mapping } from '../model/mapping';
import { phrase } from '../model/phrase';
import type {
  ConnectionPause,
  Connections,
  ConnectionView,
  DeadLetterFilter,
  DeadLetterGroup,
  JobStatus,
  MovedTarget,
  Page,
  PageRequest,
  Sync,
  SyncRequest,
} from '../model/services';
import type { DeadLetter, SyncLog } from '../model/sync';
import type { SqlDatabase, SqlRow, SqlValue } from '../protocols/sql/database';
import type { Vault } from '../security/vault';
import { between, type Condition, equalities, newestFirst, values, where } from '../store/lists';
import {
  idsAtOnce,
  LETTER_SIZE,
  MAX_PAYLOAD_BYTES,
  messageOfRow,
  ownerOf,
  sealPayload,
  toDeadLetter,
} from './letters/letter-rows';
import { decideTarget } from './moved-target';
import { withAttempts } from './runs/attempts';
import { jobStatus } from './runs/job-status';
import { endPause, pauses } from './runs/pauses';
import { cancelRun, lockStream, queueReplay } from './runs/queue';
import { getRun, runsOfJob, toDate, toRun, toSyncLog } from './runs/run-rows';
import { JobStarter, type StartOptions } from './runs/start';
import { RefusedSignIns } from './sign-ins/refused-sign-ins';
import { acceptIntent } from './writes/links';

export interface SyncServiceOptions extends StartOptions {
  connections: Pick<Connections, 'get' | 'open'>;
  vault: Vault;
  /** Tells the runner that there is work; must not throw. */
  wakeRunner(): void;
  /** Tells the runner to look for runs to cancel. */
  nudgeCancel(): void;
}

/** Starting, watching and mending runs, as the API and the nodes see it. The runs themselves are the runner's. */
export class SyncService implements Sync {
  private readonly watchers = new Map<string, Set<(status: JobStatus) => void>>();
  /** Jobs whose watchers are being told, and whether there is more to tell by now. */
  private readonly telling = new Map<string, boolean>();

  readonly starter: JobStarter;

  constructor(private readonly options: SyncServiceOptions) {
    this.starter = new JobStarter(options);
  }

  async start(connectionId: number, request: SyncRequest): Promise<JobStatus> {
    const jobId = await this.starter.start(connectionId, request);
    this.options.wakeRunner();
    return this.status(jobId);
  }

  async status(jobId: string): Promise<JobStatus> {
    return jobStatus(await runsOfJob(await this.options.database(), jobId));
  }

  async cancel(jobId: string): Promise<JobStatus> {
    const database = await this.options.database();
    const asked = new Set<number>();
    const rest = async () => (await runsOfJob(database, jobId)).filter(({ id }) => !asked.has(id));
    // A run that ended meanwhile may have started others.
    for (let runs = await rest(); runs.length > 0; runs = await rest()) {
      for (const { id, mappingId } of runs) {
        await database.transaction(async (transaction) => {
          // The end of the run either sees the wish, or has started what follows before this goes on.
          await lockStream(transaction, mappingId);
          await cancelRun(transaction, id, Date.now());
        });
        asked.add(id);
      }
    }
    this.options.nudgeCancel();
    await this.changed(jobId);
    return this.status(jobId);
  }

  async logs(filter: Parameters<Sync['logs']>[0]): Promise<Page<SyncLog>> {
    const { limit, cursor, from, to, ...columns } = filter;
    const conditions = [...equalities(columns), ...between('started_at', from, to)];
    const database = await this.options.database();
    const page = await newestFirst(database, 'integration_sync_logs', conditions, { limit, cursor }, (row) =>
      toSyncLog(toRun(row)),
    );
    return { ...page, items: await withAttempts(database.aside, page.items) };
  }

  async log(id: number): Promise<SyncLog> {
    const database = await this.options.database();
    const [log] = await withAttempts(database, [toSyncLog(await getRun(database, id))]);
    return log as SyncLog;
  }

  async deadLetters(filter: DeadLetterFilter & PageRequest): Promise<Page<DeadLetter>> {
    const { limit, cursor, ...rest } = filter;
    const conditions = letterConditions(rest);
    return newestFirst(
      await this.options.database(),
      'integration_dead_letters',
      conditions,
      { limit, cursor },
      (row) => toDeadLetter(row, this.options.vault),
      { size: LETTER_SIZE, atOnce: idsAtOnce },
    );
  }

  async deadLetterGroups(filter: DeadLetterFilter): Promise<DeadLetterGroup[]> {
    const database = await this.options.database();
    const conditions = letterConditions({ state: 'open', ...filter });
    const rows = await database.aside.query(
      `SELECT group_hash, mapping_id, code, error_class, stage, ${database.quote('field')} AS field_name, COUNT(*) AS letters,
         MIN(first_at) AS first_at, MAX(last_at) AS last_at, MAX(id) AS newest
       FROM integration_dead_letters${where(conditions)}
       GROUP BY group_hash, mapping_id, code, error_class, stage, ${database.quote('field')} ORDER BY COUNT(*) DESC, MAX(id) DESC`,
      values(conditions),
    );
    const newest = await this.messages(rows.map((row) => Number(row.newest)));
    return rows.map((row) => ({
      group: String(row.group_hash),
      mapping_id: Number(row.mapping_id),
      code: String(row.code),
      error_class: String(row.error_class),
      stage: String(row.stage),
      field: row.field_name === null ? null : String(row.field_name),
      ...(newest.get(Number(row.newest)) ?? { message: '' }),
      count: Number(row.letters),
      first_at: toDate(row.first_at)?.toISOString() ?? '',
      last_at: toDate(row.last_at)?.toISOString() ?? '',
    }));
  }

  async deadLetter(id: number): Promise<DeadLetter> {
    return toDeadLetter(await this.letterRow(id), this.options.vault);
  }

  async editDeadLetter(id: number, payload: Record<string, unknown>, seenAt?: string): Promise<DeadLetter> {
    const sealed = sealPayload(this.options.vault, ownerOf(await this.letterRow(id)), payload);
    if (sealed === null) {
      const most = `${MAX_PAYLOAD_BYTES / 1024 / 1024} MiB`;
      throw new IntegrationError('data', 'PCP_PAYLOAD_TOO_LARGE', phrase`A kept record has ${most} at most.`);
    }
    // An earlier key may still seal the reason, so `key_id` stays.
    const assignment = 'sealed_payload = ?, payload = NULL, edited = ?, read_at = ?';
    const now = await (await this.options.database()).now();
    await this.changeLetter(id, assignment, [sealed, true, now.getTime()], seenAt);
    return this.deadLetter(id);
  }

  async discard(id: number, note?: string): Promise<DeadLetter> {
    const { code, value, mapping_id: mappingId, direction } = await this.deadLetter(id);
    await this.changeLetter(id, `state = 'discarded', note = ?`, [note ?? null]);
    if (code === 'PCP_UNKNOWN_OUTCOME') {
      await acceptIntent(await this.options.database(), { mappingId, direction }, String(value));
    }
    return this.deadLetter(id);
  }

  async endPause(connectionId: number): Promise<void> {
    await endPause(await this.options.database(), connectionId);
    this.options.wakeRunner();
  }

  async paused(connections: readonly ConnectionView[]): Promise<Map<number, ConnectionPause>> {
    const database = await this.options.database();
    const found = new Map<number, ConnectionPause>();
    const now = Date.now();
    for (const { connectionId, until, reason } of (await pauses(database)).values()) {
      if (until > now) found.set(connectionId, { until: new Date(until).toISOString(), reason });
    }
    for (const [id, reason] of await this.refused(connections.map(({ id }) => id)))
      found.set(id, { until: null, reason });
    return found;
  }

  /** Of some connections those whose sign-in was refused, with the reason. */
  async refused(ids: readonly number[]): Promise<Map<number, string>> {
    const { vault, connections } = this.options;
    return new RefusedSignIns(await this.options.database(), vault).among(ids, (id) => connections.open(id));
  }

  async replay(selection: Parameters<Sync['replay']>[0]): Promise<JobStatus[]> {
    const database = await this.options.database();
    const conditions = letterConditions({
      state: 'open',
      ...(selection.group !== undefined && { group: selection.group }),
      ...(selection.mapping_id !== undefined && { mapping_id: selection.mapping_id }),
      ...(selection.sync_log_id !== undefined && { sync_log_id: selection.sync_log_id }),
    });
    if (selection.ids !== undefined) {
      if (selection.ids.length === 0) return [];
      conditions.push([`id IN (${selection.ids.map(Number).filter(Number.isSafeInteger).join(', ')})`]);
    }
    const streams = await database.query(
      `SELECT DISTINCT mapping_id, direction FROM integration_dead_letters${where(conditions)}`,
      values(conditions),
    );
    if (streams.length === 0) {
      throw new IntegrationError('data', 'PCP_NOT_FOUND', phrase`No open dead letter matches the selection.`);
    }
    await refuseBothSides(database, conditions);
    const mappings = new Map<number, Mapping>();
    for (const { mapping_id } of streams) {
      mappings.set(Number(mapping_id), await this.options.mappings.get(Number(mapping_id)));
    }
    const jobs = await database.transaction(async (transaction) => {
      const started: string[] = [];
      for (const row of streams) {
        const mapping = mappings.get(Number(row.mapping_id)) as Mapping;
        const direction = row.direction as Direction;
        started.push(await queueReplay(transaction, mapping, direction, conditions, selection));
      }
      return started;
    });
    this.options.wakeRunner();
    return Promise.all(jobs.map((jobId) => this.status(jobId)));
  }

  async decideTarget(mappingId: number, is: MovedTarget): Promise<void> {
    const { id } = await this.options.mappings.get(mappingId);
    await decideTarget(await this.options.database(), id, is);
  }

  watch(jobId: string, onChange: (status: JobStatus) => void): () => void {
    const watchers = this.watchers.get(jobId) ?? new Set();
    watchers.add(onChange);
    this.watchers.set(jobId, watchers);
    return () => {
      watchers.delete(onChange);
      if (watchers.size === 0) this.watchers.delete(jobId);
    };
  }

  /** Runs may be those of another instance, or be ended by a schedule: nobody here is told of it. */
  async lookAfterWatched(): Promise<void> {
    for (const jobId of [...this.watchers.keys()]) await this.changed(jobId);
  }

  /** The runner says that something of this job was committed. */
  async changed(jobId: string): Promise<void> {
    if (!this.watchers.has(jobId)) return;
    const isTelling = this.telling.has(jobId);
    this.telling.set(jobId, isTelling);
    if (isTelling) return;
    try {
      do {
        this.telling.set(jobId, false);
        const status = await this.status(jobId);
        for (const onChange of this.watchers.get(jobId) ?? []) onChange(status);
      } while (this.telling.get(jobId) === true);
    } finally {
      this.telling.delete(jobId);
    }
  }

  private async letterRow(id: number): Promise<SqlRow> {
    const database = await this.options.database();
    const [row] = await database.query('SELECT * FROM integration_dead_letters WHERE id = ?', [id]);
    if (row === undefined) throw new IntegrationError('data', 'PCP_NOT_FOUND', phrase`There is no dead letter ${id}.`);
    return row;
  }

  private async messages(ids: number[]): Promise<Map<number, ReturnType<typeof messageOfRow>>> {
    if (ids.length === 0) return new Map();
    const database = await this.options.database();
    const rows = await database.query(
      `SELECT id, mapping_id, direction, source_key_hash, sealed_reason, message
       FROM integration_dead_letters WHERE id IN (${ids.map(() => '?').join(', ')})`,
      ids,
    );
    return new Map(rows.map((row) => [Number(row.id), messageOfRow(row, this.options.vault)]));
  }

  /** @param seenAt `last_at` of the letter that the change was made for */
  private async changeLetter(id: number, assignment: string, parameters: SqlValue[], seenAt?: string): Promise<void> {
    const database = await this.options.database();
    const unchanged: Condition[] = seenAt === undefined ? [] : [['last_at = ?', new Date(seenAt)]];
    const conditions: Condition[] = [['id = ?', id], [`state = 'open'`], ...unchanged];
    const changed = await database.execute(
      `UPDATE integration_dead_letters SET ${assignment}, last_at = ?${where(conditions)}`,
      [...parameters, new Date(), ...values(conditions)],
    );
    if (changed === 1) return;
    const { state } = await this.deadLetter(id);
    if (state === 'open') {
      throw new IntegrationError('conflict', 'PCP_STALE_REVISION', phrase`Dead letter ${id} was changed meanwhile.`);
    }
    throw new IntegrationError('conflict', 'PCP_DEAD_LETTER_CLOSED', `Dead letter ${id} is ${state}, not open.`);
  }
}

function letterConditions({ connection_id, group, from, to, ...columns }: DeadLetterFilter): Condition[] {
  const conditions = [...equalities(columns), ...between('last_at', from, to)];
  if (group !== undefined) conditions.push(['group_hash = ?', group]);
  if (connection_id !== undefined) {
    conditions.push(['mapping_id IN (SELECT id FROM integration_mappings WHERE connection_id = ?)', connection_id]);
  }
  return conditions;
}

/** Each letter of a conflict stands for one side's value: replayed together, whichever came last would win. */
async function refuseBothSides(database: SqlDatabase, chosen: readonly Condition[]): Promise<void> {
  const conditions: Condition[] = [...chosen, ['error_class = ?', 'conflict']];
  const [both] = await database.query(
    `SELECT mapping_id, source_key_hash, MIN(id) AS one, MAX(id) AS other FROM integration_dead_letters${where(conditions)}
     AND source_key_hash IS NOT NULL GROUP BY mapping_id, source_key_hash HAVING COUNT(DISTINCT direction) > 1`,
    values(conditions),
  );
  if (both === undefined) return;
  throw new IntegrationError(
    'conflict',
    'PCP_REPLAY_BOTH_SIDES',
    phrase`Dead letters ${String(both.one)} and ${String(both.other)} are the two sides of one conflict: replay one of them.`,
    {
      hint: 'The letter of the import lets the value of the other system win, that of the export the value of the platform.',
    },
  );
}
