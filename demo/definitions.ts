import type { MappingInput } from '../lib/model/services';

export interface DemoConnection {
  /** Id of the config node. */
  id: string;
  name: string;
  connector_type: string;
  /** @param directory the demo's user directory */
  config(directory: string): Record<string, unknown>;
}

export type DemoMapping = Omit<MappingInput, 'connection_id'> & { id: string; connection: string };

/** Id of the connection to the plant service, which has a token. */
export const DEMO_SERVICE = 'demo-service';

/** In the order of the first synchronisation: master data, what happened in the plant, then the export of it. */
export const DEMO_CONNECTIONS: DemoConnection[] = [
  {
    id: 'demo-erp',
    name: 'Legacy ERP',
    connector_type: 'generic.database',
    config: (directory) => ({ dialect: 'sqlite', storage: `${directory}/legacy-erp.db` }),
  },
  {
    id: 'demo-drop',
    name: 'Drop folder',
    connector_type: 'generic.file',
    config: (directory) => ({
      root: `${directory}/drop`,
      settle_seconds: 0,
      entities: {
        orders: {
          path: 'in/orders-*.csv',
          format: 'csv',
          delimiter: ';',
          encoding: 'windows-1252',
          decimal_separator: ',',
          comment: '#',
          after_error: 'move',
        },
        confirmations: {
          path: 'in/confirmations.xml',
          format: 'xml',
          record_element: 'Confirmation',
          after_error: 'move',
        },
        stock: { path: 'in/stock.json', format: 'json', records_path: 'data.items', after_error: 'move' },
        downtime: { path: 'in/downtime.ndjson', format: 'ndjson', after_error: 'move' },
      },
    }),
  },
  {
    id: DEMO_SERVICE,
    name: 'Plant service',
    connector_type: 'generic.rest',
    config: () => ({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Node-RED fills it in, as `npm start` says where the service is
      base_url: '${PCP_DEMO_SERVICE}',
      authentication: 'bearer',
      requests_per_second: 80,
      // A lost answer is looked up again for twice this time before the confirmation counts as not arrived.
      timeout_ms: 2000,
      openapi: '/openapi.yaml',
      entities: {
        orders: {
          path: '/orders',
          items: '/items',
          key: ['number'],
          paging: { type: 'page', size_parameter: 'size', size: 25, total: '/total' },
        },
        confirmations: {
          path: '/confirmations',
          items: '/items',
          key: ['external_id'],
          create: { path: '/confirmations', id: '/id' },
          lookup: { path: '/confirmations?external_id={external_id}', items: '/items' },
          numbers: ['yield', 'scrap'],
        },
      },
    }),
  },
  {
    id: 'demo-export',
    name: 'Order list for the scheduler',
    connector_type: 'generic.file',
    config: (directory) => ({
      root: `${directory}/drop/out`,
      entities: {
        order_list: {
          path: 'production-orders.csv',
          format: 'csv',
          delimiter: ';',
          decimal_separator: ',',
          write: { mode: 'replace' },
        },
      },
    }),
  },
];

const ZONE = 'America/Sao_Paulo';
const ORDER_STATUS = { ABE: 'open', LIB: 'released', ENT: 'partially_confirmed', ENC: 'completed' };
const required = { type: 'string', required: true } as const;

/** A mapping whose entity types have the same name on both sides unless said otherwise. */
function mapping(
  id: string,
  connection: string,
  name: string,
  source: string,
  target: string,
  fields: MappingInput['field_mappings'],
  more: Partial<DemoMapping> = {},
): DemoMapping {
  return {
    id,
    connection,
    name,
    entity_type: target,
    direction: 'import',
    source_entity: source,
    target_entity: target,
    field_mappings: fields,
    ...more,
  };
}

/** Files that stay in the folder are read again only when they change. */
const NEW_FILES = { sync_mode: 'incremental' } as const;

export const DEMO_MAPPINGS: DemoMapping[] = [
  mapping(
    'demo-materials',
    'demo-erp',
    'Materials',
    'MATERIALS',
    'material',
    [
      { source: 'MATNR', target: 'material', ...required },
      { source: 'MAKTX', target: 'description', type: 'string' },
      { source: 'MTART', target: 'type', lookup: { FERT: 'finished', HALB: 'semi-finished', ROH: 'raw' } },
      { source: 'MEINS', target: 'base_unit', type: 'string' },
      { source: 'MATKL', target: 'group', type: 'string' },
      { source: 'EISBE', target: 'safety_stock', type: 'decimal' },
      { source: 'PLIFZ', target: 'lead_time_days', type: 'decimal' },
      { source: 'AEDAT', target: 'changed_at', type: 'datetime', format: 'YYYY-MM-DD HH:mm:ss', timezone: 'UTC' },
      { target: 'plant', constant: '1000' },
    ],
    { sync_mode: 'incremental', cursor_field: 'AEDAT' },
  ),
  mapping('demo-bom', 'demo-erp', 'Bill of material', 'BOM_ITEMS', 'bill_of_material', [
    { target: 'plant', constant: '1000' },
    { source: 'PARENT', target: 'assembly', ...required },
    { source: 'POSNR', target: 'position', ...required },
    { source: 'COMPONENT', target: 'component', ...required },
    { source: 'QTY', target: 'quantity', type: 'decimal' },
    { source: 'UOM', target: 'unit', type: 'string' },
    { source: 'SCRAP', target: 'scrap_percent', type: 'decimal' },
  ]),
  mapping('demo-work-centers', 'demo-erp', 'Work centers', 'WORK_CENTERS', 'work_center', [
    { target: 'plant', constant: '1000' },
    { source: 'ARBPL', target: 'work_center', ...required },
    { source: 'NAME', target: 'name', type: 'string' },
    { source: 'KOSTL', target: 'cost_center', type: 'string' },
    { source: 'HOURS', target: 'capacity', type: 'decimal' },
    { target: 'capacity_unit', constant: 'h' },
  ]),
  mapping('demo-shifts', 'demo-erp', 'Shifts', 'SHIFTS', 'shift', [
    { target: 'plant', constant: '1000' },
    { source: 'CODE', target: 'shift', ...required },
    { source: 'NAME', target: 'name', type: 'string' },
    { source: 'START_TIME', target: 'start_time', type: 'string' },
    { source: 'END_TIME', target: 'end_time', type: 'string' },
  ]),
  mapping(
    'demo-orders',
    'demo-drop',
    'Production orders',
    'orders',
    'production_order',
    [
      { source: 'Ordem', target: 'order_number', ...required },
      { source: 'Material', target: 'material', type: 'string' },
      { source: 'Descrição', target: 'description', type: 'string', trim: true },
      { source: 'Quantidade', target: 'quantity', type: 'decimal', decimal_separator: ',' },
      { source: 'Unidade', target: 'unit', type: 'string' },
      { source: 'Início', target: 'planned_start_at', type: 'datetime', format: 'DD/MM/YYYY HH:mm', timezone: ZONE },
      { source: 'Fim', target: 'planned_end_at', type: 'datetime', format: 'DD/MM/YYYY HH:mm', timezone: ZONE },
      { source: 'Situação', target: 'status', lookup: ORDER_STATUS },
      { source: 'Centro', target: 'work_center', type: 'string' },
      { source: 'Prioridade', target: 'priority', type: 'string' },
      { target: 'plant', constant: '1000' },
      { target: 'label', expression: "Ordem & ' / ' & Material" },
    ],
    NEW_FILES,
  ),
  mapping(
    'demo-confirmations',
    'demo-drop',
    'Confirmations',
    'confirmations',
    'production_data',
    [
      { source: '@id', target: 'record_id', ...required },
      { source: 'Order', target: 'order_number', ...required },
      { source: 'Operation', target: 'operation', type: 'string' },
      { source: 'WorkCenter', target: 'work_center', type: 'string' },
      { source: 'Yield.#text', target: 'good_quantity', type: 'decimal' },
      { source: 'Yield.@unit', target: 'unit', type: 'string' },
      { source: 'Scrap', target: 'scrap_quantity', type: 'decimal' },
      { source: 'Operator', target: 'operator', type: 'string' },
      { source: 'Shift', target: 'shift', type: 'string' },
      { source: 'Start', target: 'started_at', type: 'datetime', format: 'iso' },
      { source: 'End', target: 'ended_at', type: 'datetime', format: 'iso' },
      { target: 'plant', constant: '1000' },
    ],
    NEW_FILES,
  ),
  mapping(
    'demo-stock',
    'demo-drop',
    'Stock',
    'stock',
    'stock',
    [
      { source: 'material', target: 'material', ...required },
      { source: 'plant', target: 'plant', type: 'string' },
      { source: 'warehouse', target: 'storage_location', type: 'string' },
      { source: 'lot', target: 'batch', type: 'string' },
      { source: 'quantity', target: 'quantity', type: 'decimal' },
      { source: 'unit', target: 'unit', type: 'string' },
    ],
    NEW_FILES,
  ),
  mapping(
    'demo-downtime',
    'demo-drop',
    'Downtime',
    'downtime',
    'downtime',
    [
      { target: 'plant', constant: '1000' },
      { source: 'machine', target: 'machine', ...required },
      { source: 'from', target: 'started_at', type: 'datetime', format: 'unix_ms', required: true },
      { source: 'to', target: 'ended_at', type: 'datetime', format: 'unix_ms' },
      { source: 'reason.code', target: 'reason', type: 'string' },
      { source: 'reason.text', target: 'reason_text', type: 'string' },
      { source: 'comment', target: 'notes', type: 'string' },
      { source: 'id', target: 'external_key', type: 'string' },
    ],
    NEW_FILES,
  ),
  mapping('demo-service-orders', DEMO_SERVICE, 'Service orders', 'orders', 'production_order', [
    { source: 'number', target: 'order_number', ...required },
    { source: 'material.code', target: 'material', type: 'string' },
    { source: 'material.description', target: 'description', type: 'string' },
    { source: 'quantity', target: 'quantity', type: 'decimal' },
    { source: 'unit', target: 'unit', type: 'string' },
    { source: 'start', target: 'planned_start_at', type: 'datetime', format: 'iso' },
    { source: 'end', target: 'planned_end_at', type: 'datetime', format: 'iso' },
    { source: 'status', target: 'status', type: 'string' },
    { source: 'work_center', target: 'work_center', type: 'string' },
    { source: 'priority', target: 'priority', type: 'string' },
    { target: 'plant', constant: '1000' },
  ]),
  mapping(
    'demo-service-confirmations',
    DEMO_SERVICE,
    'Service confirmations',
    'confirmations',
    'production_data',
    [
      { source: 'external_id', target: 'record_id', ...required },
      { source: 'order', target: 'order_number', ...required },
      { source: 'operation', target: 'operation', type: 'string' },
      { source: 'yield', target: 'good_quantity', type: 'decimal' },
      { source: 'scrap', target: 'scrap_quantity', type: 'decimal' },
      { source: 'ended_at', target: 'ended_at', type: 'datetime', format: 'iso' },
    ],
    { direction: 'export', filters: [{ field: 'work_center', operator: 'eq', value: 'CT010' }] },
  ),
  mapping(
    'demo-order-list',
    'demo-export',
    'Order list',
    'order_list',
    'production_order',
    [
      { source: 'Order', target: 'order_number', ...required },
      { source: 'Material', target: 'material', type: 'string' },
      { source: 'Quantity', target: 'quantity', type: 'decimal', decimal_separator: ',' },
      { source: 'Unit', target: 'unit', type: 'string' },
      { source: 'Start', target: 'planned_start_at', type: 'datetime', format: 'DD/MM/YYYY HH:mm', timezone: ZONE },
      { source: 'Status', target: 'status', lookup: ORDER_STATUS },
    ],
    { direction: 'export' },
  ),
];
