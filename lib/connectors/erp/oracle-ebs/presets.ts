import type { SqlDialect } from '../../../protocols/sql/database';
import type { LocalizedText } from '../../descriptor';
import type { ViewSetting } from '../../generic/database/settings';
import type { DefaultMapping } from '../default-mapping';
import billOfMaterial from './entities/bill-of-material.json';
import equipment from './entities/equipment.json';
import goodsMovement from './entities/goods-movement.json';
import lot from './entities/lot.json';
import machine from './entities/machine.json';
import maintenanceOrder from './entities/maintenance-order.json';
import maintenanceRequest from './entities/maintenance-request.json';
import material from './entities/material.json';
import measurement from './entities/measurement.json';
import operator from './entities/operator.json';
import orderComponent from './entities/order-component.json';
import orderOperation from './entities/order-operation.json';
import plannedOrder from './entities/planned-order.json';
import plant from './entities/plant.json';
import productionData from './entities/production-data.json';
import productionOrder from './entities/production-order.json';
import productionScrap from './entities/production-scrap.json';
import qualityInspection from './entities/quality-inspection.json';
import resourceTransaction from './entities/resource-transaction.json';
import routing from './entities/routing.json';
import shift from './entities/shift.json';
import stock from './entities/stock.json';
import transactionReason from './entities/transaction-reason.json';
import warehouse from './entities/warehouse.json';
import workCenter from './entities/work-center.json';
import { KEY, type Posting, SOURCE } from './posting';

/** An entity of the plant, and the tables of E-Business Suite that hold it. */
export interface Preset {
  entity: string;
  titles: LocalizedText;
  /** What the user of the database has to be granted SELECT on. */
  tables: string[];
  /** "we.WIP_ENTITY_NAME", "msi.CONCATENATED_SEGMENTS AS ITEM", or "qr.CHARACTER1..100" for so many columns. */
  columns: string[];
  /** From FROM on. */
  from: string[];
  /** Columns that identify a record. */
  key: string[];
  /** How records come in; absent: it is only read. */
  posting?: Posting;
  mappings: DefaultMapping[];
}

/**
 * Moves are read as E-Business Suite itself counts them: a move between the steps Queue and Run (1, 2) and the later ones of an
 * operation, and each operation between two, forwards and backwards; what stands at Reject (4) or Scrap (5) is not good there. Source:
 * E-Business Suite 12.1, packages WIP_MOVPROC_PRIV (wipmovpb.pls 120.52), which counts QUANTITY_COMPLETED, and WIP_WS_LABOR_METRIC_PUB (wipwslmb.pls 120.9); for operations
 * without count point and autocharge (COUNT_POINT_TYPE 3) also Oracle's help on resource charges; for the next operation of a report, WIP_MOVE_VALIDATOR (wipmovvb.pls 120.12).
 *
 * Of material transactions those are no movements that E-Business Suite leaves out where it sums up stock: actions 24 (cost update), 30 (WIP
 * scrap), 50 to 52 (containers). Those of the actions 2, 5, 28 and 55 come in pairs, the receiving one with a positive quantity.
 */
const DATA = [
  productionOrder,
  orderOperation,
  orderComponent,
  material,
  stock,
  billOfMaterial,
  routing,
  workCenter,
  machine,
  productionData,
  productionScrap,
  goodsMovement,
  resourceTransaction,
  plannedOrder,
  maintenanceOrder,
  maintenanceRequest,
  equipment,
  measurement,
  qualityInspection,
  operator,
  shift,
  plant,
  warehouse,
  lot,
  transactionReason,
] as Preset[];

export const PRESETS = DATA.map((preset): Preset => {
  const { posting } = preset;
  if (posting === undefined) return withAll(preset);
  return {
    ...withAll(preset),
    posting: { ...posting, fields: spelledOut(posting.fields), view: withAll(posting.view) },
  };
});

/** How organizations are told apart in every preset that has them. */
const ORGANIZATION = 'ORGANIZATION_CODE';

/** What a statement gives, and where it takes it from. */
type View = Pick<Preset, 'columns' | 'from'>;

/**
 * The SELECT of a preset. Its columns have the names of the tables', in capitals whatever the database makes of names.
 * @param organizations codes; empty = all that the user may see
 */
export function viewOf(preset: Preset, organizations: readonly string[], dialect: SqlDialect): ViewSetting {
  const { key } = preset;
  const { sql, aliases } = selectOf(preset);
  if (organizations.length === 0 || !aliases.includes(ORGANIZATION)) return { sql, key };
  const codes = organizations.map(literal).join(', ');
  return { sql: restricted(sql, `"${ORGANIZATION}" IN (${codes})`, dialect), key };
}

/** The rows of an interface that are ours, with what has become of each. */
export function interfaceView({ view }: Posting, source: string, dialect: SqlDialect): ViewSetting {
  const condition = `"${SOURCE}" = ${literal(source)} AND "${KEY}" IS NOT NULL`;
  return { sql: restricted(selectOf(view).sql, condition, dialect), key: [SOURCE, KEY] };
}

function selectOf({ columns, from }: View): { sql: string; aliases: string[] } {
  const selected = columns.map((column) => {
    const [expression, alias = column.slice(column.indexOf('.') + 1)] = column.split(' AS ');
    return { sql: `${expression} AS "${alias}"`, alias };
  });
  const list = selected.map(({ sql }) => sql).join(', ');
  return { sql: `SELECT ${list} ${from.join(' ')}`, aliases: selected.map(({ alias }) => alias) };
}

/** "qr.CHARACTER1..100" is a hundred columns. */
function each(name: string): string[] {
  const [, stem, last] = /^(.+)1\.\.(\d+)$/.exec(name) ?? [];
  return stem === undefined ? [name] : Array.from({ length: Number(last) }, (_, n) => `${stem}${n + 1}`);
}

function withAll<T extends { columns: string[] }>(view: T): T {
  return { ...view, columns: view.columns.flatMap(each) };
}

function spelledOut<T>(fields: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, field]) => each(name).map((one) => [one, field])));
}

/** Oracle takes no AS before the name of a table. */
function restricted(sql: string, condition: string, dialect: SqlDialect): string {
  return `SELECT * FROM (${sql}) ${dialect === 'oracle' ? '' : 'AS '}part WHERE ${condition}`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
