import type { SqlDatabase, SqlOptions } from './database';

export { parseDatabaseUrl } from './url';

/**
 * Opens a database; its driver is loaded now and only now. SQLite opens its file at once, servers connect with the first
 * statement.
 *
 * @throws config PCP_DRIVER_MISSING when the driver's package is not installed
 */
export async function openDatabase(options: SqlOptions): Promise<SqlDatabase> {
  switch (options.dialect) {
    case 'sqlite':
      return (await import('./sqlite/database.js')).SqliteDatabase.open(options);
    default:
      throw new Error(options.dialect);
  }
}
