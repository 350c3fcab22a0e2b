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
  SourceRecord,
  TestReport,
  WriteGuarantee,
  WriteRecord,
  Writer,
  WriteTarget,
} from '../../contract';
import { HttpOpening, httpClient } from '../../http-opening';
import { findRecord } from '../odata/lookup';
import { readBatches } from '../odata/read';
import { ODataWriter } from '../odata/writer';
import { withBeside } from './beside';
import { call } from './call';
import { Catalogue } from './catalogue';
import { type Opened, testConnection } from './connection-test';
import { descriptor } from './descriptor';
import { readSettings } from './settings';

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
      return { client, settings, catalogue: new Catalogue(client, settings) };
    });
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(this.#connection, () => this.#opening.get(), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return this.#opening.get().catalogue.list(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    return this.#opening.get().catalogue.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { catalogue } = this.#opening.get();
    const entity = await catalogue.resolve(query.entity, signal);
    const batches = readBatches(entity, query, signal);
    const beside = entity.preset?.beside;
    yield* beside === undefined ? batches : withBeside(batches, await catalogue.beside(beside, signal), beside, signal);
  }

  guarantee(): WriteGuarantee {
    return { ...descriptor.writes!, settleMs: 2 * this.#opening.get().settings.timeoutMs };
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    return this.#writer(target, signal);
  }

  async describeWrite(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    return (await this.#writer(target, signal)).describeWrite(record, signal);
  }

  async lookup(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    const { catalogue, settings } = this.#opening.get();
    const entity = await catalogue.resolve(target.entity, signal);
    return Promise.all(keys.map((key) => findRecord(entity, key, target.keyFields, settings.sender, signal)));
  }

  call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    return call(this.#opening.get().catalogue, operation, parameters, signal);
  }

  close(): Promise<void> {
    return this.#opening.close();
  }

  async #writer(target: { entity: string; keyFields: string[] }, signal: AbortSignal): Promise<ODataWriter> {
    const { catalogue, settings } = this.#opening.get();
    return new ODataWriter(await catalogue.resolve(target.entity, signal), target, settings);
  }
}
