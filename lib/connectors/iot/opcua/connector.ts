import { join } from 'node:path';
import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { browseChildren } from '../../../protocols/opcua/browse';
import { PKI_FOLDER } from '../../../protocols/opcua/certificate-folder';
import { OpcUaClient } from '../../../protocols/opcua/client';
import { Pki } from '../../../protocols/opcua/pki';
import type {
  Batch,
  CallAnswer,
  Connector,
  ConnectorEnvironment,
  ConnectorFactory,
  EntityDescription,
  ReadQuery,
  TestReport,
} from '../../contract';
import type { BrowseNode, LiveEvent, Subscription, TagValue, TagWrite, TagWriteResult } from '../../live';
import { callOperation } from './call';
import { describeCompanion, discoverCompanions, isCompanion } from './companion-entities';
import { testConnection } from './connection-test';
import { describeEntity, EVENTS, readEntity, unknownEntity, VALUES } from './entities';
import { readNow } from './read-tags';
import { type OpcUaSettings, readSettings } from './settings';
import { subscribeEvents, subscribeTags } from './subscribe';
import { nodesOf, tagsNamed } from './tags';
import { writeTags } from './write-tags';

export const create: ConnectorFactory = (connection, environment) => new OpcUaConnector(connection, environment);

interface Opened {
  client: OpcUaClient;
  settings: OpcUaSettings;
  pki: Pki;
}

/** One session with one server, for all that use the connection. */
class OpcUaConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #environment: ConnectorEnvironment;
  readonly #closed = new AbortController();
  #opened: Opened | undefined;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
  }

  test(signal: AbortSignal): Promise<TestReport> {
    return testConnection(() => this.#open(), this.#until(signal));
  }

  /** What a server that is away has besides is not known. */
  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    const { client } = this.#open();
    const until = this.#until(signal);
    const companions = client
      .open(until)
      .then((open) => discoverCompanions(client, open, until))
      .catch((thrown: unknown) => {
        const error = IntegrationError.from(thrown);
        if (error.class !== 'transient') throw error;
        this.#environment.log('info', `What the server has of companion specifications is not known: ${error.message}`);
        return [];
      });
    return [VALUES, EVENTS, ...(await companions)];
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    const { client, settings } = this.#open();
    if (!isCompanion(entity)) return describeEntity(entity, settings);
    const until = this.#until(signal);
    return (
      (await describeCompanion(client, await client.open(until), entity, until)) ?? describeEntity(entity, settings)
    );
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { client, settings } = this.#open();
    yield* readEntity(client, settings, query, this.#until(signal));
  }

  async *subscribe({ entity, items }: Subscription, signal: AbortSignal): AsyncGenerator<LiveEvent> {
    const { client, settings } = this.#open();
    const report = (message: string) => this.#environment.log('warn', message);
    if (entity === EVENTS.name) {
      yield* subscribeEvents(client, settings, report, signal);
      return;
    }
    if (entity !== undefined && entity !== VALUES.name) throw unknownEntity(entity);
    const watched = items ?? [...settings.tags.keys()].map((tag) => ({ tag }));
    yield* subscribeTags(client, settings, watched, report, signal);
  }

  async readTags(tags: readonly string[], signal: AbortSignal): Promise<TagValue[]> {
    const { client, settings } = this.#open();
    return readNow(client, settings, tags, this.#until(signal));
  }

  async writeTags(writes: readonly TagWrite[], signal: AbortSignal, validUntil?: number): Promise<TagWriteResult[]> {
    const { client, settings } = this.#open();
    return writeTags(client, settings, writes, this.#until(signal), validUntil);
  }

  async browse(parent: string | null, signal: AbortSignal): Promise<BrowseNode[]> {
    const { client, settings } = this.#open();
    const until = this.#until(signal);
    const open = await client.open(until);
    if (parent === null) return browseChildren(client, open, null, until);
    const [node] = await nodesOf(client, open, tagsNamed([parent], settings), until);
    return node ? browseChildren(client, open, node, until) : [];
  }

  async call(
    operation: string,
    parameters: Record<string, unknown>,
    signal: AbortSignal,
    validUntil?: number,
  ): Promise<CallAnswer> {
    const onTrusted = () => this.#environment.retry?.();
    return callOperation({ ...this.#open(), validUntil, onTrusted }, operation, parameters, this.#until(signal));
  }

  async close(): Promise<void> {
    this.#closed.abort(new IntegrationError('cancelled', 'PCP_CANCELLED', 'The connection was closed.'));
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.client.close();
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closed.signal]);
  }

  /** Dials nothing. */
  #open(): Opened {
    this.#closed.signal.throwIfAborted();
    if (this.#opened === undefined) {
      const settings = readSettings(this.#connection);
      const pki = this.#pki();
      this.#opened = { settings, pki, client: new OpcUaClient({ ...settings, pki }) };
    }
    return this.#opened;
  }

  #pki(): Pki {
    const { directory } = this.#environment;
    if (directory !== undefined) return new Pki(join(directory, PKI_FOLDER));
    throw new IntegrationError('config', 'PCP_OPCUA_PKI', 'There is no directory for certificates.', {
      hint: "OPC UA connections need the hub's own directory: see INTEGRATIONS_DIRECTORY.",
    });
  }
}
