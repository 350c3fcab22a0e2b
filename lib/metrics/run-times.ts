import type { SqlDialect } from '../protocols/sql/database';

/** How long a run took, in milliseconds, as SQL of each dialect. */
export function durationMs(dialect: SqlDialect): string {
  switch (dialect) {
    case 'postgres':
      return '(EXTRACT(EPOCH FROM (ended_at - started_at)) * 1000)';
    case 'sqlite':
      return 'ROUND((julianday(ended_at) - julianday(started_at)) * 86400000)';
    default:
      return '(TIMESTAMPDIFF(MICROSECOND, started_at, ended_at) / 1000)';
  }
}

/** The how manieth period of so many seconds since 1970 a run ended in. */
export function periodNumber(dialect: SqlDialect, seconds: number): string {
  switch (dialect) {
    case 'postgres':
      return `FLOOR(EXTRACT(EPOCH FROM ended_at) / ${seconds})`;
    case 'sqlite':
      return `(CAST(strftime('%s', ended_at) AS INTEGER) / ${seconds})`;
    default:
      return `FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', ended_at) / ${seconds})`;
  }
}
