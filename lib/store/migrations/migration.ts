import { DataTypes, type ModelAttributeColumnOptions, type QueryInterface } from 'sequelize';
import type { SqlDialect, SqlTransaction } from '../../protocols/sql/database';

export interface MigrationContext {
  queryInterface: QueryInterface;
  transaction: SqlTransaction;
  dialect: SqlDialect;
}

/** One step forward; there is no way back. It may find its own work half done: MariaDB commits each change of a table. */
export interface Migration {
  /** "0001-hub": the number orders, the words say what for. */
  name: string;
  up(context: MigrationContext): Promise<void>;
}

export async function createTable(
  { queryInterface, transaction, dialect }: MigrationContext,
  table: string,
  columns: Record<string, ModelAttributeColumnOptions>,
): Promise<void> {
  if (dialect !== 'mariadb' && dialect !== 'mysql') {
    await queryInterface.createTable(table, columns, inTransaction(transaction));
    return;
  }
  const unlimited = Object.entries(columns).map(([name, column]) => [name, inDialect(column, dialect)]);
  await queryInterface.createTable(table, Object.fromEntries(unlimited), {
    ...inTransaction(transaction),
    // Keys and names differ by case everywhere; MariaDB's default collation would take "a" for "A".
    charset: 'utf8mb4',
    collate: 'utf8mb4_bin',
  });
}

export async function addColumns(
  { queryInterface, transaction, dialect }: MigrationContext,
  table: string,
  columns: Record<string, ModelAttributeColumnOptions>,
): Promise<void> {
  const existing = await queryInterface.describeTable(table, inTransaction(transaction) as object);
  for (const [name, column] of Object.entries(columns)) {
    if (!(name in existing)) {
      await queryInterface.addColumn(table, name, inDialect(column, dialect), inTransaction(transaction));
    }
  }
}

/** @param options `where`: SQL, over which rows it goes where the database knows that */
export async function createIndex(
  { queryInterface, transaction, dialect }: MigrationContext,
  table: string,
  fields: string[],
  { where, ...options }: { unique?: boolean; where?: string } = {},
): Promise<void> {
  const name = indexName(table, fields);
  const existing = (await queryInterface.showIndex(table, inTransaction(transaction))) as { name: string }[];
  if (existing.some((index) => index.name === name)) return;
  if (where !== undefined && hasPartialIndexes({ dialect })) {
    await transaction.execute(`CREATE INDEX ${name} ON ${table} (${fields.join(', ')}) WHERE ${where}`);
    return;
  }
  await queryInterface.addIndex(table, fields, { name, ...options, ...inTransaction(transaction) });
}

/** Gives an index another extent, where the database knows partial ones. */
export async function recreateIndex(
  context: MigrationContext,
  table: string,
  fields: string[],
  { where }: { where: string },
): Promise<void> {
  if (!hasPartialIndexes(context)) return;
  await context.transaction.execute(`DROP INDEX IF EXISTS ${indexName(table, fields)}`);
  await createIndex(context, table, fields, { where });
}

function indexName(table: string, fields: readonly string[]): string {
  return `${table}_${fields.join('_')}`.slice(0, 63);
}

function hasPartialIndexes({ dialect }: Pick<MigrationContext, 'dialect'>): boolean {
  return dialect === 'sqlite' || dialect === 'postgres';
}

/** A plain TEXT of MariaDB and MySQL ends at 64 KiB. */
function inDialect(column: ModelAttributeColumnOptions, dialect: SqlDialect): ModelAttributeColumnOptions {
  const limited = (dialect === 'mariadb' || dialect === 'mysql') && column.type === DataTypes.TEXT;
  return limited ? { ...column, type: DataTypes.TEXT('long') } : column;
}

function inTransaction(transaction: SqlTransaction) {
  return transaction.handle === undefined ? {} : { transaction: transaction.handle };
}
