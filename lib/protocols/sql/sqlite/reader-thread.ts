import { parentPort, workerData } from 'node:worker_threads';
import { IntegrationError } from '../../../model/errors';
import { SqliteConnection } from './connection';
import { classifySqlite } from './errors';
import type { Answer, Question } from './reader';

/** Nothing else waits for this thread. */
const BUSY_TIMEOUT_MS = 10_000;

const storage = String(workerData);
const opening = SqliteConnection.open({
  dialect: 'sqlite',
  storage,
  readOnly: true,
  create: false,
  busyTimeoutMs: BUSY_TIMEOUT_MS,
});
// Told to each who asks.
opening.catch(() => undefined);

async function answer({ id, sql, parameters }: Question): Promise<Answer> {
  try {
    return { id, rows: (await opening).all(sql, parameters) };
  } catch (thrown) {
    const known = thrown instanceof Error ? classifySqlite(thrown, storage) : undefined;
    return { id, error: (known ?? IntegrationError.from(thrown)).toJSON() };
  }
}

parentPort?.on('message', (question: Question) => {
  void answer(question).then((result) => parentPort?.postMessage(result));
});
