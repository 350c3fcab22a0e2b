import { IntegrationError } from '../../model/errors';

/** What the work gives, or the signal's end if that comes first: work that others wait for too goes on. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = () => {
    const { reason } = signal;
    const error = new IntegrationError('cancelled', 'PCP_CANCELLED', 'The request was cancelled.', { cause: reason });
    stopped.reject(reason instanceof IntegrationError ? reason : error);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
