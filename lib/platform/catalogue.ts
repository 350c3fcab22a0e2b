import type { EntityType, JsonSchema } from '../model/entity';
import billOfMaterial from './entities/bill-of-material.json';
import downtime from './entities/downtime.json';
import goodsMovement from './entities/goods-movement.json';
import machine from './entities/machine.json';
import maintenanceOrder from './entities/maintenance-order.json';
import material from './entities/material.json';
import measurement from './entities/measurement.json';
import operator from './entities/operator.json';
import plant from './entities/plant.json';
import productionData from './entities/production-data.json';
import productionOrder from './entities/production-order.json';
import qualityInspection from './entities/quality-inspection.json';
import routing from './entities/routing.json';
import shift from './entities/shift.json';
import stock from './entities/stock.json';
import workCenter from './entities/work-center.json';

/** A file of `entities/`: a JSON Schema that also says how its records are identified and what ISA-95 calls them. */
interface EntityFile extends JsonSchema {
  title: string;
  titles: Record<string, string>;
  'x-isa95': string;
  'x-key': string[];
}

const files: Record<string, EntityFile> = {
  plant,
  work_center: workCenter,
  machine,
  material,
  bill_of_material: billOfMaterial,
  routing,
  production_order: productionOrder,
  production_data: productionData,
  stock,
  goods_movement: goodsMovement,
  maintenance_order: maintenanceOrder,
  quality_inspection: qualityInspection,
  downtime,
  measurement,
  operator,
  shift,
};

/** The types that every platform has. Parts of a key with a `default` may be left out of a record. */
export const catalogue: ReadonlyMap<string, EntityType> = new Map(
  Object.entries(files).map(([type, file]) => [
    type,
    {
      type,
      title: file.title,
      titles: file.titles,
      isa95: file['x-isa95'],
      key: file['x-key'],
      schema: file,
      built_in: true,
    },
  ]),
);
