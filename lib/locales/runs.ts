import type { JobStatus } from '../model/services';
import type { SyncLog } from '../model/sync';
import { type Locale, translate } from './catalogue';

/** A run whose failures are told in a language, as far as they are made of phrases. */
export function spokenLog(log: SyncLog, locale: Locale): SyncLog {
  const { history, warnings } = log.details;
  return {
    ...inWords(log, locale),
    details: {
      ...log.details,
      ...(warnings && { warnings: warnings.map((warning) => translate(warning, locale)) }),
      ...(history && { history: history.map((attempt) => inWords(attempt, locale)) }),
    },
  };
}

export function spokenJob<T extends Pick<JobStatus, 'logs'>>(job: T, locale: Locale): T {
  return { ...job, logs: job.logs.map((log) => spokenLog(log, locale)) };
}

function inWords<T extends Pick<SyncLog, 'error_message' | 'said'>>(failed: T, locale: Locale): T {
  const { said, ...told } = failed;
  return said === undefined ? failed : ({ ...told, error_message: translate(said, locale) } as T);
}
