import { IntegrationError } from '../../model/errors';

/**
 * Waits for a call of the library, but no longer than `ms`, and not beyond the signal: some of its promises never settle
 * once the connection is gone. What comes later is dropped.
 * @param what names the call in the error ("reading values")
 */
export async function within<T>(work: Promise<T>, ms: number, what: string, signal?: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut(what, ms)), ms);
    onAbort = () => reject(cancelled(signal?.reason));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
  }
}

export function timedOut(what: string, ms: number): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_OPCUA_TIMEOUT',
    `The server did not answer within ${ms} ms (${what}).`,
    {
      hint: 'Look whether the server is overloaded or the network slow; "timeout_ms" of the connection is the limit.',
      outcomeUnknown: true,
    },
  );
}

function cancelled(cause: unknown): IntegrationError {
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The work was cancelled.', { cause });
}
