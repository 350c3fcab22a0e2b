import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { IntegrationError, type SerializedError } from '../../../model/errors';
import type { SqlOptions, SqlRow } from '../database';
import { type Insert, plainValues, type Statements } from './connection';
import { textOfRows } from './row-text';

/** For pages of rows that come and go; a limit of the process does not hold for its threads. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };

/** One of the connection's methods, by name. */
export interface Question {
  id: number;
  name: keyof Statements;
  given: unknown[];
}

/** Its rows cross to the thread as text where text can hold them. */
export type SentInsert = Omit<Insert, 'rows'> & { rows: Insert['rows'] | string };

/** An error crosses to another thread without its properties. */
export type Answer = { id: number } & (
  | { value: unknown }
  | { refused: SerializedError }
  | { thrown: unknown; properties: object }
);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Given<Name extends keyof Statements> = Parameters<Statements[Name]>;

/**
 * A connection to a file in a thread of its own, because node:sqlite holds up the thread that it works in. Statements run in
 * the order in which they are asked for.
 */
export class SqliteThread implements Statements {
  private thread: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private closed = false;

  /**
   * @param onFailure what follows when the thread has used up its memory. In a new one the rest of a transaction would be
   * statements that stand alone, so whoever has transactions ends with it.
   */
  constructor(
    private readonly options: SqlOptions,
    private readonly onFailure: 'begin anew' | 'end the process',
  ) {}

  async all(...given: Given<'all'>): Promise<SqlRow[]> {
    const rows = (await this.ask('all', given)) as SqlRow[];
    for (const row of rows) plainValues(row);
    return rows;
  }

  run(...given: Given<'run'>) {
    return this.ask('run', given) as Promise<Awaited<ReturnType<Statements['run']>>>;
  }

  insert(insert: Insert) {
    const rows = Array.isArray(insert.rows) ? (textOfRows(insert.rows) ?? insert.rows) : insert.rows;
    return this.ask('insert', [{ ...insert, rows } satisfies SentInsert]) as Promise<void>;
  }

  columns(...given: Given<'columns'>) {
    return this.ask('columns', given) as Promise<Awaited<ReturnType<Statements['columns']>>>;
  }

  exec(...given: Given<'exec'>) {
    return this.ask('exec', given) as Promise<void>;
  }

  end(...given: Given<'end'>) {
    return this.ask('end', given) as Promise<void>;
  }

  flush() {
    return this.ask('flush', []) as Promise<void>;
  }

  async close(): Promise<void> {
    try {
      // Whatever is still being read is read for nobody.
      if (!this.options.readOnly && this.thread !== undefined) await this.ask('close', []);
    } finally {
      this.closed = true;
      await this.thread?.terminate();
    }
  }

  private async ask(name: keyof Statements, given: unknown[]): Promise<unknown> {
    if (this.closed) throw ended(undefined);
    const id = this.nextId++;
    this.thread ??= this.start();
    // An idle thread keeps no process alive.
    this.thread.ref();
    return new Promise((resolve, reject) => {
      this.thread?.postMessage({ id, name, given } satisfies Question);
      this.waiting.set(id, { resolve, reject });
    });
  }

  private start(): Worker {
    const thread = new Worker(join(__dirname, 'thread-entry.js'), {
      workerData: this.options,
      resourceLimits: HEAP_LIMITS,
    });
    let cause: unknown;
    thread.on('message', (answer: Answer) => {
      const waiting = this.waiting.get(answer.id);
      this.waiting.delete(answer.id);
      if (this.waiting.size === 0) thread.unref();
      if ('value' in answer) waiting?.resolve(answer.value);
      else if ('refused' in answer) waiting?.reject(IntegrationError.fromJSON(answer.refused));
      else waiting?.reject(Object.assign(answer.thrown as Error, answer.properties));
    });
    thread.on('error', (error) => {
      if (this.onFailure === 'end the process') throw error;
      cause = error;
    });
    thread.on('exit', () => {
      this.thread = undefined;
      for (const { reject } of this.waiting.values()) reject(ended(cause));
      this.waiting.clear();
    });
    return thread;
  }
}

function ended(cause: unknown): IntegrationError {
  const message = 'The thread that the database is used in has ended.';
  return new IntegrationError('transient', 'PCP_SQL_THREAD', message, { cause });
}
