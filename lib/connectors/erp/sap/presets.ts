import type { LocalizedText } from '../../descriptor';
import type { DefaultMapping } from '../default-mapping';
import type { ODataPreset } from '../odata/entity';
import type { Moments } from '../odata/moments';
import billOfMaterial from './entities/bill-of-material.json';
import equipment from './entities/equipment.json';
import goodsMovement from './entities/goods-movement.json';
import inspectionLot from './entities/inspection-lot.json';
import inspectionResult from './entities/inspection-result.json';
import maintenanceOrder from './entities/maintenance-order.json';
import maintenanceRequest from './entities/maintenance-request.json';
import material from './entities/material.json';
import measurementDocument from './entities/measurement-document.json';
import plannedOrder from './entities/planned-order.json';
import processOrder from './entities/process-order.json';
import productionData from './entities/production-data.json';
import productionOrder from './entities/production-order.json';
import productionOrderComponent from './entities/production-order-component.json';
import productionOrderOperation from './entities/production-order-operation.json';
import reservation from './entities/reservation.json';
import routing from './entities/routing.json';
import stock from './entities/stock.json';
import usageDecision from './entities/usage-decision.json';
import workCenter from './entities/work-center.json';
import functions from './functions.json';

/** An entity of the plant, and where SAP has it. */
export interface Preset extends ODataPreset {
  entity: string;
  titles: LocalizedText;
  service: string;
  /** Of the service, where it is not named as all of version 2 are. */
  path?: string;
  set: string;
  /** Days and times of day that are one field each here. */
  moments?: Moments;
  mappings: DefaultMapping[];
}

export const PRESETS = [
  material,
  productionOrder,
  productionOrderComponent,
  productionOrderOperation,
  processOrder,
  plannedOrder,
  productionData,
  stock,
  goodsMovement,
  reservation,
  billOfMaterial,
  routing,
  workCenter,
  maintenanceOrder,
  maintenanceRequest,
  equipment,
  measurementDocument,
  inspectionLot,
  inspectionResult,
  usageDecision,
] as Preset[];

/** What a plant calls of SAP, by names of its own. */
export const FUNCTIONS: Readonly<Record<string, { service: string; function: string }>> = functions;
