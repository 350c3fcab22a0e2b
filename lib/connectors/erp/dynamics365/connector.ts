import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
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
import type { Application } from './application';
import { BusinessCentral } from './business-central';
import { call } from './call';
import { type Opened, testConnection } from './connection-test';
import { Dataverse } from './dataverse';
import { FinanceOperations } from './finance-operations';
import { readSettings } from './settings';

const APPLICATIONS = { finance_operations: FinanceOperations, business_central: BusinessCentral, dataverse: Dataverse };

export const create: ConnectorFactory = (connection, environment) => new DynamicsConnector(connection, environment);

/** One environment of Dynamics 365. */
class DynamicsConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #opening: HttpOpening<Opened>;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#opening = new HttpOpening(() => {
      const settings = readSettings(connection);
      const client = httpClient(settings.http, environment);
      const open = (url: URL) => {
        const { proxy, timeouts } = settings.http;
        const ownHost = url.host === client.baseUrl.host;
        const options = { baseUrl: url.origin, ownHost, ...(proxy && { proxy }), ...(timeouts && { timeouts }) };
        return httpClient(options, environment);
      };
      return { client, settings, application: new APPLICATIONS[settings.flavour](client, settings, open) };
    });
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(this.#connection, () => this.#opening.get(), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return this.#application.discover(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    return this.#application.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    yield* this.#application.read(query, signal);
  }

  guarantee(entity: string): WriteGuarantee {
    return this.#application.guarantee(entity);
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    return this.#application.writer(target, signal);
  }

  async recognise(
    entity: string,
    written: { entity: string; keyFields: string[] },
    signal: AbortSignal,
  ): Promise<Recognition | null> {
    return this.#application.recognise(entity, written, signal);
  }

  looksUp(entity: string): boolean {
    return this.#application.looksUp(entity);
  }

  async describeWrite(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    return this.#application.describeWrite(target, record, signal);
  }

  async lookup(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    return this.#application.lookup(target, keys, signal);
  }

  async call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    return call(this.#application, operation, parameters, signal);
  }

  close(): Promise<void> {
    return this.#opening.close();
  }

  get #application(): Application {
    return this.#opening.get().application;
  }
}
