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
import { isMessage, Messages } from './messages';
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
      const catalogue = new Catalogue(client, settings);
      return { client, settings, catalogue, messages: new Messages(catalogue) };
    });
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(this.#connection, () => this.#opening.get(), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    const { catalogue, messages } = this.#opening.get();
    const [presets, sets] = await catalogue.list(signal);
    return [...presets, ...messages.list(), ...sets];
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    const { catalogue, messages } = this.#opening.get();
    return isMessage(entity) ? messages.describe(entity) : catalogue.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { catalogue } = this.#opening.get();
    const entity = await catalogue.resolve(query.entity, signal);
    const batches = readBatches(entity, query, signal);
    const beside = entity.preset?.beside;
    yield* beside === undefined ? batches : withBeside(batches, await catalogue.beside(beside, signal), beside, signal);
  }

  guarantee(entity: string): WriteGuarantee {
    const { messages, settings } = this.#opening.get();
    return isMessage(entity) ? messages.guarantee() : { ...descriptor.writes!, settleMs: 2 * settings.timeoutMs };
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    const { entity } = target;
    return isMessage(entity) ? this.#opening.get().messages.writer(entity) : this.#writer(target, signal);
  }

  looksUp(entity: string): boolean {
    return !isMessage(entity) || this.#opening.get().messages.guarantee().lookup === 'strong';
  }

  async describeWrite(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    if (!isMessage(target.entity)) return (await this.#writer(target, signal)).describeWrite(record, signal);
    const { messages } = this.#opening.get();
    const [current] = await messages.find([record], signal);
    return { current, request: current ? null : messages.request(target.entity, record) };
  }

  async lookup(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    const { catalogue, messages, settings } = this.#opening.get();
    if (isMessage(target.entity)) {
      return messages.find(
        keys.map((data) => ({ data, key: '' })),
        signal,
      );
    }
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
