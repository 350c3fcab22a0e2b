import { IntegrationError } from '../model/errors';
import type { SqlDatabase, SqlTransaction } from '../protocols/sql/database';
import { instant, text } from './columns';
import type { Migration, MigrationContext } from './migrations';
import { createTable } from './migrations/migration';

const MIGRATIONS_TABLE = 'integration_migrations';

/** Any number will do, as long as every process takes the same. */
const POSTGRES_LOCK = 7_226_001;
const MARIADB_LOCK = 'pcp_integrations_migrate';
const LOCK_TIMEOUT_SECONDS = 60;

/**
 * Brings the store to this version, once, however many processes start together: all but one wait, then find the work
 * done. SQLite and PostgreSQL take every migration in one transaction; MariaDB commits each table by itself, and a
 * migration that was cut off runs again.
 *
 * @throws config PCP_STORE_NEWER when a later version of this package made the store
 */
export async function migrate(database: SqlDatabase, migrations: readonly Migration[]): Promise<void> {
  if (await isCurrent(database, migrations)) return;
  await database.transaction(async (transaction) => {
    await lock(database, transaction);
    try {
      await migrateLocked(database, transaction, migrations);
    } finally {
      await unlock(database, transaction);
    }
  });
}

/** Spares the lock, and loading umzug, at every start but the first. */
async function isCurrent(database: SqlDatabase, migrations: readonly Migration[]): Promise<boolean> {
  let applied: Set<string>;
  try {
    applied = await appliedMigrations(database, database);
  } catch (error) {
    if (error instanceof IntegrationError && error.code === 'PCP_SQL_TABLE_UNKNOWN') return false;
    throw error;
  }
  refuseNewer(applied, migrations);
  return migrations.every(({ name }) => applied.has(name));
}

async function migrateLocked(
  database: SqlDatabase,
  transaction: SqlTransaction,
  migrations: readonly Migration[],
): Promise<void> {
  const { Umzug } = await import('umzug');
  const context: MigrationContext = {
    queryInterface: database.sequelize.getQueryInterface(),
    transaction,
    dialect: database.dialect,
  };
  await createTable(context, MIGRATIONS_TABLE, { name: text(255, { primaryKey: true }), applied_at: instant() });
  refuseNewer(await appliedMigrations(database, transaction), migrations);
  const umzug = new Umzug({
    context,
    logger: undefined,
    migrations: migrations.map((migration) => ({ name: migration.name, up: () => migration.up(context) })),
    storage: {
      executed: async () => [...(await appliedMigrations(database, transaction))],
      logMigration: async ({ name }) => {
        const table = database.tableName({ name: MIGRATIONS_TABLE });
        await transaction.execute(`INSERT INTO ${table} (name, applied_at) VALUES (?, ?)`, [name, new Date()]);
      },
      unlogMigration: async ({ name }) => {
        throw new IntegrationError('bug', 'PCP_INTERNAL', `Migration ${name} cannot be taken back.`);
      },
    },
  });
  try {
    await umzug.up();
  } catch (error) {
    // Umzug wraps what a migration threw; the class of the cause decides what happens next.
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  }
}

async function appliedMigrations(database: SqlDatabase, executor: SqlTransaction): Promise<Set<string>> {
  const rows = await executor.query(`SELECT name FROM ${database.tableName({ name: MIGRATIONS_TABLE })} ORDER BY name`);
  return new Set(rows.map((row) => String(row.name)));
}

function refuseNewer(applied: Set<string>, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...applied].find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new IntegrationError(
    'config',
    'PCP_STORE_NEWER',
    `The store was made by a later version of this package: it holds migration ${unknown}.`,
    { hint: 'Install that version again, or restore the backup of the store that was made before the upgrade.' },
  );
}

/** A SQLite transaction that writes is itself the lock, because it begins as IMMEDIATE. */
async function lock({ dialect }: SqlDatabase, transaction: SqlTransaction): Promise<void> {
  if (dialect === 'postgres') await transaction.query('SELECT pg_advisory_xact_lock(?)', [POSTGRES_LOCK]);
  if (dialect !== 'mariadb' && dialect !== 'mysql') return;
  const [row] = await transaction.query('SELECT GET_LOCK(?, ?) AS taken', [MARIADB_LOCK, LOCK_TIMEOUT_SECONDS]);
  if (Number(row?.taken) === 1) return;
  throw new IntegrationError(
    'transient',
    'PCP_STORE_MIGRATING',
    `Another process has been upgrading the store for more than ${LOCK_TIMEOUT_SECONDS} s.`,
  );
}

async function unlock({ dialect }: SqlDatabase, transaction: SqlTransaction): Promise<void> {
  if (dialect === 'mariadb' || dialect === 'mysql') {
    await transaction.query('SELECT RELEASE_LOCK(?) AS released', [MARIADB_LOCK]);
  }
}
