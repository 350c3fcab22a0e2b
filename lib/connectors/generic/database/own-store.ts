import { randomInt } from 'node:crypto';
import { IntegrationError } from '../../../model/errors';
import type { SqlDatabase, SqlTransaction } from '../../../protocols/sql/database';

/** How a kind of server tells its databases apart, and what a user may do there. */
interface Server {
  /** Schemas, as `place`, with tables named like the hub's own that this user may read or write. */
  reachable: string;
  /** The schema, as `place`, in which the hub's own tables are. */
  here: string;
  lock(holder: SqlTransaction, name: number): Promise<unknown>;
  unlock(holder: SqlTransaction, name: number): Promise<unknown>;
  isLocked(by: SqlTransaction, name: number): Promise<boolean>;
}

const POSTGRES: Server = {
  reachable: `SELECT DISTINCT n.nspname AS place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relname LIKE 'integration\\_%' AND has_schema_privilege(n.oid, 'USAGE')
      AND (has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE') OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE'))`,
  here: 'SELECT current_schema() AS place',
  lock: (holder, name) => holder.query('SELECT pg_advisory_xact_lock(?)', [name]),
  // It ends with the transaction.
  unlock: async () => undefined,
  async isLocked(by, name) {
    const [row] = await by.query('SELECT pg_try_advisory_xact_lock(?) AS free', [name]);
    return row?.free === false;
  },
};

const MARIADB: Server = {
  // A table that a user has no right on is not listed.
  reachable: `SELECT DISTINCT table_schema AS place FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_name LIKE 'integration\\\\_%'`,
  here: 'SELECT database() AS place',
  lock: (holder, name) => holder.query('SELECT GET_LOCK(?, 0)', [`pcp_${name}`]),
  unlock: (holder, name) => holder.query('SELECT RELEASE_LOCK(?)', [`pcp_${name}`]),
  async isLocked(by, name) {
    const [row] = await by.query('SELECT IS_FREE_LOCK(?) AS free', [`pcp_${name}`]);
    return Number(row?.free) === 0;
  },
};

const SERVERS: Partial<Record<SqlDatabase['dialect'], Server>> = {
  postgres: POSTGRES,
  mariadb: MARIADB,
  mysql: MARIADB,
};

/**
 * Own SQL can reach every table that its user may read, so the rights of the user decide: one who may touch the hub's own
 * tables could change cursors and connections behind the hub's back.
 * @throws permission PCP_STORE_PROTECTED
 */
export async function refuseOwnStore(database: SqlDatabase, store: SqlDatabase | undefined): Promise<void> {
  const server = SERVERS[database.dialect];
  if (store === undefined || server === undefined || server !== SERVERS[store.dialect]) return;
  const places = await database.query(server.reachable);
  if (places.length === 0) return;
  const [own] = await store.query(server.here);
  if (!places.some(({ place }) => place === own?.place) || !(await isSame(database, store, server))) return;
  throw new IntegrationError('permission', 'PCP_STORE_PROTECTED', "This user may touch the hub's own tables.", {
    path: '/config/username',
    hint: 'Take a database user with rights on the tables of this connection, and none on those whose names begin with "integration_". Records of the platform are read and written without a connection.',
  });
}

/** Addresses have aliases, so the servers are asked: a lock that the store takes is seen where the store is, only. */
function isSame(database: SqlDatabase, store: SqlDatabase, server: Server): Promise<boolean> {
  const name = randomInt(2 ** 47);
  return store.transaction(async (holder) => {
    await server.lock(holder, name);
    try {
      return await server.isLocked(database, name);
    } finally {
      await server.unlock(holder, name);
    }
  });
}
