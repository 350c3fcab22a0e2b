-- The tables of E-Business Suite that are read, with the columns that are used: NUMBER as numeric, DATE as a timestamp
-- without a zone, names that the database itself folds, as a database of Oracle does the other way round.
CREATE SCHEMA "APPS";
SET search_path TO "APPS";

CREATE TABLE mtl_parameters (organization_id numeric PRIMARY KEY, organization_code varchar(3) NOT NULL UNIQUE,
  calendar_code varchar(10), last_update_date timestamp(0) NOT NULL);

CREATE TABLE mtl_system_items_kfv (
  inventory_item_id numeric, organization_id numeric, concatenated_segments varchar(40) NOT NULL, description varchar(240),
  item_type varchar(30), primary_uom_code varchar(3), wip_supply_subinventory varchar(10), lot_control_code numeric,
  serial_number_control_code numeric, planning_make_buy_code numeric, full_lead_time numeric, minimum_order_quantity numeric,
  maximum_order_quantity numeric, fixed_order_quantity numeric, unit_weight numeric, weight_uom_code varchar(3),
  inventory_item_status_code varchar(10), enabled_flag varchar(1), eam_item_type numeric, last_update_date timestamp(0) NOT NULL,
  PRIMARY KEY (inventory_item_id, organization_id));

CREATE TABLE wip_entities (
  wip_entity_id numeric PRIMARY KEY, organization_id numeric NOT NULL, wip_entity_name varchar(240) NOT NULL,
  entity_type numeric NOT NULL, description varchar(240), UNIQUE (wip_entity_name, organization_id));

CREATE TABLE wip_discrete_jobs (
  wip_entity_id numeric PRIMARY KEY, organization_id numeric NOT NULL, primary_item_id numeric, job_type numeric NOT NULL,
  class_code varchar(10), status_type numeric NOT NULL, start_quantity numeric NOT NULL, quantity_completed numeric NOT NULL,
  quantity_scrapped numeric NOT NULL, scheduled_start_date timestamp(0) NOT NULL, scheduled_completion_date timestamp(0) NOT NULL,
  date_released timestamp(0), date_completed timestamp(0), date_closed timestamp(0), completion_subinventory varchar(10),
  bom_revision varchar(3), routing_revision varchar(3), alternate_bom_designator varchar(10),
  alternate_routing_designator varchar(10), priority numeric, lot_number varchar(80), source_code varchar(30), source_line_id numeric,
  net_quantity numeric, due_date timestamp(0), asset_number varchar(30), work_order_type varchar(30),
  owning_department numeric, last_update_date timestamp(0) NOT NULL);

CREATE TABLE wip_operations (
  wip_entity_id numeric, operation_seq_num numeric, organization_id numeric NOT NULL, department_id numeric,
  description varchar(240), scheduled_quantity numeric, quantity_in_queue numeric, quantity_running numeric,
  quantity_waiting_to_move numeric, quantity_rejected numeric, quantity_scrapped numeric, quantity_completed numeric,
  first_unit_start_date timestamp(0), last_unit_completion_date timestamp(0), previous_operation_seq_num numeric,
  next_operation_seq_num numeric, count_point_type numeric, backflush_flag numeric, last_update_date timestamp(0) NOT NULL,
  PRIMARY KEY (wip_entity_id, operation_seq_num));

CREATE TABLE wip_requirement_operations (
  wip_entity_id numeric, operation_seq_num numeric, inventory_item_id numeric, organization_id numeric NOT NULL,
  required_quantity numeric, quantity_issued numeric, quantity_per_assembly numeric, date_required timestamp(0),
  wip_supply_type numeric, supply_subinventory varchar(10), last_update_date timestamp(0) NOT NULL,
  PRIMARY KEY (wip_entity_id, operation_seq_num, inventory_item_id));

CREATE TABLE bom_departments (
  department_id numeric PRIMARY KEY, organization_id numeric NOT NULL, department_code varchar(10) NOT NULL,
  description varchar(240), disable_date timestamp(0), last_update_date timestamp(0) NOT NULL);

CREATE TABLE bom_resources (
  resource_id numeric PRIMARY KEY, organization_id numeric NOT NULL, resource_code varchar(10) NOT NULL, resource_type numeric,
  description varchar(240), unit_of_measure varchar(3), disable_date timestamp(0), last_update_date timestamp(0) NOT NULL);

CREATE TABLE bom_department_resources (
  department_id numeric, resource_id numeric, capacity_units numeric, utilization numeric, efficiency numeric,
  share_from_dept_id numeric, PRIMARY KEY (department_id, resource_id));

CREATE TABLE bom_bill_of_materials (
  bill_sequence_id numeric PRIMARY KEY, common_bill_sequence_id numeric NOT NULL, assembly_item_id numeric NOT NULL,
  organization_id numeric NOT NULL, alternate_bom_designator varchar(10));

CREATE TABLE bom_inventory_components (
  component_sequence_id numeric PRIMARY KEY, bill_sequence_id numeric NOT NULL, component_item_id numeric NOT NULL,
  item_num numeric, operation_seq_num numeric, component_quantity numeric, component_yield_factor numeric, basis_type numeric,
  effectivity_date timestamp(0) NOT NULL, disable_date timestamp(0), supply_subinventory varchar(10),
  last_update_date timestamp(0) NOT NULL);

CREATE TABLE bom_operational_routings (
  routing_sequence_id numeric PRIMARY KEY, common_routing_sequence_id numeric NOT NULL, assembly_item_id numeric NOT NULL,
  organization_id numeric NOT NULL, alternate_routing_designator varchar(10));

CREATE TABLE bom_operation_sequences (
  operation_sequence_id numeric PRIMARY KEY, routing_sequence_id numeric NOT NULL, operation_seq_num numeric NOT NULL,
  operation_description varchar(240), department_id numeric, count_point_type numeric, backflush_flag numeric,
  effectivity_date timestamp(0), disable_date timestamp(0), last_update_date timestamp(0) NOT NULL);

CREATE TABLE mtl_onhand_quantities_detail (
  organization_id numeric NOT NULL, inventory_item_id numeric NOT NULL, subinventory_code varchar(10) NOT NULL,
  locator_id numeric, lot_number varchar(80), primary_transaction_quantity numeric NOT NULL);

-- Users and responsibilities.
CREATE TABLE fnd_user (user_id numeric PRIMARY KEY, user_name varchar(100) NOT NULL UNIQUE);
CREATE TABLE fnd_application (application_id numeric PRIMARY KEY, application_short_name varchar(50) NOT NULL UNIQUE);
CREATE TABLE fnd_responsibility (
  responsibility_id numeric, application_id numeric, responsibility_key varchar(30) NOT NULL,
  PRIMARY KEY (application_id, responsibility_id));
CREATE TABLE initialized (user_id numeric, responsibility_id numeric, application_id numeric);
CREATE SCHEMA fnd_global;
CREATE PROCEDURE fnd_global.apps_initialize(user_id numeric, resp_id numeric, resp_appl_id numeric) LANGUAGE SQL
  AS 'INSERT INTO "APPS".initialized VALUES ($1, $2, $3)';

CREATE TABLE fnd_concurrent_requests (
  request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, phase_code varchar(1) NOT NULL DEFAULT 'P', requested_by numeric NOT NULL,
  application varchar(50) NOT NULL, program varchar(30) NOT NULL, argument1 varchar(240), argument2 varchar(240), argument3 varchar(240));
CREATE SCHEMA fnd_request;
-- The function of Oracle as a procedure; who submits is who initialized.
CREATE PROCEDURE fnd_request.submit_request(application text, program text, description text, start_time text, sub_request boolean,
    argument1 text, argument2 text, argument3 text) LANGUAGE plpgsql AS $$
  BEGIN
    IF application <> 'WIP' OR program <> 'WICMLP' THEN RAISE EXCEPTION 'No such program'; END IF;
    INSERT INTO "APPS".fnd_concurrent_requests (requested_by, application, program, argument1, argument2, argument3)
      SELECT user_id, application, program, argument1, argument2, argument3 FROM "APPS".initialized LIMIT 1;
    IF NOT FOUND THEN RAISE EXCEPTION 'Nobody is signed in'; END IF;
  END $$;

-- Postings, and the interfaces by which they come in. Nothing in these is unique but what the managers number.
CREATE TABLE mtl_transaction_reasons (
  reason_id numeric PRIMARY KEY, reason_name varchar(30) NOT NULL, description varchar(240), disable_date timestamp(0),
  last_update_date timestamp(0) NOT NULL);
CREATE TABLE wip_parameters (organization_id numeric PRIMARY KEY, default_scrap_account_id numeric);
CREATE TABLE wip_operation_resources (
  wip_entity_id numeric, operation_seq_num numeric, resource_seq_num numeric, organization_id numeric, resource_id numeric NOT NULL,
  uom_code varchar(3), PRIMARY KEY (wip_entity_id, operation_seq_num, resource_seq_num));

CREATE SEQUENCE wip_transactions_s;
CREATE TABLE wip_txn_interface_errors (
  transaction_id numeric NOT NULL, error_column varchar(30), error_message varchar(240), last_update_date timestamp(0));

CREATE TABLE wip_move_txn_interface (
  transaction_id numeric, last_update_date timestamp(0) NOT NULL, last_updated_by numeric, last_updated_by_name varchar(100),
  creation_date timestamp(0) NOT NULL, created_by numeric, created_by_name varchar(100), group_id numeric, source_code varchar(30),
  source_line_id numeric, process_phase numeric NOT NULL, process_status numeric NOT NULL CHECK (process_status IN (1, 2, 3)),
  transaction_type numeric, organization_code varchar(3), wip_entity_name varchar(240), transaction_date timestamp(0) NOT NULL,
  transaction_quantity numeric NOT NULL, transaction_uom varchar(3) NOT NULL, fm_operation_seq_num numeric,
  fm_intraoperation_step_type numeric, to_operation_seq_num numeric, to_intraoperation_step_type numeric,
  overcompletion_transaction_qty numeric, scrap_account_id numeric, reason_name varchar(30), reference varchar(240));
CREATE TABLE wip_move_transactions (
  transaction_id numeric PRIMARY KEY, last_update_date timestamp(0) NOT NULL, source_code varchar(30), source_line_id numeric,
  organization_id numeric NOT NULL, wip_entity_id numeric NOT NULL, primary_item_id numeric, transaction_date timestamp(0) NOT NULL,
  transaction_quantity numeric NOT NULL, transaction_uom varchar(3) NOT NULL, fm_operation_seq_num numeric NOT NULL,
  fm_intraoperation_step_type numeric NOT NULL, to_operation_seq_num numeric, to_intraoperation_step_type numeric,
  overcompletion_transaction_qty numeric, reason_id numeric, reference varchar(240));

CREATE TABLE wip_cost_txn_interface (
  transaction_id numeric, last_update_date timestamp(0) NOT NULL, last_updated_by numeric, last_updated_by_name varchar(100),
  creation_date timestamp(0) NOT NULL, created_by numeric, created_by_name varchar(100), group_id numeric, source_code varchar(30),
  source_line_id numeric, process_phase numeric NOT NULL, process_status numeric NOT NULL CHECK (process_status IN (1, 2, 3)),
  transaction_type numeric NOT NULL, organization_code varchar(3), wip_entity_name varchar(240), operation_seq_num numeric,
  resource_seq_num numeric, transaction_date timestamp(0) NOT NULL, transaction_quantity numeric, transaction_uom varchar(3),
  employee_num varchar(30), reference varchar(240));
CREATE TABLE wip_transactions (
  transaction_id numeric PRIMARY KEY, last_update_date timestamp(0) NOT NULL, source_code varchar(30), source_line_id numeric,
  organization_id numeric NOT NULL, wip_entity_id numeric NOT NULL, primary_item_id numeric, operation_seq_num numeric,
  resource_seq_num numeric, resource_id numeric, transaction_type numeric NOT NULL, transaction_date timestamp(0) NOT NULL, transaction_quantity numeric,
  transaction_uom varchar(3), reference varchar(240));

CREATE TABLE mtl_transactions_interface (
  transaction_interface_id numeric, source_code varchar(30) NOT NULL, source_line_id numeric NOT NULL,
  source_header_id numeric NOT NULL, process_flag numeric NOT NULL CHECK (process_flag IN (1, 2, 3)), transaction_mode numeric NOT NULL,
  lock_flag numeric, last_update_date timestamp(0) NOT NULL, last_updated_by numeric NOT NULL, creation_date timestamp(0) NOT NULL,
  created_by numeric NOT NULL, inventory_item_id numeric, organization_id numeric NOT NULL, transaction_quantity numeric NOT NULL,
  transaction_uom varchar(3) NOT NULL, transaction_date timestamp(0) NOT NULL, subinventory_code varchar(10), locator_id numeric,
  transaction_source_id numeric, wip_entity_type numeric, transaction_type_id numeric NOT NULL, transfer_subinventory varchar(10),
  transfer_locator numeric, operation_seq_num numeric, reason_id numeric, transaction_reference varchar(240), error_code varchar(240),
  error_explanation varchar(240));
CREATE SEQUENCE mtl_material_transactions_s START 90001;
CREATE TABLE mtl_transaction_lots_interface (
  transaction_interface_id numeric NOT NULL, source_code varchar(30), source_line_id numeric, last_update_date timestamp(0) NOT NULL,
  last_updated_by numeric NOT NULL, creation_date timestamp(0) NOT NULL, created_by numeric NOT NULL, lot_number varchar(80) NOT NULL,
  transaction_quantity numeric NOT NULL, serial_transaction_temp_id numeric);
CREATE TABLE mtl_serial_numbers_interface (
  transaction_interface_id numeric NOT NULL, source_code varchar(30), source_line_id numeric, last_update_date timestamp(0) NOT NULL,
  last_updated_by numeric NOT NULL, creation_date timestamp(0) NOT NULL, created_by numeric NOT NULL, fm_serial_number varchar(30) NOT NULL,
  to_serial_number varchar(30));
CREATE TABLE mtl_unit_transactions (source_line_id numeric, serial_number varchar(30) NOT NULL);
CREATE TABLE mtl_transaction_lot_numbers (
  transaction_id numeric, source_line_id numeric, lot_number varchar(80) NOT NULL, transaction_quantity numeric, primary_quantity numeric);
CREATE TABLE mtl_material_transactions_temp (LIKE mtl_transactions_interface);
CREATE TABLE mtl_material_transactions (
  transaction_id numeric PRIMARY KEY, last_update_date timestamp(0) NOT NULL, source_code varchar(30), source_line_id numeric,
  inventory_item_id numeric NOT NULL, organization_id numeric NOT NULL, transaction_quantity numeric NOT NULL,
  transaction_uom varchar(3) NOT NULL, primary_quantity numeric NOT NULL, transaction_date timestamp(0) NOT NULL,
  subinventory_code varchar(10), locator_id numeric, transaction_source_type_id numeric NOT NULL, transaction_source_id numeric,
  transaction_action_id numeric NOT NULL, transaction_type_id numeric NOT NULL, transfer_subinventory varchar(10),
  operation_seq_num numeric, reason_id numeric, transaction_reference varchar(240));

CREATE SEQUENCE wip_job_schedule_interface_s START 700;
CREATE SEQUENCE wip_interface_s START 40001;
CREATE SEQUENCE wip_entities_s START 20001;
CREATE TABLE wip_job_schedule_interface (
  interface_id numeric, group_id numeric, header_id numeric, source_code varchar(30), source_line_id numeric,
  last_update_date timestamp(0) NOT NULL, last_updated_by numeric NOT NULL, creation_date timestamp(0) NOT NULL,
  created_by numeric NOT NULL, load_type numeric NOT NULL, process_phase numeric NOT NULL CHECK (process_phase BETWEEN 2 AND 5),
  process_status numeric NOT NULL CHECK (process_status BETWEEN 1 AND 5), organization_id numeric, organization_code varchar(3),
  job_name varchar(240), wip_entity_id numeric, primary_item_id numeric, description varchar(240), class_code varchar(10),
  status_type numeric, start_quantity numeric, net_quantity numeric, first_unit_start_date timestamp(0),
  last_unit_completion_date timestamp(0), due_date timestamp(0), scheduling_method numeric, firm_planned_flag numeric,
  allow_explosion varchar(1), completion_subinventory varchar(10), lot_number varchar(80), alternate_bom_designator varchar(10),
  alternate_routing_designator varchar(10), priority numeric);
CREATE TABLE wip_interface_errors (
  interface_id numeric NOT NULL, error_type numeric NOT NULL CHECK (error_type IN (1, 2)), error varchar(500) NOT NULL);

-- What else is read.
CREATE TABLE hr_all_organization_units (organization_id numeric PRIMARY KEY, name varchar(240) NOT NULL, date_to timestamp(0));
CREATE TABLE mtl_secondary_inventories (
  secondary_inventory_name varchar(10), organization_id numeric, description varchar(50), disable_date timestamp(0),
  last_update_date timestamp(0) NOT NULL, PRIMARY KEY (secondary_inventory_name, organization_id));
CREATE TABLE mtl_lot_numbers (
  lot_number varchar(80), inventory_item_id numeric, organization_id numeric, expiration_date timestamp(0),
  last_update_date timestamp(0) NOT NULL, PRIMARY KEY (lot_number, inventory_item_id, organization_id));
CREATE TABLE per_all_people_f (
  person_id numeric, effective_start_date timestamp(0), effective_end_date timestamp(0), employee_number varchar(30),
  full_name varchar(240), last_update_date timestamp(0), PRIMARY KEY (person_id, effective_start_date, effective_end_date));
CREATE TABLE bom_calendar_shifts (calendar_code varchar(10), shift_num numeric, description varchar(240), PRIMARY KEY (calendar_code, shift_num));
CREATE TABLE bom_shift_times (calendar_code varchar(10), shift_num numeric, from_time numeric, to_time numeric);
CREATE TABLE mrp_recommendations (
  transaction_id numeric PRIMARY KEY, last_update_date timestamp(0) NOT NULL, inventory_item_id numeric NOT NULL,
  organization_id numeric NOT NULL, compile_designator varchar(10) NOT NULL, new_schedule_date timestamp(0), order_type numeric NOT NULL,
  new_order_quantity numeric, new_wip_start_date timestamp(0));
CREATE TABLE wip_eam_work_requests (
  work_request_id numeric PRIMARY KEY, work_request_number varchar(64) NOT NULL, organization_id numeric NOT NULL,
  asset_number varchar(30), description varchar(240), work_request_status_id numeric, work_request_priority_id numeric,
  expected_resolution_date timestamp(0), creation_date timestamp(0) NOT NULL, last_update_date timestamp(0) NOT NULL);
CREATE TABLE csi_item_instances (
  instance_id numeric PRIMARY KEY, instance_number varchar(30) NOT NULL, instance_description varchar(240),
  inventory_item_id numeric NOT NULL, serial_number varchar(30), last_vld_organization_id numeric NOT NULL,
  active_start_date timestamp(0), active_end_date timestamp(0), last_update_date timestamp(0) NOT NULL);
CREATE TABLE csi_counters_vl (counter_id numeric PRIMARY KEY, name varchar(80) NOT NULL, uom_code varchar(3));
CREATE TABLE csi_counter_readings (
  counter_value_id numeric PRIMARY KEY, counter_id numeric NOT NULL, value_timestamp timestamp(0) NOT NULL, counter_reading numeric,
  last_update_date timestamp(0) NOT NULL);
CREATE TABLE qa_plans (plan_id numeric PRIMARY KEY, organization_id numeric NOT NULL, name varchar(30) NOT NULL UNIQUE);
CREATE TABLE qa_chars (
  char_id numeric PRIMARY KEY, name varchar(30) NOT NULL UNIQUE, datatype numeric NOT NULL CHECK (datatype IN (1, 2, 3)),
  hardcoded_column varchar(30));
CREATE TABLE qa_plan_chars (
  plan_id numeric, char_id numeric, result_column_name varchar(30) NOT NULL, enabled_flag numeric NOT NULL, mandatory_flag numeric NOT NULL,
  PRIMARY KEY (plan_id, char_id));
CREATE TABLE qa_results (
  plan_id numeric, collection_id numeric, occurrence numeric, organization_id numeric NOT NULL, item_id numeric, wip_entity_id numeric,
  lot_number varchar(80), serial_number varchar(30), quantity numeric, from_op_seq_num numeric, transaction_date timestamp(0),
  last_update_date timestamp(0) NOT NULL, PRIMARY KEY (plan_id, collection_id, occurrence));
CREATE SEQUENCE qa_group_s;
CREATE SEQUENCE qa_txn_interface_s START 3001;
CREATE SEQUENCE qa_collection_id_s START 1001;
CREATE SEQUENCE qa_occurrence_s START 5001;
CREATE TABLE qa_results_interface (
  transaction_interface_id numeric, group_id numeric, source_code varchar(30), source_line_id numeric, last_update_date timestamp(0),
  last_updated_by numeric, creation_date timestamp(0), created_by numeric, process_status numeric NOT NULL CHECK (process_status IN (1, 2, 3)),
  insert_type numeric, validate_flag numeric, organization_code varchar(3), organization_id numeric, plan_name varchar(30), plan_id numeric,
  spec_name varchar(30), collection_id numeric, item varchar(2000), item_id numeric, job_name varchar(240), wip_entity_id numeric,
  lot_number varchar(80), serial_number varchar(30), quantity numeric, from_op_seq_num numeric, transaction_date timestamp(0));
CREATE TABLE qa_interface_errors (
  transaction_interface_id numeric NOT NULL, error_column varchar(30), error_message varchar(240));
DO $$ BEGIN FOR n IN 1..100 LOOP
  EXECUTE format('ALTER TABLE qa_results ADD character%s varchar(150)', n);
  EXECUTE format('ALTER TABLE qa_results_interface ADD character%s varchar(150)', n);
END LOOP; END $$;
