import type { AlertRule } from '../../model/alert';
import type { Direction } from '../../model/mapping';
import type { Phrase } from '../../model/phrase';
import type { RunKind } from '../../model/sync';
import { saidOf, toDate } from '../../sync/runs/run-rows';
import { inUse, type Reader } from './facts';

/** A mapping in one direction. */
export interface WatchedStream {
  mappingId: number;
  connectionId: number;
  mapping: string;
  connection: string;
  direction: Direction;
  /** The id, state or number of rejected records of the newest of its runs that ended in one of some states. */
  last: unknown;
}

/** Runs that tell of the stream itself, as replays of single records do not; runs that see to it that both sides hold the same. */
const KINDS = { stream: ['sync', 'live'], comparison: ['reconcile', 'repair'] } as const satisfies Record<
  string,
  readonly RunKind[]
>;

/** Which of its runs a stream is judged by. A dry one writes nothing. */
export type Judged = keyof typeof KINDS;

function of(judged: Judged): string {
  return `l.kind IN (${KINDS[judged].map((kind) => `'${kind}'`).join(', ')}) AND l.dry_run = ?`;
}

/** One row for each stream of a rule, by one look into an index each. */
export async function lastRuns(
  reader: Reader,
  rule: AlertRule,
  states: string,
  column: 'id' | 'state' | 'c_errors',
  judged: Judged = 'stream',
): Promise<WatchedStream[]> {
  const { sql, parameters } = inUse(rule);
  const rows = await reader.query(
    `SELECT m.id, m.name, m.connection_id, c.name AS connection, d.direction,
       (SELECT l.${column} FROM integration_sync_logs l
        WHERE l.mapping_id = m.id AND l.direction = d.direction AND l.ended_at IS NOT NULL AND ${of(judged)}
          AND l.state IN (${states}) ORDER BY l.ended_at DESC LIMIT 1) AS last_run
     FROM integration_mappings m JOIN integration_connections c ON c.id = m.connection_id
     JOIN (SELECT 'import' AS direction UNION ALL SELECT 'export') d ON m.direction IN (d.direction, 'bidirectional')
     WHERE ${sql} ORDER BY m.id, d.direction`,
    [false, ...parameters],
  );
  return rows.map((row) => ({
    mappingId: Number(row.id),
    connectionId: Number(row.connection_id),
    mapping: String(row.name),
    connection: String(row.connection),
    direction: row.direction as Direction,
    last: row.last_run,
  }));
}

export interface EndedRun {
  id: number;
  kind: RunKind;
  state: string;
  startedAt: number;
  endedAt: number;
  dueAt: number | null;
  /** Nobody waits for it. */
  isUnattended: boolean;
  /** Records, and those of them that were rejected. */
  read: number;
  errors: number;
  errorClass: string | null;
  errorCode: string | null;
  errorMessage: string | null;
  /** What the message is made of. */
  said?: Phrase;
}

/** The newest runs of a stream that ended in one of some states, newest first. */
export async function endedRuns(
  reader: Reader,
  { mappingId, direction }: Pick<WatchedStream, 'mappingId' | 'direction'>,
  states: string,
  limit: number,
  judged: Judged = 'stream',
): Promise<EndedRun[]> {
  const rows = await reader.query(
    `SELECT l.id, l.kind, l.state, l.started_at, l.ended_at, l.due_at, l.triggered_by, l.c_read, l.c_errors,
       l.error_class, l.error_code, l.error_message, l.error_said
     FROM integration_sync_logs l WHERE l.mapping_id = ? AND l.direction = ? AND l.ended_at IS NOT NULL AND ${of(judged)}
       AND l.state IN (${states}) ORDER BY l.ended_at DESC LIMIT ${limit}`,
    [mappingId, direction, false],
  );
  return rows.map((row) => ({
    id: Number(row.id),
    kind: row.kind as RunKind,
    state: String(row.state),
    startedAt: toDate(row.started_at)?.getTime() ?? 0,
    endedAt: toDate(row.ended_at)?.getTime() ?? 0,
    dueAt: row.due_at === null ? null : Number(row.due_at),
    isUnattended: row.triggered_by !== null && row.triggered_by !== 'api',
    read: Number(row.c_read),
    errors: Number(row.c_errors),
    errorClass: textOf(row.error_class),
    errorCode: textOf(row.error_code),
    errorMessage: textOf(row.error_message),
    ...saidOf(row),
  }));
}

function textOf(value: unknown): string | null {
  return value === null ? null : String(value);
}
