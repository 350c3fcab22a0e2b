import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from './api';

export interface Polled<T> {
  /** What was read last, also while it cannot be read anew. */
  value: T | undefined;
  error: ApiError | undefined;
  /** Reads now instead of in time. */
  refresh(): void;
}

/**
 * Reads again and again while somebody looks at the page.
 * @param subject what is read: another one begins anew
 */
export function usePolled<T>(subject: string, read: () => Promise<T>, everyMs = 5_000): Polled<T> {
  const [state, setState] = useState<{ subject: string; value?: T; error?: ApiError }>({ subject });
  const latest = useRef(read);
  latest.current = read;
  const now = useRef(() => {});

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let turn = 0;
    const look = async () => {
      clearTimeout(timer);
      const mine = ++turn;
      const seen = await latest.current().then(
        (value) => ({ value }),
        (error: ApiError) => ({ error }),
      );
      if (mine !== turn) return;
      setState(
        (before) =>
          (before.subject === subject
            ? { ...before, error: undefined, ...seen }
            : { subject, ...seen }) as typeof before,
      );
      // Nobody looks at a hidden page; it is read anew when it is shown.
      if (document.visibilityState === 'visible') timer = setTimeout(look, everyMs);
    };
    const onVisible = () => {
      if (document.visibilityState === 'visible') void look();
      else clearTimeout(timer);
    };
    now.current = () => void look();
    void look();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      turn++;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [subject, everyMs]);

  const refresh = useCallback(() => now.current(), []);
  const current = state.subject === subject ? state : { value: undefined, error: undefined };
  return { value: current.value, error: current.error, refresh };
}
