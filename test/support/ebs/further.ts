import type { EbsPlant } from './plant';

const CHANGED = { last_update_date: '2026-11-27T06:00:00' };

/** One of each of what a plant has besides its production. */
export async function addFurther(plant: EbsPlant): Promise<void> {
  const organization_id = 204;
  const at = '2026-11-27T10:00:00';
  await plant.insert('hr_all_organization_units', { organization_id, name: 'Seattle Manufacturing' });
  const person = { person_id: 1, employee_number: '57', full_name: 'Silva, João', ...CHANGED };
  await plant.insert(
    'per_all_people_f',
    { ...person, effective_start_date: '2020-01-01', effective_end_date: '2020-12-31', full_name: 'Silva, J.' },
    { ...person, effective_start_date: '2021-01-01', effective_end_date: '4712-12-31' },
  );
  await plant.insert('bom_calendar_shifts', { calendar_code: 'VISION', shift_num: 1, description: 'Day' });
  const shift = { calendar_code: 'VISION', shift_num: 1 };
  await plant.insert(
    'bom_shift_times',
    { ...shift, from_time: 21_600, to_time: 36_000 },
    { ...shift, from_time: 39_600, to_time: 52_200 },
  );
  const planned = {
    transaction_id: 9,
    inventory_item_id: 100,
    organization_id,
    compile_designator: 'MRP1',
    order_type: 5,
  };
  await plant.insert(
    'mrp_recommendations',
    { ...planned, ...CHANGED, new_order_quantity: '75', new_schedule_date: '2026-12-01T17:00:00' },
    { ...planned, ...CHANGED, transaction_id: 10, order_type: 1, new_order_quantity: '1' },
  );
  const order = { wip_entity_id: 8001, organization_id };
  await plant.insert('wip_entities', { ...order, wip_entity_name: 'WO-1', entity_type: 6, description: 'Trocar selo' });
  await plant.insert('wip_discrete_jobs', {
    ...{
      ...order,
      ...CHANGED,
      job_type: 3,
      status_type: 17,
      start_quantity: 1,
      quantity_completed: 0,
      quantity_scrapped: 0,
    },
    ...{ scheduled_start_date: at, scheduled_completion_date: at, asset_number: 'PUMP-1', owning_department: 11 },
  });
  await plant.insert('wip_eam_work_requests', {
    ...{
      work_request_id: 1,
      work_request_number: '1001',
      organization_id,
      asset_number: 'PUMP-1',
      description: 'Vazamento',
    },
    ...{ creation_date: at, ...CHANGED },
  });
  const instance = { last_vld_organization_id: organization_id, ...CHANGED };
  await plant.insert(
    'csi_item_instances',
    { ...instance, instance_id: 1, instance_number: 'PUMP-1', inventory_item_id: 102, serial_number: 'S1' },
    { ...instance, instance_id: 2, instance_number: 'NO-ASSET', inventory_item_id: 100 },
  );
  await plant.insert('csi_counters_vl', { counter_id: 5, name: 'PUMP-1 hours', uom_code: 'HR' });
  const reading = { counter_value_id: 1, counter_id: 5, value_timestamp: at, counter_reading: '1234.5', ...CHANGED };
  await plant.insert('csi_counter_readings', reading);
  const result = { plan_id: 3, collection_id: 70, occurrence: 700, organization_id, item_id: 100, wip_entity_id: 5002 };
  await plant.insert('qa_results', { ...result, quantity: '5', ...CHANGED });
}
