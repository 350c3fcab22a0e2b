import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
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
import { HttpOpening, httpClient } from '../../http-opening';
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
  readonly #opening: HttpOpening<Opened>;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#opening = new HttpOpening(() => {
      const settings = readSettings(connection);
      const client = httpClient(settings.http, environment);
      const session = new TotvsSession(client, settings.session);
      return { client, settings, catalogue: new Catalogue(session, settings) };
    });
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(() => this.#opening.get(), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return this.#opening.get().catalogue.list(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    return this.#opening.get().catalogue.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { catalogue } = this.#opening.get();
    yield* readBatches(catalogue, await catalogue.resolve(query.entity, signal), query, signal);
  }

  guarantee(): WriteGuarantee {
    return { ...descriptor.writes!, settleMs: 2 * this.#opening.get().settings.timeoutMs };
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
    const { catalogue } = this.#opening.get();
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
    const { catalogue } = this.#opening.get();
    const entity = await catalogue.resolve(target.entity, signal);
    const found: (SourceRecord | null)[] = [];
    for (const key of keys) found.push(await findRecord(catalogue, entity, key, target.keyFields, signal));
    return found;
  }

  async call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    return callRoute(this.#opening.get().catalogue.session, operation, parameters, signal);
  }

  close(): Promise<void> {
    return this.#opening.close();
  }

  async #writer(
    target: Pick<WriteTarget, 'entity' | 'keyFields' | 'assertSafeToWrite'>,
    signal: AbortSignal,
  ): Promise<ProtheusWriter> {
    const { catalogue } = this.#opening.get();
    return new ProtheusWriter(catalogue, await catalogue.resolve(target.entity, signal), target);
  }
}
