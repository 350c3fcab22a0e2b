import type { JobStatus } from '../model/services';
import type { SyncLog } from '../model/sync';
import { inWords, type Locale, spokenRow, translate } from './catalogue';

/** A run whose failures are told in a language. */
export function spokenLog(log: SyncLog, locale: Locale): SyncLog {
  const { said, ...told } = log;
  const { history, warnings, error_code: code = '' } = log.details;
  const what = said ?? log.error_message;
  return {
    ...told,
    error_message: what === null ? null : inWords(code, what, locale),
    details: {
      ...log.details,
      ...(warnings && { warnings: warnings.map((warning) => translate(warning, locale)) }),
      ...(history && { history: history.map((attempt) => spokenRow(attempt, locale)) }),
    },
  };
}

export function spokenJob<T extends Pick<JobStatus, 'logs'>>(job: T, locale: Locale): T {
  return { ...job, logs: job.logs.map((log) => spokenLog(log, locale)) };
}
