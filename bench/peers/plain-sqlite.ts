import { DatabaseSync } from 'node:sqlite';
import type { PlainTarget } from './plain-script';

/** One prepared upsert, one transaction for each batch, relaxed syncing: no guarantee is asked of it. */
export function openSqlite(file: string): PlainTarget {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  database.exec(`CREATE TABLE IF NOT EXISTS bench_plain (
    order_number TEXT PRIMARY KEY, material TEXT, description TEXT, quantity TEXT, unit TEXT, planned_start TEXT,
    planned_end TEXT, status TEXT, work_center TEXT, priority INTEGER, plant TEXT, changed_at TEXT)`);
  const upsert = database.prepare(`INSERT INTO bench_plain VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
    ON CONFLICT (order_number) DO UPDATE SET material = excluded.material, description = excluded.description,
    quantity = excluded.quantity, unit = excluded.unit, planned_start = excluded.planned_start,
    planned_end = excluded.planned_end, status = excluded.status, work_center = excluded.work_center,
    priority = excluded.priority, plant = excluded.plant, changed_at = excluded.changed_at`);
  return {
    async write(orders) {
      database.exec('BEGIN IMMEDIATE');
      for (const order of orders) {
        upsert.run(
          order.order_number,
          order.material,
          order.description,
          order.quantity,
          order.unit,
          order.planned_start,
          order.planned_end,
          order.status,
          order.work_center,
          order.priority,
          order.plant,
          order.changed_at,
        );
      }
      database.exec('COMMIT');
    },
    async close() {
      database.close();
    },
  };
}
