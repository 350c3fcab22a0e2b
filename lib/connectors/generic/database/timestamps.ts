import type { ColumnInfo } from '../../../protocols/sql/database';
import type { CursorValue } from './keyset';

const TIME = /^(\d{4}-\d{2}-\d{2})(?:([T ])(\d{2}:\d{2}(?::\d{2})?)(\.\d+)?(Z| \+00:00)?)?$/;

/**
 * A time some seconds earlier, in the spelling in which the database gives it, so that it compares with the column as
 * its other values do. Fractions are dropped, which only moves it further back. Numbers are taken for seconds or
 * milliseconds since 1970. What is no time stays as it is.
 *
 * @param dateOnly the column knows days alone
 */
export function earlier(value: CursorValue, seconds: number, dateOnly: boolean): CursorValue {
  if (typeof value === 'number') return value - seconds * (value > 100_000_000_000 ? 1000 : 1);
  if (typeof value !== 'string') return value;
  const parts = TIME.exec(value);
  if (parts === null) return value;
  if (seconds === 0 && !dateOnly) return value;
  const [, day, separator, clock = '00:00:00', , zone] = parts;
  const time = new Date(Date.parse(`${day}T${clock}Z`) - seconds * 1000).toISOString();
  if (dateOnly || separator === undefined) return time.slice(0, 10);
  return `${time.slice(0, 10)}${separator}${time.slice(11, 19)}${zone === 'Z' ? 'Z' : ''}`;
}

/** PostgreSQL's timestamptz, MySQL's timestamp (sessions are in UTC), SQL Server's datetimeoffset. */
export function isInstant({ nativeType }: Pick<ColumnInfo, 'nativeType'>): boolean {
  return /with (local )?time zone|^timestamptz|^timestamp$|datetimeoffset/.test(nativeType);
}
