import type { Options, Sequelize } from 'sequelize';
import type { SqlOptions } from './database';

/** Sequelize's connection manager, which its types do not tell about (sequelize 6, abstract/connection-manager.js). */
interface ConnectionManager<Connection> {
  getConnection(options?: { type?: string }): Promise<Connection>;
  releaseConnection(connection: Connection): void;
  destroyConnection(connection: Connection): Promise<void>;
}

export interface PooledConnections<Connection> {
  acquire(): Promise<Connection>;
  release(connection: Connection, broken: boolean): Promise<void>;
  close(): Promise<void>;
}

/** The pool that Sequelize keeps, for statements that go past it. Models and own statements share its connections. */
export function sessionPool<Connection>(sequelize: Sequelize): PooledConnections<Connection> {
  const manager = (sequelize as unknown as { connectionManager: ConnectionManager<Connection> }).connectionManager;
  let closing: Promise<void> | undefined;
  return {
    acquire: () => manager.getConnection(),
    async release(connection, broken) {
      try {
        if (broken) await manager.destroyConnection(connection);
        else manager.releaseConnection(connection);
      } catch {
        // The pool no longer knows a connection that its own error handler has destroyed: there is nothing to release.
      }
    },
    close() {
      closing ??= sequelize.close();
      return closing;
    },
  };
}

/** The part of Sequelize's options that all servers share. */
export function poolSettings(options: SqlOptions, defaultPort: number): Options {
  return {
    host: options.host ?? 'localhost',
    port: options.port ?? defaultPort,
    ...(options.database !== undefined && { database: options.database }),
    ...(options.username !== undefined && { username: options.username }),
    ...(options.password !== undefined && { password: options.password }),
    pool: { max: options.poolSize ?? 4, min: 0, idle: 10_000, acquire: (options.connectTimeoutMs ?? 10_000) + 20_000 },
    logging: false,
    timezone: '+00:00',
    // The engine decides about trying again.
    retry: { max: 1 },
  };
}
