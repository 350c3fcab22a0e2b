import type { OpenConnection } from '../../../model/connection';
import type { EntityInfo } from '../../../model/entity';
import type { SqlDatabase } from '../../../protocols/sql/database';
import type {
  Batch,
  Connector,
  ConnectorEnvironment,
  ConnectorFactory,
  EntityDescription,
  ReadQuery,
  SourceRecord,
  TestReport,
  Writer,
  WriteTarget,
} from '../../contract';
import { withAllowedFile } from './allowed-file';
import { diagnose } from './diagnose';
import { Entities, entityInfo, entitySchema } from './entities';
import { findRows } from './find-rows';
import { refuseOwnStore } from './own-store';
import { readBatches, stopIfAborted } from './read';
import { Selection } from './select';
import { type DatabaseSettings, readSettings } from './settings';
import { TableWriter } from './writer';

export const create: ConnectorFactory = (connection, environment) => new DatabaseConnector(connection, environment);

interface Opened {
  database: SqlDatabase;
  entities: Entities;
  lookbackValues: number;
}

/** Tables and views of one database, and the views of the connection's settings. */
class DatabaseConnector implements Connector {
  private opened: Promise<Opened> | undefined;

  constructor(
    private readonly connection: OpenConnection,
    private readonly environment: ConnectorEnvironment,
  ) {}

  async test(signal: AbortSignal): Promise<TestReport> {
    return diagnose(
      () => readSettings(this.connection),
      (settings) => openWith(settings, this.environment),
      signal,
    );
  }

  async discover(signal: AbortSignal): Promise<EntityInfo[]> {
    stopIfAborted(signal);
    return (await this.open()).entities.list(signal);
  }

  async describe(entity: string, signal: AbortSignal): Promise<EntityDescription> {
    stopIfAborted(signal);
    const resolved = await (await this.open()).entities.resolve(entity);
    return { info: entityInfo(resolved), schema: entitySchema(resolved) };
  }

  async *read(query: ReadQuery, signal: AbortSignal): AsyncIterable<Batch> {
    stopIfAborted(signal);
    const { database, entities, lookbackValues } = await this.open();
    const selection = new Selection(database, await entities.resolve(query.entity), query);
    yield* readBatches(selection, { ...query, lookbackValues }, signal);
  }

  async openWriter(target: WriteTarget, signal: AbortSignal): Promise<Writer> {
    stopIfAborted(signal);
    const { database, entities } = await this.open();
    return new TableWriter(database, await entities.resolve(target.entity), target);
  }

  async lookup(
    target: { entity: string; keyFields: string[] },
    keys: Record<string, unknown>[],
    signal: AbortSignal,
  ): Promise<(SourceRecord | null | undefined)[]> {
    stopIfAborted(signal);
    const { database, entities } = await this.open();
    return findRows(database, await entities.resolve(target.entity), target.keyFields, keys);
  }

  async close(): Promise<void> {
    const opened = this.opened;
    this.opened = undefined;
    // A database that could not be opened has nothing to close, and its error was told to whoever asked for it.
    const { database } = (await opened?.catch(() => undefined)) ?? {};
    await database?.close();
  }

  private open(): Promise<Opened> {
    if (this.opened === undefined) {
      const opened = Promise.resolve().then(() => openWith(readSettings(this.connection), this.environment));
      this.opened = opened;
      opened.catch(() => {
        if (this.opened === opened) this.opened = undefined;
      });
    }
    return this.opened;
  }
}

async function openWith(
  { options, views, lookbackValues }: DatabaseSettings,
  environment: ConnectorEnvironment,
): Promise<Opened> {
  const { openDatabase } = await import('../../../protocols/sql/open.js');
  const database = await openDatabase(await withAllowedFile(options, environment));
  try {
    await refuseOwnStore(database, environment.store);
  } catch (error) {
    await database.close();
    throw error;
  }
  return { database, entities: new Entities(database, views), lookbackValues };
}
