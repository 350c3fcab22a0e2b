import type { Row, TestSet } from './model';
import { OperationsServer } from './operations';
import { surroundings } from './surroundings';

const T = 'Edm.String';
const D = 'Edm.Decimal';
const I = 'Edm.Int32';
const WHEN = 'Edm.DateTimeOffset';
const NONE = '1900-01-01T00:00:00Z';

const DIMENSIONS = ['ProductConfigurationId', 'ProductSizeId', 'ProductColorId', 'ProductStyleId', 'ProductVersionId'];
const texts = (...names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, T]));
const of = (type: string, ...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, type]));

const STATUS = ['Created', 'Scheduled', 'Released', 'StartedUp', 'ReportedFinished', 'Completed'];

/** Of two companies. */
export const ORDERS: Row[] = Array.from({ length: 24 }, (_, n) => ({
  dataAreaId: n % 3 === 2 ? 'brmf' : 'usmf',
  ProductionOrderNumber: `P${String(n + 1).padStart(6, '0')}`,
  ItemNumber: n === 2 ? 'AÇÃO 😀' : `D${n}`,
  ProductionOrderName: `d'água ${n}`,
  ProductionOrderStatus: STATUS[n % STATUS.length]!,
  ProductionSiteId: '1',
  ProductionWarehouseId: '11',
  ItemBatchNumber: '',
  ScheduledQuantity: n === 1 ? '1234567890123.123456' : `${10 + n}.5`,
  RemainingReportAsFinishedQuantity: n === 1 ? '0.000001' : '4.25',
  ScheduledStartDate: `2026-11-${String(n + 1).padStart(2, '0')}T12:00:00Z`,
  ScheduledStartTime: 23_400,
  ScheduledEndDate: n === 3 ? NONE : '2026-12-24T12:00:00Z',
  ScheduledEndTime: 50_399,
  DeliveryDate: NONE,
  ProductionOrderPriority: n,
  SourceRouteId: 'R1',
  SourceBOMId: 'B1',
  DemandSalesOrderNumber: '',
  ParentProductionOrderNumber: '',
}));

const typesOf = (numbers: Record<string, string>, row: Row): Record<string, string> =>
  Object.fromEntries(Object.keys(row).map((name) => [name, numbers[name] ?? T]));

function orders(): TestSet {
  const special = {
    ...of(D, 'ScheduledQuantity', 'RemainingReportAsFinishedQuantity'),
    ...of(WHEN, 'ScheduledStartDate', 'ScheduledEndDate', 'DeliveryDate'),
    ...of(I, 'ScheduledStartTime', 'ScheduledEndTime', 'ProductionOrderPriority'),
    ProductionOrderStatus: 'ProdStatus',
  };
  const key = ['dataAreaId', 'ProductionOrderNumber'];
  return { type: 'ProductionOrderHeader', key, properties: typesOf(special, ORDERS[0]!), rows: copies(ORDERS) };
}

const JOURNAL: Row[] = Array.from({ length: 6 }, (_, n) => ({
  dataAreaId: 'usmf',
  JournalNumber: `0000${n}`,
  JournalLineNumber: '1',
  ProductionOrderNumber: 'P000001',
  ItemNumber: 'D0',
  ProductionSiteId: '1',
  WarehouseId: '11',
  ItemBatchNumber: 'B-1',
  ReportedGoodInventoryQuantity: `${n}.5`,
  ReportedErrorInventoryQuantity: '0',
  ErrorCause: n === 1 ? 'Machine' : 'None',
  ReportAsFinishedDate: '2026-11-20T12:00:00Z',
  IsLastReportAsFinished: n === 4 ? 'Yes' : 'No',
  IsReceiptReturned: 'No',
  VoucherNumber: n === 5 ? '' : `PRO-${n}`,
  IsPosted: n === 5 ? 'No' : 'Yes',
  PostedDateTime: n === 5 ? NONE : `2026-11-20T08:0${n}:00Z`,
}));

function journal(): TestSet {
  const special = {
    ...of(D, 'JournalLineNumber', 'ReportedGoodInventoryQuantity', 'ReportedErrorInventoryQuantity'),
    ...of(WHEN, 'ReportAsFinishedDate', 'PostedDateTime'),
    ...of('NoYes', 'IsLastReportAsFinished', 'IsReceiptReturned', 'IsPosted'),
    ErrorCause: 'ProdErrorCause',
  };
  const key = ['dataAreaId', 'JournalNumber', 'JournalLineNumber'];
  const type = 'ReportAsFinishedProductionJournalEntry';
  return { type, key, properties: typesOf(special, JOURNAL[0]!), rows: copies(JOURNAL) };
}

const product = (ItemNumber: string, own: Row = {}): Row => ({
  ...{ dataAreaId: 'usmf', ItemNumber, ProductNumber: ItemNumber, SearchName: 'Peça', ProductType: 'Item' },
  ...{ ProductGroupId: 'CarAudio', ProductionType: 'BOM', InventoryUnitSymbol: 'ea', IsPhantom: 'No' },
  ...{ NetProductWeight: '0.125', ProductLifecycleStateId: '', SellStartDate: NONE, ...own },
});

function products(): TestSet {
  const special = {
    ...of(D, 'NetProductWeight'),
    ...{ IsPhantom: 'NoYes', ProductType: 'EcoResProductType', ProductionType: 'PmfProductType', SellStartDate: WHEN },
  };
  const rows = [product('D0'), product('D1', { IsPhantom: 'Yes' }), product('D0', { dataAreaId: 'brmf' })];
  const key = ['dataAreaId', 'ItemNumber'];
  return { type: 'ReleasedProductV2', key, properties: typesOf(special, rows[0]!), rows };
}

function stock(type: string, status: boolean): TestSet {
  const names = [...(status ? ['InventoryStatusId'] : []), ...DIMENSIONS, 'InventorySiteId', 'InventoryWarehouseId'];
  const quantities = ['OnHandQuantity', 'ReservedOnHandQuantity', 'AvailableOnHandQuantity'];
  const row = (ProductColorId: string, OnHandQuantity: string): Row => ({
    ...Object.fromEntries(names.map((name) => [name, ''])),
    ...{ dataAreaId: 'usmf', ItemNumber: 'D0', InventorySiteId: '1', InventoryWarehouseId: '11', ProductColorId },
    ...(status && { InventoryStatusId: 'Available' }),
    ...{ OnHandQuantity, ReservedOnHandQuantity: '1', AvailableOnHandQuantity: '2' },
  });
  const properties = { ...texts('dataAreaId', 'ItemNumber', ...names), ...of(D, ...quantities) };
  const key = ['dataAreaId', 'ItemNumber', ...names];
  return { type, key, properties, rows: [row('', '98765432109876.543210987'), row('Red', '3.5')] };
}

function bills(): Record<string, TestSet> {
  const line = (LineCreationSequenceNumber: number, ItemNumber: string, own: Row = {}): Row => ({
    ...{ dataAreaId: 'usmf', BOMId: 'B1', LineCreationSequenceNumber, ItemNumber, Quantity: '2.125' },
    ...{ ProductUnitSymbol: 'kg', QuantityDenominator: '1', VariableScrapPercentage: '5', ConsumptionType: 'Variable' },
    ...{ RouteOperationNumber: 10, ConsumptionWarehouseId: '11', ValidFromDate: NONE, ValidToDate: NONE, ...own },
  });
  const version = (ManufacturedItemNumber: string, IsActive: string, BOMId = 'B1', dataAreaId = 'usmf'): Row => ({
    ...{ dataAreaId, ManufacturedItemNumber, BOMId, ProductionSiteId: '1', IsActive },
    ...{ ValidFromDate: NONE, ValidToDate: NONE, IsApproved: 'Yes' },
  });
  const lines = [line(1, 'M1'), line(2, 'M2', { ConsumptionType: 'Constant' }), line(1, 'M3', { BOMId: 'B2' })];
  const versions = [version('D0', 'Yes'), version('D1', 'Yes'), version('D2', 'No'), version('X', 'Yes', 'B1', 'brmf')];
  const special = {
    ...of(D, 'Quantity', 'QuantityDenominator', 'VariableScrapPercentage'),
    ...of(I, 'LineCreationSequenceNumber', 'RouteOperationNumber'),
    ...of(WHEN, 'ValidFromDate', 'ValidToDate'),
    ...of('NoYes', 'IsActive', 'IsApproved'),
    ConsumptionType: 'BOMConsumpType',
  };
  const routes: Row[] = [10, 20].map((OperationNumber) => ({
    ...{ dataAreaId: 'usmf', RouteId: 'R1', OperationNumber, OperationPriority: 'Primary', OperationId: 'Solda' },
  }));
  const routeVersion: Row = {
    ...{ dataAreaId: 'usmf', ItemNumber: 'D0', RouteId: 'R1', ProductionSiteId: '1', IsApproved: 'Yes' },
    ...{ ValidFromDate: '2026-01-01T12:00:00Z', ValidToDate: NONE },
  };
  const typed = (type: string, key: string[], rows: Row[], more: Record<string, string> = {}): TestSet => ({
    ...{ type, key, rows },
    properties: typesOf({ ...special, ...more }, rows[0]!),
  });
  return {
    BillOfMaterialsLinesV2: typed(
      'BillOfMaterialsLineV2',
      ['dataAreaId', 'BOMId', 'LineCreationSequenceNumber'],
      lines,
    ),
    BillOfMaterialsVersionsV4: typed(
      'BillOfMaterialsVersionV4',
      ['dataAreaId', 'ManufacturedItemNumber', 'BOMId', 'ProductionSiteId'],
      versions,
    ),
    RouteOperations: typed(
      'RouteOperation',
      ['dataAreaId', 'RouteId', 'OperationNumber', 'OperationPriority'],
      routes,
      {
        ...{ OperationNumber: I, OperationPriority: 'RouteOprPriority' },
      },
    ),
    RouteVersions: typed('RouteVersion', ['dataAreaId', 'ItemNumber', 'RouteId'], [routeVersion]),
  };
}

function copies(rows: readonly Row[]): Row[] {
  return rows.map((row) => ({ ...row }));
}

/** An environment with the data of a plant; it has no entity of components, as a release may lack one. */
export async function dynamicsPlant(): Promise<OperationsServer> {
  const server = new OperationsServer();
  const operation: Row = {
    ...{ dataAreaId: 'usmf', ProductionOrderNumber: 'P000001', OperationNumber: 10, OperationPriority: 'Primary' },
    ...{ OperationId: 'Solda', ScheduledFromDate: '2026-11-02T12:00:00Z', ScheduledFromTime: 3600 },
  };
  server.sets = {
    ProductionOrderHeaders: orders(),
    ProductionOrderRouteOperations: {
      type: 'ProductionOrderRouteOperation',
      key: ['dataAreaId', 'ProductionOrderNumber', 'OperationNumber', 'OperationPriority'],
      properties: typesOf(
        {
          ...of(I, 'OperationNumber', 'ScheduledFromTime'),
          OperationPriority: 'RouteOprPriority',
          ScheduledFromDate: WHEN,
        },
        operation,
      ),
      rows: [operation],
    },
    ReportAsFinishedProductionJournalEntries: journal(),
    ReleasedProductsV2: products(),
    WarehousesOnHandV2: stock('WarehouseOnHandV2', false),
    WarehouseInventoryStatusesOnHandV2: stock('WarehouseInventoryStatusOnHandV2', true),
    ...bills(),
    ...surroundings(),
  };
  return server.start();
}
