import { IntegrationError } from '../../model/errors';
import type { Mapping } from '../../model/mapping';
import { phrase } from '../../model/phrase';
import type { OverlapPolicy } from '../../model/schedule';
import type { Connections, Mappings, SyncRequest } from '../../model/services';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { streamName } from '../../store/stream-names';
import { comingAfter, type Followers, followersOf, startFollowers } from './followers';
import { ensureStream } from './lease';
import { beginningBehind, lockStreams, MOST_QUEUED, secondRunRefusal } from './queue';
import { type Beginning, ENDED, insertRun, type NewRun, newJobId, newRun } from './run-rows';
import { leadersOf, type MappedStream, streamsOf } from './streams';

/** More mappings than one connection will ever have. */
const MAX_MAPPINGS = 1000;

export interface StartOptions {
  /** Resolves when the store is open. */
  database(): Promise<SqlDatabase>;
  connections: Pick<Connections, 'get'>;
  mappings: Pick<Mappings, 'get' | 'list'>;
  /** Refuses a mapping that must not be started. @throws config PCP_SOURCE_REPLACED, PCP_SOURCE_SHARED */
  check(mapping: Mapping): Promise<void>;
}

/** A job that nobody waits for: whatever keeps a run from starting is told by the run itself. */
export interface UnattendedJob extends Pick<NewRun, 'trigger' | 'dueAt'> {
  streams: MappedStream[];
  overlap: OverlapPolicy;
  /** What keeps all of its runs from starting now. */
  beginning?: Beginning;
}

/** Starts jobs: chooses what is to run, and inserts the runs that a worker then finds. */
export class JobStarter {
  constructor(private readonly options: StartOptions) {}

  /**
   * Of a connection's mappings those that run already are left out, unless they are to wait behind.
   * @returns its id. @throws conflict PCP_RUN_ACTIVE when the one that is named runs, or all of them; config PCP_NO_MAPPING,
   * PCP_CONNECTION_INACTIVE
   */
  async start(connectionId: number, request: SyncRequest): Promise<string> {
    const database = await this.options.database();
    const connection = await this.options.connections.get(connectionId);
    if (!connection.is_active) {
      throw new IntegrationError(
        'config',
        'PCP_CONNECTION_INACTIVE',
        phrase`Connection "${connection.name}" is not active.`,
        { hint: 'Set is_active, or deploy the flow that owns it.' },
      );
    }
    const streams = await this.chosenStreams(connectionId, request);
    const room = request.overlap === 'queue' ? MOST_QUEUED : 0;
    // The connection may have been changed since the mapping was saved.
    for (const { mapping } of streams) await this.options.check(mapping);
    const jobId = newJobId();
    for (const { mapping } of streams) await ensureStream(database, streamName(mapping.id));
    await database.transaction(async (transaction) => {
      await lockStreams(
        transaction,
        streams.map(({ mapping }) => mapping.id),
      );
      const now = Date.now();
      const idle: MappedStream[] = [];
      const refusals: IntegrationError[] = [];
      for (const stream of streams) {
        const refusal = await secondRunRefusal(transaction, stream.mapping, stream.direction, now, room);
        if (refusal === null) idle.push(stream);
        else refusals.push(refusal);
      }
      // Whoever wants all mappings to run has those that do.
      const [refusal] = refusals;
      if (refusal !== undefined && (idle.length === 0 || request.mapping_id !== undefined)) throw refusal;
      for (const { mapping, direction } of idle) {
        await insertRun(transaction, { ...newRun(mapping, direction, jobId), ...ofRequest(request) }, now);
      }
    });
    return jobId;
  }

  /**
   * Starts jobs in one transaction with what decides whether they are started at all.
   * @param decide says no when another process has started them
   */
  async startUnattended(
    jobs: readonly UnattendedJob[],
    decide: (transaction: SqlTransaction) => Promise<boolean>,
  ): Promise<boolean> {
    const { mappings, check } = this.options;
    const database = await this.options.database();
    const chosen = new Map(jobs.flatMap(({ streams }) => streams).map(({ mapping }) => [mapping.id, mapping]));
    const refusals = new Map<number, IntegrationError>();
    for (const mapping of chosen.values()) {
      await ensureStream(database, streamName(mapping.id));
      await check(mapping).catch((error: unknown) => {
        const refusal = IntegrationError.from(error);
        if (refusal.class !== 'config') throw error;
        refusals.set(mapping.id, refusal);
      });
    }
    const followers = await followersOf({ database, mapping: (id) => mappings.get(id), check });
    return database.transaction(async (transaction) => {
      if (!(await decide(transaction))) return false;
      await lockStreams(transaction, [...chosen.keys(), ...comingAfter(followers, new Set(chosen.keys()))]);
      for (const job of jobs) await insertJob(transaction, job, refusals, followers);
      return true;
    });
  }

  /** The active mappings of a connection that do not run by themselves, by id. */
  async startable(connectionId: number): Promise<Mapping[]> {
    const { items } = await this.options.mappings.list({
      connection_id: connectionId,
      is_active: true,
      limit: MAX_MAPPINGS,
    });
    return items.filter(({ sync_mode }) => sync_mode !== 'live').sort((a, b) => a.id - b.id);
  }

  private async chosenStreams(connectionId: number, request: SyncRequest): Promise<MappedStream[]> {
    const mappings = await this.chosenMappings(connectionId, request.mapping_id);
    const streams = mappings.flatMap((mapping) => streamsOf(mapping, request.direction));
    if (streams.length === 0) {
      throw new IntegrationError(
        'config',
        'PCP_NO_MAPPING',
        phrase`Connection ${connectionId} has no active mapping to run.`,
        {
          path: '/mapping_id',
          hint: 'Create a mapping, set is_active, or ask for the direction that it has.',
        },
      );
    }
    const leaders = leadersOf(streams);
    return leaders.length === 0 ? streams : leaders;
  }

  private async chosenMappings(connectionId: number, mappingId: number | undefined): Promise<Mapping[]> {
    if (mappingId === undefined) return this.startable(connectionId);
    const mapping = await this.options.mappings.get(mappingId);
    if (mapping.connection_id !== connectionId) {
      throw new IntegrationError(
        'config',
        'PCP_NO_MAPPING',
        phrase`Mapping ${mappingId} is not one of connection ${connectionId}.`,
        { path: '/mapping_id' },
      );
    }
    if (!mapping.is_active) {
      const { name, flow_error: refused } = mapping;
      const why = refused === null ? '.' : `, since what its flow deploys is refused: ${refused}`;
      throw new IntegrationError('config', 'PCP_MAPPING_INACTIVE', `Mapping "${name}" is not active${why}`, {
        path: '/mapping_id',
        ...(refused !== null && { hint: 'Correct the node and deploy.' }),
      });
    }
    if (mapping.sync_mode === 'live') throw startsByItself(mapping);
    return [mapping];
  }
}

async function insertJob(
  transaction: SqlTransaction,
  { streams, overlap, beginning, ...origin }: UnattendedJob,
  refusals: ReadonlyMap<number, IntegrationError>,
  followers: Followers,
): Promise<void> {
  const jobId = newJobId();
  const now = Date.now();
  for (const stream of leadersOf(streams)) {
    const { mapping, direction } = stream;
    const refusal = refusals.get(mapping.id);
    const failed: Beginning | undefined = refusal && { state: 'failed', failure: refusal.toJSON() };
    const over = failed ?? (beginning !== undefined && ENDED.includes(beginning.state) ? beginning : undefined);
    // What only waits as yet ends nobody's run.
    const waits = beginning !== undefined;
    const policy = waits && overlap === 'cancel_running' ? 'queue_one' : overlap;
    const begins = over ?? (await beginningBehind(transaction, stream, policy, now, waits)) ?? beginning;
    await insertRun(transaction, { ...newRun(mapping, direction, jobId), ...origin }, now, begins);
    if (begins === undefined || !ENDED.includes(begins.state)) continue;
    const leader = { jobId, mappingId: mapping.id, full: false, dryRun: false };
    await startFollowers(transaction, followers, leader, now);
  }
}

function ofRequest({ full, dry_run, created_by, trigger }: SyncRequest): Partial<NewRun> {
  return { full: full ?? false, dryRun: dry_run ?? false, createdBy: created_by ?? null, trigger };
}

function startsByItself({ name }: Mapping): IntegrationError {
  return new IntegrationError('config', 'PCP_MAPPING_LIVE', phrase`Mapping "${name}" is live: it runs by itself.`, {
    path: '/mapping_id',
    hint: 'Set is_active to begin or end it.',
  });
}
