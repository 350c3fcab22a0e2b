import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { byNumber, type ErrorTable } from '../coded-errors';
import type { SqlOptions } from '../database';
import { lostError, networkError, place, signInRefused, timeoutError, withoutPassword } from '../errors';

/** https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors */
const CODES: ErrorTable = {
  4060: ['config', 'PCP_SQL_DATABASE_UNKNOWN', 'Check the name of the database, and that this user may open it.'],
  208: ['config', 'PCP_SQL_TABLE_UNKNOWN', 'Check table and schema.'],
  207: ['config', 'PCP_SQL_COLUMN_UNKNOWN', 'Check the field names of the mapping.'],
  102: ['config', 'PCP_SQL_SYNTAX'],
  156: ['config', 'PCP_SQL_SYNTAX'],
  229: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user the right on the table.'],
  230: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user the right on the column.'],
  262: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user the right named.'],
  3906: ['permission', 'PCP_SQL_PERMISSION', 'The database is read-only: connect to the primary.'],
  2627: ['data', 'PCP_SQL_UNIQUE'],
  2601: ['data', 'PCP_SQL_UNIQUE'],
  515: ['data', 'PCP_SQL_NOT_NULL'],
  547: ['data', 'PCP_SQL_CHECK'],
  2628: ['data', 'PCP_SQL_RANGE'],
  8152: ['data', 'PCP_SQL_RANGE'],
  8115: ['data', 'PCP_SQL_RANGE'],
  220: ['data', 'PCP_SQL_RANGE'],
  241: ['data', 'PCP_SQL_VALUE'],
  245: ['data', 'PCP_SQL_VALUE'],
  8114: ['data', 'PCP_SQL_VALUE'],
  8672: ['data', 'PCP_SQL_DUPLICATE_KEY'],
  1205: ['transient', 'PCP_SQL_DEADLOCK'],
  1222: ['transient', 'PCP_SQL_BUSY', 'Another session holds the lock on the rows.'],
  1105: ['transient', 'PCP_DISK_FULL', 'Make room on the server; the work goes on by itself afterwards.'],
  9002: ['transient', 'PCP_DISK_FULL', 'Back up or enlarge the transaction log.'],
};

export function classifyMssql(
  thrown: Error & { number?: number; code?: string },
  options: SqlOptions,
): IntegrationError | undefined {
  const message = withoutPassword(thrown.message, options);
  // When signing in, tedious keeps the words of the server's last error and drops its number.
  const isLogin = thrown.code === 'ELOGIN';
  const number = isLogin && /^Cannot open database/.test(thrown.message) ? 4060 : (thrown.number ?? 0);
  if (number === 18456 || number === 18452 || (isLogin && number === 0)) {
    return signInRefused(
      thrown,
      options,
      'Check user name and password, that the server allows SQL Server authentication, and that this user may open the database.',
    );
  }
  const column = /column '([^']+)'/i.exec(thrown.message)?.[1];
  const known = byNumber(CODES, number, `SQL Server: ${message}`, thrown, column);
  if (known !== undefined) return known;
  const network = networkError(socketError(thrown), options);
  if (network !== undefined) return network;
  if (thrown.code === 'EENCRYPT') {
    return new IntegrationError(
      'config',
      'PCP_TLS_REQUIRED',
      phrase`${place(options)} takes encrypted connections only.`,
      {
        cause: thrown,
        path: '/config/ssl',
        hint: 'Turn TLS on.',
      },
    );
  }
  if (thrown.code === 'ETIMEOUT') return timeoutError(thrown, options);
  if (thrown.code === 'ESOCKET' || thrown.code === 'ECONNCLOSED') return lostError(thrown, options);
  if (thrown.number === undefined) return undefined;
  return new IntegrationError('config', 'PCP_SQL_SYNTAX', phrase`SQL Server refused a statement: ${message}`, {
    cause: thrown,
  });
}

/** What failed below: tedious wraps it, and what it tried address by address once more. */
function socketError(thrown: Error): Error {
  const { cause } = thrown;
  const inner: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  return inner instanceof Error ? inner : thrown;
}
