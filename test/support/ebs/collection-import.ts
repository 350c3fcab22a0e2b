import type { SqlRow, SqlTransaction } from '../../../lib/protocols/sql/database';

const NUMBER = 2;
const YES = 1;
/** Columns of the interface in which the elements come that results keep as ids. */
const GIVEN_AS: Record<string, string> = { ITEM_ID: 'item', WIP_ENTITY_ID: 'job_name' };

/**
 * A stand-in for the Collection Import Manager of Oracle Quality, as the packages of E-Business Suite 12.1 that public
 * repositories hold have it: QLTTRAMB (qlttramb.plb 115.13) takes rows with PROCESS_STATUS 1 and no group, numbers them and
 * gives them to QLTTRAWB (qlttrawb), which checks organization, plan and the elements of the plan, writes why a row is refused
 * to QA_INTERFACE_ERRORS and 3 to its status, and carries over the rest: the collection that a row names or a new one, and
 * the columns of the plan's elements alone. SOURCE_CODE and SOURCE_LINE_ID are no columns of QA_RESULTS.
 * @returns how many rows were taken up
 */
export async function importResults(transaction: SqlTransaction): Promise<number> {
  const rows = await transaction.query(
    `UPDATE qa_results_interface SET group_id = nextval('qa_group_s'), process_status = 2,
       transaction_interface_id = COALESCE(transaction_interface_id, nextval('qa_txn_interface_s'))
     WHERE process_status = 1 AND group_id IS NULL AND COALESCE(insert_type, 1) = 1 RETURNING *`,
  );
  for (const row of rows) {
    const id = String(row.transaction_interface_id);
    const [plan] = await transaction.query(
      `SELECT q.plan_id, q.organization_id FROM qa_plans q JOIN mtl_parameters p USING (organization_id)
       WHERE q.name = ? AND p.organization_code = ?`,
      [String(row.plan_name), String(row.organization_code)],
    );
    const elements = plan === undefined ? [] : await elementsOf(transaction, String(plan.plan_id));
    const problem =
      plan === undefined ? ['PLAN_NAME', 'Invalid value'] : await problemOf(transaction, row, plan, elements);
    if (problem === undefined) await transfer(transaction, id, plan!, elements);
    else await refuse(transaction, id, problem);
  }
  return rows.length;
}

function elementsOf(transaction: SqlTransaction, plan: string): Promise<SqlRow[]> {
  const sql = `SELECT c.name, c.datatype, pc.result_column_name, pc.mandatory_flag FROM qa_plan_chars pc JOIN qa_chars c USING (char_id)
    WHERE pc.plan_id = ? AND pc.enabled_flag = 1 ORDER BY pc.char_id`;
  return transaction.query(sql, [plan]);
}

async function problemOf(
  transaction: SqlTransaction,
  row: SqlRow,
  { organization_id }: SqlRow,
  elements: readonly SqlRow[],
): Promise<string[] | undefined> {
  for (const { result_column_name, datatype, mandatory_flag } of elements) {
    const column = String(result_column_name);
    const value = row[GIVEN_AS[column] ?? column.toLowerCase()] ?? null;
    if (value === null && Number(mandatory_flag) === YES) return [column, 'This element needs a value'];
    if (value !== null && Number(datatype) === NUMBER && Number.isNaN(Number(value))) return [column, 'Invalid number'];
  }
  const has = async (sql: string, value: unknown) =>
    value === null || (await transaction.query(sql, [String(value), String(organization_id)])).length > 0;
  const items = 'SELECT 1 FROM mtl_system_items_kfv WHERE concatenated_segments = ? AND organization_id = ?';
  if (!(await has(items, row.item))) return ['ITEM', 'Invalid value'];
  const jobs = 'SELECT 1 FROM wip_entities WHERE wip_entity_name = ? AND organization_id = ?';
  return (await has(jobs, row.job_name)) ? undefined : ['JOB_NAME', 'Invalid value'];
}

async function refuse(transaction: SqlTransaction, id: string, [column, message]: string[]): Promise<void> {
  const sql = 'UPDATE qa_results_interface SET process_status = 3 WHERE transaction_interface_id = ?';
  await transaction.execute(sql, [id]);
  await transaction.execute('INSERT INTO qa_interface_errors VALUES (?, ?, ?)', [id, column!, message!]);
}

async function transfer(
  transaction: SqlTransaction,
  id: string,
  { plan_id, organization_id }: SqlRow,
  elements: readonly SqlRow[],
): Promise<void> {
  await transaction.execute(
    `UPDATE qa_results_interface i SET item_id = (SELECT inventory_item_id FROM mtl_system_items_kfv m
       WHERE m.concatenated_segments = i.item AND m.organization_id = ?),
       wip_entity_id = (SELECT e.wip_entity_id FROM wip_entities e WHERE e.wip_entity_name = i.job_name AND e.organization_id = ?)
     WHERE transaction_interface_id = ?`,
    [String(organization_id), String(organization_id), id],
  );
  const columns = elements.map(({ result_column_name }) => `, ${String(result_column_name)}`).join('');
  await transaction.execute(
    `INSERT INTO qa_results (plan_id, collection_id, occurrence, organization_id, last_update_date${columns})
     SELECT ?, COALESCE(collection_id, nextval('qa_collection_id_s')), nextval('qa_occurrence_s'), ?, LOCALTIMESTAMP${columns}
     FROM qa_results_interface WHERE transaction_interface_id = ?`,
    [String(plan_id), String(organization_id), id],
  );
  await transaction.execute('DELETE FROM qa_results_interface WHERE transaction_interface_id = ?', [id]);
}
