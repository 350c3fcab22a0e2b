import { normalize } from 'node:path/posix';
import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import { IntegrationError } from '../../../model/errors';
import { ProtectedFiles } from '../../../security/protected-files';
import type {
  Batch,
  Connector,
  ConnectorEnvironment,
  ConnectorFactory,
  EntityDescription,
  EntityPlace,
  ReadQuery,
  TestReport,
  WriteGuarantee,
  Writer,
  WriteTarget,
} from '../../contract';
import { testFolder } from './connection-test';
import { describeEntity, discoverEntities } from './describe';
import { descriptor } from './descriptor';
import { matches } from './glob';
import { FileReader } from './reader';
import { RootFolder } from './root-folder';
import { namePresent } from './selection';
import { type FileSettings, parseSettings, resolveEntity } from './settings';
import { exampleNames, isStableName } from './templates';
import { FileWriter } from './writer';

/** Files below one root folder. Holds nothing open between calls but its writers. */
class FileConnector implements Connector {
  readonly #connection: OpenConnection;
  readonly #environment: ConnectorEnvironment;
  #parsed: { settings: FileSettings; root: RootFolder } | undefined;
  readonly #writers = new Set<FileWriter>();

  constructor(connection: OpenConnection, environment: ConnectorEnvironment) {
    this.#connection = connection;
    this.#environment = environment;
  }

  async test(signal: AbortSignal): Promise<TestReport> {
    try {
      const { settings, root } = this.#open();
      return await testFolder(root, settings, signal);
    } catch (thrown) {
      const error = IntegrationError.from(thrown).toJSON();
      return { ok: false, steps: [{ name: 'connect', ok: false, error }], duration_ms: 0 };
    }
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    const { settings, root } = this.#open();
    return typed(() => discoverEntities(root, settings, signal));
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    const { settings, root } = this.#open();
    return typed(() => describeEntity(root, resolveEntity(entity, settings), settings, signal));
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncGenerator<Batch> {
    const { settings, root } = this.#open();
    const reader = new FileReader(root, resolveEntity(query.entity, settings), settings, this.#environment);
    try {
      yield* reader.read(query, signal);
    } catch (thrown) {
      throw IntegrationError.from(thrown);
    }
  }

  async present(entity: string, signal: AbortSignal): Promise<string | null> {
    const { settings, root } = this.#open();
    return typed(() => namePresent(root, resolveEntity(entity, settings), settings, signal));
  }

  decimalSeparator(entity: string): ',' | '.' {
    return resolveEntity(entity, this.#open().settings).decimalSeparator;
  }

  place(entity: string): EntityPlace {
    const { pattern, path, afterRead, write } = resolveEntity(entity, this.#open().settings);
    return {
      name: normalize(path),
      isEmptied: afterRead !== 'keep',
      isReplaced:
        write.mode === 'replace' &&
        write.path !== null &&
        exampleNames(write.path).some((name) => matches(pattern, name)),
      ...(write.path !== null && { output: normalize(write.path) }),
    };
  }

  /** A file that is appended to keeps what it has, so only changes are sent. */
  guarantee(entity: string): WriteGuarantee {
    const { mode, path } = resolveEntity(entity, this.#open().settings).write;
    const snapshot = mode === 'replace';
    // Files whose names tell runs apart may each hold what changed.
    return { ...descriptor.writes!, snapshot, replaces: snapshot && path !== null && isStableName(path) };
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    const { settings, root } = this.#open();
    return typed(async () => {
      const writer = await FileWriter.open(root, resolveEntity(target.entity, settings), settings, target, signal);
      this.#writers.add(writer);
      return writer;
    });
  }

  /** A writer that was neither finished nor abandoned must not keep its file from others. */
  async close(): Promise<void> {
    for (const writer of this.#writers) await writer.release();
    this.#writers.clear();
    this.#parsed = undefined;
  }

  #open(): { settings: FileSettings; root: RootFolder } {
    if (this.#parsed === undefined) {
      const settings = parseSettings(this.#connection);
      const { protectedPlaces } = this.#environment;
      const refused = protectedPlaces === undefined ? undefined : new ProtectedFiles(protectedPlaces);
      this.#parsed = { settings, root: new RootFolder(settings.root, refused) };
    }
    return this.#parsed;
  }
}

async function typed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw IntegrationError.from(thrown);
  }
}

export const create: ConnectorFactory = (connection, environment) => new FileConnector(connection, environment);
