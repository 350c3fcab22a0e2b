import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { phrase, type Said } from '../../../model/phrase';
import type { HttpClient } from '../../../protocols/http/client';
import { IsgSession } from '../../../protocols/isg/session';
import { openDatabase } from '../../../protocols/sql/open';
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
import { findRows } from '../../generic/database/find-rows';
import { refuseOwnStore } from '../../generic/database/own-store';
import { DEFAULT_LOOKBACK_VALUES } from '../../generic/database/pass';
import { readBatches } from '../../generic/database/read';
import { Selection } from '../../generic/database/select';
import { httpClient } from '../../http-opening';
import { callMethod } from './call';
import { Catalogue } from './catalogue';
import { testConnection } from './connection-test';
import { descriptor } from './descriptor';
import { PRESETS } from './presets';
import { recognition } from './recognise';
import { type EbsSettings, readSettings } from './settings';
import { EbsWriter } from './writer';

export const create: ConnectorFactory = (connection, environment) => new EbsConnector(connection, environment);

export interface Opened {
  settings: EbsSettings;
  catalogue?: Catalogue;
  gateway?: { client: HttpClient; session: IsgSession };
  close(): Promise<void>;
}

/** The database of one E-Business Suite, and its gateway for services. */
class EbsConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #environment: ConnectorEnvironment;
  #opened: Promise<Opened> | undefined;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(async () => openWith(readSettings(this.#connection), this.#environment), signal);
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    return (await this.#catalogue()).list(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    signal.throwIfAborted();
    return (await this.#catalogue()).describe(entity);
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    signal.throwIfAborted();
    const catalogue = await this.#catalogue();
    const selection = new Selection(catalogue.database, await catalogue.resolve(query.entity), query);
    yield* readBatches(selection, { ...query, lookbackValues: DEFAULT_LOOKBACK_VALUES }, signal);
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

  async recognise(entity: string, { entity: written }: { entity: string }): Promise<Recognition | null> {
    const catalogue = await this.#catalogue();
    const posting = catalogue.preset(written)?.posting;
    if (posting === undefined) return null;
    return recognition(await catalogue.resolve(entity), posting, readSettings(this.#connection).sourceCode);
  }

  guarantee(entity: string): WriteGuarantee {
    const { timeoutMs, database, interfaces } = readSettings(this.#connection);
    const { posting } = PRESETS.find((preset) => preset.entity === entity) ?? {};
    const isService = posting !== undefined && interfaces.has(posting.table);
    const longest = isService ? timeoutMs : (database?.statementTimeoutMs ?? timeoutMs);
    return { ...descriptor.writes!, settleMs: 2 * longest };
  }

  async lookup(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    signal.throwIfAborted();
    const catalogue = await this.#catalogue();
    return findRows(catalogue.database, await catalogue.resolve(target.entity), target.keyFields, keys);
  }

  async call(operation: string, parameters: Record<string, unknown>, signal: AbortSignal): Promise<CallAnswer> {
    const { gateway } = await this.#open();
    if (gateway === undefined)
      throw lacks('base_url', phrase`Services are called through the gateway (ISG), and the connection has none.`);
    return callMethod(gateway.session, operation, parameters, signal);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    // What could not be opened has nothing to close, and its error was told to whoever asked for it.
    await (await opened?.catch(() => undefined))?.close();
  }

  async #writer(target: Pick<WriteTarget, 'entity' | 'assertSafeToWrite'>, signal: AbortSignal): Promise<EbsWriter> {
    signal.throwIfAborted();
    return new EbsWriter(await this.#open(), await this.#catalogue(), target);
  }

  async #catalogue(): Promise<Catalogue> {
    const { catalogue } = await this.#open();
    if (catalogue === undefined)
      throw lacks('host', phrase`Entities are read from the database, and the connection has none.`);
    return catalogue;
  }

  #open(): Promise<Opened> {
    if (this.#opened === undefined) {
      const opened = Promise.resolve().then(() => openWith(readSettings(this.#connection), this.#environment));
      this.#opened = opened;
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = undefined;
      });
    }
    return this.#opened;
  }
}

/** Dials nothing but to tell the database from the hub's own. */
async function openWith(settings: EbsSettings, environment: ConnectorEnvironment): Promise<Opened> {
  // It may refuse its settings, which must leave no database open.
  const client = settings.gateway && httpClient(settings.gateway.http, environment);
  const database = settings.database && (await openDatabase(settings.database));
  try {
    if (database !== undefined) await refuseOwnStore(database, environment.store);
  } catch (thrown) {
    await database?.close();
    throw thrown;
  }
  return {
    settings,
    ...(database !== undefined && { catalogue: new Catalogue(database, settings) }),
    ...(client !== undefined && { gateway: { client, session: new IsgSession(client, settings.gateway!.session) } }),
    async close() {
      await Promise.all([database?.close(), client?.close()]);
    },
  };
}

function lacks(setting: string, what: Said): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_MISSING', what, {
    path: `/config/${setting}`,
    hint: `Fill in "${setting}" in the connection.`,
  });
}
