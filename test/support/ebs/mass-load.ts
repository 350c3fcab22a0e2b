import type { SqlRow, SqlTransaction } from '../../../lib/protocols/sql/database';

/**
 * A stand-in for the concurrent program WIP Mass Load (WICMLP), as the packages of E-Business Suite 12.1 that public
 * repositories hold have it: WIP_MASSLOAD_PUB (wipmlppb.pls 120.7) takes what is pending in the group of its request, in phase
 * 2; WIP_VALIDATEMLHEADER_PVT (wipmlhvb.pls 120.29) and WIP_JSI_VALIDATOR (wipjsivb.pls 120.3) check it; WIP_MASSLOAD_PVT
 * (wipmlpvb.pls 120.16) makes or changes the job; WIP_MASS_LOAD_PROCESSOR (wipmlprb.pls 120.1) clears away what is done.
 * @returns how many rows were taken up
 */
export async function massLoad(transaction: SqlTransaction): Promise<number> {
  const requests = await transaction.query(
    `UPDATE fnd_concurrent_requests SET phase_code = 'C' WHERE phase_code = 'P' AND program = 'WICMLP' RETURNING argument1`,
  );
  let taken = 0;
  for (const { argument1: group } of requests) taken += await loadGroup(transaction, String(group));
  return taken;
}

async function loadGroup(transaction: SqlTransaction, group: string): Promise<number> {
  const rows = await transaction.query(
    `UPDATE wip_job_schedule_interface SET interface_id = nextval('wip_interface_s'), process_status = 2
     WHERE group_id = ? AND process_phase = 2 AND process_status = 1 AND load_type <> 2 RETURNING *`,
    [group],
  );
  for (const row of rows) {
    const id = String(row.interface_id);
    const job = await jobOf(transaction, row);
    const problem = await problemOf(transaction, row, job);
    if (problem !== undefined) {
      await transaction.execute('UPDATE wip_job_schedule_interface SET process_status = 3 WHERE interface_id = ?', [
        id,
      ]);
      const sql = 'INSERT INTO wip_interface_errors (interface_id, error_type, error) VALUES (?, 1, ?)';
      await transaction.execute(sql, [id, problem]);
    } else if (job === undefined) await create(transaction, id);
    else await change(transaction, id, String(job.wip_entity_id));
  }
  await transaction.execute('DELETE FROM wip_job_schedule_interface WHERE group_id = ? AND process_status = 2', [
    group,
  ]);
  return rows.length;
}

async function jobOf(transaction: SqlTransaction, row: SqlRow): Promise<SqlRow | undefined> {
  const [job] = await transaction.query(
    `SELECT e.entity_type, j.* FROM wip_entities e JOIN mtl_parameters p ON p.organization_id = e.organization_id
     LEFT JOIN wip_discrete_jobs j USING (wip_entity_id) WHERE e.wip_entity_name = ? AND p.organization_code = ?`,
    [String(row.job_name), String(row.organization_code)],
  );
  return job;
}

async function problemOf(
  transaction: SqlTransaction,
  row: SqlRow,
  job: SqlRow | undefined,
): Promise<string | undefined> {
  const [isNew, isChange] = [Number(row.load_type) === 1, Number(row.load_type) === 3];
  const given = (name: string) => row[name] !== null;
  const has = async (sql: string, ...parameters: unknown[]) =>
    (await transaction.query(sql, parameters.map(String))).length > 0;
  if (!isNew && !isChange) return 'LOAD_TYPE is invalid';
  if (!(await has('SELECT 1 FROM fnd_user WHERE user_id = ?', row.created_by))) return 'CREATED_BY is invalid';
  if (!(await has('SELECT 1 FROM mtl_parameters WHERE organization_code = ?', row.organization_code))) {
    return 'ORGANIZATION_CODE is invalid';
  }
  if (isNew && job !== undefined) return 'Job name already exists';
  if (isChange && job === undefined) return 'JOB_NAME is invalid';
  if (isChange && Number(job!.entity_type) !== 1) return 'The entity is no open discrete job';
  const statuses = isNew ? [1, 3, 6] : [1, 3, 4, 6, 7];
  if ((isNew || given('status_type')) && !statuses.includes(Number(row.status_type))) return 'STATUS_TYPE is invalid';
  const item = `SELECT 1 FROM mtl_system_items_kfv m JOIN mtl_parameters p USING (organization_id)
    WHERE m.inventory_item_id::text = ? AND p.organization_code = ?`;
  if (isNew && !(await has(item, row.primary_item_id, row.organization_code))) return 'PRIMARY_ITEM_ID is invalid';
  if (given('start_quantity') ? Number(row.start_quantity) <= 0 : isNew) return 'START_QUANTITY is invalid';
  if (isChange && given('start_quantity') && Number(row.start_quantity) < Number(job!.quantity_completed)) {
    return 'START_QUANTITY is less than what is completed';
  }
  return problemOfDates(row, isNew);
}

function problemOfDates(row: SqlRow, isNew: boolean): string | undefined {
  const { first_unit_start_date: start, last_unit_completion_date: end } = row;
  const dates = [start, end].filter((date) => date !== null).length;
  if (dates === 0 && (isNew || row.start_quantity !== null)) return 'A date is needed';
  const isManual = Number(row.scheduling_method) === 3;
  return isManual && (dates < 2 || String(start) > String(end)) ? 'SCHEDULING_METHOD is invalid' : undefined;
}

async function create(transaction: SqlTransaction, id: string): Promise<void> {
  await transaction.execute(
    `WITH made AS (
       INSERT INTO wip_entities (wip_entity_id, organization_id, wip_entity_name, entity_type, description)
       SELECT nextval('wip_entities_s'), p.organization_id, i.job_name, 1, i.description
       FROM wip_job_schedule_interface i JOIN mtl_parameters p USING (organization_code) WHERE i.interface_id = ? RETURNING *)
     INSERT INTO wip_discrete_jobs (wip_entity_id, organization_id, primary_item_id, job_type, class_code, status_type, start_quantity,
       quantity_completed, quantity_scrapped, scheduled_start_date, scheduled_completion_date, date_released, completion_subinventory,
       alternate_bom_designator, alternate_routing_designator, priority, lot_number, source_code, source_line_id, net_quantity, due_date,
       last_update_date)
     SELECT made.wip_entity_id, made.organization_id, i.primary_item_id, 1, COALESCE(i.class_code, 'Discrete'), i.status_type,
       trim_scale(round(i.start_quantity, 6)), 0, 0, COALESCE(i.first_unit_start_date, i.last_unit_completion_date),
       COALESCE(i.last_unit_completion_date, i.first_unit_start_date), CASE WHEN i.status_type IN (3, 6) THEN LOCALTIMESTAMP END,
       i.completion_subinventory, i.alternate_bom_designator, i.alternate_routing_designator, COALESCE(i.priority, 10), i.lot_number,
       i.source_code, i.source_line_id, COALESCE(i.net_quantity, i.start_quantity), i.due_date, LOCALTIMESTAMP
     FROM wip_job_schedule_interface i, made WHERE i.interface_id = ?`,
    [id, id],
  );
}

/** What is not given stays, but the alternates of bill and routing, which go away. */
async function change(transaction: SqlTransaction, id: string, job: string): Promise<void> {
  await transaction.execute(
    `UPDATE wip_discrete_jobs j SET last_update_date = LOCALTIMESTAMP, lot_number = COALESCE(i.lot_number, j.lot_number),
       start_quantity = COALESCE(trim_scale(round(i.start_quantity, 6)), j.start_quantity), net_quantity = COALESCE(i.net_quantity, j.net_quantity),
       status_type = COALESCE(i.status_type, j.status_type),
       date_released = CASE WHEN i.status_type = 1 THEN NULL WHEN i.status_type IN (3, 6) THEN COALESCE(j.date_released, LOCALTIMESTAMP)
         ELSE j.date_released END,
       scheduled_start_date = COALESCE(i.first_unit_start_date, j.scheduled_start_date),
       scheduled_completion_date = COALESCE(i.last_unit_completion_date, j.scheduled_completion_date),
       completion_subinventory = COALESCE(i.completion_subinventory, j.completion_subinventory),
       alternate_bom_designator = i.alternate_bom_designator, alternate_routing_designator = i.alternate_routing_designator,
       priority = COALESCE(i.priority, j.priority), due_date = COALESCE(i.due_date, j.due_date),
       source_code = COALESCE(i.source_code, j.source_code), source_line_id = COALESCE(i.source_line_id, j.source_line_id)
     FROM wip_job_schedule_interface i WHERE i.interface_id = ? AND j.wip_entity_id = ?`,
    [id, job],
  );
  await transaction.execute(
    `UPDATE wip_entities e SET description = COALESCE(i.description, e.description)
     FROM wip_job_schedule_interface i WHERE i.interface_id = ? AND e.wip_entity_id = ?`,
    [id, job],
  );
}
