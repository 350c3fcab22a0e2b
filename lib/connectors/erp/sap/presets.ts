import type { LocalizedText } from '../../descriptor';
import type { DefaultMapping } from '../default-mapping';
import type { ExternalKeySetting } from '../external-key';
import goodsMovement from './entities/goods-movement.json';
import material from './entities/material.json';
import productionData from './entities/production-data.json';
import productionOrder from './entities/production-order.json';
import productionOrderComponent from './entities/production-order-component.json';
import productionOrderOperation from './entities/production-order-operation.json';
import stock from './entities/stock.json';

/** An entity of the plant, and where SAP has it. */
export interface Preset {
  entity: string;
  titles: LocalizedText;
  service: string;
  set: string;
  /** Navigations that are read with it. */
  expand?: string[];
  external_key?: ExternalKeySetting;
  /** Documents: posted once, never changed. */
  is_document?: boolean;
  read_only?: boolean;
  mappings: DefaultMapping[];
}

export const PRESETS = [
  material,
  productionOrder,
  productionOrderComponent,
  productionOrderOperation,
  productionData,
  stock,
  goodsMovement,
] as Preset[];
