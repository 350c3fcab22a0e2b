import { IntegrationError } from './model/errors';

/** The work's outcome, or why the signal was aborted when that comes first: then the work goes on unseen. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(cancelled(signal.reason));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Also for time limits, which say so by a reason of their own. */
export function cancelled(reason?: unknown): IntegrationError {
  if (reason instanceof IntegrationError) return reason;
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The work was cancelled.', { cause: reason });
}
