import { abortable } from '../../abortable';
import { IntegrationError } from '../../model/errors';
import { phrase, type Said } from '../../model/phrase';

/**
 * Waits for a call of the library, but no longer than `ms`, and not beyond the signal: some of its promises never settle
 * once the connection is gone. What comes later is dropped.
 * @param what names the call in the error ("reading values")
 * @param goesOn asked when the time is over, and how often it was before: whether it gets the same once more
 */
export async function within<T>(
  work: Promise<T>,
  ms: number,
  what: Said,
  signal?: AbortSignal,
  goesOn: (rounds: number) => boolean = () => false,
): Promise<T> {
  const end = new AbortController();
  let rounds = 0;
  const expire = (): void => {
    rounds++;
    if (goesOn(rounds)) timer = setTimeout(expire, ms);
    else end.abort(timedOut(what, rounds * ms));
  };
  let timer = setTimeout(expire, ms);
  const cancel = () => end.abort(signal?.reason);
  if (signal?.aborted) cancel();
  else signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await abortable(work, end.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

export function timedOut(what: Said, ms: number): IntegrationError {
  return new IntegrationError(
    'transient',
    'PCP_OPCUA_TIMEOUT',
    phrase`The server did not answer within ${ms} ms (${what}).`,
    {
      hint: 'Look whether the server is overloaded or the network slow; "timeout_ms" of the connection is the limit.',
      outcomeUnknown: true,
    },
  );
}
