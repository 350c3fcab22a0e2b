import { closedUntil } from '../../calendar/blackouts';
import { closuresOf } from '../../calendar/definition';
import type { Connection } from '../../model/connection';
import type { Mapping, MappingOptions } from '../../model/mapping';
import type { SqlDatabase, SqlTransaction } from '../../protocols/sql/database';
import { ACTIVE, stateList } from '../runs/run-rows';
import { TABLE } from './rows';

/** Mappings whose sides are to be compared once so many records could not be applied: how many, by id. */
export async function comparedAfterLetters(database: SqlDatabase): Promise<Map<number, number>> {
  const rows = await database.query(
    `SELECT m.id, m.options FROM integration_mappings m JOIN integration_connections c ON c.id = m.connection_id
     WHERE m.options LIKE '%after_dead_letters%' AND m.is_active = ? AND c.is_active = ? ORDER BY m.id`,
    [true, true],
  );
  return new Map(
    rows.flatMap(({ id, options }): [number, number][] => {
      const { reconciliation } = JSON.parse(String(options)) as MappingOptions;
      const enough = reconciliation?.after_dead_letters;
      return enough === undefined ? [] : [[Number(id), enough]];
    }),
  );
}

/** Whether so many dead letters have been opened since a mapping was last compared, and it is not compared now. */
export async function hasNewLetters(
  database: Pick<SqlTransaction, 'query'>,
  mappingId: number,
  enough: number,
): Promise<boolean> {
  const [active] = await database.query(
    `SELECT id FROM integration_sync_logs WHERE mapping_id = ? AND kind = 'reconcile' AND state IN (${stateList(ACTIVE)})`,
    [mappingId],
  );
  if (active !== undefined) return false;
  const [last] = await database.query(`SELECT MAX(started_at) AS at FROM ${TABLE} WHERE mapping_id = ?`, [mappingId]);
  const [letters] = await database.query(
    `SELECT COUNT(*) AS n FROM integration_dead_letters WHERE mapping_id = ? AND state = 'open' AND first_at > ?`,
    [mappingId, new Date(Number(last?.at ?? 0))],
  );
  return Number(letters?.n) >= enough;
}

/** What begins by itself keeps to the hours of what is scheduled. */
export function isClosed(
  { schedule_options }: Pick<Mapping, 'schedule_options'>,
  connection: Pick<Connection, 'schedule_options' | 'timezone'>,
  now: number,
): boolean {
  return closedUntil(closuresOf(schedule_options, connection), now) !== null;
}
