import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Delivery } from '../model/delivery';

/** Of messages whose records are in the spool, or were: those that may be sent again, by the streams that had them. */
export class SpooledDeliveries {
  private readonly find: StatementSync;
  private readonly insert: StatementSync;
  private readonly delete: StatementSync;

  constructor(private readonly file: DatabaseSync) {
    this.find = file.prepare('SELECT 1 FROM deliveries WHERE session = ? AND id = ? AND stream = ?');
    this.insert = file.prepare('INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?)');
    this.delete = file.prepare('DELETE FROM deliveries WHERE session = ? AND id = ?');
  }

  has(stream: number, { session, id }: Delivery): boolean {
    return this.find.get(session, id, stream) !== undefined;
  }

  add(stream: number, { session, id }: Delivery): void {
    this.insert.run(session, id, stream);
  }

  release(session: string, id: number): void {
    this.delete.run(session, id);
  }

  forget(session: string): void {
    this.file.prepare('DELETE FROM deliveries WHERE session = ?').run(session);
  }

  discard(stream: number): void {
    this.file.prepare('DELETE FROM deliveries WHERE stream = ?').run(stream);
  }
}
