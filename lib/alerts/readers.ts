import type { AlertListener } from '../model/alert';
import { IntegrationError } from '../model/errors';
import type { SqlDatabase } from '../protocols/sql/database';
import { isDeadlock, isUniqueViolation } from '../store/rows';
import { getAlert, toEvent } from './alert-rows';

/** What a reader missed for longer than this is not told any more. */
const LATEST_MS = 86_400_000;
const AT_ONCE = 100;

/**
 * Tells listeners what happened to alerts. Where copies of a reader run over one store, each event is told to one of them; what
 * happens while none is there is told to the first that comes.
 */
export class AlertReaders {
  private readonly listeners = new Map<string, AlertListener>();
  private reading: Promise<void> | null = null;
  private readAgain = false;

  constructor(
    private readonly database: SqlDatabase,
    private readonly clock: { now(): number },
    private readonly log: (level: 'warn', message: string) => void,
  ) {}

  /** @returns what ends it */
  add(reader: string, listener: AlertListener): () => void {
    this.listeners.set(reader, listener);
    void this.read();
    return () => {
      if (this.listeners.get(reader) === listener) this.listeners.delete(reader);
    };
  }

  /** There may be something to tell. Never throws. */
  read(): Promise<void> {
    this.readAgain = true;
    this.reading ??= this.readWhileWanted().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  async stop(): Promise<void> {
    this.listeners.clear();
    await this.reading;
  }

  private async readWhileWanted(): Promise<void> {
    while (this.readAgain) {
      this.readAgain = false;
      for (const reader of this.listeners.keys()) {
        try {
          await this.readFor(reader);
        } catch (error) {
          const { message } = IntegrationError.from(error);
          this.log('warn', `What happened to alerts could not be told to ${reader}: ${message}`);
        }
      }
    }
  }

  private async readFor(reader: string): Promise<void> {
    const since = Math.max(await this.since(reader), this.clock.now() - LATEST_MS);
    const rows = await this.database.query(
      `SELECT e.* FROM integration_alert_events e
       LEFT JOIN integration_alert_readings r ON r.event_id = e.id AND r.reader = ?
       WHERE e.at >= ? AND r.event_id IS NULL ORDER BY e.id LIMIT ${AT_ONCE}`,
      [reader, since],
    );
    if (rows.length === AT_ONCE) this.readAgain = true;
    for (const event of rows.map(toEvent)) {
      const alert = await getAlert(this.database, event.alert_id);
      const listener = this.listeners.get(reader);
      if (listener === undefined) return;
      const tell = await listener(event, alert);
      if (this.listeners.get(reader) !== listener) return;
      if (!(await this.claim(reader, event.id))) continue;
      if (this.listeners.get(reader) !== listener) return this.release(reader, event.id);
      tell?.();
    }
  }

  /** Of what happened before its first time it is not told. */
  private async since(reader: string): Promise<number> {
    const [row] = await this.database.query('SELECT since FROM integration_alert_readers WHERE reader = ?', [reader]);
    const now = this.clock.now();
    if (row !== undefined) {
      // Those that do not say now and then that they are still there go.
      if (Number(row.since) < now - 2 * LATEST_MS) await this.setSince(reader, now - LATEST_MS);
      return Number(row.since);
    }
    await this.insert('integration_alert_readers (reader, since)', [reader, now]);
    return now;
  }

  private async setSince(reader: string, since: number): Promise<void> {
    await this.database.execute('UPDATE integration_alert_readers SET since = ? WHERE reader = ?', [since, reader]);
  }

  private claim(reader: string, eventId: number): Promise<boolean> {
    return this.insert('integration_alert_readings (reader, event_id)', [reader, eventId]);
  }

  /** Its listener went meanwhile: it is told to the next one. */
  private async release(reader: string, eventId: number): Promise<void> {
    const sql = 'DELETE FROM integration_alert_readings WHERE reader = ? AND event_id = ?';
    await this.database.execute(sql, [reader, eventId]);
  }

  /** @returns false when a copy was quicker */
  private async insert(into: string, values: [string, number]): Promise<boolean> {
    try {
      await this.database.execute(`INSERT INTO ${into} VALUES (?, ?)`, values);
      return true;
    } catch (error) {
      if (isUniqueViolation(error) || isDeadlock(error)) return false;
      throw error;
    }
  }
}
