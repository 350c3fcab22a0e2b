import { IntegrationError } from '../model/errors';
import type { ColumnDefinition, ColumnType, SqlDatabase, TableInfo } from '../protocols/sql/database';
import { columnsOf, type EntityShape, KEY_LENGTH } from './shape';
import { isMariadb } from './values';

/** Types of MariaDB where its index limit asks for shorter keys than the hub's other tables have. */
const MARIADB_TYPES: Record<ColumnType, string> = {
  key: `VARCHAR(${KEY_LENGTH}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  text: 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  json: 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  integer: 'BIGINT',
  number: 'DOUBLE',
  decimal: 'DECIMAL(65,30)',
  boolean: 'TINYINT(1)',
  date: 'DATE',
  datetime: 'DATETIME(3)',
};

/** Tables that are known to be as a shape wants them, by database: each is looked at once per process and shape. */
const prepared = new WeakMap<SqlDatabase, Map<string, Promise<void>>>();

/**
 * Makes the table of a type, or adds the columns that it lacks. Never changes or drops one. Must not be called inside of a
 * transaction.
 * @throws conflict PCP_ENTITY_NARROWED when the table holds the field with another type or key
 */
export function ensureTable(database: SqlDatabase, shape: EntityShape): Promise<void> {
  const tables = prepared.get(database) ?? new Map<string, Promise<void>>();
  prepared.set(database, tables);
  const columns = columnsOf(shape);
  const fingerprint = JSON.stringify([shape.table.name, columns]);
  let ready = tables.get(fingerprint);
  if (ready === undefined) {
    ready = prepare(database, shape, columns).catch((error: unknown) => {
      tables.delete(fingerprint);
      throw error;
    });
    tables.set(fingerprint, ready);
  }
  return ready;
}

/** After the table was dropped, a type of the same name starts anew. */
export function forgetTables(database: SqlDatabase): void {
  prepared.delete(database);
}

/** The table as it is, or null. */
export async function findTable(database: SqlDatabase, shape: Pick<EntityShape, 'table'>): Promise<TableInfo | null> {
  try {
    return await database.describeTable(shape.table);
  } catch (error) {
    if (error instanceof IntegrationError && error.code === 'PCP_SQL_TABLE_UNKNOWN') return null;
    throw error;
  }
}

async function prepare(database: SqlDatabase, shape: EntityShape, columns: ColumnDefinition[]): Promise<void> {
  let table = await findTable(database, shape);
  if (table === null) {
    await unlessDone(() => createTable(database, shape, columns));
    table = await database.describeTable(shape.table);
  }
  const keys = shape.key.map(({ name }) => name);
  if (table.primaryKey.join() !== keys.join()) {
    throw narrowed(shape, `its records are identified by ${table.primaryKey.join(', ')}, not by ${keys.join(', ')}`);
  }
  const present = new Map(table.columns.map((column) => [column.name, column]));
  for (const column of columns) {
    const existing = present.get(column.name);
    if (existing === undefined) await unlessDone(() => addColumn(database, shape, column));
    else if (!isSameKind(existing.type, column.type)) {
      throw narrowed(shape, `field "${column.name}" is kept as ${existing.nativeType}, not as ${column.type}`);
    }
  }
}

/** Another process may make the same change at the same moment; that it is made is all that counts. */
async function unlessDone(change: () => Promise<unknown>): Promise<void> {
  try {
    await change();
  } catch (error) {
    const text = error instanceof Error ? `${error.message} ${String(error.cause)}` : '';
    if (!/already exists|duplicate column|duplicate key/i.test(text)) throw error;
  }
}

async function createTable(database: SqlDatabase, shape: EntityShape, columns: ColumnDefinition[]): Promise<void> {
  const keys = shape.key.map(({ name }) => name);
  if (!isMariadb(database.dialect)) {
    await database.createTable(shape.table, columns, keys);
    return;
  }
  const lines = columns.map((column) => `${mariadbColumn(database, column)}${column.nullable ? '' : ' NOT NULL'}`);
  const key = `PRIMARY KEY (${keys.map((name) => database.quote(name)).join(', ')})`;
  await database.execute(
    `CREATE TABLE IF NOT EXISTS ${database.tableName(shape.table)} (${[...lines, key].join(', ')}) ENGINE=InnoDB`,
  );
}

function addColumn(database: SqlDatabase, shape: EntityShape, column: ColumnDefinition): Promise<unknown> {
  if (!isMariadb(database.dialect)) return database.addColumn(shape.table, column);
  return database.execute(
    `ALTER TABLE ${database.tableName(shape.table)} ADD COLUMN ${mariadbColumn(database, column)}`,
  );
}

/** MariaDB's own collation also tells trailing blanks apart; MySQL's name for the same differs between its versions. */
function mariadbColumn(database: SqlDatabase, { name, type }: ColumnDefinition): string {
  const definition = MARIADB_TYPES[type];
  const exact = database.dialect === 'mariadb' ? definition.replace('utf8mb4_bin', 'utf8mb4_nopad_bin') : definition;
  return `${database.quote(name)} ${exact}`;
}

/** Keys and JSON are text to the database. */
function isSameKind(existing: ColumnType, wanted: ColumnType): boolean {
  const kind = (type: ColumnType) => (type === 'key' || type === 'json' ? 'text' : type);
  return kind(existing) === kind(wanted);
}

function narrowed(shape: EntityShape, why: string): IntegrationError {
  return new IntegrationError('conflict', 'PCP_ENTITY_NARROWED', `The table of "${shape.type}" does not fit: ${why}.`, {
    hint: 'Types can only grow. Make a new type, or bring the old field back under its old type.',
  });
}
