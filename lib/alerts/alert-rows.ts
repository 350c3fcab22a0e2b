import type { Alert, AlertEvent, AlertEventType, AlertFilter, AlertRule } from '../model/alert';
import { phrase } from '../model/phrase';
import type { Page, PageRequest } from '../model/services';
import type { SqlDatabase, SqlRow, SqlTransaction, SqlValue } from '../protocols/sql/database';
import { type Condition, equalities, newestFirst } from '../store/lists';
import { notFound } from '../store/rows';
import type { Observation, Standing, Step } from './step';

const TABLE = 'integration_alerts';
const EVENTS = 'integration_alert_events';

/** An alert that is not over, as it is in the store. */
export interface OpenAlert {
  id: number;
  subject: string;
  severity: AlertRule['severity'];
  /** As JSON. */
  details: string;
  standing: Standing;
  updatedAt: number;
  revision: number;
}

export function listAlerts(
  database: SqlDatabase,
  { state, from, to, limit, cursor, ...columns }: AlertFilter & PageRequest,
): Promise<Page<Alert>> {
  const conditions: Condition[] = [...equalities(columns), stateCondition(state)];
  if (from !== undefined) conditions.push(['since >= ?', Date.parse(from)]);
  if (to !== undefined) conditions.push(['since < ?', Date.parse(to)]);
  return newestFirst(database, TABLE, conditions, { limit, cursor }, toAlert);
}

function stateCondition(state: AlertFilter['state']): Condition {
  if (state === undefined) return [`state <> 'pending'`];
  return state === 'open' ? [`state IN ('firing', 'acknowledged')`] : ['state = ?', state];
}

export async function getAlert(database: SqlTransaction, id: number): Promise<Alert & { events: AlertEvent[] }> {
  const [row] = await database.query(`SELECT * FROM ${TABLE} WHERE id = ?`, [id]);
  if (row === undefined) throw notFound(phrase`alert ${id}`);
  const events = await database.query(`SELECT * FROM ${EVENTS} WHERE alert_id = ? ORDER BY id`, [id]);
  return { ...toAlert(row), events: events.map(toEvent) };
}

/** By subject. */
export async function openAlerts(database: SqlTransaction, ruleId: number): Promise<Map<string, OpenAlert>> {
  const rows = await database.query(`SELECT * FROM ${TABLE} WHERE rule_id = ? AND open_key IS NOT NULL`, [ruleId]);
  return new Map(rows.map((row) => [String(row.subject), toOpen(row)]));
}

/** Those whose rule is gone, by the id that it had. */
export async function orphanedRules(database: SqlTransaction): Promise<number[]> {
  const rows = await database.query(
    `SELECT DISTINCT rule_id FROM ${TABLE}
     WHERE open_key IS NOT NULL AND rule_id NOT IN (SELECT id FROM integration_alert_rules)`,
  );
  return rows.map(({ rule_id }) => Number(rule_id));
}

/** @returns its id. @throws when there is one already */
export async function insertAlert(
  transaction: SqlTransaction,
  rule: AlertRule,
  { subject, connectionId, mappingId, details }: Observation,
  stands: Standing,
  now: number,
): Promise<number> {
  const row: Record<string, SqlValue> = {
    rule_id: rule.id,
    open_key: openKey(rule.id, subject),
    kind: rule.kind,
    subject,
    connection_id: connectionId,
    mapping_id: mappingId,
    severity: rule.severity,
    details: JSON.stringify(details),
    ...standingColumns(stands),
    updated_at: now,
    revision: 1,
  };
  const names = Object.keys(row);
  await transaction.execute(
    `INSERT INTO ${TABLE} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    Object.values(row),
  );
  const [inserted] = await transaction.query(`SELECT id FROM ${TABLE} WHERE open_key = ?`, [String(row.open_key)]);
  return Number(inserted?.id);
}

/** @returns false when somebody else changed it meanwhile */
export async function changeAlert(
  transaction: SqlTransaction,
  { id, revision }: Pick<OpenAlert, 'id' | 'revision'>,
  columns: Record<string, SqlValue>,
  now: number,
): Promise<boolean> {
  const names = Object.keys(columns);
  const changed = await transaction.execute(
    `UPDATE ${TABLE} SET ${names.map((name) => `${name} = ?`).join(', ')}, updated_at = ?, revision = revision + 1
     WHERE id = ? AND revision = ?`,
    [...Object.values(columns), now, id, revision],
  );
  return changed === 1;
}

/** What follows for its row from a look at it. Null: it is removed, for it was never told. */
export function columnsAfter({ stands, event }: Step, now: number): Record<string, SqlValue> | null {
  if (stands !== null) return standingColumns(stands);
  return event === undefined ? null : { state: 'resolved', open_key: null, resolved_at: now };
}

export async function removeAlert(transaction: SqlTransaction, { id, revision }: OpenAlert): Promise<void> {
  await transaction.execute(`DELETE FROM ${TABLE} WHERE id = ? AND revision = ?`, [id, revision]);
}

export async function insertEvent(
  transaction: SqlTransaction,
  event: { alertId: number; type: AlertEventType; at: number; by: string | null; value: number },
): Promise<void> {
  await transaction.execute(`INSERT INTO ${EVENTS} (alert_id, type, at, by_whom, value) VALUES (?, ?, ?, ?, ?)`, [
    event.alertId,
    event.type,
    event.at,
    event.by,
    event.value,
  ]);
}

/** Alerts that were over before, with what happened to them. */
export async function removeOldAlerts(database: SqlDatabase, before: number): Promise<void> {
  await database.transaction(async (transaction) => {
    const old = `state = 'resolved' AND resolved_at < ?`;
    await transaction.execute(`DELETE FROM ${EVENTS} WHERE alert_id IN (SELECT id FROM ${TABLE} WHERE ${old})`, [
      before,
    ]);
    await transaction.execute(`DELETE FROM ${TABLE} WHERE ${old}`, [before]);
    await transaction.execute(
      `DELETE FROM integration_alert_readings WHERE event_id NOT IN (SELECT id FROM ${EVENTS})`,
    );
    await transaction.execute('DELETE FROM integration_alert_readers WHERE since < ?', [before]);
  });
}

function openKey(ruleId: number, subject: string): string {
  return `${ruleId} ${subject}`;
}

function standingColumns({ state, value, threshold, since, clearSince, firedAt, toldAt }: Standing) {
  return { state, value, threshold, since, clear_since: clearSince, fired_at: firedAt, told_at: toldAt };
}

function toOpen(row: SqlRow): OpenAlert {
  return {
    id: Number(row.id),
    subject: String(row.subject),
    severity: row.severity as AlertRule['severity'],
    details: String(row.details),
    standing: {
      state: row.state as Standing['state'],
      value: Number(row.value),
      threshold: Number(row.threshold),
      since: Number(row.since),
      clearSince: number(row.clear_since),
      firedAt: number(row.fired_at),
      toldAt: number(row.told_at),
    },
    updatedAt: Number(row.updated_at),
    revision: Number(row.revision),
  };
}

function toAlert(row: SqlRow): Alert {
  const instant = (value: unknown): string | null => (value === null ? null : new Date(Number(value)).toISOString());
  return {
    id: Number(row.id),
    rule_id: Number(row.rule_id),
    kind: row.kind as Alert['kind'],
    subject: String(row.subject),
    connection_id: number(row.connection_id),
    mapping_id: number(row.mapping_id),
    severity: row.severity as Alert['severity'],
    state: row.state as Alert['state'],
    value: Number(row.value),
    threshold: Number(row.threshold),
    details: JSON.parse(String(row.details)) as Record<string, unknown>,
    since: instant(row.since) ?? '',
    fired_at: instant(row.fired_at),
    acknowledged_at: instant(row.acknowledged_at),
    acknowledged_by: row.acknowledged_by === null ? null : String(row.acknowledged_by),
    note: row.note === null ? null : String(row.note),
    resolved_at: instant(row.resolved_at),
  };
}

export function toEvent(row: SqlRow): AlertEvent {
  return {
    id: Number(row.id),
    alert_id: Number(row.alert_id),
    type: row.type as AlertEventType,
    at: new Date(Number(row.at)).toISOString(),
    by: row.by_whom === null ? null : String(row.by_whom),
    value: Number(row.value),
  };
}

function number(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
