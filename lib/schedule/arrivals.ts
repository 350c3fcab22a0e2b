import type { OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { Mapping } from '../model/mapping';
import type { Runner } from '../model/processes';
import type { Connections, Mappings } from '../model/services';
import { Outage } from '../outage';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import { isUniqueViolation } from '../store/rows';
import { ACTIVE, stateList } from '../sync/runs/run-rows';
import type { JobStarter } from '../sync/runs/start';

const LOOK_EVERY_MS = 5_000;
/** A share of a network that does not answer keeps nobody else waiting for longer. */
const ANSWER_MS = 10_000;
const NOTHING = '';

export interface ArrivalsOptions {
  database: SqlDatabase;
  mappings: Pick<Mappings, 'get'>;
  connections: Pick<Connections, 'open'>;
  starter: JobStarter;
  runner: Pick<Runner, 'present'>;
  /** Tells the runner that there is work; must not throw. */
  wakeRunner(): void;
  log(level: 'info' | 'warn' | 'debug', message: string): void;
}

/**
 * Starts the mappings that wait for something to arrive. Any number of processes may look over one store: what has arrived is
 * noted with the run that it starts, and whoever notes it first starts it.
 */
export class Arrivals {
  /** Why the source of a mapping cannot be looked at, by its id: it is said once. */
  private readonly outages = new Map<number, Outage>();
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> | null = null;
  private readonly stopped = new AbortController();

  constructor(private readonly options: ArrivalsOptions) {
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** Looks at each source once. Never throws. */
  look(): Promise<void> {
    this.looking ??= this.lookAtAll()
      // Without the store nothing can be started; whoever runs schedules says that it is away.
      .catch((error: unknown) => this.options.log('debug', `Arrivals: ${IntegrationError.from(error).message}`))
      .finally(() => {
        this.looking = null;
      });
    return this.looking;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopped.abort();
    await this.looking;
  }

  private async lookAtAll(): Promise<void> {
    const { database } = this.options;
    const rows = await database.query(
      `SELECT m.id, m.options, a.present FROM integration_mappings m
         JOIN integration_connections c ON c.id = m.connection_id
         LEFT JOIN integration_arrivals a ON a.mapping_id = m.id
       WHERE m.is_active = ? AND c.is_active = ? AND m.direction <> 'export' AND m.options LIKE '%on_arrival%' ORDER BY m.id`,
      [true, true],
    );
    for (const { id, options, present } of rows) {
      if (this.stopped.signal.aborted) return;
      const { on_arrival: isWanted } = JSON.parse(String(options)) as Mapping['options'];
      if (isWanted) await this.lookAt(Number(id), present === null ? null : String(present));
    }
  }

  /** @param known what lay there when a run was last started; null = it was never looked */
  private async lookAt(id: number, known: string | null): Promise<void> {
    const { mappings, connections, runner, log } = this.options;
    const outage = this.outages.get(id) ?? new Outage(`What arrives for mapping ${id}`, log);
    this.outages.set(id, outage);
    try {
      const mapping = await mappings.get(id);
      const connection: OpenConnection = await connections.open(mapping.connection_id);
      const signal = AbortSignal.any([this.stopped.signal, AbortSignal.timeout(ANSWER_MS)]);
      const present = await runner.present(connection, mapping.source_entity, signal);
      outage.succeeded();
      const before = known ?? (await this.begin(id));
      if (present === null) await note(this.options.database, id, before, NOTHING);
      else if (present !== before) await this.start(mapping, before, present);
    } catch (error) {
      if (!this.stopped.signal.aborted) outage.failed(IntegrationError.from(error));
    }
  }

  private async start(mapping: Mapping, before: string, present: string): Promise<void> {
    const { database, starter, wakeRunner } = this.options;
    // It may be reading what has arrived: whatever it leaves is looked at when it is over.
    const [active] = await database.query(
      `SELECT id FROM integration_sync_logs WHERE mapping_id = ? AND direction = 'import' AND state IN (${stateList(ACTIVE)})`,
      [mapping.id],
    );
    if (active !== undefined) return;
    const job = {
      streams: [{ mapping, direction: 'import' as const }],
      trigger: 'file' as const,
      overlap: 'skip' as const,
    };
    const isOurs = await starter.startUnattended([job], (transaction) =>
      note(transaction, mapping.id, before, present),
    );
    if (isOurs) wakeRunner();
  }

  private async begin(id: number): Promise<string> {
    try {
      await this.options.database.execute('INSERT INTO integration_arrivals (mapping_id, present) VALUES (?, ?)', [
        id,
        NOTHING,
      ]);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    return NOTHING;
  }
}

/**
 * Where nothing is any more, what comes next is new, also when it looks as what was there before.
 * @returns false when another process has noted something since
 */
async function note(
  database: Pick<SqlTransaction, 'execute'>,
  id: number,
  before: string,
  present: string,
): Promise<boolean> {
  if (before === present) return true;
  const noted = await database.execute(
    'UPDATE integration_arrivals SET present = ? WHERE mapping_id = ? AND present = ?',
    [present, id, before],
  );
  return noted === 1;
}
