import type { Row, TestSet } from './model';

const TYPES: Record<string, string> = {
  ...{
    PlannedOrderType: 'ReqRefType',
    OperationsResourceType: 'WrkCtrType',
    QualityOrderStatus: 'InventTestOrderStatus',
  },
  ...{
    TestResult: 'InventTestOutcomeStatus',
    QualityOrderPolicyType: 'InventTestReferenceType',
    ServiceLevel: 'Edm.Int32',
  },
  ...{ WorkOrderPriority: 'Edm.Int32', QualityOrderSequenceNumber: 'Edm.Int32' },
};

/** By what properties of these names are in the metadata of an environment. */
function typeOf(name: string): string {
  const known = TYPES[name];
  if (known !== undefined) return known;
  if (/(Date|DateTime|Start|End|From|To)$/.test(name)) return 'Edm.DateTimeOffset';
  if (/(Quantity|Percentage|Value|LineNumber)$/.test(name)) return 'Edm.Decimal';
  return /^(Is|CounterReplaced)/.test(name) ? 'NoYes' : 'Edm.String';
}

function set(type: string, key: string[], row: Row): TestSet {
  const properties = Object.fromEntries(Object.keys(row).map((name) => [name, typeOf(name)]));
  return { type, key, properties, rows: [row] };
}

const company = { dataAreaId: 'usmf' };
const NONE = '1900-01-01T00:00:00Z';
const WHEN = '2026-11-20T08:00:00Z';
const day = (text: string): string => `${text}T12:00:00Z`;

/**
 * What an environment has beside production: planning, stock postings, resources, quality and asset management. Names, keys and
 * types are those of the published client that was generated from the $metadata of an environment (d365_metadata, 2025).
 */
export function surroundings(): Record<string, TestSet> {
  return {
    PlannedOrders: set('PlannedOrder', ['dataAreaId', 'RequirementPlanId', 'PlannedOrderNumber'], {
      ...company,
      ...{
        RequirementPlanId: 'DynPlan',
        PlannedOrderNumber: 'PL-1',
        PlannedOrderType: 'BOMPlannedOrder',
        ItemNumber: 'D0',
      },
      ...{
        ProductDescription: 'Caixa',
        RequirementSiteId: '1',
        RequirementWarehouseId: '11',
        RequirementQuantity: '319.5',
      },
      ...{
        ScheduledStartDate: day('2026-12-01'),
        ScheduledEndDate: day('2026-12-20'),
        RequirementDate: day('2026-12-24'),
      },
      ...{ PlannedOrderModifiedDateTime: WHEN },
    }),
    ProductionPickingListJournalEntries: set(
      'ProductionPickingListJournalEntry',
      ['dataAreaId', 'JournalNumber', 'JournalLineNumber'],
      {
        ...company,
        ...{
          JournalNumber: '00042',
          JournalLineNumber: '1',
          JournalName: 'Picking',
          IsPosted: 'Yes',
          ItemNumber: 'M1',
        },
        ...{ IsConsumptionReturned: 'No', ConsumptionBOMQuantity: '1234567890123.123456', BOMUnitSymbol: 'kg' },
        ...{ ProductionSiteId: '1', WarehouseId: '11', WarehouseLocationId: 'A-01', ItemBatchNumber: 'B-1' },
        ...{
          ProductionOrderNumber: 'P000001',
          ConsumptionDate: day('2026-11-20'),
          PostedUserId: 'Admin',
          PostedDateTime: WHEN,
        },
      },
    ),
    OperationsResources: set('OperationsResource', ['dataAreaId', 'ResourceId'], {
      ...company,
      ...{ ResourceId: 'M1', ResourceName: 'Prensa', OperationsResourceType: 'Machine', EfficiencyPercentage: '90' },
    }),
    OperationalSitesV2: set('OperationalSiteV2', ['dataAreaId', 'SiteId'], {
      ...company,
      ...{ SiteId: '1', SiteName: 'São José', PrimaryAddressCountryRegionId: 'BRA', PrimaryAddressCity: 'São José' },
    }),
    BaseWorkers: set('BaseWorker', ['PersonnelNumber'], { PersonnelNumber: '000020', Name: 'Zé Conceição' }),
    QualityOrderHeaders: set('QualityOrderHeader', ['dataAreaId', 'QualityOrderNumber'], {
      ...company,
      ...{ QualityOrderNumber: 'Q-1', QualityOrderPolicyType: 'Production', ItemNumber: 'D0', InventorySiteId: '1' },
      ...{
        ProductionOrderNumber: 'P000001',
        ItemBatchNumber: 'B-1',
        OperationsResourceId: 'M1',
        VendorAccountNumber: '',
      },
      ...{
        InventoryQuantity: '10',
        QualityOrderStatus: 'Fail',
        ValidatingPersonnelNumber: '000020',
        ValidatedDateTime: WHEN,
      },
    }),
    QualityOrderLineResults: set(
      'QualityOrderLineResult',
      ['dataAreaId', 'QualityOrderNumber', 'QualityOrderSequenceNumber', 'QualityTestId', 'ResultLineNumber'],
      {
        ...company,
        ...{
          QualityOrderNumber: 'Q-1',
          QualityOrderSequenceNumber: 10,
          QualityTestId: 'Espessura',
          ResultLineNumber: '1',
        },
        ...{ ResultValue: '0.125', QualityTestVariableOutcomeId: '', ResultInventoryQuantity: '2', TestResult: 'Pass' },
      },
    ),
    AssetMaintenanceAssetsV2: set('AssetMaintenanceAssetV2', ['dataAreaId', 'MaintenanceAssetId'], {
      ...company,
      ...{
        MaintenanceAssetId: 'A-1',
        Name: 'Prensa 😀',
        MaintenanceAssetTypeId: 'Press',
        ModelId: 'X',
        SerialId: 'S-1',
      },
      ...{ FixedAssetId: 'F-1', ActiveFrom: day('2020-02-29'), ActiveTo: NONE },
    }),
    AssetMaintenanceAssetCounterRegistrations: set(
      'AssetMaintenanceAssetCounterRegistration',
      ['dataAreaId', 'MaintenanceAssetId', 'CounterDateTime', 'CounterReplaced', 'CounterId'],
      {
        ...company,
        ...{
          MaintenanceAssetId: 'A-1',
          CounterDateTime: WHEN,
          CounterReplaced: 'No',
          CounterId: 'Hours',
          CounterValue: '1234.5',
        },
      },
    ),
    AssetMaintenanceWorkOrderTables: set('AssetMaintenanceWorkOrderTable', ['dataAreaId', 'WorkOrderId'], {
      ...company,
      ...{ WorkOrderId: 'WO-1', WorkOrderTypeId: 'Corrective', Description: 'Trocar óleo', ServiceLevel: 3 },
      ...{ ResponsibleWorkerPersonnelNumber: '000020', ExpectedStart: '2026-11-21T08:00:00Z', ExpectedEnd: NONE },
    }),
    AssetMaintenanceRequests: set('AssetMaintenanceRequest', ['dataAreaId', 'RequestId'], {
      ...company,
      ...{ RequestId: 'MR-1', RequestTypeId: 'Corrective', Description: 'Ruído', MaintenanceAssetId: 'A-1' },
      ...{ FunctionalLocationId: '', WorkOrderPriority: 5, StartedByWorkerPersonnelNumber: '', IsRequestActive: 'Yes' },
      ...{ WorkOrderId: '', ActualStart: WHEN, ActualEnd: NONE, ProductionStopFrom: '2026-11-19T22:00:00Z' },
    }),
  };
}
