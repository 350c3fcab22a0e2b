import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseMetadata } from '../../../lib/protocols/odata/metadata';
import type { EntitySet, ServiceModel } from '../../../lib/protocols/odata/model';

const ROOT = path.resolve(__dirname, '../../../..');

const DOCUMENTS = {
  product: 'test/support/sap/API_PRODUCT_SRV.edmx',
  orders: 'test/support/sap/API_PRODUCTION_ORDER_2_SRV.edmx',
  plant: 'test/unit/odata/metadata/plant-v4.edmx',
  plantJson: 'test/unit/odata/metadata/plant-v4.json',
  trade: 'test/unit/odata/metadata/trade-v3.edmx',
};

export function documentText(name: keyof typeof DOCUMENTS): string {
  return readFileSync(path.join(ROOT, DOCUMENTS[name]), 'utf8');
}

export function modelOf(name: keyof typeof DOCUMENTS): ServiceModel {
  return parseMetadata(documentText(name));
}

export function setOf(model: ServiceModel, name: string): EntitySet {
  const set = model.entitySets.get(name);
  if (set === undefined) throw new Error(`no entity set ${name}`);
  return set;
}
