import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { openHttp } from '../../../protocols/http/open';
import { TotvsSession } from '../../../protocols/totvs/session';
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
import { callRoute } from './call';
import { Catalogue } from './catalogue';
import { type Opened, testConnection } from './connection-test';
import { descriptor } from './descriptor';
import { findRecord } from './lookup';
import { readBatches } from './read';
import { recognition } from './recognise';
import { readSettings } from './settings';
import { ProtheusWriter } from './writer';

export const create: ConnectorFactory = (connection, environment) => new ProtheusConnector(connection, environment);

/** The REST server of one Protheus. */
class ProtheusConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #environment: ConnectorEnvironment;
  #opened: Opened | undefined;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(() => this.#open(), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return this.#open().catalogue.list(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    return this.#open().catalogue.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { catalogue } = this.#open();
    yield* readBatches(catalogue, await catalogue.resolve(query.entity, signal), query, signal);
  }

  guarantee(): WriteGuarantee {
    return { ...descriptor.writes!, settleMs: 2 * this.#open().settings.timeoutMs };
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    return this.#writer(target, signal);
  }

  async recognise(
    entity: string,
    written: { entity: string; keyFields: string[] },
    signal: AbortSignal,
  ): Promise<Recognition | null> {
    if (entity !== written.entity) return null;
    const { catalogue } = this.#open();
    return recognition(await catalogue.resolve(entity, signal), written.keyFields);
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
  ): Promise<(SourceRecord | null)[]> {
    const { catalogue } = this.#open();
    const entity = await catalogue.resolve(target.entity, signal);
    const found: (SourceRecord | null)[] = [];
    for (const key of keys) found.push(await findRecord(catalogue, entity, key, target.keyFields, signal));
    return found;
  }

  async call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    return callRoute(this.#open().catalogue.session, operation, parameters, signal);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.client.close();
  }

  async #writer(
    target: Pick<WriteTarget, 'entity' | 'keyFields' | 'assertSafeToWrite'>,
    signal: AbortSignal,
  ): Promise<ProtheusWriter> {
    const { catalogue } = this.#open();
    return new ProtheusWriter(catalogue, await catalogue.resolve(target.entity, signal), target);
  }

  /** Dials nothing. */
  #open(): Opened {
    if (this.#opened === undefined) {
      const settings = readSettings(this.#connection);
      const { allowedTargets, http } = this.#environment;
      const client = openHttp({ ...settings.http, ...http, ...(allowedTargets !== undefined && { allowedTargets }) });
      const session = new TotvsSession(client, settings.session);
      this.#opened = { client, settings, catalogue: new Catalogue(session, settings) };
    }
    return this.#opened;
  }
}
