import { isDeepStrictEqual } from 'node:util';
import type { FindOptions } from 'sequelize';
import { checkZone } from '../calendar/cron';
import { checkSchedule } from '../calendar/definition';
import type { FlowChange } from '../model/audit';
import type { Connection, OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import { phrase, type Said } from '../model/phrase';
import type { ConnectionInput, Connections, ConnectionView, Page } from '../model/services';
import type { SqlTransaction } from '../protocols/sql/database';
import type { Vault } from '../security/vault';
import { deleteMappings } from './mapping-rows';
import { CONNECTIONS, type ConnectionRow } from './models/connection';
import { oldestFirst } from './pages';
import { reseal } from './reseal';
import {
  deleteRows,
  isUniqueViolation,
  managedByFlow,
  nameTaken,
  notFound,
  staleRevision,
  updateRevision,
} from './rows';
import type { Store } from './store';

export interface ConnectionStoreOptions {
  store: Store;
  vault: Vault;
  /** Refuses settings that the connector's descriptor does not allow, unknown ones included. @throws config */
  validate(connectorType: string, config: Record<string, unknown>, credentials: Record<string, string>): void;
  /** Called after each change. */
  onChange?(): void;
  /** Told what deploys change. */
  onFlow?(change: FlowChange): void;
}

/** What is kept of an input, with everything it left out filled in. */
type Settings = Pick<
  Connection,
  'name' | 'description' | 'connector_type' | 'config' | 'is_active' | 'schedule' | 'schedule_options' | 'timezone'
>;

/** The row of the platform itself, which is no row. */
const PLATFORM: OpenConnection = { id: 0, name: 'platform', connector_type: 'platform', config: {}, credentials: {} };

/** Connections in the store. Credentials of flow-managed rows stay in this process's memory. */
export class ConnectionStore implements Connections {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #validate: ConnectionStoreOptions['validate'];
  readonly #changed: () => void;
  readonly #onFlow: NonNullable<ConnectionStoreOptions['onFlow']>;
  /** By id of the config node, for as long as it is deployed here. */
  readonly #flowCredentials = new Map<string, Record<string, string>>();

  constructor(options: ConnectionStoreOptions) {
    this.#store = options.store;
    this.#vault = options.vault;
    this.#validate = options.validate;
    this.#changed = () => options.onChange?.();
    this.#onFlow = (change) => options.onFlow?.(change);
  }

  list(filter: Parameters<Connections['list']>[0]): Promise<Page<ConnectionView>> {
    return oldestFirst<ConnectionRow, ConnectionView>(this.#store.models.connections, filter, (row) => this.#view(row));
  }

  async get(id: number): Promise<ConnectionView> {
    return this.#view(await this.#row({ where: { id } }, phrase`connection ${id}`));
  }

  async create(input: ConnectionInput): Promise<ConnectionView> {
    const settings = toSettings(input, null);
    const credentials = mergeCredentials({}, input.credentials);
    this.#validate(settings.connector_type, settings.config, credentials);
    const id = await this.#named(settings.name, () =>
      this.#store.database.transaction(async (transaction) => {
        const id = await this.#insert({ ...settings, created_by: input.created_by ?? null }, transaction);
        // The id is part of what the secrets are bound to, so it must be known first.
        if (Object.keys(credentials).length > 0) {
          const sealed = this.#vault.encrypt(credentials, vaultContext(id));
          await transaction.execute('UPDATE integration_connections SET credentials = ? WHERE id = ?', [sealed, id]);
        }
        return id;
      }),
    );
    return this.get(id);
  }

  async update(id: number, input: ConnectionInput, revision?: number): Promise<ConnectionView> {
    const row = await this.#row({ where: { id } }, phrase`connection ${id}`);
    if (row.managed_by === 'flow') throw managedByFlow(phrase`Connection ${id}`, row.node_id);
    if (revision !== undefined && revision !== row.revision) {
      throw staleRevision(phrase`Connection ${id}`, revision, row.revision);
    }
    const settings = toSettings(input, row);
    // Secrets of one kind of system are never offered to another kind.
    const kept = settings.connector_type === row.connector_type ? this.#open(row) : {};
    const credentials = mergeCredentials(kept, input.credentials);
    this.#validate(settings.connector_type, settings.config, credentials);
    const sealed = Object.keys(credentials).length > 0 ? this.#vault.encrypt(credentials, vaultContext(id)) : null;
    await this.#write(row, { ...toColumns(settings), credentials: sealed }, settings.name);
    return this.get(id);
  }

  async delete(id: number, options: { cascade: boolean }): Promise<void> {
    const row = await this.#row({ where: { id } }, phrase`connection ${id}`);
    if (row.managed_by === 'flow' && row.is_active) throw managedByFlow(phrase`Connection ${id}`, row.node_id);
    const { database } = this.#store;
    await database.transaction(async (transaction) => {
      const mappings = await transaction.query(
        `SELECT id FROM integration_mappings WHERE connection_id = ? OR peer_connection_id = ? ORDER BY id`,
        [id, id],
      );
      const ids = mappings.map((mapping) => Number(mapping.id));
      if (ids.length > 0 && !options.cascade) {
        throw new IntegrationError(
          'conflict',
          'PCP_CONNECTION_IN_USE',
          `Connection ${id} is used by ${ids.length === 1 ? 'mapping' : 'mappings'} ${ids.slice(0, 10).join(', ')}.`,
          { hint: 'Delete the mappings first, or delete the connection with cascade=true.' },
        );
      }
      await deleteMappings(database, transaction, ids);
      await deleteRows(database, transaction, 'integration_request_limits', { connection_id: id });
      await deleteRows(database, transaction, 'integration_request_turns', { connection_id: id });
      await deleteRows(database, transaction, 'integration_refused_sign_ins', { connection_id: id });
      await deleteRows(database, transaction, CONNECTIONS, { id });
    });
    if (row.node_id !== null) this.#flowCredentials.delete(row.node_id);
    this.#changed();
  }

  async open(id: number): Promise<OpenConnection> {
    if (id === PLATFORM.id) return { ...PLATFORM, config: {}, credentials: {} };
    const row = await this.#row({ where: { id } }, phrase`connection ${id}`);
    const { name, connector_type, config } = row;
    return { id, name, connector_type, config, credentials: this.#open(row) };
  }

  async registerFlow(nodeId: string, input: ConnectionInput): Promise<ConnectionView> {
    const credentials = mergeCredentials({}, input.credentials);
    const existing = await this.#find({ where: { node_id: nodeId } });
    const wanted = toSettings(input, existing);
    this.#validate(wanted.connector_type, wanted.config, credentials);
    const known = this.#flowCredentials.get(nodeId);
    this.#flowCredentials.set(nodeId, credentials);
    const name = await this.#freeName(wanted.name, nodeId);
    const settings = { ...wanted, name, is_active: input.is_active ?? true };
    const before = existing && pickSettings(existing);
    if (existing === null) {
      await this.#named(name, () => this.#insert({ ...settings, managed_by: 'flow', node_id: nodeId }));
    } else if (!isDeepStrictEqual(settings, before)) {
      await this.#write(existing, { ...toColumns(settings), credentials: null }, name);
    }
    this.#changed();
    const row = await this.#row({ where: { node_id: nodeId } }, phrase`connection of node ${nodeId}`);
    // What it was before this process began is not kept: then it is what it was.
    const given = changedNames(known ?? (existing?.is_active ? credentials : {}), credentials);
    if (row.revision !== existing?.revision || given.length > 0) {
      const change = { before, after: { ...settings }, ...(given.length > 0 && { given }) };
      this.#onFlow({ action: 'deployConnection', node: nodeId, name, connectionId: row.id, ...change });
    }
    return this.#view(row);
  }

  async releaseFlow(nodeId: string): Promise<void> {
    this.#flowCredentials.delete(nodeId);
    const row = await this.#find({ where: { node_id: nodeId } });
    if (!row?.is_active) return;
    await this.#write(row, { is_active: false, updated_at: new Date() }, row.name);
    const [before, after] = [{ is_active: true }, { is_active: false }];
    this.#onFlow({ action: 'retireConnection', node: nodeId, name: row.name, connectionId: row.id, before, after });
  }

  /**
   * Encrypts with the current key what was encrypted with an earlier one. Can be stopped and repeated at any point.
   * @returns how many connections and sign-ins changed
   */
  async rotateKeys(): Promise<number> {
    const { database } = this.#store;
    const contextOf = (id: string) => vaultContext(Number(id));
    const connections = await reseal(database, this.#vault, CONNECTIONS, 'credentials', contextOf);
    return connections + (await reseal(database, this.#vault, 'integration_sign_ins', 'tokens', signInContext));
  }

  async #find(options: FindOptions<ConnectionRow>): Promise<ConnectionRow | null> {
    const row = await this.#store.models.connections.findOne(options);
    return row === null ? null : (row.get({ plain: true }) as ConnectionRow);
  }

  async #row(options: FindOptions<ConnectionRow>, what: Said): Promise<ConnectionRow> {
    const row = await this.#find(options);
    if (row === null) throw notFound(what);
    return row;
  }

  async #insert(values: Partial<ConnectionRow>, transaction?: SqlTransaction): Promise<number> {
    const now = new Date();
    const row = await this.#store.models.connections.create(
      { ...values, created_at: now, updated_at: now },
      transaction?.handle === undefined ? {} : { transaction: transaction.handle },
    );
    return row.id;
  }

  /** Two config nodes may share a name, as copies of a flow do; the rows of the store may not. */
  async #freeName(name: string, nodeId: string): Promise<string> {
    const taken = await this.#find({ where: { name } });
    return taken === null || taken.node_id === nodeId ? name : `${name} (${nodeId})`;
  }

  async #write(row: ConnectionRow, values: Parameters<typeof updateRevision>[5], name: string): Promise<void> {
    const { database } = this.#store;
    const written = await this.#named(name, () =>
      updateRevision(database, database, CONNECTIONS, row.id, row.revision, values),
    );
    this.#changed();
    if (written) return;
    const now = await this.#row({ where: { id: row.id } }, phrase`connection ${row.id}`);
    throw staleRevision(phrase`Connection ${row.id}`, row.revision, now.revision);
  }

  async #named<T>(name: string, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw isUniqueViolation(error) ? nameTaken(phrase`connection`, name) : error;
    }
  }

  #open(row: ConnectionRow): Record<string, string> {
    if (row.managed_by === 'api') {
      if (row.credentials === null) return {};
      return this.#vault.decrypt(row.credentials, vaultContext(row.id)) as Record<string, string>;
    }
    const credentials = row.node_id === null ? undefined : this.#flowCredentials.get(row.node_id);
    if (credentials !== undefined) return { ...credentials };
    throw new IntegrationError(
      'config',
      'PCP_FLOW_NOT_DEPLOYED',
      `Connection ${row.id} ("${row.name}") belongs to the node ${row.node_id}, which is not deployed in this Node-RED.`,
      { hint: 'Deploy the flow that holds the node; its credentials are kept by Node-RED only.' },
    );
  }

  #view(row: ConnectionRow): ConnectionView {
    const { credentials: _, created_at, updated_at, last_sync_at, ...plain } = row;
    return {
      ...plain,
      schedule_options: plain.schedule_options ?? {},
      created_at: created_at.toISOString(),
      updated_at: updated_at.toISOString(),
      last_sync_at: last_sync_at?.toISOString() ?? null,
      credentials: this.#namesOfCredentials(row),
    };
  }

  /** What cannot be opened counts as not set here; `open` says why. */
  #namesOfCredentials(row: ConnectionRow): Record<string, true> {
    try {
      return Object.fromEntries(Object.keys(this.#open(row)).map((name) => [name, true]));
    } catch (error) {
      if (error instanceof IntegrationError) return {};
      throw error;
    }
  }
}

function vaultContext(id: number): string {
  return `connection:${id}`;
}

/** What the tokens of a sign-in are sealed for; its rows outlive those of connections that use it. */
export function signInContext(id: string): string {
  return `sign-in:${id}`;
}

/**
 * What the input leaves out stays as it was, or takes its default in a new row.
 * @throws config PCP_TIMEZONE_UNKNOWN, PCP_SCHEDULE_INVALID, PCP_SCHEDULE_OPTIONS_INVALID
 */
function toSettings(input: ConnectionInput, row: ConnectionRow | null): Settings {
  const settings = {
    name: input.name,
    connector_type: input.connector_type,
    description: input.description === undefined ? (row?.description ?? null) : input.description,
    config: input.config ?? row?.config ?? {},
    is_active: input.is_active ?? row?.is_active ?? true,
    schedule: (input.schedule === undefined ? row?.schedule : input.schedule) || null,
    schedule_options: input.schedule_options ?? row?.schedule_options ?? {},
    timezone: input.timezone === undefined ? (row?.timezone ?? null) : input.timezone,
  };
  if (settings.timezone) checkZone(settings.timezone, '/timezone');
  checkSchedule(settings);
  return settings;
}

function toColumns(settings: Settings) {
  const { config, schedule_options, ...plain } = settings;
  return {
    ...plain,
    config: JSON.stringify(config),
    schedule_options: JSON.stringify(schedule_options),
    updated_at: new Date(),
  };
}

function pickSettings(row: ConnectionRow): Settings {
  const { name, connector_type, description, config, is_active, schedule, schedule_options, timezone } = row;
  return {
    name,
    connector_type,
    description,
    config,
    is_active,
    schedule,
    schedule_options: schedule_options ?? {},
    timezone,
  };
}

function changedNames(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name]);
}

/** An empty string takes a secret away. */
function mergeCredentials(
  kept: Record<string, string>,
  given: Record<string, string> | undefined,
): Record<string, string> {
  const merged = { ...kept, ...given };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
}
