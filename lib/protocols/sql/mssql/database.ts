import { Sequelize } from 'sequelize';
import { IntegrationError } from '../../../model/errors';
import { loadPackage } from '../../load-package';
import { BaseDatabase, type Session } from '../base';
import type { SqlOptions, SqlRow, SqlValue } from '../database';
import { originalError, unclassified } from '../errors';
import { type PooledConnections, poolSettings, sessionPool } from '../pool';
import { RowRoom } from '../row-room';
import { classifyMssql } from './errors';
import { mssqlGrammar } from './grammar';
import { MssqlSession, type TediousConnection, type TediousRequest } from './session';

/** Microsoft SQL Server through tedious. Written from its documentation; not tested against a server. */
export class MssqlDatabase extends BaseDatabase {
  private readonly pool: PooledConnections<TediousConnection>;

  constructor(private readonly options: SqlOptions) {
    super(
      'mssql',
      new Sequelize({
        ...poolSettings(options, 1433),
        dialect: 'mssql',
        dialectModule: loadPackage<object>('tedious'),
        dialectOptions: { options: connectionOptions(options) },
      }),
      mssqlGrammar,
      options.schema,
    );
    this.pool = sessionPool<TediousConnection>(this.sequelize);
  }

  protected async acquire(): Promise<Session> {
    return new MssqlSession(await this.pool.acquire(), (table) => this.tableName(table));
  }

  protected release(session: Session, broken: boolean): Promise<void> {
    return this.pool.release(session.connection as TediousConnection, broken);
  }

  classify(thrown: unknown): IntegrationError {
    const original = originalError(thrown);
    if (original instanceof IntegrationError) return original;
    return (original instanceof Error && classifyMssql(original, this.options)) || unclassified(thrown, this.options);
  }

  /** The request is paused while the consumer works on a batch. */
  async *stream(sql: string, parameters: SqlValue[], batchSize: number): AsyncIterable<SqlRow[]> {
    let session: MssqlSession | undefined;
    let drained = false;
    try {
      session = (await this.acquire()) as MssqlSession;
      const room = new RowRoom(batchSize);
      let batch: SqlRow[] = [];
      let resume: () => void = () => undefined;
      let wake = Promise.withResolvers<void>();
      const onRow = (row: SqlRow, request: TediousRequest) => {
        batch.push(row);
        if (!room.take([row])) return;
        request.pause();
        resume = () => request.resume();
        wake.resolve();
      };
      const done = session.run(this.grammar.placeholders(sql), parameters, { onRow });
      for (;;) {
        const ended = await Promise.race([done.then(() => true), wake.promise.then(() => false)]);
        const rows = batch;
        batch = [];
        wake = Promise.withResolvers<void>();
        if (rows.length > 0) yield rows;
        if (ended) break;
        resume();
      }
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

function connectionOptions(options: SqlOptions): object {
  const ssl = options.ssl === true ? {} : options.ssl || undefined;
  return {
    connectTimeout: options.connectTimeoutMs ?? 10_000,
    requestTimeout: options.statementTimeoutMs ?? 0,
    useUTC: true,
    encrypt: ssl !== undefined,
    trustServerCertificate: ssl === undefined || ssl.rejectUnauthorized === false,
    ...(ssl?.servername !== undefined && { serverName: ssl.servername }),
    ...(ssl?.ca !== undefined && { cryptoCredentialsDetails: { ca: ssl.ca } }),
  };
}
