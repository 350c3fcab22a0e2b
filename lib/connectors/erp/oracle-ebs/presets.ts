import type { SqlDialect } from '../../../protocols/sql/database';
import type { LocalizedText } from '../../descriptor';
import type { ViewSetting } from '../../generic/database/settings';
import type { DefaultMapping } from '../default-mapping';
import billOfMaterial from './entities/bill-of-material.json';
import machine from './entities/machine.json';
import material from './entities/material.json';
import orderComponent from './entities/order-component.json';
import orderOperation from './entities/order-operation.json';
import productionOrder from './entities/production-order.json';
import routing from './entities/routing.json';
import stock from './entities/stock.json';
import workCenter from './entities/work-center.json';

/** An entity of the plant, and the tables of E-Business Suite that hold it. */
export interface Preset {
  entity: string;
  titles: LocalizedText;
  /** What the user of the database has to be granted SELECT on. */
  tables: string[];
  /** "we.WIP_ENTITY_NAME", or "msi.CONCATENATED_SEGMENTS AS ITEM". */
  columns: string[];
  /** From FROM on. */
  from: string[];
  /** Columns that identify a record. */
  key: string[];
  mappings: DefaultMapping[];
}

export const PRESETS = [
  productionOrder,
  orderOperation,
  orderComponent,
  material,
  stock,
  billOfMaterial,
  routing,
  workCenter,
  machine,
] as Preset[];

/** How organizations are told apart in every preset that has them. */
const ORGANIZATION = 'ORGANIZATION_CODE';

/**
 * The SELECT of a preset. Its columns have the names of the tables', in capitals whatever the database makes of names.
 * @param organizations codes; empty = all that the user may see
 */
export function viewOf(
  { columns, from, key }: Preset,
  organizations: readonly string[],
  dialect: SqlDialect,
): ViewSetting {
  const selected = columns.map((column) => {
    const [expression, alias = column.slice(column.indexOf('.') + 1)] = column.split(' AS ');
    return { sql: `${expression} AS "${alias}"`, alias };
  });
  const sql = `SELECT ${selected.map((each) => each.sql).join(', ')} ${from.join(' ')}`;
  if (organizations.length === 0 || !selected.some(({ alias }) => alias === ORGANIZATION)) return { sql, key };
  const codes = organizations.map((code) => `'${code.replaceAll("'", "''")}'`).join(', ');
  const row = dialect === 'oracle' ? 'org' : 'AS org';
  return { sql: `SELECT * FROM (${sql}) ${row} WHERE "${ORGANIZATION}" IN (${codes})`, key };
}
