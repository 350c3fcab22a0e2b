import { Sequelize, Transaction } from 'sequelize';
import { IntegrationError } from '../../../model/errors';
import { BaseDatabase, type Session } from '../base';
import type {
  ColumnInfo,
  InsertRequest,
  LinesRequest,
  SqlOptions,
  SqlRow,
  SqlTransaction,
  SqlValue,
  UpsertRequest,
} from '../database';
import { originalError, unclassified } from '../errors';
import { RowRoom } from '../row-room';
import { SqliteConnection, type Statements } from './connection';
import { dialectModule, SqliteSession } from './driver';
import { classifySqlite } from './errors';
import { sqliteGrammar, sqliteType } from './grammar';
import { textOfLines } from './row-text';
import { SharedConnection } from './shared-connection';
import { SqliteThread } from './thread';

/** SQLite over node:sqlite: one connection for this process, see `SharedConnection`. */
export class SqliteDatabase extends BaseDatabase {
  private readonly reader: SqliteThread;

  private constructor(
    sequelize: Sequelize,
    private readonly connection: SharedConnection,
    private readonly options: SqlOptions,
  ) {
    super('sqlite', sequelize, sqliteGrammar, undefined);
    const reads = { dialect: 'sqlite', storage: connection.storage, readOnly: true, create: false } as const;
    this.reader = new SqliteThread(reads, 'begin anew');
  }

  static async open(options: SqlOptions): Promise<SqliteDatabase> {
    const connection = await SharedConnection.open(options);
    const sequelize = new Sequelize({
      dialect: 'sqlite',
      dialectModule: dialectModule(connection),
      // The file is opened already; a name that is no path keeps Sequelize from making directories or sharing sessions.
      storage: 'node:sqlite',
      dialectOptions: { mode: 2 },
      transactionType: Transaction.TYPES.IMMEDIATE,
      logging: false,
    });
    return new SqliteDatabase(sequelize, connection, options);
  }

  override get isConcurrent(): boolean {
    return this.connection.isConcurrent;
  }

  override get aside(): Pick<SqlTransaction, 'query'> {
    if (this.connection.storage === ':memory:') return this;
    return {
      query: async (sql, parameters) => {
        try {
          return await this.reader.all(sql, parameters);
        } catch (error) {
          throw this.classify(error);
        }
      },
    };
  }

  protected async acquire(): Promise<Session> {
    return new UsedSession(new SqliteSession(this.connection), this.connection.statements);
  }

  protected release(session: Session): Promise<void> {
    return (session.connection as SqliteSession).end('ROLLBACK');
  }

  classify(thrown: unknown): IntegrationError {
    const original = originalError(thrown);
    if (original instanceof IntegrationError) return original;
    if (original instanceof Error) {
      const classified = classifySqlite(original, this.connection.storage);
      if (classified !== undefined) return classified;
    }
    return unclassified(thrown, this.options);
  }

  override flush(): Promise<void> {
    return this.connection.flush();
  }

  async *stream(sql: string, parameters: SqlValue[], batchSize: number): AsyncIterable<SqlRow[]> {
    // An own connection, so that a long read neither waits for transactions nor sees half of one.
    const { storage, statements } = this.connection;
    const own =
      storage === ':memory:'
        ? null
        : await SqliteConnection.open({ ...this.options, storage, readOnly: true, create: false });
    try {
      const room = new RowRoom(batchSize);
      let batch: SqlRow[] = [];
      for (const row of own?.iterate(sql, parameters) ?? (await statements.all(sql, parameters))) {
        batch.push(row);
        if (!room.take([batch.at(-1)!])) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    } catch (error) {
      throw this.classify(error);
    } finally {
      own?.close();
    }
  }

  async close(): Promise<void> {
    await this.reader.close();
    await this.connection.close();
  }
}

class UsedSession implements Session {
  readonly insertsAllOrNone = true;

  constructor(
    readonly connection: SqliteSession,
    private readonly statements: Statements,
  ) {}

  query(sql: string, parameters: SqlValue[]): Promise<SqlRow[]> {
    return this.connection.perform(() => this.statements.all(sql, parameters));
  }

  execute(sql: string, parameters: SqlValue[]): Promise<number> {
    return this.connection.perform(async () => (await this.statements.run(sql, parameters)).changes);
  }

  upsert({ table, columns, keyColumns, rows }: UpsertRequest): Promise<void> {
    return this.connection.perform(() => this.statements.insert({ table, columns, keyColumns, rows }));
  }

  insertNew({ table, columns, parts }: InsertRequest): Promise<void> {
    const rows = [...parts].flat();
    return this.connection.perform(() => this.statements.insert({ table, columns, keyColumns: null, rows }));
  }

  insertLines({ table, columns, lines, shared }: LinesRequest): Promise<void> {
    const rows = { text: textOfLines(lines), shared };
    return this.connection.perform(() => this.statements.insert({ table, columns, keyColumns: null, rows }));
  }

  columns(sql: string): Promise<ColumnInfo[]> {
    return this.connection.perform(async () =>
      (await this.statements.columns(sql)).map(({ name, type }) => ({
        name,
        nativeType: (type ?? '').toLowerCase(),
        nullable: true,
        type: sqliteType(type ?? ''),
        hasDefault: false,
      })),
    );
  }

  begin(): Promise<void> {
    return this.connection.begin();
  }

  async commit(): Promise<void> {
    await this.connection.end('COMMIT');
  }

  async rollback(): Promise<void> {
    await this.connection.end('ROLLBACK');
  }
}
