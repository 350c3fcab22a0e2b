import { parentPort, workerData } from 'node:worker_threads';
import { IntegrationError } from '../../../model/errors';
import type { SqlOptions } from '../database';
import { SqliteConnection } from './connection';
import { rowsOfText } from './row-text';
import type { Answer, Question, SentInsert } from './thread';

/** Nothing else waits for this thread. */
const BUSY_TIMEOUT_MS = 10_000;

const opening = SqliteConnection.open({ ...(workerData as SqlOptions), busyTimeoutMs: BUSY_TIMEOUT_MS });
// Told to each who asks.
opening.catch(() => undefined);

async function answer({ id, name, given }: Question): Promise<Answer> {
  try {
    const connection = await opening;
    if (name === 'insert') {
      const [insert] = given as [SentInsert];
      const rows = typeof insert.rows === 'string' ? rowsOfText(insert.rows) : insert.rows;
      return { id, value: connection.insert({ ...insert, rows }) };
    }
    const method = connection[name] as (...given: unknown[]) => unknown;
    return { id, value: method.apply(connection, given) };
  } catch (thrown) {
    if (thrown instanceof IntegrationError) return { id, refused: thrown.toJSON() };
    return { id, thrown, properties: { ...(thrown as object) } };
  }
}

parentPort?.on('message', (question: Question) => {
  void answer(question).then((result) => parentPort?.postMessage(result));
});
