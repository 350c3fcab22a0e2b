import { isDeepStrictEqual } from 'node:util';
import type { FindOptions } from 'sequelize';
import { checkSchedule } from '../calendar/definition';
import type { FlowChange } from '../model/audit';
import { IntegrationError } from '../model/errors';
import { phrase, type Said } from '../model/phrase';
import type { MappingInput, Mappings, MappingView, Page } from '../model/services';
import type { SqlValue } from '../protocols/sql/database';
import { checkDependencies } from './mapping-dependencies';
import { deleteMappings } from './mapping-rows';
import { MAPPINGS, type MappingRow } from './models/mapping';
import { oldestFirst } from './pages';
import { isUniqueViolation, managedByFlow, nameTaken, notFound, staleRevision, updateRevision } from './rows';
import type { Store } from './store';

/** A mapping with everything that an input may leave out. */
export type MappingSettings = Required<MappingInput>;

export interface MappingStoreOptions {
  store: Store;
  /** Compiles the definition in each of its directions. @throws config PCP_MAPPING_INVALID with `path` naming the field */
  check(definition: MappingSettings, id: number | null): Promise<void>;
  /** Called after each change. */
  onChange?(): void;
  /** Told what deploys change. */
  onFlow?(change: FlowChange): void;
}

/** What changes what a mapping does: checkpoints remember the version under which they were made. */
const VERSIONED = [
  'connection_id',
  'peer_connection_id',
  'entity_type',
  'source_entity',
  'target_entity',
  'field_mappings',
  'transformations',
  'filters',
  'key_fields',
  'cursor_field',
] as const;

/** Mappings in the store. */
export class MappingStore implements Mappings {
  readonly #store: Store;
  readonly #check: MappingStoreOptions['check'];
  readonly #changed: () => void;
  readonly #onFlow: NonNullable<MappingStoreOptions['onFlow']>;
  /** By id of the node: why its newest definition is refused. The node says so again in every process. */
  readonly #refused = new Map<string, string>();
  /** Nodes of the flows of this process. */
  readonly #deployed = new Set<string>();

  constructor(options: MappingStoreOptions) {
    this.#store = options.store;
    this.#check = options.check;
    this.#changed = () => options.onChange?.();
    this.#onFlow = (change) => options.onFlow?.(change);
  }

  list(filter: Parameters<Mappings['list']>[0]): Promise<Page<MappingView>> {
    return oldestFirst<MappingRow, MappingView>(this.#store.models.mappings, filter, (row) => this.#view(row));
  }

  async get(id: number): Promise<MappingView> {
    return this.#view(await this.#row({ where: { id } }, phrase`mapping ${id}`));
  }

  async create(input: MappingInput): Promise<MappingView> {
    const settings = toSettings(input, null);
    await this.#verify(settings, null);
    return this.get(await this.#insert(settings, {}));
  }

  async update(id: number, input: MappingInput, revision?: number): Promise<MappingView> {
    const row = await this.#row({ where: { id } }, phrase`mapping ${id}`);
    if (row.managed_by === 'flow') throw managedByFlow(phrase`Mapping ${id}`, row.node_id);
    if (revision !== undefined && revision !== row.revision) {
      throw staleRevision(phrase`Mapping ${id}`, revision, row.revision);
    }
    const settings = toSettings(input, row);
    await this.#verify(settings, id);
    await this.#write(row, settings);
    return this.get(id);
  }

  async delete(id: number): Promise<void> {
    const row = await this.#row({ where: { id } }, phrase`mapping ${id}`);
    if (row.managed_by === 'flow' && row.is_active) throw managedByFlow(phrase`Mapping ${id}`, row.node_id);
    await this.#store.database.transaction((transaction) => deleteMappings(this.#store.database, transaction, [id]));
    this.#changed();
  }

  async registerFlow(nodeId: string, input: MappingInput): Promise<MappingView> {
    this.#deployed.add(nodeId);
    const row = await this.#find({ where: { node_id: nodeId } });
    const wanted = toSettings({ ...input, is_active: input.is_active ?? true }, row);
    await this.#verify(wanted, row?.id ?? null);
    const settings = { ...wanted, name: await this.#freeName(wanted, nodeId) };
    const before = row && pickSettings(row);
    if (row === null) await this.#insert(settings, { managed_by: 'flow', node_id: nodeId });
    else if (!isDeepStrictEqual(settings, before)) await this.#write(row, settings);
    this.#refused.delete(nodeId);
    const now = await this.#row({ where: { node_id: nodeId } }, phrase`mapping of node ${nodeId}`);
    if (now.revision !== row?.revision) this.#told('deployMapping', now, before, { ...settings });
    return this.#view(now);
  }

  async releaseFlow(nodeId: string, reason?: string): Promise<void> {
    if (reason === undefined) {
      this.#refused.delete(nodeId);
      this.#deployed.delete(nodeId);
    } else this.#refused.set(nodeId, reason);
    const row = await this.#find({ where: { node_id: nodeId } });
    if (!row?.is_active) return;
    await this.#write(row, { ...pickSettings(row), is_active: false });
    this.#told('retireMapping', row, { is_active: true }, { is_active: false, ...(reason && { reason }) });
  }

  #told(action: FlowChange['action'], row: MappingRow, before: FlowChange['before'], after: FlowChange['after']): void {
    const { node_id: node, name, connection_id: connectionId } = row;
    if (node !== null) this.#onFlow({ action, node, name, connectionId, before, after });
  }

  isDeployed(nodeId: string): boolean {
    return this.#deployed.has(nodeId);
  }

  #view(row: MappingRow): MappingView {
    return {
      ...row,
      schedule_options: row.schedule_options ?? {},
      depends_on: row.depends_on ?? [],
      created_at: row.created_at.toISOString(),
      updated_at: row.updated_at.toISOString(),
      flow_error: row.node_id === null ? null : (this.#refused.get(row.node_id) ?? null),
    };
  }

  async #verify(settings: MappingSettings, id: number | null): Promise<void> {
    for (const field of ['connection_id', 'peer_connection_id'] as const) {
      const connection = settings[field];
      const exists = { where: { id: connection ?? 0 } };
      if (connection === null || (await this.#store.models.connections.count(exists)) === 1) continue;
      throw new IntegrationError('config', 'PCP_MAPPING_INVALID', phrase`There is no connection ${connection}.`, {
        path: `/${field}`,
        value: connection,
      });
    }
    checkSchedule(settings);
    this.#checkComparing(settings);
    if (settings.schedule !== null && settings.sync_mode === 'live') {
      throw new IntegrationError(
        'config',
        'PCP_MAPPING_INVALID',
        phrase`A live mapping runs by itself, so it has no schedule.`,
        { path: '/schedule' },
      );
    }
    await this.#checkDependencies(settings, id);
    await this.#check(settings, id);
  }

  #checkComparing({ options, schedule_options }: MappingSettings): void {
    const schedule = options.reconciliation?.schedule ?? null;
    try {
      checkSchedule({ schedule, schedule_options });
    } catch (error) {
      const wrong = IntegrationError.from(error);
      const path = wrong.path === '/schedule' ? '/options/reconciliation/schedule' : wrong.path;
      throw IntegrationError.fromJSON({ ...wrong.toJSON(), ...(path !== undefined && { path }) });
    }
  }

  async #checkDependencies({ depends_on, sync_mode }: MappingSettings, id: number | null): Promise<void> {
    if (depends_on.length === 0) return;
    const { database } = this.#store;
    const rows = await database.query('SELECT id, name, sync_mode, depends_on FROM integration_mappings');
    checkDependencies(depends_on, sync_mode, id, rows);
  }

  async #find(options: FindOptions<MappingRow>): Promise<MappingRow | null> {
    const row = await this.#store.models.mappings.findOne(options);
    return row === null ? null : (row.get({ plain: true }) as MappingRow);
  }

  async #row(options: FindOptions<MappingRow>, what: Said): Promise<MappingRow> {
    const row = await this.#find(options);
    if (row === null) throw notFound(what);
    return row;
  }

  async #insert(settings: MappingSettings, owner: Partial<MappingRow>): Promise<number> {
    const now = new Date();
    const row = await this.#named(settings.name, () =>
      this.#store.models.mappings.create({ ...settings, ...owner, created_at: now, updated_at: now }),
    );
    this.#changed();
    return row.id;
  }

  async #write(row: MappingRow, settings: MappingSettings): Promise<void> {
    const before = pickSettings(row);
    const changesMeaning = VERSIONED.some((name) => !isDeepStrictEqual(before[name], settings[name]));
    const values = { ...toColumns(settings), version: row.version + (changesMeaning ? 1 : 0), updated_at: new Date() };
    const { database } = this.#store;
    const written = await this.#named(settings.name, () =>
      updateRevision(database, database, MAPPINGS, row.id, row.revision, values),
    );
    this.#changed();
    if (written) return;
    const now = await this.#row({ where: { id: row.id } }, phrase`mapping ${row.id}`);
    throw staleRevision(phrase`Mapping ${row.id}`, row.revision, now.revision);
  }

  async #named<T>(name: string, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw isUniqueViolation(error) ? nameTaken(phrase`mapping of this connection`, name) : error;
    }
  }

  async #freeName(settings: MappingSettings, nodeId: string): Promise<string> {
    const { connection_id, name } = settings;
    const taken = await this.#find({ where: { connection_id, name } });
    return taken === null || taken.node_id === nodeId ? name : `${name} (${nodeId})`;
  }
}

/** What the input leaves out stays as it was, or takes its default in a new row. */
function toSettings(input: MappingInput, row: MappingRow | null): MappingSettings {
  const defaults = row ?? {
    description: null,
    transformations: [],
    filters: [],
    key_fields: [],
    sync_mode: 'full' as const,
    cursor_field: null,
    peer_connection_id: null,
    options: {},
    depends_on: [],
    schedule: null,
    schedule_options: {},
    is_active: true,
  };
  return {
    connection_id: input.connection_id,
    name: input.name,
    description: input.description === undefined ? defaults.description : input.description,
    entity_type: input.entity_type,
    direction: input.direction,
    source_entity: input.source_entity,
    target_entity: input.target_entity,
    field_mappings: input.field_mappings,
    transformations: input.transformations ?? defaults.transformations,
    filters: input.filters ?? defaults.filters,
    key_fields: input.key_fields ?? defaults.key_fields,
    sync_mode: input.sync_mode ?? defaults.sync_mode,
    cursor_field: input.cursor_field === undefined ? defaults.cursor_field : input.cursor_field,
    peer_connection_id: input.peer_connection_id === undefined ? defaults.peer_connection_id : input.peer_connection_id,
    options: input.options ?? defaults.options,
    depends_on: input.depends_on ?? defaults.depends_on ?? [],
    schedule: (input.schedule === undefined ? defaults.schedule : input.schedule) || null,
    schedule_options: input.schedule_options ?? defaults.schedule_options ?? {},
    is_active: input.is_active ?? defaults.is_active,
  };
}

function pickSettings(row: MappingRow): MappingSettings {
  return toSettings({ ...row, schedule_options: row.schedule_options ?? {}, depends_on: row.depends_on ?? [] }, row);
}

function toColumns(settings: MappingSettings): Record<string, SqlValue> {
  const columns: Record<string, SqlValue> = {};
  for (const [name, value] of Object.entries(settings)) {
    columns[name] = typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  }
  return columns;
}
