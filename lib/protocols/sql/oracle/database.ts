import { Sequelize } from 'sequelize';
import { IntegrationError } from '../../../model/errors';
import { loadPackage } from '../../load-package';
import { BaseDatabase, type Session } from '../base';
import type { SqlOptions, SqlRow, SqlValue } from '../database';
import { originalError, unclassified } from '../errors';
import { type PooledConnections, poolSettings, sessionPool } from '../pool';
import { RowRoom } from '../row-room';
import { classifyOracle } from './errors';
import { oracleGrammar } from './grammar';
import { type OracleConnection, type OracleLibrary, OracleSession, SESSION_SETTINGS } from './session';

/** Oracle through oracledb in thin mode. Written from its documentation; not tested against a server. */
export class OracleDatabase extends BaseDatabase {
  private readonly pool: PooledConnections<OracleConnection>;
  private readonly library: OracleLibrary;

  constructor(private readonly options: SqlOptions) {
    const library = loadPackage<OracleLibrary>('oracledb');
    super(
      'oracle',
      new Sequelize({
        ...poolSettings(options, 1521),
        dialect: 'oracle',
        dialectModule: library,
        dialectOptions: { connectString: connectString(options) },
      }),
      oracleGrammar,
      options.schema,
    );
    this.library = library;
    this.pool = sessionPool<OracleConnection>(this.sequelize);
    this.sequelize.addHook('afterConnect', async (given) => {
      const connection = given as OracleConnection & { callTimeout?: number };
      await connection.execute(SESSION_SETTINGS, [], {});
      if (options.schema !== undefined) {
        await connection.execute(`ALTER SESSION SET CURRENT_SCHEMA = ${this.quote(options.schema)}`, [], {});
      }
      if (options.statementTimeoutMs !== undefined) connection.callTimeout = options.statementTimeoutMs;
    });
  }

  protected async acquire(): Promise<Session> {
    return new OracleSession(await this.pool.acquire(), this.library, (table) => this.tableName(table));
  }

  protected release(session: Session, broken: boolean): Promise<void> {
    return this.pool.release(session.connection as OracleConnection, broken);
  }

  classify(thrown: unknown): IntegrationError {
    const original = originalError(thrown);
    if (original instanceof IntegrationError) return original;
    return (original instanceof Error && classifyOracle(original, this.options)) || unclassified(thrown, this.options);
  }

  async *stream(sql: string, parameters: SqlValue[], batchSize: number): AsyncIterable<SqlRow[]> {
    let session: OracleSession | undefined;
    let drained = false;
    try {
      session = (await this.acquire()) as OracleSession;
      const room = new RowRoom(batchSize);
      const options = { resultSet: true, fetchArraySize: room.rows };
      const { resultSet } = await session.run(this.grammar.placeholders(sql), parameters, options);
      let batch: SqlRow[] = [];
      for (;;) {
        const rows = (await resultSet?.getRows(room.rows)) ?? [];
        if (rows.length === 0) break;
        batch.push(...rows);
        if (!room.take(rows)) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
      await resultSet?.close();
      drained = true;
    } catch (error) {
      throw this.classify(error);
    } finally {
      if (session !== undefined) await this.release(session, !drained);
    }
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/** Easy Connect Plus, https://www.oracle.com/technetwork/database/enterprise-edition/oraclenetservices-easyconnectplus.pdf */
function connectString(options: SqlOptions): string {
  const { host = 'localhost', port = 1521, database = '', ssl } = options;
  const seconds = Math.ceil((options.connectTimeoutMs ?? 10_000) / 1000);
  const secure = ssl !== undefined && ssl !== false;
  const verify = typeof ssl !== 'object' || ssl.rejectUnauthorized !== false;
  const tls = secure ? `&ssl_server_dn_match=${verify ? 'on' : 'off'}` : '';
  return `${secure ? 'tcps' : 'tcp'}://${host}:${port}/${database}?connect_timeout=${seconds}${tls}`;
}
