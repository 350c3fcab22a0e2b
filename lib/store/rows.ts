import { IntegrationError } from '../model/errors';
import { phrase, type Said } from '../model/phrase';
import type { SqlDatabase, SqlTransaction, SqlValue } from '../protocols/sql/database';

/**
 * Changes one row, only if it still has the revision given, and counts that up.
 * @returns false when the row is gone or somebody else changed it meanwhile
 */
export async function updateRevision(
  database: SqlDatabase,
  transaction: SqlTransaction,
  table: string,
  id: number,
  revision: number,
  values: Record<string, SqlValue>,
): Promise<boolean> {
  const names = Object.keys(values);
  const changed = await transaction.execute(
    `UPDATE ${database.tableName({ name: table })}
     SET ${names.map((name) => `${database.quote(name)} = ?`).join(', ')}, revision = revision + 1
     WHERE id = ? AND revision = ?`,
    [...Object.values(values), id, revision],
  );
  return changed === 1;
}

export async function deleteRows(
  database: SqlDatabase,
  transaction: SqlTransaction,
  table: string,
  where: Record<string, SqlValue>,
): Promise<number> {
  const condition = Object.keys(where).map((name) => `${database.quote(name)} = ?`);
  return transaction.execute(
    `DELETE FROM ${database.tableName({ name: table })} WHERE ${condition.join(' AND ')}`,
    Object.values(where),
  );
}

export function notFound(what: Said): IntegrationError {
  return new IntegrationError('data', 'PCP_NOT_FOUND', phrase`There is no ${what}.`);
}

export function staleRevision(what: Said, given: number, now: number): IntegrationError {
  return new IntegrationError(
    'conflict',
    'PCP_STALE_REVISION',
    phrase`${what} was changed meanwhile: it has revision ${now}, not ${given}.`,
    { hint: 'Read it again, apply the change to what it is now, and send it with the new revision.' },
  );
}

export function managedByFlow(what: Said, nodeId: string | null): IntegrationError {
  return new IntegrationError(
    'conflict',
    'PCP_MANAGED_BY_FLOW',
    phrase`${what} belongs to the node ${nodeId ?? ''} of a deployed flow.`,
    { hint: 'Change it in the flow editor and deploy.' },
  );
}

export function nameTaken(what: Said, name: string): IntegrationError {
  return new IntegrationError('conflict', 'PCP_NAME_TAKEN', phrase`Another ${what} is called "${name}".`, {
    path: '/name',
  });
}

/** The database ended this work to let another one go on: done again it may succeed. */
export function isDeadlock(error: unknown): boolean {
  return error instanceof IntegrationError && error.code === 'PCP_SQL_DEADLOCK';
}

/** Whether a write failed because a unique value exists already. */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof IntegrationError) return error.code === 'PCP_SQL_UNIQUE';
  return error instanceof Error && error.name === 'SequelizeUniqueConstraintError';
}
