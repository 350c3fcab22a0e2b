type Row = Record<string, unknown>;

const day = (text: string) => `/Date(${Date.parse(text)})/`;
const instant = (text: string) => `/Date(${Date.parse(text)}+0000)/`;
const CHANGED = instant('2026-11-27T06:00:00Z');

/** What the services beside those of orders, stock and documents hold: one record of each, as SAP writes it. */
export const RECORDS: Record<string, Record<string, Row[]>> = {
  API_PROCESS_ORDER_2_SRV: {
    A_ProcessOrder_2: [
      {
        ...{
          ManufacturingOrder: '000070000001',
          ManufacturingOrderType: 'PI01',
          OrderIsReleased: 'X',
          Material: 'M-001',
        },
        ...{
          ProductionPlant: '1000',
          ProductionUnit: 'KG',
          TotalQuantity: '12.500',
          MfgOrderConfirmedYieldQty: '0.000',
        },
        ...{ MfgOrderPlannedStartDate: day('2026-11-02'), LastChangeDateTime: '20261127060000' },
      },
    ],
  },
  API_PLANNED_ORDERS: {
    A_PlannedOrder: [
      {
        ...{ PlannedOrder: '0000000123', PlannedOrderType: 'LA', Material: 'M-002', MaterialName: 'Eixo ação 😀' },
        ...{ ProductionPlant: '1000', TotalQuantity: '7.125', BaseUnit: 'ST', MRPController: '001' },
        ...{ PlndOrderPlannedStartDate: day('2026-12-01'), PlannedOrderLastChangeDateTime: CHANGED },
      },
    ],
  },
  API_BILL_OF_MATERIAL_SRV: {
    MaterialBOM: [
      {
        ...{
          BillOfMaterial: '00000010',
          BillOfMaterialCategory: 'M',
          BillOfMaterialVariant: '1',
          BillOfMaterialVersion: '',
        },
        ...{ EngineeringChangeDocument: '', Material: 'M-001', Plant: '1000', BOMHeaderQuantityInBaseUnit: '1.000' },
        ...{ BOMHeaderBaseUnit: 'ST', LastChangeDateTime: CHANGED },
      },
    ],
    MaterialBOMItem: ['0010', '0020'].map((BillOfMaterialItemNumber, n) => ({
      ...{
        BillOfMaterial: '00000010',
        BillOfMaterialCategory: 'M',
        BillOfMaterialVariant: '1',
        BillOfMaterialVersion: '',
      },
      ...{
        BillOfMaterialItemNodeNumber: `0000000${n + 1}`,
        HeaderChangeDocument: '',
        Material: 'M-001',
        Plant: '1000',
      },
      ...{ BillOfMaterialItemNumber, BillOfMaterialComponent: `C-${n}`, BillOfMaterialItemQuantity: '2.500' },
      ...{ BillOfMaterialItemUnit: 'KG', ComponentScrapInPercent: '1.50', FixedQuantity: n === 1 },
      ...{ ValidityStartDate: day('2026-01-01'), ValidityEndDate: day('9999-12-31') },
    })),
  },
  API_PRODUCTION_ROUTING: {
    ProductionRoutingHeader: [
      { ProductionRoutingGroup: '50000001', ProductionRouting: '1', ProductionRoutingInternalVers: '1', Plant: '1000' },
    ],
    ProductionRoutingMatlAssgmt: [
      {
        ...{ Product: 'M-001', Plant: '1000', ProductionRoutingGroup: '50000001', ProductionRouting: '1' },
        ProductionRoutingMatlAssgmt: '1',
      },
    ],
    ProductionRoutingSequence: [
      { ProductionRoutingGroup: '50000001', ProductionRouting: '1', ProductionRoutingSequence: '0' },
    ],
    ProductionRoutingOperation: ['0010', '0020'].map((Operation) => ({
      ...{ ProductionRoutingGroup: '50000001', ProductionRouting: '1', ProductionRoutingSequence: '0' },
      ...{
        ProductionRoutingOpIntID: Operation,
        Operation,
        OperationText: 'Tornear peça',
        OperationControlProfile: 'PP01',
      },
      ...{ OperationReferenceQuantity: '1.000', OperationUnit: 'ST', StandardWorkQuantity1: '5.000' },
      ...{ StandardWorkQuantity2: '0.250', StandardWorkQuantity3: '0.250', ChangedDateTime: CHANGED },
    })),
  },
  API_WORK_CENTERS: {
    A_WorkCenters: [
      {
        ...{
          WorkCenterInternalID: '10000001',
          WorkCenterTypeCode: 'A',
          WorkCenter: 'TORNO1',
          WorkCenter_desc: 'Tornos',
        },
        ...{ Plant: '1000', WorkCenterCategoryCode: '0001', WorkCenterIsToBeDeleted: false },
      },
    ],
  },
  API_MAINTENANCEORDER: {
    MaintenanceOrder: [
      {
        ...{ MaintenanceOrder: '000004000001', MaintenanceOrderType: 'PM01', MaintenanceOrderDesc: 'Trocar rolamento' },
        ...{ Equipment: '10000045', MaintenancePlanningPlant: '1000', MaintOrdProcessPhaseCode: '02' },
        ...{ MaintOrdBasicStartDateTime: instant('2026-12-01T08:00:00Z'), LastChangeDateTime: CHANGED },
      },
    ],
  },
  API_MAINTNOTIFICATION: {
    MaintenanceNotification: [
      {
        ...{ MaintenanceNotification: '000010000001', NotificationText: 'Vazamento', NotificationType: 'M2' },
        ...{ NotifProcessingPhase: '1', LastChangeDateTime: CHANGED, MaintenanceObjectIsDown: true },
        ...{ MalfunctionStartDate: day('2026-11-26'), MalfunctionStartTime: 'PT14H30M00S' },
        ...{ TechnicalObject: '10000045', TechObjIsEquipOrFuncnlLoc: 'EAMS_EQUI', MaintNotifExtReferenceNumber: '' },
      },
    ],
  },
  API_EQUIPMENT: {
    Equipment: [
      {
        ...{
          Equipment: '10000045',
          ValidityEndDate: day('9999-12-31'),
          EquipmentName: 'Torno CNC',
          WorkCenter: 'TORNO1',
        },
        ...{ MaintenancePlant: '1000', ManufacturerSerialNumber: 'SN-1', OperationStartDate: day('2020-05-01') },
        ...{ EquipmentIsInactive: false, EquipmentIsMarkedForDeletion: false, LastChangeDateTime: CHANGED },
      },
    ],
  },
  API_MEASUREMENTDOCUMENT: {
    MeasurementDocument: [
      {
        ...{ MeasurementDocument: '00000000000000000001', MeasuringPoint: '000000000012', MsmtRdngDate: '2026-11-27' },
        ...{ MsmtRdngTime: '06:30:00', MeasurementReadingInEntryUoM: 12.5, MeasurementReadingEntryUoM: 'BAR' },
      },
    ],
  },
  API_INSPECTIONLOT_SRV: {
    A_InspectionLot: [
      {
        ...{ InspectionLot: '030000000001', Material: 'M-001', Plant: '1000', InspectionLotOrigin: '03' },
        ...{ ManufacturingOrder: '000001000001', InspectionLotQuantity: '100.500', InspectionLotQuantityUnit: 'ST' },
        ChangedDateTime: CHANGED,
      },
    ],
    A_InspectionResult: [
      {
        ...{ InspectionLot: '030000000001', InspPlanOperationInternalID: '00000001', InspectionCharacteristic: '0010' },
        ...{ InspectionResultOriginalValue: '10.02', InspectionValuationResult: 'A', Inspector: 'SILVA' },
      },
    ],
    A_InspLotUsageDecision: [
      { InspectionLot: '030000000001', InspLotUsageDecisionValuation: 'A', ChangedDateTime: CHANGED },
    ],
  },
  API_RESERVATION_DOCUMENT_SRV: {
    A_ReservationDocumentHeader: [{ Reservation: '0000001234', OrderID: '000001000001', GoodsMovementType: '261' }],
    A_ReservationDocumentItem: [
      {
        ...{ Reservation: '0000001234', ReservationItem: '0001', RecordType: '', Product: 'C-0', Plant: '1000' },
        ...{ ResvnItmRequiredQtyInBaseUnit: '5.500', BaseUnit: 'KG' },
      },
    ],
  },
};
