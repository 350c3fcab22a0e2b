import { DataTypes, type ModelAttributeColumnOptions } from 'sequelize';
import { bigInteger, flag, id, instant, integer, longText, optional, text } from '../columns';
import { createIndex, createTable, type Migration } from './migration';

const number = (options: Partial<ModelAttributeColumnOptions> = {}): ModelAttributeColumnOptions => ({
  type: DataTypes.DOUBLE,
  allowNull: false,
  ...options,
});
const counts = (...names: string[]) => Object.fromEntries(names.map((name) => [name, bigInteger(name)]));

/** Alerts with their rules, and totals of runs whose logs may be gone. */
export const alerts: Migration = {
  name: '0014-alerts',
  async up(context) {
    await createTable(context, 'integration_alert_rules', {
      id: id(),
      // The kind of a rule that is there by itself; of others, something unique.
      rule_key: text(40),
      kind: text(30),
      name: text(255, optional),
      connection_id: integer(optional),
      mapping_id: integer(optional),
      severity: text(10),
      threshold: number(optional),
      clear_threshold: number(optional),
      for_seconds: integer(),
      clear_for_seconds: integer(),
      repeat_seconds: integer(optional),
      is_active: flag(true),
      next_look_at: bigInteger('next_look_at'),
      revision: integer({ defaultValue: 1 }),
      created_at: instant(),
      updated_at: instant(),
    });
    await createIndex(context, 'integration_alert_rules', ['rule_key'], { unique: true });
    await createTable(context, 'integration_alerts', {
      id: id(),
      rule_id: integer(),
      // Rule and subject, until it is over: there is one of them at a time.
      open_key: text(250, optional),
      kind: text(30),
      subject: text(200),
      connection_id: integer(optional),
      mapping_id: integer(optional),
      severity: text(10),
      state: text(20),
      value: number(),
      threshold: number(),
      details: longText({ allowNull: false }),
      since: bigInteger('since'),
      clear_since: bigInteger('clear_since', optional),
      fired_at: bigInteger('fired_at', optional),
      told_at: bigInteger('told_at', optional),
      acknowledged_at: bigInteger('acknowledged_at', optional),
      acknowledged_by: text(255, optional),
      note: longText(),
      resolved_at: bigInteger('resolved_at', optional),
      updated_at: bigInteger('updated_at'),
      revision: integer({ defaultValue: 1 }),
    });
    await createIndex(context, 'integration_alerts', ['open_key'], { unique: true });
    await createIndex(context, 'integration_alerts', ['state', 'resolved_at']);
    await createTable(context, 'integration_alert_events', {
      id: id(),
      alert_id: integer(),
      type: text(20),
      at: bigInteger('at'),
      by_whom: text(255, optional),
      value: number(),
    });
    await createIndex(context, 'integration_alert_events', ['alert_id']);
    await createIndex(context, 'integration_alert_events', ['at']);
    // Who is told of events since when, and of which he was.
    await createTable(context, 'integration_alert_readers', {
      reader: text(100, { primaryKey: true }),
      since: bigInteger('since'),
    });
    await createTable(context, 'integration_alert_readings', {
      reader: text(100, { primaryKey: true }),
      event_id: integer({ primaryKey: true, defaultValue: undefined }),
    });
    await createTotals(context);
  },
};

async function createTotals(context: Parameters<Migration['up']>[0]): Promise<void> {
  await createTable(context, 'integration_run_totals', {
    mapping_id: integer({ primaryKey: true, defaultValue: undefined }),
    direction: text(20, { primaryKey: true }),
    state: text(20, { primaryKey: true }),
    error_class: text(30, { primaryKey: true }),
    connection_id: integer(),
    ...counts('runs', 'c_created', 'c_updated', 'c_unchanged', 'c_deleted', 'c_filtered', 'c_conflicts', 'c_errors'),
    ...counts('duration_ms', 'within_1', 'within_10', 'within_60', 'within_300', 'within_1800', 'within_7200'),
  });
  // A table of one row: runs that ended later are not among the totals yet.
  await createTable(context, 'integration_run_totals_end', {
    id: integer({ primaryKey: true, defaultValue: undefined }),
    counted_until: bigInteger('counted_until'),
  });
  await createIndex(context, 'integration_sync_logs', ['ended_at']);
  await createIndex(context, 'integration_sync_logs', ['mapping_id', 'direction', 'ended_at']);
}
