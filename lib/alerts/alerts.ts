import type { Alert, AlertEvent, Alerts } from '../model/alert';
import { IntegrationError } from '../model/errors';
import type { LiveStatus } from '../model/stream';
import type { SqlDatabase } from '../protocols/sql/database';
import type { StoreClock } from '../sync/clock';
import { getAlert, listAlerts, removeOldAlerts } from './alert-rows';
import { Evaluation } from './evaluation';
import type { ExpirySource } from './facts/expiry';
import { factFinders } from './facts/finders';
import { AlertReaders } from './readers';
import { AlertRuleStore } from './rules';
import { tell } from './telling';
import { AlertWatch } from './watch';

export interface HubAlertsOptions extends Omit<ExpirySource, 'isShared'> {
  database: SqlDatabase;
  clock: Pick<StoreClock, 'measure' | 'now'>;
  /** The live mappings of this instance. */
  streams(): ReadonlyMap<number, LiveStatus>;
  /** Alerts that are over go after so long. */
  keptDays: number;
  log(level: 'info' | 'warn' | 'debug', message: string): void;
}

/** What is wrong, as the API and the nodes see it. */
export class HubAlerts implements Alerts {
  readonly rules: AlertRuleStore;
  readonly watch: AlertWatch;
  private readonly readers: AlertReaders;

  constructor(private readonly options: HubAlertsOptions) {
    const { database, clock, keptDays, log } = options;
    this.rules = new AlertRuleStore({ database, onChange: () => void this.watch.look() });
    this.readers = new AlertReaders(database, clock, log);
    this.watch = new AlertWatch({
      rules: this.rules,
      evaluation: new Evaluation(
        database,
        factFinders(database, {
          ...options,
          // A store in a file has one instance.
          isShared: database.dialect !== 'sqlite',
        }),
      ),
      clock,
      removeOld: (before) => removeOldAlerts(database, before),
      keptDays,
      onLooked: () => void this.readers.read(),
      log,
    });
  }

  list(filter: Parameters<Alerts['list']>[0]): ReturnType<Alerts['list']> {
    return listAlerts(this.options.database, filter);
  }

  get(id: number): ReturnType<Alerts['get']> {
    return getAlert(this.options.database, id);
  }

  async acknowledge(id: number, by: string | null, note?: string): Promise<Alert & { events: AlertEvent[] }> {
    const { database, clock } = this.options;
    const now = clock.now();
    const acknowledged = await database.transaction(async (transaction) => {
      const changed = await transaction.execute(
        `UPDATE integration_alerts SET state = 'acknowledged', acknowledged_at = ?, acknowledged_by = ?, note = ?,
           updated_at = ?, revision = revision + 1 WHERE id = ? AND state = 'firing'`,
        [now, by, note ?? null, now, id],
      );
      if (changed === 1) await tell(transaction, id, 'acknowledged', now, by);
      const alert = await getAlert(transaction, id);
      if (changed === 1 || alert.state === 'acknowledged') return alert;
      throw new IntegrationError('conflict', 'PCP_ALERT_CLOSED', `Alert ${id} is ${alert.state}, not firing.`);
    });
    void this.readers.read();
    return acknowledged;
  }

  async close(): Promise<void> {
    await this.watch.stop();
    await this.readers.stop();
  }

  follow(...[reader, listener]: Parameters<Alerts['follow']>): () => void {
    return this.readers.add(reader, listener);
  }
}
