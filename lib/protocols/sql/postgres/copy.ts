import { IntegrationError } from '../../../model/errors';
import type { SqlValue } from '../database';

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/**
 * Rows in COPY's text format, https://www.postgresql.org/docs/current/sql-copy.html
 *
 * @throws data PCP_SQL_VALUE for a string that holds half a surrogate pair: UTF-8 has no form for it
 */
export function encodeCopy(rows: readonly SqlValue[][]): Buffer {
  // Joined row by row: a text of all that grows piece by piece would be a tree of pieces until the end.
  const text = rows.map((row) => `${row.map(encodeValue).join('\t')}\n`).join('');
  if (!text.isWellFormed()) {
    throw new IntegrationError(
      'data',
      'PCP_SQL_VALUE',
      'A text holds half of a surrogate pair, which is no character.',
    );
  }
  return Buffer.from(text, 'utf8');
}

function encodeValue(value: SqlValue | undefined): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value === 'string') {
    return SPECIAL.test(value) ? value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!) : value;
  }
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return `\\\\x${value.toString('hex')}`;
  return String(value);
}
