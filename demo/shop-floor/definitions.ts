import type { MappingInput } from '../../lib/model/services';
import type { DemoConnection, DemoMapping } from '../definitions';
import { FILLING_URI } from './filling-line';
import { LOTS_TOPIC, PRESS, PRESS_HOST, SPEED_METRIC } from './press';

/** Tags of the press begin with this. */
export const PRESS_TAGS = `${PRESS.group}/${PRESS.edgeNode}/${PRESS.device}`;
export const PRESS_SPEED = `${PRESS_TAGS}/${SPEED_METRIC}`;

const node = (name: string) => `nsu=${FILLING_URI};s=${name}`;
const float = (address: number, unit: string, deadband: number) => ({
  address,
  table: 'input',
  type: 'float32',
  unit,
  deadband,
});

/** Node-RED fills the addresses in, as `npm start` says where the machines are. */
export const SHOP_FLOOR_CONNECTIONS: DemoConnection[] = [
  {
    id: 'demo-filling-line',
    name: 'Filling line',
    connector_type: 'iot.opcua',
    config: () => ({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference to an environment variable
      endpoint_url: '${PCP_DEMO_OPCUA}',
      authentication: 'anonymous',
      security_policy: 'None',
      tags: {
        state: { node_id: node('Status.StateCurrent') },
        state_name: { node_id: node('Status.StateName') },
        speed: { node_id: node('Status.CurMachSpeed'), unit: '1/min', deadband: 1 },
        speed_setpoint: { node_id: node('Command.MachSpeed'), unit: '1/min' },
        tank_level: { node_id: node('Status.TankLevel'), unit: '%', deadband: 0.5 },
        temperature: { node_id: node('Status.Temperature'), unit: '°C', deadband: 0.1 },
        consumed: { node_id: node('Admin.ProdConsumedCount'), unit: 'pcs', sampling_interval_ms: 2000 },
        processed: { node_id: node('Admin.ProdProcessedCount'), unit: 'pcs', sampling_interval_ms: 2000 },
        defective: { node_id: node('Admin.ProdDefectiveCount'), unit: 'pcs' },
      },
      writes_enabled: true,
      writable: [{ tag: 'speed_setpoint', min: 0, max: 180 }],
    }),
  },
  {
    id: 'demo-energy-meter',
    name: 'Energy meter',
    connector_type: 'iot.modbus',
    config: () => ({
      transport: 'tcp',
      host: '127.0.0.1',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference to an environment variable
      port: '${PCP_DEMO_MODBUS_PORT}',
      poll_interval_ms: 1000,
      tags: {
        voltage_l1: float(0, 'V', 0.5),
        voltage_l2: float(2, 'V', 0.5),
        voltage_l3: float(4, 'V', 0.5),
        current_l1: float(6, 'A', 2),
        current_l2: float(8, 'A', 2),
        current_l3: float(10, 'A', 2),
        power: { address: 12, table: 'input', type: 'int32', scale: '0.01', unit: 'kW', deadband: 0.5 },
        power_factor: float(14, '', 0.01),
        frequency: float(16, 'Hz', 0.01),
        energy: { address: 30, table: 'input', type: 'uint32', byte_order: 'CDAB', scale: '0.01', unit: 'kWh' },
      },
    }),
  },
  {
    id: 'demo-press-shop',
    name: 'Press shop',
    connector_type: 'iot.mqtt',
    config: () => ({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference to an environment variable
      url: '${PCP_DEMO_MQTT}',
      protocol_version: '3.1.1',
      client_id: 'pcp-demo',
      session_expiry_s: 3600,
      topics: { lots: { topic: LOTS_TOPIC, key: ['lot'] } },
      sparkplug_role: 'primary',
      sparkplug_host_id: PRESS_HOST,
      sparkplug_groups: [PRESS.group],
      writes_enabled: true,
      writable: [PRESS_SPEED],
    }),
  },
];

const live = (
  id: string,
  connection: string,
  name: string,
  source: string,
  target: string,
  fields: MappingInput['field_mappings'],
): DemoMapping => ({
  id,
  connection,
  name,
  entity_type: target,
  direction: 'import',
  sync_mode: 'live',
  source_entity: source,
  target_entity: target,
  field_mappings: fields,
});

/** Each value of each tag, at its time. */
const measurements = (id: string, connection: string, name: string, source: string, machine: string): DemoMapping =>
  live(id, connection, name, source, 'measurement', [
    { target: 'source', constant: connection.replace('demo-', '') },
    { source: 'tag', target: 'tag' },
    { source: '_time', target: 'source_timestamp' },
    { source: '_id', target: 'record_id' },
    { source: '_number', target: 'value_number' },
    { source: '_text', target: 'value_text' },
    { source: 'quality', target: 'quality' },
    { source: 'status', target: 'status' },
    { source: 'unit', target: 'unit' },
    { source: 'backfilled', target: 'backfilled' },
    { target: 'plant', constant: '1000' },
    { target: 'machine', constant: machine },
  ]);

export const SHOP_FLOOR_MAPPINGS: DemoMapping[] = [
  measurements('demo-filling-values', 'demo-filling-line', 'Filling line values', 'values', 'FILL01'),
  measurements('demo-meter-values', 'demo-energy-meter', 'Energy meter values', 'values', 'METER01'),
  measurements('demo-press-values', 'demo-press-shop', 'Press values', 'sparkplug', 'PRESS01'),
  live('demo-press-lots', 'demo-press-shop', 'Press lots', 'lots', 'production_data', [
    { source: 'lot', target: 'record_id', type: 'string', required: true },
    { source: 'good', target: 'good_quantity', type: 'decimal' },
    { source: 'scrap', target: 'scrap_quantity', type: 'decimal' },
    { target: 'unit', constant: 'PC' },
    { source: 'started_at', target: 'started_at', type: 'datetime', format: 'iso' },
    { source: 'ended_at', target: 'ended_at', type: 'datetime', format: 'iso' },
    { source: 'die', target: 'notes', type: 'string' },
    { target: 'plant', constant: '1000' },
    { target: 'machine', constant: 'PRESS01' },
  ]),
];
