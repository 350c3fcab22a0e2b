import type { SqlOptions } from '../../lib/protocols/sql/database';
import { parseDatabaseUrl } from '../../lib/protocols/sql/open';
import { absent } from './server-process';

export interface TestServer {
  /** As the server's owner. */
  options: SqlOptions;
  /** Certificate of the server (PEM), for the name `certificateName`; absent when the server is a given one. */
  ca?: string;
  certificateName: string;
  /** A new, empty database. */
  createDatabase(): Promise<SqlOptions>;
  /** As the owner, in the given database. */
  execute(sql: string, database?: string): Promise<void>;
  stop(): Promise<void>;
}

export interface Product {
  name: string;
  /** How it is installed. */
  install: string;
  /** Environment variable with the URL of a given server. */
  variable: string;
  findServer(): string | undefined;
  start(program: string): Promise<Pick<TestServer, 'options' | 'ca' | 'stop'>>;
  run(options: SqlOptions, sql: string): Promise<void>;
}

/** The name in the certificates of servers that the tests start; nothing is reached by it. */
export const CERTIFICATE_NAME = 'db.other.example';

/** One server of a product for the whole process: a given one, or one of the tests' own, started by who needs it first. */
export class DatabaseServer {
  private started: Promise<TestServer> | undefined;
  private databases = 0;

  constructor(private readonly product: Product) {
    if (typeof after !== 'function') return;
    after(`stop ${product.name}`, async () => {
      await (await this.started)?.stop();
    });
  }

  /** For suites that decide before their hooks run. On a build server it must be there. */
  get isAvailable(): boolean {
    return this.url !== undefined || this.product.findServer() !== undefined || Boolean(process.env.CI);
  }

  /** Skips the test where there is neither a given server nor a program to start. */
  async open(context?: Mocha.Context): Promise<TestServer> {
    const { url, product } = this;
    const program = product.findServer();
    if (url !== undefined) {
      this.started ??= Promise.resolve(this.server({ options: parseDatabaseUrl(url), stop: async () => undefined }));
    } else if (program !== undefined) {
      this.started ??= product.start(program).then((started) => this.server(started));
    }
    return this.started ?? absent(context, product.name, product.install);
  }

  private get url(): string | undefined {
    return process.env[this.product.variable];
  }

  private server(started: Pick<TestServer, 'options' | 'ca' | 'stop'>): TestServer {
    const { options } = started;
    const execute = (sql: string, database?: string) =>
      this.product.run(database === undefined ? options : { ...options, database }, sql);
    return {
      ...started,
      certificateName: CERTIFICATE_NAME,
      execute,
      createDatabase: async () => {
        this.databases += 1;
        const database = `pcp_${process.pid}_${this.databases}`;
        await execute(`DROP DATABASE IF EXISTS ${database}`);
        await execute(`CREATE DATABASE ${database}`);
        return { ...options, database };
      },
    };
  }
}

export function databaseUrl({ dialect, username = '', password = '', host, port, database = '' }: SqlOptions): string {
  const part = encodeURIComponent;
  return `${dialect}://${part(username)}:${part(password)}@${host}:${port}/${part(database)}`;
}
