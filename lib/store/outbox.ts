import { randomUUID } from 'node:crypto';
import { type EventType, type HubEvent, matchesEvent } from '../model/events';
import type { SqlTransaction, SqlValue } from '../protocols/sql/database';

const ROWS_PER_STATEMENT = 100;
const EVENT_COLUMNS = ['id', 'event_type', 'occurred_at', 'data'];
const EXECUTION_COLUMNS = [
  'webhook_id',
  'event_id',
  'event_type',
  'status',
  'created_at',
  'next_attempt_at',
  'error_code',
  'error_message',
  'attempt_log',
];

/** What is told of an event that was not sent since the hub switched its webhook off. */
export const SWITCHED_OFF = { code: 'PCP_WEBHOOK_DISABLED', message: 'The webhook was switched off.' };

interface Listener {
  id: number;
  patterns: string;
  connectionId: number | null;
  /** The hub switched it off: what it misses is kept, to be delivered when it is back. */
  isDisabled: boolean;
}

/**
 * Puts events into the outbox of each webhook that asks for them: in the transaction of what they tell, so that none is lost
 * and none tells what never was.
 */
export async function enqueueEvents(transaction: SqlTransaction, events: readonly HubEvent[]): Promise<void> {
  const listeners = await listenersTo(transaction, events);
  if (listeners.length === 0) return;
  const names = await namesOf(transaction, events);
  const rows: SqlValue[][] = [];
  const executions: SqlValue[][] = [];
  for (const event of events) {
    const origin = names(event);
    const wanted = listeners.filter(
      ({ patterns, connectionId }) =>
        matchesEvent(patterns, event.type) && (connectionId === null || connectionId === origin.connection?.id),
    );
    if (wanted.length === 0) continue;
    const id = newEventId();
    const at = event.at ?? Date.now();
    rows.push([id, event.type, at, textOf({ ...origin, ...event.data })]);
    executions.push(...wanted.map((listener) => executionOf(listener, id, event.type, at)));
  }
  await insertAll(transaction, rows, executions);
}

/** An event for one webhook alone. @returns its id */
export async function enqueueFor(
  transaction: SqlTransaction,
  webhookId: number,
  { type, at, data }: { type: EventType; at: number; data: Record<string, unknown> },
): Promise<string> {
  const id = newEventId();
  const execution = executionOf({ id: webhookId, isDisabled: false }, id, type, at);
  await insertAll(transaction, [[id, type, at, textOf(data)]], [execution]);
  return id;
}

/** Whether it is worth while to say what happened in detail. */
export async function hasListener(database: SqlTransaction, types: readonly HubEvent['type'][]): Promise<boolean> {
  return (
    (
      await listenersTo(
        database,
        types.map((type) => ({ type })),
      )
    ).length > 0
  );
}

/** As JSON; 64-bit integers become texts. */
export function textOf(data: object): string {
  return JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

/** What a receiver knows an event by; it has no dot, which ends it in what is signed. */
function newEventId(): string {
  return `msg_${randomUUID().replaceAll('-', '')}`;
}

async function listenersTo(database: SqlTransaction, events: readonly Pick<HubEvent, 'type'>[]): Promise<Listener[]> {
  if (events.length === 0) return [];
  const rows = await database.query(
    `SELECT id, event_type, connection_id, disabled_reason FROM integration_webhooks
     WHERE is_active = ? OR disabled_reason IS NOT NULL ORDER BY id`,
    [true],
  );
  return rows
    .map((row) => ({
      id: Number(row.id),
      patterns: String(row.event_type),
      connectionId: row.connection_id === null ? null : Number(row.connection_id),
      isDisabled: row.disabled_reason !== null,
    }))
    .filter(({ patterns }) => events.some(({ type }) => matchesEvent(patterns, type)));
}

interface Origin {
  connection?: { id: number; name: string | null };
  mapping?: { id: number; name: string | null };
}

/** What people call the connections and mappings that events are about. */
async function namesOf(transaction: SqlTransaction, events: readonly HubEvent[]): Promise<(event: HubEvent) => Origin> {
  const mappings = new Map<number, Origin>();
  const connections = new Map<number, Origin>();
  for (const { mapping_id: mappingId, connection_id: connectionId } of events) {
    if (mappingId != null && !mappings.has(mappingId)) {
      const [row] = await transaction.query(
        `SELECT m.name, m.connection_id, c.name AS connection FROM integration_mappings m
         JOIN integration_connections c ON c.id = m.connection_id WHERE m.id = ?`,
        [mappingId],
      );
      mappings.set(mappingId, {
        ...(row !== undefined && { connection: { id: Number(row.connection_id), name: String(row.connection) } }),
        mapping: { id: mappingId, name: row === undefined ? null : String(row.name) },
      });
    }
    if (connectionId != null && !connections.has(connectionId)) {
      const [row] = await transaction.query('SELECT name FROM integration_connections WHERE id = ?', [connectionId]);
      const name = row === undefined ? null : String(row.name);
      connections.set(connectionId, { connection: { id: connectionId, name } });
    }
  }
  return ({ mapping_id, connection_id }) => ({
    ...(connection_id != null && connections.get(connection_id)),
    ...(mapping_id != null && mappings.get(mapping_id)),
  });
}

function executionOf(
  { id, isDisabled }: Pick<Listener, 'id' | 'isDisabled'>,
  eventId: string,
  type: string,
  at: number,
): SqlValue[] {
  // Due at once, whatever the clock of this host says: what is due is asked for by the clock of the store.
  const waits: SqlValue[] = ['pending', at, 0, null, null];
  const missed: SqlValue[] = ['error', at, null, SWITCHED_OFF.code, SWITCHED_OFF.message];
  return [id, eventId, type, ...(isDisabled ? missed : waits), '[]'];
}

async function insertAll(transaction: SqlTransaction, events: SqlValue[][], executions: SqlValue[][]): Promise<void> {
  await insert(transaction, 'integration_webhook_events', EVENT_COLUMNS, events);
  await insert(transaction, 'integration_webhook_executions', EXECUTION_COLUMNS, executions);
}

async function insert(
  transaction: SqlTransaction,
  table: string,
  columns: readonly string[],
  rows: readonly SqlValue[][],
): Promise<void> {
  const names = columns.map((name) => transaction.quote(name)).join(', ');
  const places = `(${columns.map(() => '?').join(', ')})`;
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const some = rows.slice(start, start + ROWS_PER_STATEMENT);
    const values = some.map(() => places).join(', ');
    await transaction.execute(`INSERT INTO ${table} (${names}) VALUES ${values}`, some.flat());
  }
}
