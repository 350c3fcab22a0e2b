import { abortable } from '../../../abortable';
import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import type { Tag } from '../../../protocols/modbus/tag';
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
import {
  type BrowseNode,
  CONNECTION_LOST,
  type LiveEvent,
  type Subscription,
  type TagValue,
  type TagWrite,
  type TagWritePlan,
  type TagWriteResult,
} from '../../live';
import { testConnection } from './connection-test';
import { importTags } from './import-tags';
import { poll, watch } from './polling';
import { readTags, tagValue } from './read-tags';
import { openSession, type Session } from './session';
import { addressOf, type ModbusSettings, readSettings, resolveTag } from './settings';
import { VALUES, VALUES_SCHEMA } from './values-entity';
import { WriteGuard } from './write-guard';
import { planTags, writeTags } from './write-tags';

export const create: ConnectorFactory = (connection, environment) => new ModbusConnector(connection, environment);

/** The devices on one line: a TCP connection or a serial bus. A line that broke is opened anew by the next who needs it. */
class ModbusConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #environment: ConnectorEnvironment;
  readonly #closing = new AbortController();
  #settings: ModbusSettings | undefined;
  #guard: WriteGuard | undefined;
  #session: Promise<Session> | undefined;

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
  }

  test(signal: AbortSignal): Promise<TestReport> {
    const open = async (limit: AbortSignal) => ({ settings: this.#read(), session: await this.#open(limit) });
    return testConnection(open, signal);
  }

  async discover(): Promise<EntityInfo[]> {
    return [VALUES];
  }

  async describe(entity: string): Promise<EntityDescription> {
    requireValues(entity);
    return { info: VALUES, schema: VALUES_SCHEMA };
  }

  /** Every tag of the connection once, with its value now. */
  async *read({ entity, cursor, batchSize }: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    requireValues(entity);
    const settings = this.#read();
    const tags = [...settings.tags.values()];
    for (let start = Number(cursor?.next ?? 0); start < tags.length; start += batchSize) {
      const session = await this.#open(signal);
      const next = start + batchSize;
      yield {
        records: await readTags(session, settings, tags.slice(start, next), signal),
        // A pass that is complete is followed by a new one.
        cursorAfter: { v: 1, kind: 'offset', next: next < tags.length ? next : 0 },
        total: tags.length,
      };
    }
  }

  async readTags(names: readonly string[], signal: AbortSignal): Promise<TagValue[]> {
    const settings = this.#read();
    const tags = names.map((name) => resolved(name, settings));
    const known = tags.filter((tag): tag is Tag => !(tag instanceof IntegrationError));
    const values = known.length === 0 ? [] : await readTags(await this.#open(signal), settings, known, signal);
    const inOrder = values.values();
    const now = new Date().toISOString();
    return tags.map((tag, index) => {
      if (tag instanceof IntegrationError) return unknownTag(names[index] as string, now, tag);
      return inOrder.next().value as TagValue;
    });
  }

  async writeTags(writes: readonly TagWrite[], signal: AbortSignal): Promise<TagWriteResult[]> {
    const settings = this.#read();
    const guard = this.#guard as WriteGuard;
    const session = await this.#open(signal);
    return writeTags(session, settings, guard, writes, this.#environment.log, signal);
  }

  async planTags(writes: readonly TagWrite[], signal: AbortSignal): Promise<TagWritePlan[]> {
    const settings = this.#read();
    return planTags(() => this.#open(signal), settings, this.#guard as WriteGuard, writes, signal);
  }

  async *subscribe({ entity, items }: Subscription, signal: AbortSignal): AsyncGenerator<LiveEvent> {
    if (entity !== undefined) requireValues(entity);
    const settings = this.#read();
    const wanted = items ?? [...settings.tags.keys()].map((tag) => ({ tag }));
    const tags = wanted.map((item) => resolved(item.tag, settings));
    const watched = wanted.flatMap((item, index) => {
      const tag = tags[index] as Tag | IntegrationError;
      return tag instanceof IntegrationError ? [] : [watch(tag, item, settings.pollIntervalMs)];
    });
    if (watched.length === 0) {
      throw new IntegrationError('config', 'PCP_MODBUS_TAG', 'There is no tag to be read.', {
        hint: 'Add tags to the connection, or name those that it has.',
      });
    }
    const session = await this.#open(signal);
    const readNow = (group: readonly Tag[], stop: AbortSignal) => readTags(session, settings, group, stop);
    const now = new Date().toISOString();
    let waiting = wanted.flatMap(({ tag: name }, index) => {
      const tag = tags[index];
      return tag instanceof IntegrationError ? [unknownTag(name, now, tag)] : [];
    });
    let isConnected = false;
    try {
      for await (const values of poll(watched, readNow, signal)) {
        waiting.push(...values);
        // An open line says nothing yet: a device has to answer.
        if (!session.client.hasAnswered) continue;
        if (!isConnected) yield { kind: 'state', state: 'connected' };
        isConnected = true;
        yield { kind: 'records', records: waiting };
        waiting = [];
      }
    } catch (error) {
      // The last values must not go on looking like those of now.
      const lost = { value: null, status: CONNECTION_LOST };
      const at = new Date().toISOString();
      if (isConnected) yield { kind: 'records', records: watched.map(({ tag }) => tagValue(tag, at, lost)) };
      throw error;
    }
  }

  /** The tags of the connection; Modbus itself tells nothing. */
  async browse(parent: string | null): Promise<BrowseNode[]> {
    if (parent !== null) return [];
    const settings = this.#read();
    return [...settings.tags.values()].map((tag) => ({
      address: tag.name,
      name: tag.name,
      kind: 'tag',
      data_type: tag.type,
      writable: settings.writable.some(
        (rule) =>
          rule.unitId === tag.unitId &&
          rule.table === tag.table &&
          rule.address <= tag.address &&
          tag.address + tag.count <= rule.address + rule.count,
      ),
      ...(tag.unit !== undefined && { unit: tag.unit }),
      description: tag.setting.description ?? addressOf(tag, settings.defaults),
      has_children: false,
    }));
  }

  async call(operation: string, parameters: Record<string, unknown>): Promise<CallAnswer> {
    if (operation === 'import_tags') return importTags(parameters, this.#read().defaults);
    throw new IntegrationError('config', 'PCP_OPERATION_UNKNOWN', `Modbus has no operation "${operation}".`, {
      hint: 'Call "import_tags" with format and content.',
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new IntegrationError('cancelled', 'PCP_CANCELLED', 'The connection is closed.'));
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    await session?.client.close();
  }

  #read(): ModbusSettings {
    if (this.#settings === undefined) {
      this.#settings = readSettings(this.#connection);
      this.#guard = new WriteGuard(this.#settings.writable, this.#connection.id);
    }
    return this.#settings;
  }

  /** The open line: all who need it at once open it once. */
  async #open(signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const current = this.#session;
    const opened = current === undefined ? undefined : await abortable(current, signal);
    if (opened !== undefined && opened.client.failure === undefined) return opened;
    if (this.#session === current) this.#session = this.#openAnew();
    return abortable(this.#session as Promise<Session>, signal);
  }

  #openAnew(): Promise<Session> {
    const settings = this.#read();
    const session = openSession(settings, this.#guard as WriteGuard, this.#closing.signal);
    // The next one tries again.
    session.catch(() => {
      if (this.#session === session) this.#session = undefined;
    });
    return session;
  }
}

function resolved(name: string, settings: ModbusSettings): Tag | IntegrationError {
  try {
    return resolveTag(name, settings);
  } catch (error) {
    return IntegrationError.from(error);
  }
}

function unknownTag(name: string, now: string, error: IntegrationError): TagValue {
  return tagValue({ name }, now, { value: null, status: error.message });
}

function requireValues(entity: string): void {
  if (entity === VALUES.name) return;
  throw new IntegrationError('config', 'PCP_ENTITY_UNKNOWN', `"${entity}" is not an entity of the connection.`, {
    path: '/source_entity',
    hint: `Modbus has one entity, "${VALUES.name}": all tags with their values now.`,
  });
}
