import type { Direction, FieldMapping, Filter, SyncMode, Transformation } from '../../../model/mapping';
import type { LocalizedText } from '../../descriptor';
import goodsMovement from './entities/goods-movement.json';
import material from './entities/material.json';
import productionData from './entities/production-data.json';
import productionOrder from './entities/production-order.json';
import productionOrderComponent from './entities/production-order-component.json';
import productionOrderOperation from './entities/production-order-operation.json';
import stock from './entities/stock.json';

/** Field in which SAP keeps our own key of a document: as a GUID, or as at most 16 characters. */
export interface ExternalKeySetting {
  field: string;
  form: 'guid' | 'short';
}

/** A mapping that works as it is, for whoever starts with it. */
export interface DefaultMapping {
  direction: Direction;
  target_entity: string;
  field_mappings: FieldMapping[];
  transformations?: Transformation[];
  filters?: Filter[];
  key_fields?: string[];
  sync_mode?: SyncMode;
  cursor_field?: string;
}

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
