import type { JsonSchema } from '../../../model/entity';
import type { FieldType } from '../../../protocols/totvs/field';
import type { LocalizedText } from '../../descriptor';
import type { DefaultMapping } from '../default-mapping';
import billOfMaterial from './entities/bill-of-material.json';
import counterReading from './entities/counter-reading.json';
import datasulBillOfMaterial from './entities/datasul-bill-of-material.json';
import datasulMachine from './entities/datasul-machine.json';
import equipment from './entities/equipment.json';
import goodsMovement from './entities/goods-movement.json';
import inspectionLot from './entities/inspection-lot.json';
import inspectionResult from './entities/inspection-result.json';
import logixProductionData from './entities/logix-production-data.json';
import machine from './entities/machine.json';
import maintenanceOrder from './entities/maintenance-order.json';
import maintenanceRequest from './entities/maintenance-request.json';
import material from './entities/material.json';
import mrpAllocation from './entities/mrp-allocation.json';
import mrpBillOfMaterial from './entities/mrp-bill-of-material.json';
import mrpBomRouting from './entities/mrp-bom-routing.json';
import mrpCalendar from './entities/mrp-calendar.json';
import mrpDemand from './entities/mrp-demand.json';
import mrpProduct from './entities/mrp-product.json';
import mrpOrder from './entities/mrp-production-order.json';
import mrpRouting from './entities/mrp-routing.json';
import mrpStock from './entities/mrp-stock-balance.json';
import mrpWarehouse from './entities/mrp-warehouse.json';
import mrpWorkCenter from './entities/mrp-work-center.json';
import operator from './entities/operator.json';
import productionData from './entities/production-data.json';
import productionOrder from './entities/production-order.json';
import productionOrderComponent from './entities/production-order-component.json';
import rmMaterial from './entities/rm-material.json';
import routing from './entities/routing.json';
import stock from './entities/stock.json';
import stockByBatch from './entities/stock-by-batch.json';
import stopReason from './entities/stop-reason.json';
import stopReport from './entities/stop-report.json';
import warehouse from './entities/warehouse.json';
import wasteReason from './entities/waste-reason.json';
import workCenter from './entities/work-center.json';

/** The systems of TOTVS whose REST servers speak alike. */
export const PRODUCTS = ['protheus', 'rm', 'datasul', 'logix'] as const;
export type Product = (typeof PRODUCTS)[number];

/** An entity of the plant, and where a system has it. */
interface PresetBase {
  entity: string;
  /** Absent: Protheus. */
  product?: Product;
  titles: LocalizedText;
  /** Fields that identify a record, in the order of its address. */
  key: string[];
  mappings: DefaultMapping[];
}

/** By a published API. */
export interface ApiPreset extends PresetBase {
  /** Path of its module, below the base URL; absent = that of the PCP module. */
  base?: string;
  /** Below the path of the module's APIs: "/stopReports". */
  path: string;
  /** The whole list comes at once. */
  is_whole?: boolean;
  /** Of a record, as the API writes it. */
  properties: Record<string, JsonSchema>;
  required?: string[];
  /** Absent: the list is asked for page by page. */
  by?: ListBy;
  /** Absent: it is only read. Documents are posted once, never changed. */
  writes?: 'record' | 'document';
  /** The field that keeps our own key of a document. */
  external_key?: string;
}

/** How a list is asked for that holds the records of one value of a field only. */
export interface ListBy {
  field: string;
  /** Parameters of the query: the value's, and the company's. */
  parameter: string;
  company: string;
  fixed: Record<string, string>;
  /** The member of a record that names its company. */
  member: string;
}

/** By the server's route for queries, from a table of the dictionary. */
export interface TablePreset extends PresetBase {
  table: string;
  fields: Record<string, FieldType>;
  /** Absent: it is only read. */
  posting?: Posting;
}

/** How rows of a table come to be: by a route of their module, which calls their fields by names of its own. */
export interface Posting {
  /** Below the base URL; with the number of a row at its end it is that row's. */
  path: string;
  headers: Record<string, string>;
  /** The field that keeps our own key. */
  key: string;
  /** The field whose number the server gives. */
  number: string;
  required: string[];
  /** Members of the body by field; with `is` it is whether the field has this value. */
  body: Record<string, { name: string; type?: FieldType; length?: number; is?: string }>;
  /** A member of the body that the table keeps as a day and a time; records have it as "2026-11-27T06:30", on the server's clock. */
  moment: { name: string; fields: [day: string, time: string] };
  /** What tells a posting from another of the same key. */
  compared: string[];
}

export type Preset = ApiPreset | TablePreset;

export const PRESETS = [
  productionOrder,
  productionOrderComponent,
  material,
  stock,
  stockByBatch,
  billOfMaterial,
  routing,
  machine,
  workCenter,
  productionData,
  goodsMovement,
  maintenanceRequest,
  maintenanceOrder,
  equipment,
  counterReading,
  inspectionLot,
  inspectionResult,
  operator,
  warehouse,
  stopReport,
  stopReason,
  wasteReason,
  mrpOrder,
  mrpStock,
  mrpProduct,
  mrpBillOfMaterial,
  mrpWorkCenter,
  mrpRouting,
  mrpBomRouting,
  mrpCalendar,
  mrpAllocation,
  mrpDemand,
  mrpWarehouse,
  datasulMachine,
  datasulBillOfMaterial,
  logixProductionData,
  rmMaterial,
] as Preset[];

export function presetsOf(product: Product): Preset[] {
  return PRESETS.filter((preset) => (preset.product ?? 'protheus') === product);
}
