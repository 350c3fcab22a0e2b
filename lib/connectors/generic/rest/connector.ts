import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import { openHttp } from '../../../protocols/http/open';
import { readHttpOptions } from '../../../protocols/http/settings';
import type {
  Batch,
  CallAnswer,
  Connector,
  ConnectorEnvironment,
  ConnectorFactory,
  DescribedWrite,
  EntityDescription,
  ReadQuery,
  SourceRecord,
  TestReport,
  WriteGuarantee,
  WriteRecord,
  Writer,
  WriteTarget,
} from '../../contract';
import { callApi } from './call';
import { testConnection } from './connection-test';
import { Catalogue } from './describe';
import { guaranteeOf } from './guarantee';
import { findRecord } from './lookup';
import { readBatches } from './read';
import { type RestSettings, readSettings, resolveEntity } from './settings';
import { valuesOf } from './write-request';
import { RestWriter } from './writer';

/** APIs that can answer in several formats take this for JSON; the connection or an entity may say otherwise. */
const ACCEPT = { accept: 'application/json, */*;q=0.5' };

export const create: ConnectorFactory = (connection, environment) => new RestConnector(connection, environment);

interface Opened {
  client: HttpClient;
  settings: RestSettings;
  catalogue: Catalogue;
}

/** The entities of one API. */
class RestConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #environment: ConnectorEnvironment;
  #opened: Opened | undefined;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(this.#connection, () => this.#open(), this.#environment.log, signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return this.#open().catalogue.list(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    return this.#open().catalogue.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { client, settings } = this.#open();
    const entity = resolveEntity(query.entity, settings);
    yield* readBatches({ client, settings, entity, log: this.#environment.log }, query, signal);
  }

  guarantee(entity: string): WriteGuarantee {
    const { settings } = this.#open();
    return guaranteeOf(resolveEntity(entity, settings), settings);
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    signal.throwIfAborted();
    return this.#writer(target);
  }

  async describeWrite(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    return this.#writer(target).describeWrite(record, signal);
  }

  async lookup(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    const { client, settings } = this.#open();
    const entity = resolveEntity(target.entity, settings);
    if (entity.lookup === undefined) return keys.map(() => undefined);
    return Promise.all(
      keys.map(async (data) => {
        const key = JSON.stringify(target.keyFields.map((name) => data[name]));
        const values = valuesOf({ data, key, hash: '', sourceKey: key }, {});
        return (await findRecord(client, entity, data, values, signal))?.data ?? null;
      }),
    );
  }

  looksUp(entity: string): boolean {
    return resolveEntity(entity, this.#open().settings).lookup !== undefined;
  }

  async call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    if (operation === 'request') return callApi(this.#open().client, parameters, signal);
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', `An API has no operation "${operation}".`, {
      hint: 'Call "request" with path, method, query and body.',
    });
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.client.close();
  }

  #writer({ entity, keyFields }: { entity: string; keyFields: string[] }): RestWriter {
    const { client, settings } = this.#open();
    return new RestWriter(client, resolveEntity(entity, settings), keyFields, settings);
  }

  /** Dials nothing. */
  #open(): Opened {
    if (this.#opened === undefined) {
      const settings = readSettings(this.#connection);
      const { allowedTargets, http, log } = this.#environment;
      const options = readHttpOptions(this.#connection);
      const headers = { ...ACCEPT, ...options.headers };
      const client = openHttp({
        ...options,
        ...http,
        headers,
        ...(allowedTargets !== undefined && { allowedTargets }),
      });
      this.#opened = { client, settings, catalogue: new Catalogue(client, settings, log) };
    }
    return this.#opened;
  }
}
