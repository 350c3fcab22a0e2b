import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { byNumber, type ErrorTable } from '../coded-errors';
import type { SqlOptions } from '../database';
import { lostError, networkError, place, signInRefused, timeoutError, withoutPassword } from '../errors';

/** https://docs.oracle.com/error-help/db/ */
const CODES: ErrorTable = {
  942: ['config', 'PCP_SQL_TABLE_UNKNOWN', 'Check table and schema, and that this user may read it.'],
  904: ['config', 'PCP_SQL_COLUMN_UNKNOWN', 'Check the field names of the mapping.'],
  12154: ['config', 'PCP_SQL_DATABASE_UNKNOWN', 'Check the service name.'],
  12505: ['config', 'PCP_SQL_DATABASE_UNKNOWN', 'Check the service name.'],
  12514: ['config', 'PCP_SQL_DATABASE_UNKNOWN', 'Check the service name.'],
  1031: ['permission', 'PCP_SQL_PERMISSION', 'GRANT this user the right.'],
  1045: ['permission', 'PCP_SQL_PERMISSION', 'GRANT CREATE SESSION to this user.'],
  1: ['data', 'PCP_SQL_UNIQUE'],
  1400: ['data', 'PCP_SQL_NOT_NULL'],
  1407: ['data', 'PCP_SQL_NOT_NULL'],
  2290: ['data', 'PCP_SQL_CHECK'],
  2291: ['data', 'PCP_SQL_FOREIGN_KEY'],
  12899: ['data', 'PCP_SQL_RANGE'],
  1438: ['data', 'PCP_SQL_RANGE'],
  1426: ['data', 'PCP_SQL_RANGE'],
  1722: ['data', 'PCP_SQL_VALUE'],
  1830: ['data', 'PCP_SQL_VALUE'],
  1839: ['data', 'PCP_SQL_VALUE'],
  1840: ['data', 'PCP_SQL_VALUE'],
  1861: ['data', 'PCP_SQL_VALUE'],
  30926: ['data', 'PCP_SQL_DUPLICATE_KEY'],
  60: ['transient', 'PCP_SQL_DEADLOCK'],
  8177: ['transient', 'PCP_SQL_SERIALIZATION'],
  54: ['transient', 'PCP_SQL_BUSY', 'Another session holds the lock on the rows.'],
  1653: ['transient', 'PCP_DISK_FULL', 'Enlarge the tablespace.'],
  1654: ['transient', 'PCP_DISK_FULL', 'Enlarge the tablespace.'],
};

/** Codes of node:net and node:tls for errors of the thin driver, https://github.com/oracle/node-oracledb lib/errors.js */
const SOCKET_CODES: Partial<Record<string, string>> = {
  505: 'EPROTO',
  506: 'EPROTO',
  507: 'ERR_TLS_CERT_ALTNAME_INVALID',
  508: 'ERR_TLS_CERT_ALTNAME_INVALID',
  511: 'ECONNREFUSED',
  530: 'ENOTFOUND',
};

export function classifyOracle(
  thrown: Error & { errorNum?: number },
  options: SqlOptions,
): IntegrationError | undefined {
  const message = withoutPassword(thrown.message, options);
  const number = Number(/^ORA-(\d+)/.exec(thrown.message)?.[1] ?? 0);
  const thin = /^NJS-(\d+)/.exec(thrown.message)?.[1];
  if (number === 1017 || number === 28000 || number === 28001) {
    return signInRefused(
      thrown,
      options,
      'Check user name and password, and whether the account is locked or expired.',
    );
  }
  const column = /"([^"]+)"\)?[^"]*$/.exec(thrown.message)?.[1];
  const known = byNumber(CODES, number, `Oracle: ${message}`, thrown, column);
  if (known !== undefined) return known;
  const socket =
    SOCKET_CODES[thin ?? ''] ??
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ECONNRESET)\b/.exec(thrown.message)?.[1];
  const network = networkError(
    socket === undefined ? thrown : Object.assign(new Error(message), { code: socket }),
    options,
  );
  if (network !== undefined) return network;
  // NJS-510: connect timeout; NJS-500, 501, 503, 513, 521: connection closed or impossible; NJS-517 to 519: unknown service.
  if (thin === '510' || thin === '123') return timeoutError(thrown, options);
  if (/^(500|501|503|513|521)$/.test(thin ?? '') || [3113, 3114, 12537, 12541].includes(number)) {
    return lostError(thrown, options);
  }
  if (/^51[2-9]$/.test(thin ?? '')) {
    return new IntegrationError(
      'config',
      'PCP_SQL_DATABASE_UNKNOWN',
      phrase`There is no service "${options.database}" at ${place(options)}.`,
      {
        cause: thrown,
        path: '/config/database',
        hint: 'Check the service name.',
      },
    );
  }
  if (number === 0) return undefined;
  return new IntegrationError('config', 'PCP_SQL_SYNTAX', phrase`Oracle refused a statement: ${message}`, {
    cause: thrown,
  });
}
