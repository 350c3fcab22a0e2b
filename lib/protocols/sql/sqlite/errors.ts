import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { CheckError } from '../checks';

/** Result codes of SQLite, https://www.sqlite.org/rescode.html */
const SQLITE = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  INTERRUPT: 9,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  TOOBIG: 18,
  CONSTRAINT: 19,
  MISMATCH: 20,
  AUTH: 23,
  NOTADB: 26,
} as const;

const CONSTRAINT_NAMES: Record<number, string> = {
  275: 'SQLITE_CONSTRAINT_CHECK',
  787: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  1299: 'SQLITE_CONSTRAINT_NOTNULL',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  1811: 'SQLITE_CONSTRAINT_TRIGGER',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
};

interface SqliteError extends Error {
  code?: string;
  errcode?: number;
}

export function isBusy(thrown: unknown): boolean {
  const primary = ((thrown as SqliteError)?.errcode ?? 0) & 0xff;
  return primary === SQLITE.BUSY || primary === SQLITE.LOCKED;
}

/** The code as the `sqlite3` package names it, which Sequelize's dialect compares with. */
export function sqlite3Code(thrown: unknown): string {
  const errcode = (thrown as SqliteError)?.errcode ?? 1;
  if (CONSTRAINT_NAMES[errcode] !== undefined) return CONSTRAINT_NAMES[errcode];
  if (isBusy(thrown)) return 'SQLITE_BUSY';
  return (errcode & 0xff) === SQLITE.CONSTRAINT ? 'SQLITE_CONSTRAINT' : 'SQLITE_ERROR';
}

/** Class and code of an error of node:sqlite. */
export function classifySqlite(thrown: SqliteError, storage: string): IntegrationError | undefined {
  const message = thrown.message;
  const details = { cause: thrown };
  if (thrown.errcode === undefined) return undefined;
  switch (thrown.errcode & 0xff) {
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return new IntegrationError('transient', 'PCP_SQL_BUSY', phrase`Another process holds the database ${storage}.`, {
        ...details,
        hint: 'It is tried again; if this stays, look for a program that keeps a write transaction open.',
      });
    case SQLITE.FULL:
      return new IntegrationError('transient', 'PCP_DISK_FULL', phrase`The disk of ${storage} is full.`, {
        ...details,
        hint: 'Make room on the disk; the work goes on by itself afterwards.',
      });
    case SQLITE.IOERR:
      return new IntegrationError(
        'transient',
        'PCP_DISK_IO',
        phrase`The database ${storage} cannot be read or written: ${message}`,
        details,
      );
    case SQLITE.CANTOPEN:
      return new IntegrationError('config', 'PCP_FILE_NOT_FOUND', phrase`The database ${storage} cannot be opened.`, {
        ...details,
        path: '/config/storage',
        hint: 'Check the path, and that this user may read it.',
      });
    case SQLITE.NOTADB:
    case SQLITE.CORRUPT:
      return new IntegrationError(
        'config',
        'PCP_SQL_CORRUPT',
        phrase`${storage} is not a sound SQLite database: ${message}`,
        details,
      );
    case SQLITE.READONLY:
    case SQLITE.PERM:
    case SQLITE.AUTH:
      return new IntegrationError(
        'permission',
        'PCP_SQL_PERMISSION',
        phrase`The database ${storage} may not be written: ${message}`,
        details,
      );
    case SQLITE.TOOBIG:
      return new IntegrationError('data', 'PCP_SQL_VALUE', phrase`A value is too long for SQLite: ${message}`, details);
    case SQLITE.MISMATCH:
      return new IntegrationError('data', 'PCP_SQL_TYPE', phrase`A value has the wrong type: ${message}`, details);
    case SQLITE.CONSTRAINT:
      return constraintError(thrown);
    case SQLITE.INTERRUPT:
      return new IntegrationError(
        'transient',
        'PCP_SQL_TIMEOUT',
        phrase`A statement was interrupted: ${message}`,
        details,
      );
  }
  const table = /no such table: (.+)/.exec(message)?.[1];
  if (table !== undefined) {
    return new IntegrationError(
      'config',
      'PCP_SQL_TABLE_UNKNOWN',
      phrase`There is no table "${table}" in ${storage}.`,
      details,
    );
  }
  const column = /no such column: (.+)|has no column named (.+)/.exec(message);
  if (column !== null) {
    return new IntegrationError(
      'config',
      'PCP_SQL_COLUMN_UNKNOWN',
      phrase`There is no column "${column[1] ?? column[2]}".`,
      details,
    );
  }
  return new IntegrationError('config', 'PCP_SQL_SYNTAX', phrase`SQLite refused a statement: ${message}`, details);
}

function constraintError(thrown: SqliteError): IntegrationError {
  const check = /^CHECK constraint failed: (.+)/s.exec(thrown.message)?.[1];
  if (check !== undefined) return new CheckError(check, thrown);
  const columns = /constraint failed: (.+)/
    .exec(thrown.message)?.[1]
    ?.split(', ')
    .map((name) => name.replace(/^[^.]*\./, ''));
  const column = columns?.[0];
  const details = { cause: thrown, ...(column !== undefined && { path: `/${column}` }) };
  switch (thrown.errcode) {
    case 1299:
      return new IntegrationError('data', 'PCP_SQL_NOT_NULL', phrase`Column "${column}" must not be empty.`, details);
    case 1555:
    case 2067:
      return new IntegrationError(
        'data',
        'PCP_SQL_UNIQUE',
        phrase`The value of ${columns?.join(', ')} exists already.`,
        details,
      );
    case 787:
      return new IntegrationError(
        'data',
        'PCP_SQL_FOREIGN_KEY',
        phrase`The record refers to a row that does not exist.`,
        {
          cause: thrown,
        },
      );
    default:
      return new IntegrationError(
        'data',
        'PCP_SQL_CHECK',
        phrase`The table refuses the record: ${thrown.message}`,
        details,
      );
  }
}
