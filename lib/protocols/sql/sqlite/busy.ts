import { setTimeout as wait } from 'node:timers/promises';
import { isBusy } from './errors';

/** How long a statement is tried again while another process holds the lock. */
const BUSY_LIMIT_MS = 20_000;

/** Repeats work that another process's lock refused, without blocking the thread in between. */
export async function retryBusy<T>(work: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + BUSY_LIMIT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
    }
    await wait(2 + Math.random() * 10);
  }
}
