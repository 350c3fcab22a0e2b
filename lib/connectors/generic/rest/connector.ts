import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
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
  Recognition,
  SourceRecord,
  TestReport,
  WriteGuarantee,
  WriteRecord,
  Writer,
  WriteTarget,
} from '../../contract';
import { HttpOpening, httpClient } from '../../http-opening';
import { callApi } from './call';
import { testConnection } from './connection-test';
import { Catalogue } from './describe';
import { guaranteeOf } from './guarantee';
import { findRecord } from './lookup';
import { readBatches } from './read';
import { recognition } from './recognise';
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
  readonly #log: ConnectorEnvironment['log'];
  readonly #opening: HttpOpening<Opened>;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#log = environment.log;
    this.#opening = new HttpOpening(() => {
      const settings = readSettings(connection);
      const options = readHttpOptions(connection);
      const client = httpClient({ ...options, headers: { ...ACCEPT, ...options.headers } }, environment);
      return { client, settings, catalogue: new Catalogue(client, settings, environment.log) };
    });
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(this.#connection, () => this.#opening.get(), this.#log, signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return this.#opening.get().catalogue.list(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    return this.#opening.get().catalogue.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { client, settings } = this.#opening.get();
    const entity = resolveEntity(query.entity, settings);
    yield* readBatches({ client, settings, entity, log: this.#log }, query, signal);
  }

  guarantee(entity: string): WriteGuarantee {
    const { settings } = this.#opening.get();
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
    const { client, settings } = this.#opening.get();
    const entity = resolveEntity(target.entity, settings);
    if (entity.lookup === undefined) return keys.map(() => undefined);
    return Promise.all(
      keys.map(async (given) => {
        const data = Object.fromEntries(target.keyFields.map((name) => [name, given[name]]));
        const key = JSON.stringify(Object.values(data));
        const values = valuesOf({ data, key, hash: '', sourceKey: key }, {});
        return (await findRecord(client, entity, data, values, signal))?.data ?? null;
      }),
    );
  }

  async recognise(
    entity: string,
    written: { entity: string; keyFields: string[] },
    _signal: AbortSignal,
  ): Promise<Recognition | null> {
    if (entity !== written.entity) return null;
    return recognition(resolveEntity(entity, this.#opening.get().settings), written.keyFields);
  }

  looksUp(entity: string): boolean {
    return resolveEntity(entity, this.#opening.get().settings).lookup !== undefined;
  }

  async call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    if (operation === 'request') return callApi(this.#opening.get().client, parameters, signal);
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', phrase`An API has no operation "${operation}".`, {
      hint: 'Call "request" with path, method, query and body.',
    });
  }

  close(): Promise<void> {
    return this.#opening.close();
  }

  #writer(target: Pick<WriteTarget, 'entity' | 'keyFields' | 'assertSafeToWrite'>): RestWriter {
    const { client, settings } = this.#opening.get();
    return new RestWriter(client, resolveEntity(target.entity, settings), target, settings);
  }
}
