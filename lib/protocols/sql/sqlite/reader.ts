import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { IntegrationError, type SerializedError } from '../../../model/errors';
import type { SqlRow, SqlValue } from '../database';

export interface Question {
  id: number;
  sql: string;
  parameters: SqlValue[];
}

export type Answer = { id: number; rows: SqlRow[] } | { id: number; error: SerializedError };

interface Waiting {
  resolve(rows: SqlRow[]): void;
  reject(error: Error): void;
}

/** Reads a file in a thread of its own, because node:sqlite holds up the thread that it works in. */
export class SqliteReader {
  private thread: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;

  constructor(private readonly storage: string) {}

  query(sql: string, parameters: SqlValue[] = []): Promise<SqlRow[]> {
    const id = this.nextId++;
    this.thread ??= this.start();
    // An idle thread keeps no process alive.
    this.thread.ref();
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.thread?.postMessage({ id, sql, parameters } satisfies Question);
    });
  }

  async close(): Promise<void> {
    await this.thread?.terminate();
  }

  private start(): Worker {
    const thread = new Worker(join(__dirname, 'reader-thread.js'), { workerData: this.storage });
    let cause: unknown;
    thread.on('message', (answer: Answer) => {
      const waiting = this.waiting.get(answer.id);
      this.waiting.delete(answer.id);
      if (this.waiting.size === 0) thread.unref();
      if ('rows' in answer) waiting?.resolve(answer.rows);
      else waiting?.reject(IntegrationError.fromJSON(answer.error));
    });
    thread.on('error', (error) => {
      cause = error;
    });
    thread.on('exit', () => {
      this.thread = undefined;
      const message = 'The thread that was reading the database has ended.';
      const error = new IntegrationError('transient', 'PCP_SQL_READER', message, { cause });
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    });
    return thread;
  }
}
