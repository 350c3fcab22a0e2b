/** A set of the environment: its key and its properties, of the types of OData or of an enumeration. */
export interface TestSet {
  type: string;
  key: string[];
  properties: Record<string, string>;
  /** Memo fields. */
  unfilterable?: string[];
  rows: Row[];
}

export type Row = Record<string, string | number | null>;

export const NAMESPACE = 'Microsoft.Dynamics.DataEntities';

export const ENUMS: Record<string, string[]> = {
  NoYes: ['No', 'Yes'],
  ProdStatus: ['Created', 'CostEstimated', 'Scheduled', 'Released', 'StartedUp', 'ReportedFinished', 'Completed'],
  ProdErrorCause: ['None', 'Material', 'Machine', 'OperatingStaff'],
  PmfProductType: ['None', 'MainItem', 'Formula', 'BOM'],
  EcoResProductType: ['Item', 'Service'],
  BOMConsumpType: ['Variable', 'Constant'],
  RouteOprPriority: ['Primary', 'Secondary1'],
  ReqRefType: ['PurchasePlannedOrder', 'BOMPlannedOrder'],
  WrkCtrType: ['Vendor', 'HumanResource', 'Machine'],
  InventTestOrderStatus: ['Open', 'Pass', 'Fail'],
  InventTestOutcomeStatus: ['Fail', 'Pass'],
  InventTestReferenceType: ['Inventory', 'Purch', 'Production', 'RouteOpr', 'Sales'],
};

/** The document of the sets: every property but strings is not nullable, as of tables that know no null. */
export function metadataOf(sets: Record<string, TestSet>): string {
  const enums = Object.entries(ENUMS).map(([name, members]) => {
    const each = members.map((member, value) => `<Member Name="${member}" Value="${value}"/>`);
    return `<EnumType Name="${name}">${each.join('')}</EnumType>`;
  });
  const types = Object.values(sets).map(({ type, key, properties }) => {
    const refs = key.map((name) => `<PropertyRef Name="${name}"/>`).join('');
    const each = Object.entries(properties).map(([name, written]) => {
      const full = written.startsWith('Edm.') ? written : `${NAMESPACE}.${written}`;
      const decimal = written === 'Edm.Decimal' ? ' Scale="Variable"' : '';
      const nullable = written === 'Edm.String' && !key.includes(name) ? '' : ' Nullable="false"';
      return `<Property Name="${name}" Type="${full}"${nullable}${decimal}/>`;
    });
    return `<EntityType Name="${type}"><Key>${refs}</Key>${each.join('')}</EntityType>`;
  });
  const places = Object.entries(sets).map(
    ([name, { type }]) => `<EntitySet Name="${name}" EntityType="${NAMESPACE}.${type}"/>`,
  );
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>',
    `<Schema Namespace="${NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">`,
    ...[...enums, ...types],
    `<EntityContainer Name="Resources">${places.join('')}</EntityContainer>`,
    '</Schema></edmx:DataServices></edmx:Edmx>',
  ].join('\n');
}

/** What is wrong with a value of a body; undefined where nothing is. @param exact whether long numbers come as texts */
export function problemOf(value: unknown, type: string, exact: boolean): string | undefined {
  switch (type) {
    case 'Edm.String':
      return value === null || typeof value === 'string' ? undefined : 'is no string';
    case 'Edm.Boolean':
      return typeof value === 'boolean' ? undefined : 'is no Boolean';
    case 'Edm.Date':
      return /^\d{4}-\d\d-\d\d$/.test(String(value)) ? undefined : 'is no day';
    case 'Edm.Guid':
      return /^[0-9a-f-]{36}$/i.test(String(value)) ? undefined : 'is no identifier';
    case 'Edm.Int32':
      return Number.isInteger(value) ? undefined : 'is no Int32';
    case 'Edm.Decimal':
      return typeof value === (exact ? 'string' : 'number') ? undefined : 'is no decimal';
    case 'Edm.DateTimeOffset':
      return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(String(value)) ? undefined : 'is no time';
  }
  return ENUMS[type]?.includes(String(value)) ? undefined : `is no member of ${type}`;
}

/** What a row has that was not told: no date, zero, the first member. */
export function emptyOf(type: string): string | number {
  switch (type) {
    case 'Edm.String':
      return '';
    case 'Edm.Int32':
    case 'Edm.Decimal':
      return 0;
    case 'Edm.DateTimeOffset':
      return '1900-01-01T00:00:00Z';
  }
  return ENUMS[type]?.[0] ?? '';
}
