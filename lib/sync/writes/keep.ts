import { setTimeout as delay } from 'node:timers/promises';
import { IntegrationError } from '../../model/errors';
import type { SqlTransaction } from '../../protocols/sql/database';
import type { BatchOutcome } from './apply';
import type { RunScope } from './commit';
import { needsIntents } from './guarantee';
import { endIntents, saveLinks } from './links';

const ATTEMPTS = 7;
const FIRST_PAUSE_MS = 200;

/**
 * Commits a page that was sent. Where nothing is committed, since a dead letter had no room or the store was away, what the
 * target answered is kept all the same.
 */
export async function keepingAnswers<T>(
  scope: RunScope,
  { written, agreed, refused }: BatchOutcome,
  commit: () => Promise<T>,
): Promise<T> {
  try {
    return await commit();
  } catch (thrown) {
    if (!needsIntents(scope.stream.guarantee)) throw thrown;
    const error = IntegrationError.from(thrown);
    const { ids, stream, clock, signal } = scope;
    await keepAsLongAsHeld(scope, async (transaction) => {
      await saveLinks(transaction, ids, written, clock.now());
      await endIntents(transaction, ids, refused);
      await stream.twoWay?.remember(ids, transaction, agreed, clock.now(), signal);
    }).catch((cause: unknown) => {
      error.cause ??= cause;
    });
    throw error;
  }
}

/**
 * Keeps what is known of the target, so that nobody has to be asked about it: tried again while the store is away, as long as
 * the lease holds. Done twice it has to be the same.
 */
export async function keepAsLongAsHeld(
  { database, lease }: Pick<RunScope, 'database' | 'lease'>,
  work: (transaction: SqlTransaction) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await database.transaction(async (transaction) => {
        await lease.assertHeld(transaction);
        await work(transaction);
      });
      return;
    } catch (thrown) {
      if (IntegrationError.from(thrown).class !== 'transient' || attempt === ATTEMPTS) throw thrown;
    }
    await delay(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    lease.assertSafeToWrite();
  }
}
