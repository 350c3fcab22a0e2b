import assert from 'node:assert/strict';
import { HubAlerts } from '../../../lib/alerts/alerts';
import type { AlertKind, AlertRule, AlertRuleInput } from '../../../lib/model/alert';
import type { KnownCertificate } from '../../../lib/model/certificate';
import type { DifferenceKind } from '../../../lib/model/reconciliation';
import type { MappingInput } from '../../../lib/model/services';
import type { LiveStatus } from '../../../lib/model/stream';
import type { RunState } from '../../../lib/model/sync';
import type { Store } from '../../../lib/store/store';
import { changeReconciliation, insertReconciliation, reconciliationOfRun } from '../../../lib/sync/reconciliation/rows';
import { insertRun, type NewRun, newJobId } from '../../../lib/sync/runs/run-rows';
import { newStore, type StoreKind, type TestStore } from '../store/stores';

export const NOON = Date.parse('2026-11-27T12:00Z');

/** Long before the tests' own time. */
const AT = new Date('2026-01-01T00:00Z');

let names = 0;
let runs = 0;

export async function addConnection(store: Store, schedule: string | null = null): Promise<number> {
  const row = await store.models.connections.create({
    ...{ name: `ERP ${++names}`, connector_type: 'generic.file', config: {}, schedule, schedule_options: {} },
    ...{ is_active: true, managed_by: 'api', created_at: AT, updated_at: AT },
  });
  return row.id;
}

export async function addMapping(
  store: Store,
  connectionId: number,
  more: Partial<MappingInput> = {},
): Promise<number> {
  const row = await store.models.mappings.create({
    ...{ connection_id: connectionId, name: `Orders ${++names}`, entity_type: 'production_order', direction: 'import' },
    ...{ source_entity: 'orders', target_entity: 'production_order', field_mappings: [], transformations: [] },
    ...{ filters: [], key_fields: [], options: {}, is_active: true, managed_by: 'api', created_at: AT, updated_at: AT },
    ...more,
  });
  return row.id;
}

/** A store and the alerts over it, whose time the test sets. */
export class WatchedPlant {
  now = NOON;
  readonly streams = new Map<number, LiveStatus>();
  certificates: KnownCertificate[] = [];
  readonly credentials = new Map<number, Record<string, string>>();
  /** What was logged: nothing, when the test is over. */
  readonly said: string[] = [];
  readonly alerts: HubAlerts;
  private readonly opened: HubAlerts[] = [];

  private constructor(readonly place: TestStore) {
    this.alerts = this.alertsOf(place.store);
  }

  static async open(kind: StoreKind, context: Mocha.Context): Promise<WatchedPlant> {
    return new WatchedPlant(await newStore(kind, context));
  }

  /** A comparison that found so many differences, or that is not over. */
  async compared(mappingId: number, found: Partial<Record<DifferenceKind, number>>, isOver = true): Promise<void> {
    const { database } = this.place.store;
    const counts = Object.entries(found);
    await database.transaction(async (transaction) => {
      const run = { id: ++runs, jobId: newJobId(), connectionId: 1, mappingId, direction: 'import' as const };
      const about = { mappingVersion: 1, action: 'report' as const, settleSeconds: 0, trigger: null };
      await insertReconciliation(transaction, { run, ...about, createdBy: null, dueAt: null }, this.now);
      const { id } = await reconciliationOfRun(transaction, run.id);
      const ended = isOver ? [['ended_at', this.now]] : [];
      const columns = [...counts.map(([kind, count]) => [`n_${kind}`, count]), ...ended];
      if (columns.length > 0) await changeReconciliation(transaction, id, Object.fromEntries(columns));
    });
  }

  /** As in one of several instances. */
  alertsOf(store: Store, own: ReadonlyMap<number, LiveStatus> = this.streams): HubAlerts {
    const opened = new HubAlerts({
      database: store.database,
      clock: { measure: async () => undefined, now: () => this.now },
      streams: () => own,
      certificates: { list: async () => this.certificates, inUse: async () => this.certificates },
      openConnection: async (id) => ({
        id,
        name: '',
        connector_type: 'generic.rest',
        config: {},
        credentials: this.credentials.get(id) ?? {},
      }),
      keptDays: 90,
      log: (level, message) => void this.said.push(`${level} ${message}`),
    });
    this.opened.push(opened);
    return opened;
  }

  async ended(mappingId: number, state: RunState, at: number, more: Partial<NewRun> = {}): Promise<void> {
    const { database } = this.place.store;
    const run = { jobId: newJobId(), connectionId: 1, mappingId, mappingVersion: 1, direction: 'import' } as const;
    const rest = { kind: 'sync' as const, full: false, dryRun: false, createdBy: null, ...more };
    const failure = { class: 'transient', code: 'PCP_CONNECT_REFUSED', message: 'Nobody listens.' } as const;
    const id = await insertRun(database, { ...run, ...rest }, at - 10_000, { state: 'failed', failure });
    await database.execute('UPDATE integration_sync_logs SET state = ?, ended_at = ? WHERE id = ?', [
      state,
      new Date(at),
      id,
    ]);
  }

  async letter(mappingId: number): Promise<void> {
    await this.place.store.models.deadLetters.create({
      mapping_id: mappingId,
      mapping_version: 1,
      sync_log_id: 1,
      direction: 'import',
      stage: 'transform',
      error_class: 'data',
      code: 'PCP_DATE',
      group_hash: 'g',
      first_at: new Date(this.now),
      last_at: new Date(this.now),
    });
  }

  /** Looks as when some seconds have passed. */
  async look(): Promise<void> {
    await this.place.store.database.execute('UPDATE integration_alert_rules SET next_look_at = 0');
    await this.alerts.watch.look();
  }

  /** Looks. "kind subject state value", oldest first, of what is not over. */
  async open(): Promise<string[]> {
    await this.look();
    const { items } = await this.alerts.list({ state: 'open' });
    return items.reverse().map(({ kind, subject, state, value }) => `${kind} ${subject} ${state} ${value}`);
  }

  async events(id: number): Promise<string[]> {
    return (await this.alerts.get(id)).events.map(({ type }) => type);
  }

  /** The one that is there by itself. */
  async ruleOf(kind: AlertKind): Promise<AlertRule> {
    await this.alerts.watch.look();
    const { items } = await this.alerts.rules.list({});
    return items.find((rule) => rule.is_default && rule.kind === kind) as AlertRule;
  }

  async change(kind: AlertKind, changes: Partial<AlertRuleInput>): Promise<void> {
    await this.alerts.rules.update((await this.ruleOf(kind)).id, { kind, ...changes });
  }

  async dispose(): Promise<void> {
    for (const alerts of this.opened) await alerts.close();
    await this.place.dispose();
    assert.deepEqual(this.said, []);
  }
}
