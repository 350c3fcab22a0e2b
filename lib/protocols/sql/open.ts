import type { SqlDatabase, SqlDialect, SqlOptions } from './database';

const DEFAULT_PORTS: Partial<Record<SqlDialect, number>> = {
  postgres: 5432,
  mysql: 3306,
  mariadb: 3306,
  mssql: 1433,
  oracle: 1521,
};

export { parseDatabaseUrl } from './url';

/**
 * Opens a database; its driver is loaded now and only now. SQLite opens its file at once, servers connect with the first
 * statement.
 *
 * @throws config PCP_DRIVER_MISSING when the driver's package is not installed
 */
export async function openDatabase(given: SqlOptions): Promise<SqlDatabase> {
  const options = { port: DEFAULT_PORTS[given.dialect], ...given } as SqlOptions;
  switch (options.dialect) {
    case 'sqlite':
      return (await import('./sqlite/database.js')).SqliteDatabase.open(options);
    case 'postgres':
      return new (await import('./postgres/database.js')).PostgresDatabase(options);
    case 'mysql':
    case 'mariadb':
      return new (await import('./mysql/database.js')).MysqlDatabase(options);
    case 'mssql':
      return new (await import('./mssql/database.js')).MssqlDatabase(options);
    case 'oracle':
      return new (await import('./oracle/database.js')).OracleDatabase(options);
  }
}
