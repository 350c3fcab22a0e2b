import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { OpenConnection } from '../../../lib/model/connection';
import type { SqlDatabase, SqlOptions, SqlValue } from '../../../lib/protocols/sql/database';
import { openDatabase } from '../../../lib/protocols/sql/open';
import type { TestServer } from '../database-server';
import { postgresServer } from '../postgres';
import { Managers } from './managers';

export type Row = Record<string, SqlValue>;

const TABLES = resolve(__dirname, '../../../..', 'test/support/ebs/tables.sql');
const M1 = 204;
const M2 = 207;
const CHANGED = '2026-11-27T06:00:00';

export const JOBS = Array.from({ length: 14 }, (_, n) => ({
  wip_entity_id: 5001 + n,
  wip_entity_name: `WJ-${String(n).padStart(4, '0')}`,
  organization_id: n < 12 ? M1 : M2,
  start_quantity: n === 2 ? '1234567890123.123456' : `${100 + n}.5`,
  status_type: n === 4 ? 4 : n === 5 ? 7 : 3,
}));

const ITEMS = ['AX-100', 'BOLT.M8', "Eixo d'água ção 😀", 'STEEL'];

/**
 * What a connection reads of an E-Business Suite, in a database that can be had here: PostgreSQL with its tables. The names
 * are those of Oracle's technical reference (eTRM) as far as it is public; see tables.sql.
 */
export class EbsPlant {
  readonly password: string;
  readonly managers: Managers;

  private constructor(
    readonly server: TestServer,
    readonly options: SqlOptions,
    readonly database: SqlDatabase,
  ) {
    this.password = options.password ?? '';
    this.managers = new Managers(database);
  }

  static async start(): Promise<EbsPlant> {
    const server = await postgresServer();
    const options = await server.createDatabase();
    await server.execute(readFileSync(TABLES, 'utf8'), options.database);
    const database = await openDatabase({ ...options, schema: 'APPS' });
    const plant = new EbsPlant(server, options, database);
    await plant.#fill();
    return plant;
  }

  connection(config: Record<string, unknown> = {}, credentials: Record<string, string> = {}): OpenConnection {
    const { host, port, database, username } = this.options;
    return {
      id: ++connections,
      name: 'ebs',
      connector_type: 'erp.oracle-ebs',
      config: {
        ...{ dialect: 'postgres', host, port, database, database_username: username, pool_size: 2 },
        ...{ username: 'PCP_USER', wait_seconds: 0, ...config },
      },
      credentials: { database_password: this.password, ...credentials },
    };
  }

  rows(table: string): Promise<Record<string, unknown>[]> {
    return this.database.query(`SELECT * FROM ${table}`);
  }

  async insert(table: string, ...rows: Row[]): Promise<void> {
    for (const row of rows) {
      const names = Object.keys(row);
      const sql = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
      await this.database.execute(sql, Object.values(row));
    }
  }

  async stop(): Promise<void> {
    await this.database.close();
  }

  async #fill(): Promise<void> {
    const at = { last_update_date: CHANGED };
    await this.insert(
      'mtl_parameters',
      { organization_id: M1, organization_code: 'M1', calendar_code: 'VISION', ...at },
      { organization_id: M2, organization_code: 'M2', ...at },
    );
    for (const organization_id of [M1, M2]) {
      const items = ITEMS.map((concatenated_segments, n) => ({
        ...{ inventory_item_id: 100 + n, organization_id, concatenated_segments, description: `Item ${n}`, ...at },
        ...{
          primary_uom_code: n === 3 ? 'KG' : 'Ea',
          lot_control_code: n === 3 ? 2 : 1,
          serial_number_control_code: n === 2 ? 5 : 1,
          eam_item_type: n === 2 ? 1 : null,
          unit_weight: `${n}.125`,
        },
      }));
      await this.insert('mtl_system_items_kfv', ...items);
    }
    await this.insert(
      'bom_departments',
      { department_id: 11, organization_id: M1, department_code: 'ASM', description: 'Montagem', ...at },
      { department_id: 12, organization_id: M1, department_code: 'OLD', disable_date: CHANGED, ...at },
    );
    await this.insert(
      'bom_resources',
      { resource_id: 31, organization_id: M1, resource_code: 'CNC-1', resource_type: 1, ...at },
      { resource_id: 32, organization_id: M1, resource_code: 'OPERATOR', resource_type: 2, ...at },
    );
    await this.insert(
      'bom_department_resources',
      { department_id: 11, resource_id: 31, capacity_units: 1, efficiency: 95 },
      { department_id: 12, resource_id: 31, capacity_units: 1, share_from_dept_id: 11 },
      { department_id: 11, resource_id: 32, capacity_units: 3 },
    );
    await this.insert('fnd_user', { user_id: 1318, user_name: 'PCP_USER' });
    await this.insert('fnd_application', { application_id: 706, application_short_name: 'WIP' });
    const responsibility = { responsibility_id: 20560, application_id: 706, responsibility_key: 'WIP_SUPERUSER' };
    await this.insert('fnd_responsibility', responsibility);
    await this.insert('mtl_transaction_reasons', { reason_id: 3, reason_name: 'CRACK', ...at });
    await this.insert('wip_parameters', { organization_id: M1, default_scrap_account_id: 13401 });
    for (const job of JOBS) await this.addJob(job);
    await this.insert('qa_plans', { plan_id: 3, organization_id: M1, name: 'DIMENSIONS' });
    await this.insert(
      'qa_chars',
      { char_id: 10, name: 'Item', datatype: 1, hardcoded_column: 'ITEM_ID' },
      { char_id: 11, name: 'Job', datatype: 1, hardcoded_column: 'WIP_ENTITY_ID' },
      { char_id: 12, name: 'Quantity', datatype: 2, hardcoded_column: 'QUANTITY' },
      { char_id: 13, name: 'Lot Number', datatype: 1, hardcoded_column: 'LOT_NUMBER' },
      { char_id: 101, name: 'Diameter', datatype: 2 },
      { char_id: 102, name: 'Surface', datatype: 1 },
    );
    const ofPlan = (char_id: number, result_column_name: string) => ({
      ...{ plan_id: 3, char_id, result_column_name, enabled_flag: 1, mandatory_flag: char_id === 10 ? 1 : 2 },
    });
    const elements = [
      ...[ofPlan(10, 'ITEM_ID'), ofPlan(11, 'WIP_ENTITY_ID'), ofPlan(12, 'QUANTITY'), ofPlan(13, 'LOT_NUMBER')],
      ...[ofPlan(101, 'CHARACTER3'), ofPlan(102, 'CHARACTER4')],
    ];
    await this.insert('qa_plan_chars', ...elements);
    const bill = { organization_id: M1, assembly_item_id: 100 };
    await this.insert('bom_bill_of_materials', { ...bill, bill_sequence_id: 61, common_bill_sequence_id: 61 });
    const component = { bill_sequence_id: 61, effectivity_date: '2026-01-01T00:00:00', ...at };
    await this.insert(
      'bom_inventory_components',
      { ...component, component_sequence_id: 71, component_item_id: 101, item_num: 10, component_quantity: '4' },
      {
        ...component,
        component_sequence_id: 72,
        component_item_id: 103,
        item_num: 20,
        component_quantity: '0.12345678901',
      },
    );
    const routing = { organization_id: M1, assembly_item_id: 100 };
    await this.insert('bom_operational_routings', {
      ...routing,
      routing_sequence_id: 81,
      common_routing_sequence_id: 81,
    });
    const operation = { routing_sequence_id: 81, department_id: 11, effectivity_date: '2026-01-01T00:00:00', ...at };
    await this.insert(
      'bom_operation_sequences',
      { ...operation, operation_sequence_id: 91, operation_seq_num: 10, operation_description: 'Tornear' },
      { ...operation, operation_sequence_id: 92, operation_seq_num: 20, operation_description: 'Montar' },
    );
    const stock = { organization_id: M1, inventory_item_id: 103, subinventory_code: 'Stores' };
    await this.insert(
      'mtl_onhand_quantities_detail',
      { ...stock, lot_number: 'L1', primary_transaction_quantity: '10.5' },
      { ...stock, lot_number: 'L1', primary_transaction_quantity: '0.25' },
      { ...stock, inventory_item_id: 101, locator_id: 7, primary_transaction_quantity: '40' },
    );
  }

  async addJob(job: (typeof JOBS)[number]): Promise<void> {
    const { wip_entity_id, organization_id, wip_entity_name } = job;
    const at = { last_update_date: CHANGED };
    await this.insert('wip_entities', { wip_entity_id, organization_id, wip_entity_name, entity_type: 1 });
    await this.insert('wip_discrete_jobs', {
      ...{ wip_entity_id, organization_id, primary_item_id: 100, job_type: 1, class_code: 'Discrete', ...at },
      ...{
        status_type: job.status_type,
        start_quantity: job.start_quantity,
        quantity_completed: 0,
        quantity_scrapped: 0,
      },
      ...{ scheduled_start_date: '2026-11-28T08:00:00', scheduled_completion_date: '2026-11-30T17:30:00' },
      ...{ completion_subinventory: 'FGI', date_released: CHANGED },
    });
    for (const operation of [10, 20]) {
      await this.insert('wip_operations', {
        ...{ wip_entity_id, organization_id, operation_seq_num: operation, department_id: 11, ...at },
        ...{ previous_operation_seq_num: operation === 20 ? 10 : null },
        ...{ next_operation_seq_num: operation === 10 ? 20 : null, scheduled_quantity: job.start_quantity },
        ...{ count_point_type: 1, quantity_in_queue: operation === 10 ? job.start_quantity : 0, quantity_running: 0 },
        ...{ quantity_waiting_to_move: 0, quantity_rejected: 0, quantity_scrapped: 0, quantity_completed: 0 },
      });
    }
    await this.insert('wip_operation_resources', {
      ...{
        wip_entity_id,
        organization_id,
        operation_seq_num: 10,
        resource_seq_num: 20,
        resource_id: 31,
        uom_code: 'HR',
      },
    });
    await this.insert('wip_requirement_operations', {
      ...{
        wip_entity_id,
        organization_id,
        operation_seq_num: 10,
        inventory_item_id: 101,
        required_quantity: '4',
        ...at,
      },
    });
  }
}

let connections = 5000;
