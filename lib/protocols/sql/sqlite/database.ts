import { Sequelize, Transaction } from 'sequelize';
import { IntegrationError } from '../../../model/errors';
import { BaseDatabase, type Session } from '../base';
import type {
  ColumnInfo,
  InsertRequest,
  SqlOptions,
  SqlRow,
  SqlTransaction,
  SqlValue,
  TableRef,
  UpsertRequest,
} from '../database';
import { originalError, unclassified } from '../errors';
import { conflictUpdate } from '../upsert';
import { SqliteConnection } from './connection';
import { dialectModule, SqliteSession } from './driver';
import { classifySqlite } from './errors';
import { sqliteGrammar, sqliteType } from './grammar';
import { SqliteReader } from './reader';

/** Rows of one upsert statement: fewer calls into SQLite, and far below its limit of 32,766 variables. */
const ROWS_PER_STATEMENT = 50;

/** SQLite over node:sqlite: one connection for this process, see `SqliteConnection`. */
export class SqliteDatabase extends BaseDatabase {
  private readonly reader: SqliteReader;

  private constructor(
    sequelize: Sequelize,
    private readonly connection: SqliteConnection,
    private readonly options: SqlOptions,
  ) {
    super('sqlite', sequelize, sqliteGrammar, undefined);
    this.reader = new SqliteReader(connection.storage);
  }

  static async open(options: SqlOptions): Promise<SqliteDatabase> {
    const connection = await SqliteConnection.open(options);
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

  override get aside(): Pick<SqlTransaction, 'query'> {
    return this.connection.storage === ':memory:' ? this : this.reader;
  }

  protected async acquire(): Promise<Session> {
    return new UsedSession(new SqliteSession(this.connection), this.connection);
  }

  protected async release(session: Session): Promise<void> {
    (session.connection as SqliteSession).close();
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
    const own = this.connection.storage !== ':memory:';
    const connection = own
      ? await SqliteConnection.open({
          ...this.options,
          storage: this.connection.storage,
          readOnly: true,
          create: false,
        })
      : this.connection;
    try {
      let batch: SqlRow[] = [];
      for (const row of connection.iterate(sql, parameters)) {
        batch.push(row);
        if (batch.length < batchSize) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    } catch (error) {
      throw this.classify(error);
    } finally {
      if (own) connection.close();
    }
  }

  async close(): Promise<void> {
    await this.reader.close();
    await this.connection.lock.acquire();
    this.connection.close();
    this.connection.lock.release();
  }
}

class UsedSession implements Session {
  constructor(
    readonly connection: SqliteSession,
    private readonly database: SqliteConnection,
  ) {}

  query(sql: string, parameters: SqlValue[]): Promise<SqlRow[]> {
    return this.connection.perform(() => this.database.all(sql, parameters));
  }

  execute(sql: string, parameters: SqlValue[]): Promise<number> {
    return this.connection.perform(() => this.database.run(sql, parameters).changes);
  }

  upsert({ table, columns, keyColumns, rows }: UpsertRequest): Promise<void> {
    return this.insert(table, columns, keyColumns, rows);
  }

  async insertNew({ table, columns, parts }: InsertRequest): Promise<void> {
    for (const rows of parts) await this.insert(table, columns, null, rows);
  }

  /** @param keyColumns what makes a row the same as one that is there; null where none is */
  private insert(table: TableRef, columns: string[], keyColumns: string[] | null, rows: SqlValue[][]): Promise<void> {
    const name = JSON.stringify([table, columns, keyColumns]);
    const run = (rowsOfOne: number, values: SqlValue[][]): void => {
      const write = (): string => insertStatement(table, columns, keyColumns, rowsOfOne);
      if (values.length > 0) this.database.runMany(`${rowsOfOne} ${name}`, write, values);
    };
    return this.connection.perform(() => {
      const grouped = rows.length - (rows.length % ROWS_PER_STATEMENT);
      const groups: SqlValue[][] = [];
      for (let start = 0; start < grouped; start += ROWS_PER_STATEMENT) {
        groups.push(joined(rows, start, start + ROWS_PER_STATEMENT));
      }
      run(ROWS_PER_STATEMENT, groups);
      run(1, rows.slice(grouped));
    });
  }

  columns(sql: string): Promise<ColumnInfo[]> {
    return this.connection.perform(() =>
      this.database.columns(sql).map(({ name, type }) => ({
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
    this.connection.end('COMMIT');
  }

  async rollback(): Promise<void> {
    this.connection.end('ROLLBACK');
  }
}

function insertStatement(table: TableRef, columns: string[], keyColumns: string[] | null, rowsOfOne: number): string {
  const { quote } = sqliteGrammar;
  const name = table.schema === undefined ? quote(table.name) : `${quote(table.schema)}.${quote(table.name)}`;
  const row = `(${columns.map(() => '?').join(', ')})`;
  const rows = Array(rowsOfOne).fill(row).join(', ');
  const tail = keyColumns === null ? '' : conflictUpdate(columns, keyColumns, quote);
  return `INSERT INTO ${name} (${columns.map(quote).join(', ')}) VALUES ${rows}${tail}`;
}

/** Values of some rows one after another. Written out, since an import comes by here with every row. */
function joined(rows: readonly SqlValue[][], from: number, to: number): SqlValue[] {
  const values: SqlValue[] = [];
  for (let row = from; row < to; row++) for (const value of rows[row] as SqlValue[]) values.push(value);
  return values;
}
