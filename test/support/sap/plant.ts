import { PRESETS } from '../../../lib/connectors/erp/sap/presets';
import type { OpenConnection } from '../../../lib/model/connection';
import { StrictGateway } from './gateway';
import { SapMockServer } from './mock-server';
import { RECORDS } from './records';

const BASE = '/sap/opu/odata/sap/';
/** The services that are elsewhere. */
const PATHS = new Map(PRESETS.map(({ service, path = `${BASE}${service}` }) => [service, path]));
/** The mock server keeps the data of each client apart. */
const CLIENT = '?sap-client=100';

type Row = Record<string, unknown>;

export const ORDERS: Row[] = Array.from({ length: 14 }, (_, n) => ({
  ManufacturingOrder: String(1_000_001 + n).padStart(12, '0'),
  ManufacturingOrderType: 'PP01',
  OrderIsReleased: n % 2 === 0 ? 'X' : '',
  OrderIsTechnicallyCompleted: n === 4 ? 'X' : '',
  Material: `M-${String(n).padStart(3, '0')}`,
  MaterialName: n === 2 ? 'Eixo ação 😀' : 'Eixo',
  ProductionPlant: '1000',
  MfgOrderPlannedStartDate: `/Date(${Date.UTC(2026, 10, 1 + n)})/`,
  MfgOrderPlannedStartTime: 'PT06H30M00S',
  MfgOrderPlannedEndDate: `/Date(${Date.UTC(2026, 10, 3 + n)})/`,
  ProductionUnit: 'ST',
  ProductionUnitISOCode: 'PCE',
  TotalQuantity: `${100 + n}.500`,
  MfgOrderConfirmedYieldQty: '0.000',
  OrderInternalBillOfOperations: String(n).padStart(10, '0'),
  LastChangeDateTime: `2026112706${String(n).padStart(2, '0')}00`,
}));

const MATERIALS: Row[] = Array.from({ length: 12 }, (_, n) => ({
  Product: `M-${String(n).padStart(3, '0')}`,
  ProductType: 'FERT',
  BaseUnit: 'PC',
  GrossWeight: `${n}.125`,
  IsMarkedForDeletion: n === 3,
  LastChangeDateTime: `/Date(${Date.UTC(2026, 10, 27, 6, n)}+0000)/`,
}));

const STOCK: Row[] = Array.from({ length: 11 }, (_, n) => ({
  Material: `M-${String(n).padStart(3, '0')}`,
  Plant: '1000',
  StorageLocation: '0001',
  Batch: n % 2 === 0 ? '' : `B${n}`,
  Supplier: '',
  Customer: '',
  WBSElementInternalID: '',
  SDDocument: '',
  SDDocumentItem: '',
  InventorySpecialStockType: '',
  InventoryStockType: n === 1 ? '02' : '01',
  MaterialBaseUnit: 'PC',
  MatlWrhsStkQtyInMatlBaseUnit: `12345678901234567.1234567890123${n % 10}`,
}));

const SERVICES: Record<string, Record<string, Row[]>> = {
  API_PRODUCT_SRV: {
    A_Product: MATERIALS,
    A_ProductDescription: MATERIALS.map(({ Product }) => ({
      Product,
      Language: 'PT',
      ProductDescription: `Peça ${Product}`,
    })),
    A_ProductPlant: MATERIALS.map(({ Product }) => ({ Product, Plant: '1000', ProcurementType: 'E', MRPType: 'PD' })),
  },
  API_PRODUCTION_ORDER_2_SRV: {
    A_ProductionOrder_2: ORDERS,
    A_ProductionOrderComponent_4: [],
    A_ProductionOrderOperation_2: ORDERS.map((order, n) => ({
      OrderInternalBillOfOperations: order.OrderInternalBillOfOperations,
      OrderIntBillOfOperationsItem: '00000001',
      ManufacturingOrder: order.ManufacturingOrder,
      ManufacturingOrderOperation: '0010',
      WorkCenter: `WC${n}`,
    })),
  },
  API_MATERIAL_STOCK_SRV: { A_MatlStkInAcctMod: STOCK },
  API_PROD_ORDER_CONFIRMATION_2_SRV: { ProdnOrdConf2: [] },
  API_MATERIAL_DOCUMENT_SRV: { A_MaterialDocumentHeader: [], A_MaterialDocumentItem: [] },
  ...RECORDS,
};

let connections = 1000;

/** SAP's mock server with the services of a plant, behind a strict gateway. */
export class SapPlant {
  readonly mock = new SapMockServer();
  readonly gateway = new StrictGateway(() => this.mock.url, PATHS);

  async start(): Promise<this> {
    const services = Object.entries(SERVICES).map(([name, data]) => {
      return { path: PATHS.get(name)!, document: `${name}.edmx`, data };
    });
    await this.mock.start(services);
    await this.gateway.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.mock.stop();
  }

  connection(config: Row = {}, password = this.gateway.password): OpenConnection {
    return {
      id: ++connections,
      name: 'sap',
      connector_type: 'erp.sap',
      config: { base_url: this.gateway.url, username: 'pcp', client: '100', timeout_ms: 5000, ...config },
      credentials: { password },
    };
  }

  /** What the system holds, past the gateway. */
  async rows(service: string, set: string, query = ''): Promise<Row[]> {
    const answer = await fetch(`${this.mock.url}${PATHS.get(service)}/${set}${CLIENT}${query}`, {
      headers: { accept: 'application/json' },
    });
    const json = (await answer.json()) as { d?: { results: Row[] }; value?: Row[] };
    return json.d?.results ?? json.value ?? [];
  }

  async change(service: string, entity: string, data: Row): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.mock.url}${PATHS.get(service)}/${entity}${CLIENT}`, {
      method: 'MERGE',
      headers,
      body: JSON.stringify(data),
    });
    if (!answer.ok) throw new Error(`${entity}: ${answer.status} ${await answer.text()}`);
  }

  async add(service: string, set: string, data: Row): Promise<void> {
    const answer = await fetch(`${this.mock.url}${PATHS.get(service)}/${set}${CLIENT}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(data),
    });
    if (!answer.ok) throw new Error(`${set}: ${answer.status} ${await answer.text()}`);
  }

  async remove(service: string, entity: string): Promise<void> {
    await fetch(`${this.mock.url}${PATHS.get(service)}/${entity}${CLIENT}`, { method: 'DELETE' });
  }
}
