import type { LocalizedText } from '../../descriptor';
import type { DefaultMapping } from '../default-mapping';
import type { ODataPreset } from '../odata/entity';
import type { Moments } from '../odata/moments';
import businessGoodsMovement from './entities/bc-goods-movement.json';
import businessLocation from './entities/bc-location.json';
import businessMaterial from './entities/bc-material.json';
import businessStock from './entities/bc-stock.json';
import billOfMaterial from './entities/bill-of-material.json';
import counterReading from './entities/counter-reading.json';
import equipment from './entities/equipment.json';
import goodsMovement from './entities/goods-movement.json';
import machine from './entities/machine.json';
import maintenanceOrder from './entities/maintenance-order.json';
import maintenanceRequest from './entities/maintenance-request.json';
import material from './entities/material.json';
import operator from './entities/operator.json';
import plannedOrder from './entities/planned-order.json';
import plant from './entities/plant.json';
import productionData from './entities/production-data.json';
import productionOrder from './entities/production-order.json';
import productionOrderComponent from './entities/production-order-component.json';
import productionOrderOperation from './entities/production-order-operation.json';
import qualityOrder from './entities/quality-order.json';
import qualityResult from './entities/quality-result.json';
import routeCard from './entities/route-card.json';
import routing from './entities/routing.json';
import stock from './entities/stock.json';
import stockByStatus from './entities/stock-by-status.json';
import warehouse from './entities/warehouse.json';

/** What is read of another set, and stands in each record as a list. */
export interface Beside {
  name: string;
  set: string;
  /** Field that both have with the same value. */
  by: string;
  where: Record<string, string>;
  days: string[];
}

/** An entity of the plant, and where the application has it. */
export interface Preset extends ODataPreset {
  entity: string;
  titles: LocalizedText;
  set: string;
  /** Its records belong to no company. */
  is_shared?: boolean;
  /** Fields that are days, though the service gives them as times. */
  days?: string[];
  /** Days and seconds since midnight that are one field each here. */
  moments?: Moments;
  /** Fields that are the difference of two others. */
  differences?: Record<string, [from: string, less: string]>;
  beside?: Beside;
  mappings: DefaultMapping[];
}

export const PRESETS = [
  productionOrder,
  productionOrderOperation,
  productionOrderComponent,
  plannedOrder,
  productionData,
  routeCard,
  goodsMovement,
  material,
  stock,
  stockByStatus,
  billOfMaterial,
  routing,
  machine,
  plant,
  warehouse,
  operator,
  qualityOrder,
  qualityResult,
  maintenanceRequest,
  maintenanceOrder,
  equipment,
  counterReading,
] as Preset[];

/** All that the standard API of Business Central has of a plant: nothing of production. */
export const BUSINESS_PRESETS = [businessMaterial, businessStock, businessGoodsMovement, businessLocation] as Preset[];
