import type { SqlDatabase, SqlRow, SqlTransaction } from '../../../lib/protocols/sql/database';
import { importResults } from './collection-import';
import { massLoad } from './mass-load';
import { MoveManager, NOT_YET } from './move-manager';

/**
 * The concurrent managers that take up the open interface tables, as the technical reference (eTRM) and public code that uses
 * them describe it: they take rows that are pending and in no group, number them, post what is sound and take it out, and leave
 * what is not with the status 3 and its reason.
 */
export class Managers {
  constructor(private readonly database: SqlDatabase) {}

  /** @returns how many rows were taken up */
  async run(): Promise<number> {
    return this.database.transaction(async (transaction) => {
      const moves = await this.#moves(transaction);
      const hours = await this.#resources(transaction);
      const loaded = (await massLoad(transaction)) + (await importResults(transaction));
      return moves + hours + loaded + (await this.#material(transaction)) + (await this.post(transaction));
    });
  }

  async #moves(transaction: SqlTransaction): Promise<number> {
    const rows = await this.#pending(transaction, 'wip_move_txn_interface');
    const manager = new MoveManager(transaction);
    let taken = 0;
    for (const row of rows) {
      const id = String(row.transaction_id);
      const problem = await manager.post(row, await this.#job(transaction, row));
      const done = 'DELETE FROM wip_move_txn_interface WHERE transaction_id = ?';
      const later =
        'UPDATE wip_move_txn_interface SET process_status = 1, transaction_id = NULL WHERE transaction_id = ?';
      if (problem === undefined) await transaction.execute(done, [id]);
      else if (problem === NOT_YET) await transaction.execute(later, [id]);
      else await this.#refuse(transaction, 'wip_move_txn_interface', id, problem);
      if (problem !== NOT_YET) taken++;
    }
    return taken;
  }

  async #resources(transaction: SqlTransaction): Promise<number> {
    const rows = await this.#pending(transaction, 'wip_cost_txn_interface');
    for (const row of rows) {
      const job = await this.#job(transaction, row);
      const problem = job === undefined ? 'Invalid job' : await this.#problemOf(transaction, row, job);
      if (problem !== undefined) {
        await this.#refuse(transaction, 'wip_cost_txn_interface', row.transaction_id, problem);
        continue;
      }
      await transaction.execute(
        `INSERT INTO wip_transactions SELECT i.transaction_id, i.last_update_date, source_code, source_line_id, r.organization_id,
           r.wip_entity_id, ?, i.operation_seq_num, i.resource_seq_num, r.resource_id, transaction_type, transaction_date,
           transaction_quantity, transaction_uom, reference
         FROM wip_cost_txn_interface i JOIN wip_operation_resources r ON r.wip_entity_id = ? AND
           r.operation_seq_num = i.operation_seq_num AND r.resource_seq_num = i.resource_seq_num WHERE i.transaction_id = ?`,
        [job!.primary_item_id, job!.wip_entity_id, row.transaction_id].map(String),
      );
      await transaction.execute('DELETE FROM wip_cost_txn_interface WHERE transaction_id = ?', [
        String(row.transaction_id),
      ]);
    }
    return rows.length;
  }

  /** The users of a row are named, its job is released or complete, and its operation has the resource. */
  async #problemOf(transaction: SqlTransaction, row: SqlRow, job: SqlRow): Promise<string | undefined> {
    const has = async (sql: string, ...parameters: unknown[]) =>
      (await transaction.query(sql, parameters.map(String))).length > 0;
    for (const name of ['created_by_name', 'last_updated_by_name']) {
      if (!(await has('SELECT 1 FROM fnd_user WHERE user_name = ?', row[name]))) return `Invalid ${name}`;
    }
    if (![3, 4].includes(Number(job.status_type))) return 'Job is not released';
    if (Number(row.transaction_type) !== 1) return 'Invalid transaction type';
    const resources = `SELECT 1 FROM wip_operation_resources
      WHERE wip_entity_id = ? AND operation_seq_num = ? AND resource_seq_num = ?`;
    const isThere = await has(resources, job.wip_entity_id, row.operation_seq_num, row.resource_seq_num);
    return isThere ? undefined : 'Invalid resource';
  }

  /** Numbers the rows of an interface that are ready. */
  #pending(transaction: SqlTransaction, table: string): Promise<SqlRow[]> {
    return transaction.query(
      `UPDATE ${table} SET transaction_id = nextval('wip_transactions_s'), process_status = 2
       WHERE process_phase = 1 AND process_status = 1 AND group_id IS NULL RETURNING *`,
    );
  }

  async #job(transaction: SqlTransaction, row: SqlRow): Promise<SqlRow | undefined> {
    const [job] = await transaction.query(
      `SELECT j.* FROM wip_discrete_jobs j JOIN wip_entities e USING (wip_entity_id)
       JOIN mtl_parameters p ON p.organization_id = j.organization_id WHERE e.wip_entity_name = ? AND p.organization_code = ?`,
      [String(row.wip_entity_name), String(row.organization_code)],
    );
    return job;
  }

  async #refuse(transaction: SqlTransaction, table: string, id: unknown, why: string): Promise<void> {
    await transaction.execute(`UPDATE ${table} SET process_status = 3 WHERE transaction_id = ?`, [String(id)]);
    const sql = 'INSERT INTO wip_txn_interface_errors (transaction_id, error_message) VALUES (?, ?)';
    await transaction.execute(sql, [String(id), why]);
  }

  /** From the interface to where transactions wait for their posting. */
  async #material(transaction: SqlTransaction): Promise<number> {
    // Issues take away, completions and returns bring; a transfer takes away where it comes from.
    const wrong = `CASE WHEN transaction_type_id IN (2, 17, 35) THEN transaction_quantity >= 0 ELSE transaction_quantity <= 0 END`;
    const ready = 'process_flag = 1 AND transaction_mode = 3 AND lock_flag = 2';
    const refused = await transaction.execute(
      `UPDATE mtl_transactions_interface SET process_flag = 3, error_code = 'Quantity',
         error_explanation = 'The sign of the quantity is wrong' WHERE ${ready} AND ${wrong}`,
    );
    await this.#operations(transaction, ready);
    // Items under lot control need lots of as much together.
    const withoutLot = await transaction.execute(
      `UPDATE mtl_transactions_interface i SET process_flag = 3, error_code = 'Lot', error_explanation = 'Lot number is missing'
       FROM mtl_system_items_kfv m WHERE ${ready} AND m.inventory_item_id = i.inventory_item_id
         AND m.organization_id = i.organization_id AND m.lot_control_code = 2 AND i.transaction_quantity IS DISTINCT FROM
         (SELECT sum(l.transaction_quantity) FROM mtl_transaction_lots_interface l
          WHERE l.transaction_interface_id = i.transaction_interface_id)`,
    );
    // Items under serial control need as many numbers as pieces, which hang on the lot where there is one.
    const serials = `SELECT n.* FROM mtl_serial_numbers_interface n WHERE n.transaction_interface_id = COALESCE(
      (SELECT l.serial_transaction_temp_id FROM mtl_transaction_lots_interface l
       WHERE l.transaction_interface_id = i.transaction_interface_id), i.transaction_interface_id)`;
    const withoutSerials = await transaction.execute(
      `UPDATE mtl_transactions_interface i SET process_flag = 3, error_code = 'Serial', error_explanation = 'Serial numbers are missing'
       FROM mtl_system_items_kfv m WHERE ${ready} AND m.inventory_item_id = i.inventory_item_id
         AND m.organization_id = i.organization_id AND m.serial_number_control_code IN (2, 5)
         AND abs(i.transaction_quantity) <> (SELECT count(*) FROM (${serials}) s)`,
    );
    await transaction.execute(
      `INSERT INTO mtl_unit_transactions SELECT i.source_line_id, s.fm_serial_number
       FROM mtl_transactions_interface i, LATERAL (${serials}) s WHERE ${ready} AND s.fm_serial_number = s.to_serial_number`,
    );
    await transaction.execute(
      `DELETE FROM mtl_serial_numbers_interface n USING mtl_unit_transactions u
       WHERE u.source_line_id = n.source_line_id AND u.serial_number = n.fm_serial_number`,
    );
    await transaction.execute(
      `WITH taken AS (DELETE FROM mtl_transaction_lots_interface l USING mtl_transactions_interface i
         WHERE l.transaction_interface_id = i.transaction_interface_id AND i.process_flag = 1 RETURNING l.*)
       INSERT INTO mtl_transaction_lot_numbers
         SELECT NULL, source_line_id, lot_number, transaction_quantity, transaction_quantity FROM taken`,
    );
    const moved = await transaction.execute(
      `WITH taken AS (DELETE FROM mtl_transactions_interface WHERE ${ready} RETURNING *)
       INSERT INTO mtl_material_transactions_temp SELECT * FROM taken`,
    );
    return refused + withoutLot + withoutSerials + moved;
  }

  /**
   * What goes into a job or comes back without its operation is of the last one; an operation has to be one of the job. Source:
   * WIP_MTI_PUB (wipmtivb.pls 120.9) of E-Business Suite 12.1.
   */
  async #operations(transaction: SqlTransaction, ready: string): Promise<void> {
    const ofJob = `${ready} AND transaction_type_id IN (35, 43) AND transaction_source_id IS NOT NULL`;
    const operations = 'FROM wip_operations o WHERE o.wip_entity_id = i.transaction_source_id';
    await transaction.execute(
      `UPDATE mtl_transactions_interface i SET operation_seq_num = (SELECT COALESCE(max(o.operation_seq_num), 1) ${operations})
       WHERE ${ofJob} AND operation_seq_num IS NULL`,
    );
    await transaction.execute(
      `UPDATE mtl_transactions_interface i SET process_flag = 3, error_code = 'operation_seq_num', error_explanation = 'Invalid operation'
       WHERE ${ofJob} AND NOT EXISTS (SELECT 1 ${operations} AND o.operation_seq_num = i.operation_seq_num)`,
    );
  }

  /** From there to the material transactions; a transfer is two of them, the second where it goes to. */
  async post(transaction: SqlTransaction): Promise<number> {
    const posted = await transaction.execute(
      `WITH taken AS (DELETE FROM mtl_material_transactions_temp RETURNING *), sides AS (
         SELECT 1 AS sign, subinventory_code AS here, transfer_subinventory AS there, taken.* FROM taken
         UNION ALL SELECT -1, transfer_subinventory, subinventory_code, taken.* FROM taken WHERE transaction_type_id = 2)
       INSERT INTO mtl_material_transactions SELECT nextval('wip_transactions_s'), last_update_date, source_code, source_line_id,
         inventory_item_id, organization_id, sign * transaction_quantity, transaction_uom, sign * transaction_quantity, transaction_date,
         here, locator_id, CASE WHEN transaction_source_id IS NULL THEN 13 ELSE 5 END, transaction_source_id,
         CASE transaction_type_id WHEN 2 THEN 2 WHEN 43 THEN 27 WHEN 44 THEN 31 WHEN 17 THEN 32 ELSE 1 END,
         transaction_type_id, there, operation_seq_num, reason_id, transaction_reference FROM sides ORDER BY sign DESC`,
    );
    await transaction.execute(
      `UPDATE mtl_transaction_lot_numbers l SET transaction_id =
         (SELECT min(t.transaction_id) FROM mtl_material_transactions t WHERE t.source_line_id = l.source_line_id)
       WHERE l.transaction_id IS NULL`,
    );
    return posted;
  }
}
