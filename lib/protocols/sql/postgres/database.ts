import type { Client } from 'pg';
import { Sequelize } from 'sequelize';
import { IntegrationError } from '../../../model/errors';
import { loadPackage } from '../../load-package';
import { BaseDatabase, type Session } from '../base';
import type { SqlOptions, SqlRow, SqlValue } from '../database';
import { originalError, unclassified } from '../errors';
import { type PooledConnections, poolSettings, sessionPool } from '../pool';
import { RowRoom } from '../row-room';
import { tlsSettings } from '../tls';
import { classifyPostgres } from './errors';
import { postgresGrammar } from './grammar';
import { PostgresSession, type PostgresSupport } from './session';

/** PostgreSQL through pg. Sessions are in UTC with ISO dates. */
export class PostgresDatabase extends BaseDatabase {
  private readonly pool: PooledConnections<Client>;
  private readonly support: PostgresSupport = {
    tableName: (table) => this.tableName(table),
    canStage: undefined,
    canCopyInto: new Map(),
  };

  constructor(private readonly options: SqlOptions) {
    const ssl = tlsSettings(options);
    const timeout = options.statementTimeoutMs;
    super(
      'postgres',
      new Sequelize({
        ...poolSettings(options, 5432),
        dialect: 'postgres',
        dialectModule: loadPackage<object>('pg'),
        dialectOptions: {
          application_name: 'pcp-integrations',
          keepAlive: true,
          connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
          // The server's own limit comes first; this one is for a server that is gone without a word.
          ...(timeout !== undefined && { query_timeout: timeout + 5_000 }),
          ...(ssl !== undefined && { ssl }),
        },
      }),
      postgresGrammar,
      options.schema,
    );
    this.pool = sessionPool<Client>(this.sequelize);
    this.sequelize.addHook('afterConnect', async (connection) => {
      const settings = ["SET datestyle TO 'ISO, YMD'", 'SET bytea_output TO hex'];
      if (timeout !== undefined) settings.push(`SET statement_timeout TO ${Math.trunc(timeout)}`);
      if (options.schema !== undefined) settings.push(`SET search_path TO ${this.quote(options.schema)}`);
      await (connection as Client).query(settings.join('; '));
    });
  }

  protected async acquire(): Promise<Session> {
    return new PostgresSession(await this.pool.acquire(), this.support);
  }

  protected release(session: Session, broken: boolean): Promise<void> {
    return this.pool.release(session.connection as Client, broken);
  }

  classify(thrown: unknown): IntegrationError {
    const original = originalError(thrown);
    if (original instanceof IntegrationError) return original;
    return (
      (original instanceof Error && classifyPostgres(original, this.options)) || unclassified(thrown, this.options)
    );
  }

  /** A server-side cursor in a read-only transaction: one snapshot, whatever the size. */
  async *stream(sql: string, parameters: SqlValue[], batchSize: number): AsyncIterable<SqlRow[]> {
    let session: Session | undefined;
    let drained = false;
    try {
      session = await this.acquire();
      await session.execute('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', []);
      await session.execute(`DECLARE pcp_stream NO SCROLL CURSOR FOR ${this.grammar.placeholders(sql)}`, parameters);
      const room = new RowRoom(batchSize);
      let batch: SqlRow[] = [];
      for (;;) {
        const rows = await session.query(`FETCH ${room.rows} FROM pcp_stream`, []);
        if (rows.length === 0) break;
        batch.push(...rows);
        if (!room.take(rows)) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
      await session.rollback();
      drained = true;
    } catch (error) {
      throw this.classify(error);
    } finally {
      if (session !== undefined) {
        const broken =
          !drained &&
          !(await session.rollback().then(
            () => true,
            () => false,
          ));
        await this.release(session, broken);
      }
    }
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}
