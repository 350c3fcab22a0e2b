import { type Schedule, scheduleOf } from '../calendar/definition';
import type { MappingOptions } from '../model/mapping';
import type { ScheduleOptions } from '../model/schedule';
import type { SqlDatabase, SqlRow, SqlTransaction } from '../protocols/sql/database';
import { isUniqueViolation } from '../store/rows';

/** What a schedule starts: the mappings of a connection, one mapping, or a comparison of its two sides. */
export interface Owner {
  kind: 'connection' | 'mapping' | 'comparison';
  id: number;
}

/** A schedule of something active, and where it has got to. */
export interface ScheduleRow {
  owner: Owner;
  /** @throws config when what is kept is no schedule, or its zone is not known here */
  schedule(): Schedule;
  /** Null: it was never looked at. */
  known: { definition: string; nextFireAt: number | null } | null;
}

/** Schedules by their connections and mappings, each joined with its due time so that both are of the same moment. */
const QUERIES = {
  connection: `SELECT 'connection' AS owner, c.id, c.schedule, c.schedule_options, c.schedule_options AS connection_options, c.timezone,
      s.definition, s.next_fire_at
    FROM integration_connections c
    LEFT JOIN integration_schedules s ON s.owner = 'connection' AND s.owner_id = c.id
    WHERE c.schedule IS NOT NULL AND c.is_active = ? ORDER BY c.id`,
  mapping: `SELECT 'mapping' AS owner, m.id, m.schedule, m.schedule_options, c.schedule_options AS connection_options, c.timezone,
      s.definition, s.next_fire_at
    FROM integration_mappings m
    JOIN integration_connections c ON c.id = m.connection_id
    LEFT JOIN integration_schedules s ON s.owner = 'mapping' AND s.owner_id = m.id
    WHERE m.schedule IS NOT NULL AND m.is_active = ? AND c.is_active = ? ORDER BY m.id`,
  comparison: `SELECT 'comparison' AS owner, m.id, m.options, m.schedule_options, c.schedule_options AS connection_options,
      c.timezone, s.definition, s.next_fire_at
    FROM integration_mappings m
    JOIN integration_connections c ON c.id = m.connection_id
    LEFT JOIN integration_schedules s ON s.owner = 'comparison' AND s.owner_id = m.id
    WHERE m.options LIKE '%reconciliation%' AND m.is_active = ? AND c.is_active = ? ORDER BY m.id`,
};

/** Due times in the store: whoever moves one on has fired it. */
export class ScheduleRows {
  constructor(private readonly database: SqlDatabase) {}

  /** All schedules of what is active. Due times of others are forgotten: they are not missed. */
  async all(): Promise<ScheduleRow[]> {
    // Read first: what is made meanwhile is not among them.
    const kept = await this.database.query('SELECT owner, owner_id FROM integration_schedules');
    const rows = [
      ...(await this.database.query(QUERIES.connection, [true])),
      ...(await this.database.query(QUERIES.mapping, [true, true])),
      ...(await this.database.query(QUERIES.comparison, [true, true])).flatMap(withItsSchedule),
    ];
    const wanted = new Set(rows.map(({ owner, id }) => `${owner}:${id}`));
    for (const { owner, owner_id } of kept.filter((row) => !wanted.has(`${row.owner}:${row.owner_id}`))) {
      await this.database.execute('DELETE FROM integration_schedules WHERE owner = ? AND owner_id = ?', [
        String(owner),
        Number(owner_id),
      ]);
    }
    return rows.map(toScheduleRow);
  }

  /** Notes the first due time of a schedule that is new or was changed, unless another process has. */
  async begin({ owner, known }: ScheduleRow, { key }: Schedule, nextFireAt: number | null): Promise<void> {
    if (known !== null) {
      await this.database.execute(
        'UPDATE integration_schedules SET definition = ?, next_fire_at = ? WHERE owner = ? AND owner_id = ? AND definition = ?',
        [key, nextFireAt, owner.kind, owner.id, known.definition],
      );
      return;
    }
    try {
      await this.database.execute(
        'INSERT INTO integration_schedules (owner, owner_id, definition, next_fire_at) VALUES (?, ?, ?, ?)',
        [owner.kind, owner.id, key, nextFireAt],
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }

  /** @returns false when another process has fired this due time, or the schedule was changed */
  async moveOn(
    transaction: SqlTransaction,
    owner: Owner,
    { key }: Schedule,
    dueAt: number,
    nextFireAt: number | null,
  ): Promise<boolean> {
    const moved = await transaction.execute(
      `UPDATE integration_schedules SET next_fire_at = ?, last_fire_at = ?
       WHERE owner = ? AND owner_id = ? AND definition = ? AND next_fire_at = ?`,
      [nextFireAt, dueAt, owner.kind, owner.id, key, dueAt],
    );
    return moved === 1;
  }
}

/** The schedule of a comparison stands in the options of its mapping. */
function withItsSchedule(row: SqlRow): SqlRow[] {
  const { reconciliation } = JSON.parse(String(row.options)) as MappingOptions;
  return reconciliation?.schedule === undefined ? [] : [{ ...row, schedule: reconciliation.schedule }];
}

function toScheduleRow(row: SqlRow): ScheduleRow {
  const owner: Owner = { kind: row.owner as Owner['kind'], id: Number(row.id) };
  const ofConnection = optionsOf(row.connection_options);
  return {
    owner,
    schedule: () =>
      scheduleOf(String(row.schedule), owner.kind === 'connection' ? ofConnection : optionsOf(row.schedule_options), {
        schedule_options: ofConnection,
        timezone: row.timezone === null ? null : String(row.timezone),
      }),
    known:
      row.definition === null
        ? null
        : {
            definition: String(row.definition),
            nextFireAt: row.next_fire_at === null ? null : Number(row.next_fire_at),
          },
  };
}

function optionsOf(text: unknown): ScheduleOptions {
  return typeof text === 'string' ? (JSON.parse(text) as ScheduleOptions) : {};
}
