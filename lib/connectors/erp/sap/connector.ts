import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
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
import { callFunction } from '../odata/call';
import { findRecord } from '../odata/lookup';
import { readBatches } from '../odata/read';
import { recognition } from '../odata/recognise';
import { type ODataTarget, ODataWriter } from '../odata/writer';
import { Catalogue } from './catalogue';
import { type Opened, testConnection } from './connection-test';
import { descriptor } from './descriptor';
import { IDOC_GUARANTEE, Idocs, idocRecognition, isIdoc } from './idocs';
import { FUNCTIONS } from './presets';
import { readSettings } from './settings';

export const create: ConnectorFactory = (connection, environment) => new SapConnector(connection, environment);

/** The OData services of one SAP system. */
class SapConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #opening: HttpOpening<Opened>;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#opening = new HttpOpening(() => {
      const settings = readSettings(connection);
      const client = httpClient(settings.http, environment);
      return { client, settings, catalogue: new Catalogue(client, settings), idocs: new Idocs(client, settings) };
    });
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(this.#connection, () => this.#opening.get(), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    const { catalogue, idocs } = this.#opening.get();
    return [...(await catalogue.list(signal)), ...idocs.list()];
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    const { catalogue, idocs } = this.#opening.get();
    return isIdoc(entity) ? idocs.describe(entity) : catalogue.describe(entity, signal);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    yield* readBatches(await this.#opening.get().catalogue.resolve(query.entity, signal), query, signal);
  }

  guarantee(entity: string): WriteGuarantee {
    if (isIdoc(entity)) return IDOC_GUARANTEE;
    const { settings } = this.#opening.get();
    return { ...descriptor.writes!, settleMs: 2 * settings.session.timeoutMs };
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    return isIdoc(target.entity) ? this.#opening.get().idocs.writer(target) : this.#writer(target, signal);
  }

  async recognise(
    entity: string,
    { entity: written, keyFields }: { entity: string; keyFields: string[] },
    signal: AbortSignal,
  ): Promise<Recognition | null> {
    const { catalogue } = this.#opening.get();
    const read = await catalogue.resolve(entity, signal);
    return isIdoc(written)
      ? idocRecognition(read, written)
      : recognition(read, await catalogue.resolve(written, signal), keyFields);
  }

  looksUp(entity: string): boolean {
    return !isIdoc(entity);
  }

  async describeWrite(
    target: { entity: string; keyFields: string[] },
    record: WriteRecord,
    signal: AbortSignal,
  ): Promise<DescribedWrite> {
    if (isIdoc(target.entity)) {
      return { current: undefined, request: this.#opening.get().idocs.request(target.entity, record) };
    }
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

  async call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    if (operation !== 'function') {
      throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', `SAP has no operation "${operation}".`, {
        hint: 'Call "function" with service, function and parameters.',
      });
    }
    if (parameters.function === 'read_idoc') return { payload: this.#opening.get().idocs.read(parameters.payload) };
    const { service, function: name } = functionOf(parameters);
    const odata = this.#opening.get().catalogue.service(String(service ?? ''));
    return { payload: await callFunction(odata, { ...parameters, function: name }, signal) };
  }

  close(): Promise<void> {
    return this.#opening.close();
  }

  async #writer(target: ODataTarget & { entity: string }, signal: AbortSignal): Promise<ODataWriter> {
    const { catalogue, settings } = this.#opening.get();
    return new ODataWriter(await catalogue.resolve(target.entity, signal), target, settings);
  }
}

/** By its name here, or by service and name. @throws config PCP_OPERATION_UNKNOWN */
function functionOf({ service, function: name }: Record<string, unknown>): { service: unknown; function: unknown } {
  if ((service ?? '') !== '') return { service, function: name };
  const known = FUNCTIONS[String(name ?? '')];
  if (known !== undefined) return known;
  const message = phrase`No function of SAP is called "${String(name ?? '')}" here.`;
  throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', message, {
    path: 'function',
    hint: `There are: ${Object.keys(FUNCTIONS).join(', ')}, read_idoc. For any other, say of which service it is.`,
  });
}
