import { connect, type Socket } from 'node:net';
import type { Connection } from 'mysql2';
import { Sequelize } from 'sequelize';
import { IntegrationError } from '../../../model/errors';
import { loadPackage } from '../../load-package';
import { BaseDatabase, type Session } from '../base';
import type { SqlOptions, SqlRow, SqlValue } from '../database';
import { originalError, unclassified } from '../errors';
import { type PooledConnections, poolSettings, sessionPool } from '../pool';
import { RowRoom } from '../row-room';
import { classifyMysql } from './errors';
import { mysqlGrammar } from './grammar';
import { MysqlSession, type MysqlSupport, withLiterals } from './session';
import { exactValue } from './types';

/** Strict, so that nothing is cut or rounded silently; without ANSI_QUOTES and NO_BACKSLASH_ESCAPES, which literals rely on. */
const SQL_MODE = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

/** MariaDB and MySQL through mysql2. Sessions are strict, in UTC and utf8mb4. */
export class MysqlDatabase extends BaseDatabase {
  private readonly pool: PooledConnections<Connection>;
  private readonly support: MysqlSupport = { tableName: (table) => this.tableName(table), canLoad: true };

  constructor(private readonly options: SqlOptions) {
    super(
      options.dialect,
      new Sequelize({
        ...poolSettings(options, 3306),
        dialect: 'mysql',
        dialectModule: loadPackage<object>('mysql2'),
        dialectOptions: {
          charset: 'utf8mb4',
          connectTimeout: options.connectTimeoutMs ?? 10_000,
          enableKeepAlive: true,
          // Rows that an UPDATE matched count, as everywhere else, not those that it changed.
          flags: ['FOUND_ROWS'],
          ...tlsOptions(options),
        },
      }),
      mysqlGrammar,
      options.schema,
    );
    this.pool = sessionPool<Connection>(this.sequelize);
    this.sequelize.addHook('afterConnect', (connection) => this.prepare(connection as Connection));
  }

  protected async acquire(): Promise<Session> {
    return new MysqlSession(await this.pool.acquire(), this.support);
  }

  protected release(session: Session, broken: boolean): Promise<void> {
    return this.pool.release(session.connection as Connection, broken);
  }

  classify(thrown: unknown): IntegrationError {
    const original = originalError(thrown);
    if (original instanceof IntegrationError) return original;
    return (original instanceof Error && classifyMysql(original, this.options)) || unclassified(thrown, this.options);
  }

  /** Rows as the server sends them; the socket is paused while the consumer works. */
  async *stream(sql: string, parameters: SqlValue[], batchSize: number): AsyncIterable<SqlRow[]> {
    let session: Session | undefined;
    let drained = false;
    try {
      session = await this.acquire();
      const connection = session.connection as Connection;
      const statement = withLiterals(sql, parameters);
      const room = new RowRoom(batchSize);
      const rows = connection
        .query({ sql: statement, typeCast: exactValue as never })
        .stream({ highWaterMark: room.rows });
      let batch: SqlRow[] = [];
      for await (const row of rows) {
        batch.push(row as SqlRow);
        if (!room.take([batch.at(-1)!])) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
      drained = true;
    } catch (error) {
      throw this.classify(error);
    } finally {
      // The protocol cannot stop a result half way: a connection left early is thrown away.
      if (session !== undefined) {
        if (!drained) (session.connection as Connection).destroy();
        await this.release(session, !drained);
      }
    }
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async prepare(connection: Connection): Promise<void> {
    const run = (sql: string) =>
      new Promise<void>((resolve, reject) => {
        connection.query(sql, (error) => (error ? reject(error) : resolve()));
      });
    await run(`SET SESSION sql_mode = '${SQL_MODE}'`);
    const limit = this.options.statementTimeoutMs;
    if (limit === undefined) return;
    // MariaDB counts seconds for all statements, MySQL milliseconds for SELECT; each refuses the other's variable.
    await run(`SET SESSION max_statement_time = ${limit / 1000}`).catch(() =>
      run(`SET SESSION max_execution_time = ${Math.trunc(limit)}`),
    );
  }
}

/**
 * mysql2 checks the certificate's name against its `host` option alone, and for an IP address node:tls falls back to the
 * socket's `_host`; so the socket is made here, and both carry the name that the certificate must have.
 */
function tlsOptions(options: SqlOptions): object {
  const { ssl, host = 'localhost', port = 3306 } = options;
  if (ssl === undefined || ssl === false) return {};
  const given = ssl === true ? {} : ssl;
  const verify = given.rejectUnauthorized !== false;
  const expected = given.servername ?? host;
  return {
    host: expected,
    ssl: { rejectUnauthorized: verify, verifyIdentity: verify, ...(given.ca !== undefined && { ca: given.ca }) },
    stream: (): Socket => Object.assign(connect(port, host), { _host: expected }),
  };
}
