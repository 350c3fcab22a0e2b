import { IntegrationError } from '../../../model/errors';

/** Longer than any transaction of the hub: who waits this long has most likely been called inside the transaction it waits for. */
const WAIT_LIMIT_MS = 60_000;

/**
 * One user of the connection at a time, in order of asking. SQLite knows one transaction per connection, so statements
 * from elsewhere must wait while one is open, or they would become part of it.
 */
export class Lock {
  private held = false;
  private readonly waiting: { resume: () => void; timer: NodeJS.Timeout }[] = [];

  /** @throws transient PCP_SQL_BUSY when it is not free within a minute */
  acquire(): Promise<void> | undefined {
    if (!this.held) {
      this.held = true;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const entry = {
        resume: resolve,
        timer: setTimeout(() => {
          this.waiting.splice(this.waiting.indexOf(entry), 1);
          reject(
            new IntegrationError(
              'transient',
              'PCP_SQL_BUSY',
              'A transaction of this process has kept the SQLite database for more than 60 s.',
              { hint: 'Inside a transaction, every statement must go through that transaction.' },
            ),
          );
        }, WAIT_LIMIT_MS),
      };
      this.waiting.push(entry);
    });
  }

  release(): void {
    const next = this.waiting.shift();
    if (next === undefined) {
      this.held = false;
      return;
    }
    clearTimeout(next.timer);
    next.resume();
  }
}
