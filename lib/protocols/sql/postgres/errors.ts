import { type ErrorDetails, IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import { CheckError } from '../checks';
import type { SqlOptions } from '../database';
import { lostError, networkError, signInRefused, timeoutError, withoutPassword } from '../errors';

interface PostgresError extends Error {
  code?: string;
  detail?: string;
  column?: string;
  constraint?: string;
  where?: string;
}

const SIGN_IN_HINT = 'Check user name and password, and which users pg_hba.conf lets in from this machine.';

/** By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function classifyPostgres(thrown: PostgresError, options: SqlOptions): IntegrationError | undefined {
  const state = thrown.code ?? '';
  if (/^[0-9A-Z]{5}$/.test(state) && !/^E[A-Z]+$/.test(state)) return byState(state, thrown, options);
  const network = networkError(thrown, options);
  if (network !== undefined) return network;
  if (/timeout expired|timed out|read timeout/i.test(thrown.message)) return timeoutError(thrown, options);
  if (/connection terminated|connection ended|not queryable|connection error/i.test(thrown.message)) {
    return lostError(thrown, options);
  }
  if (/password must be a string|SASL/i.test(thrown.message)) return signInRefused(thrown, options, SIGN_IN_HINT);
  return undefined;
}

function byState(state: string, thrown: PostgresError, options: SqlOptions): IntegrationError {
  const text = withoutPassword(thrown.message, options);
  const make = (errorClass: IntegrationError['class'], code: string, said: Said, details: ErrorDetails = {}) =>
    new IntegrationError(errorClass, code, said, { cause: thrown, ...details });
  switch (state) {
    case '28P01':
    case '28000':
      return signInRefused(thrown, options, SIGN_IN_HINT);
    case '3D000':
      return make('config', 'PCP_SQL_DATABASE_UNKNOWN', phrase`There is no database "${options.database}".`, {
        path: '/config/database',
        hint: 'Check its name, and its upper and lower case.',
      });
    case '42501':
    case '25006':
      return make('permission', 'PCP_SQL_PERMISSION', phrase`PostgreSQL refuses: ${text}`, {
        hint: `GRANT the right to the user "${options.username}".`,
      });
    case '42P01':
    case '3F000':
      return make('config', 'PCP_SQL_TABLE_UNKNOWN', `PostgreSQL: ${text}.`, { hint: 'Check table and schema.' });
    case '42703':
      return make('config', 'PCP_SQL_COLUMN_UNKNOWN', `PostgreSQL: ${text}.`, {
        hint: 'Check the field names of the mapping.',
      });
    case '42P10':
      return make('config', 'PCP_SQL_KEY_MISSING', phrase`The table has no unique key over the key fields.`, {
        hint: 'Add one: CREATE UNIQUE INDEX ... ON table (key fields).',
      });
    case '40P01':
      return make('transient', 'PCP_SQL_DEADLOCK', phrase`PostgreSQL ended the statement to break a deadlock.`);
    case '40001':
      return make('transient', 'PCP_SQL_SERIALIZATION', `PostgreSQL: ${text}.`);
    case '55P03':
      return make('transient', 'PCP_SQL_BUSY', phrase`Another session holds the lock on the rows.`);
    case '53100':
      return make('transient', 'PCP_DISK_FULL', phrase`The disk of the database server is full.`, {
        hint: 'Make room on the server; the work goes on by itself afterwards.',
      });
    case '53300':
      return make('transient', 'PCP_CONNECT_TOO_MANY', phrase`The server takes no more connections.`, {
        hint: 'Lower pool_size, or raise max_connections.',
      });
    case '57014':
      return make('transient', 'PCP_SQL_TIMEOUT', `PostgreSQL: ${text}.`, {
        hint: 'Raise statement_timeout_ms, or add an index.',
      });
    case '21000':
      return make('data', 'PCP_SQL_DUPLICATE_KEY', phrase`Two records of one batch have the same key.`);
  }
  switch (state.slice(0, 2)) {
    case '08':
    case '57':
      return lostError(thrown, options);
    case '53':
    case '58':
      return make('transient', 'PCP_SQL_RESOURCES', phrase`PostgreSQL lacks resources: ${text}`);
    case '23':
      return constraintError(state, thrown);
    case '22':
    case '54':
      return valueError(state, thrown);
  }
  if (state === '42804' || state === '42846') return valueError(state, thrown);
  return make('config', 'PCP_SQL_SYNTAX', phrase`PostgreSQL refused a statement: ${text}`);
}

function constraintError(state: string, thrown: PostgresError): IntegrationError {
  // "Key (order_number)=(1000123) already exists."
  const column = thrown.column ?? /^Key \(([^),]+)[),]/.exec(thrown.detail ?? '')?.[1];
  const details = { cause: thrown, ...(column !== undefined && { path: `/${column}` }) };
  switch (state) {
    case '23502':
      return new IntegrationError('data', 'PCP_SQL_NOT_NULL', phrase`Column "${column}" must not be empty.`, details);
    case '23505':
      return new IntegrationError(
        'data',
        'PCP_SQL_UNIQUE',
        phrase`Unique key ${thrown.constraint}: ${thrown.detail ?? thrown.message}`,
        details,
      );
    case '23503':
      return new IntegrationError(
        'data',
        'PCP_SQL_FOREIGN_KEY',
        phrase`Foreign key ${thrown.constraint}: ${thrown.detail ?? thrown.message}`,
        details,
      );
    default:
      return new CheckError(String(thrown.constraint), thrown);
  }
}

function valueError(state: string, thrown: PostgresError): IntegrationError {
  // COPY names the column: 'COPY stage, line 3, column quantity: "abc"'
  const column = thrown.column ?? /line \d+, column ([^:]+):/.exec(thrown.where ?? '')?.[1];
  const code = state === '22003' || state === '22001' ? 'PCP_SQL_RANGE' : 'PCP_SQL_VALUE';
  const subject = column === undefined ? phrase`A value` : phrase`Column "${column}"`;
  return new IntegrationError('data', code, phrase`${subject}: ${thrown.message}`, {
    cause: thrown,
    ...(column !== undefined && { path: `/${column}` }),
  });
}
