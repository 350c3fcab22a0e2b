import { type Sequelize, Transaction } from 'sequelize';
import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type {
  ColumnDefinition,
  ColumnInfo,
  InsertRequest,
  LinesRequest,
  SqlDatabase,
  SqlDialect,
  SqlRow,
  SqlTransaction,
  SqlValue,
  TableInfo,
  TableKey,
  TableRef,
  UpsertRequest,
} from './database';
import type { Grammar } from './grammar';

/** One connection while somebody uses it. Statements come in the dialect's own form; errors are the driver's. */
export interface Session {
  /** The driver's connection, as Sequelize's models want it in a transaction. */
  readonly connection: unknown;
  query(sql: string, parameters: SqlValue[]): Promise<SqlRow[]>;
  execute(sql: string, parameters: SqlValue[]): Promise<number>;
  upsert(request: UpsertRequest): Promise<void>;
  /** Fails when a row is there already. Absent where it is no quicker than `upsert`. */
  insertNew?(request: InsertRequest): Promise<void>;
  /** Another thread takes the lines apart and digests them. */
  readonly insertLines?: ((request: LinesRequest) => Promise<void>) | undefined;
  /** An `insertNew` that fails leaves nothing behind, so that it needs no savepoint and no other statement need wait for it. */
  readonly insertsAllOrNone?: boolean;
  columns(sql: string): Promise<ColumnInfo[]>;
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** What all dialects have in common: sessions from a pool, transactions, error classes, and the grammar's statements. */
export abstract class BaseDatabase implements SqlDatabase {
  protected constructor(
    readonly dialect: SqlDialect,
    readonly sequelize: Sequelize,
    protected readonly grammar: Grammar,
    protected readonly schema: string | undefined,
  ) {}

  protected abstract acquire(): Promise<Session>;
  /** @param broken the session's state is unknown: the connection must not be used again */
  protected abstract release(session: Session, broken: boolean): Promise<void>;
  /** Class and code of whatever the driver or Sequelize threw. */
  abstract classify(thrown: unknown): IntegrationError;
  abstract stream(sql: string, parameters: SqlValue[], batchSize: number): AsyncIterable<SqlRow[]>;
  abstract close(): Promise<void>;

  /** Servers do it with each commit. */
  async flush(): Promise<void> {}

  get isConcurrent(): boolean {
    return true;
  }

  get aside(): Pick<SqlTransaction, 'query'> {
    return this;
  }

  get epochMs(): string {
    return this.grammar.epochMs;
  }

  quote(identifier: string): string {
    return this.grammar.quote(identifier);
  }

  exact(column: ColumnInfo): string {
    return this.grammar.exact?.(column) ?? this.quote(column.name);
  }

  tableName(table: TableRef): string {
    const schema = table.schema ?? this.schema;
    return schema === undefined ? this.quote(table.name) : `${this.quote(schema)}.${this.quote(table.name)}`;
  }

  limit(sql: string, rows: number): string {
    return this.grammar.limit(sql, Math.trunc(rows));
  }

  query(sql: string, parameters: SqlValue[] = []): Promise<SqlRow[]> {
    return this.withSession((session) => session.query(this.grammar.placeholders(sql), parameters));
  }

  execute(sql: string, parameters: SqlValue[] = []): Promise<number> {
    return this.withSession((session) => session.execute(this.grammar.placeholders(sql), parameters));
  }

  upsert(request: UpsertRequest): Promise<void> {
    return this.transaction((transaction) => transaction.upsert(request));
  }

  insertNew(request: InsertRequest): Promise<boolean> {
    return this.transaction((transaction) => transaction.insertNew(request));
  }

  /** Outside of a transaction each is one of its own. */
  readonly queuesInserts = false;

  savepoint<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    return this.transaction(work);
  }

  transaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    return this.withSession(async (session) => {
      await session.begin();
      const transaction = new OpenTransaction(this, session, this.grammar);
      try {
        const result = await work(transaction);
        await session.commit();
        transaction.finish('commit');
        return result;
      } catch (error) {
        transaction.finish('rollback');
        // The first failure is the one to tell; a session that cannot roll back is thrown away by withSession.
        await session.rollback().catch((cause: unknown) => {
          throw new BrokenSession(error, cause);
        });
        throw error;
      }
    });
  }

  async describeTable(table: TableRef): Promise<TableInfo> {
    const info = await this.grammar.describeTable((sql, parameters) => this.query(sql, parameters), table, this.schema);
    if (info !== undefined) return info;
    throw new IntegrationError(
      'config',
      'PCP_SQL_TABLE_UNKNOWN',
      `There is no table or view ${this.tableName(table)}.`,
      {
        hint: 'Check the name, its upper and lower case, the schema, and that this user may read it.',
      },
    );
  }

  describeQuery(sql: string): Promise<ColumnInfo[]> {
    return this.withSession((session) => session.columns(sql));
  }

  async listTables(): Promise<{ table: TableRef; kind: 'table' | 'view' }[]> {
    await this.requireSchema();
    return this.grammar.listTables((sql, parameters) => this.query(sql, parameters), this.schema);
  }

  async listKeys(): Promise<TableKey[] | null> {
    return (await this.grammar.listKeys?.((sql, parameters) => this.query(sql, parameters), this.schema)) ?? null;
  }

  async createTable(table: TableRef, columns: ColumnDefinition[], primaryKey: string[]): Promise<void> {
    await this.execute(this.grammar.createTable(this.tableName(table), columns, primaryKey));
  }

  async addColumn(table: TableRef, column: ColumnDefinition): Promise<void> {
    await this.execute(this.grammar.addColumn(this.tableName(table), column));
  }

  async now(): Promise<Date> {
    const { epochMs, fromNothing = '' } = this.grammar;
    const [row] = await this.query(`SELECT ${epochMs} AS ${this.quote('now')} ${fromNothing}`);
    return new Date(Number(row?.now));
  }

  /** A server lists the tables of other schemas as if nothing were wrong. */
  private async requireSchema(): Promise<void> {
    const { schema, grammar } = this;
    if (schema === undefined || grammar.findSchema === undefined) return;
    if ((await this.query(grammar.findSchema, [schema])).length > 0) return;
    throw new IntegrationError('config', 'PCP_SQL_SCHEMA_UNKNOWN', phrase`There is no schema ${this.quote(schema)}.`, {
      path: '/config/schema',
      hint: 'Check its name, its upper and lower case, and the database.',
    });
  }

  private async withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    let session: Session;
    try {
      session = await this.acquire();
    } catch (error) {
      throw this.classify(error);
    }
    let broken = false;
    try {
      return await work(session);
    } catch (thrown) {
      broken = thrown instanceof BrokenSession;
      const error = this.classify(thrown instanceof BrokenSession ? thrown.first : thrown);
      if (error.code.startsWith('PCP_CONNECT_')) broken = true;
      throw error;
    } finally {
      await this.release(session, broken);
    }
  }
}

/** The rollback failed as well: nobody knows what the connection holds. */
class BrokenSession extends Error {
  constructor(
    readonly first: unknown,
    cause: unknown,
  ) {
    super('The transaction could not be rolled back.', { cause });
  }
}

class OpenTransaction implements SqlTransaction {
  private sequelizeTransaction: Transaction | undefined;
  private savepoints = 0;
  private finished: 'commit' | 'rollback' | undefined;

  constructor(
    private readonly database: BaseDatabase,
    private readonly session: Session,
    private readonly grammar: Grammar,
  ) {}

  /** Sequelize only needs the connection from it; begin, commit and rollback are ours. */
  get handle(): Transaction {
    if (this.sequelizeTransaction === undefined) {
      this.sequelizeTransaction = new Transaction(this.database.sequelize, {});
      Object.assign(this.sequelizeTransaction, { connection: this.session.connection, finished: this.finished });
    }
    return this.sequelizeTransaction;
  }

  get dialect(): SqlDialect {
    return this.database.dialect;
  }

  get queuesInserts(): boolean {
    return this.session.insertsAllOrNone === true;
  }

  quote(identifier: string): string {
    return this.grammar.quote(identifier);
  }

  exact(column: ColumnInfo): string {
    return this.database.exact(column);
  }

  query(sql: string, parameters: SqlValue[] = []): Promise<SqlRow[]> {
    return this.classified(() => this.session.query(this.grammar.placeholders(sql), parameters));
  }

  execute(sql: string, parameters: SqlValue[] = []): Promise<number> {
    return this.classified(() => this.session.execute(this.grammar.placeholders(sql), parameters));
  }

  async upsert(request: UpsertRequest): Promise<void> {
    if (request.rows.length > 0) await this.classified(() => this.session.upsert(request));
  }

  async insertNew(request: InsertRequest): Promise<boolean> {
    const { session } = this;
    return session.insertNew !== undefined && this.insertAll(() => session.insertNew!(request));
  }

  get insertLines(): SqlTransaction['insertLines'] {
    const { session } = this;
    return session.insertLines && ((request) => this.insertAll(() => session.insertLines!(request)));
  }

  /** @returns false when one of the rows was refused, and none is there */
  private async insertAll(work: () => Promise<void>): Promise<boolean> {
    try {
      const insert = (): Promise<void> => this.classified(work);
      await (this.session.insertsAllOrNone === true ? insert() : this.savepoint(insert));
      return true;
    } catch (error) {
      if (error instanceof IntegrationError && error.class === 'data') return false;
      throw error;
    }
  }

  async savepoint<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    this.savepoints += 1;
    const { set, release, rollback } = this.grammar.savepoint(`pcp_${this.savepoints}`);
    await this.execute(set);
    try {
      const result = await work(this);
      if (release !== null) await this.execute(release);
      return result;
    } catch (error) {
      // Some failures (SQLite: disk full; a lost connection) end the whole transaction: then nothing more may run in it.
      await this.execute(rollback).catch(() => this.finish('rollback'));
      throw error;
    }
  }

  /** After this, models that still hold the handle are refused by Sequelize. */
  finish(how: 'commit' | 'rollback'): void {
    this.finished = how;
    if (this.sequelizeTransaction !== undefined) Object.assign(this.sequelizeTransaction, { finished: how });
  }

  private async classified<T>(work: () => Promise<T>): Promise<T> {
    if (this.finished !== undefined) {
      throw new IntegrationError(
        'bug',
        'PCP_SQL_TRANSACTION_ENDED',
        'A statement came after the end of its transaction.',
      );
    }
    try {
      return await work();
    } catch (thrown) {
      throw this.database.classify(thrown);
    }
  }
}
