import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { CheckError } from '../checks';
import { byNumber, type ErrorTable } from '../coded-errors';
import type { SqlOptions } from '../database';
import { lostError, networkError, signInRefused, withoutPassword } from '../errors';

interface MysqlError extends Error {
  code?: string;
  errno?: number;
}

/** By error number, the same in MySQL and MariaDB up to 2000: https://mariadb.com/kb/en/mariadb-error-code-reference/ */
const CODES: ErrorTable = {
  1021: ['transient', 'PCP_DISK_FULL', 'Make room on the server; the work goes on by itself afterwards.'],
  1114: ['transient', 'PCP_DISK_FULL', 'Make room on the server; the work goes on by itself afterwards.'],
  1040: ['transient', 'PCP_CONNECT_TOO_MANY', 'Lower pool_size, or raise max_connections.'],
  1203: ['transient', 'PCP_CONNECT_TOO_MANY', 'Lower pool_size, or raise max_user_connections.'],
  1044: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user rights on the database.'],
  1142: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user the right on the table.'],
  1143: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user the right on the column.'],
  1227: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user the privilege named.'],
  1290: ['permission', 'PCP_SQL_PERMISSION', 'The server is read-only: connect to the primary.'],
  1836: ['permission', 'PCP_SQL_PERMISSION', 'The server is read-only: connect to the primary.'],
  1049: ['config', 'PCP_SQL_DATABASE_UNKNOWN', 'Check the name of the database.'],
  1146: ['config', 'PCP_SQL_TABLE_UNKNOWN', 'Check the name of the table, and its upper and lower case.'],
  1054: ['config', 'PCP_SQL_COLUMN_UNKNOWN', 'Check the field names of the mapping.'],
  1064: ['config', 'PCP_SQL_SYNTAX'],
  1213: ['transient', 'PCP_SQL_DEADLOCK'],
  1205: ['transient', 'PCP_SQL_BUSY', 'Another session holds the lock on the rows.'],
  1020: ['transient', 'PCP_SQL_SERIALIZATION'],
  1969: ['transient', 'PCP_SQL_TIMEOUT', 'Raise statement_timeout_ms, or add an index.'],
  3024: ['transient', 'PCP_SQL_TIMEOUT', 'Raise statement_timeout_ms, or add an index.'],
  1062: ['data', 'PCP_SQL_UNIQUE'],
  1586: ['data', 'PCP_SQL_UNIQUE'],
  1048: ['data', 'PCP_SQL_NOT_NULL'],
  1364: ['data', 'PCP_SQL_NOT_NULL'],
  1216: ['data', 'PCP_SQL_FOREIGN_KEY'],
  1452: ['data', 'PCP_SQL_FOREIGN_KEY'],
  3819: ['data', 'PCP_SQL_CHECK'],
  4025: ['data', 'PCP_SQL_CHECK'],
  1264: ['data', 'PCP_SQL_RANGE'],
  1406: ['data', 'PCP_SQL_RANGE'],
  1690: ['data', 'PCP_SQL_RANGE'],
  1153: ['data', 'PCP_SQL_RANGE', 'The record is larger than max_allowed_packet of the server.'],
  1265: ['data', 'PCP_SQL_VALUE'],
  1292: ['data', 'PCP_SQL_VALUE'],
  1366: ['data', 'PCP_SQL_VALUE'],
  1367: ['data', 'PCP_SQL_VALUE'],
  3140: ['data', 'PCP_SQL_VALUE'],
};

const LOST = new Set([1053, 1077, 1079, 1080, 1317, 1927, 2006, 2013]);

export function classifyMysql(thrown: MysqlError, options: SqlOptions): IntegrationError | undefined {
  const { errno = 0, code } = thrown;
  const message = withoutPassword(thrown.message, options);
  if (errno === 1045 || errno === 1698 || errno === 1524) {
    return signInRefused(
      thrown,
      options,
      'Check user name and password, and that this user may sign in from this machine.',
    );
  }
  if (LOST.has(errno) || code === 'PROTOCOL_CONNECTION_LOST' || /closed state|Connection lost/i.test(message)) {
    return lostError(thrown, options);
  }
  if (errno === 1365) {
    // Raised on purpose by our upsert, see session.ts.
    return new IntegrationError(
      'data',
      'PCP_SQL_UNIQUE',
      phrase`A different record of the table has these values: in another unique key, or in this key, spelt otherwise.`,
      {
        cause: thrown,
        hint: 'Look for a row with the same values in the other unique columns, or with a key that differs in upper and lower case, accents or blanks at its end alone: its collation takes those for the same.',
      },
    );
  }
  const check = /^(?:CONSTRAINT|Check constraint) [`'](.+?)[`'] (?:failed|is violated)/.exec(thrown.message)?.[1];
  if (check !== undefined) return new CheckError(check, thrown);
  const known = byNumber(CODES, errno, message, thrown, columnOf(thrown.message));
  if (known !== undefined) return known;
  return networkError(thrown, options) ?? other(thrown, message);
}

/** "Out of range value for column 'size' at row 3", "Incorrect integer value: 'abc' for column `erp`.`part`.`size` at row 1" */
function columnOf(message: string): string | undefined {
  return /(?:column|Column|Field|FOREIGN KEY) \(?(?:`[^`]+`\.)*['`]([^'`]+)['`]/.exec(message)?.[1];
}

function other(thrown: MysqlError, message: string): IntegrationError | undefined {
  if (thrown.errno === undefined || !thrown.code?.startsWith('ER_')) return undefined;
  return new IntegrationError('config', 'PCP_SQL_SYNTAX', phrase`The server refused a statement: ${message}`, {
    cause: thrown,
  });
}
