import type { Connector, ConnectorEnvironment, EntityPlace } from '../connectors/contract';
import type { ConnectorRegistry } from '../connectors/registry';
import { IntegrationError } from '../model/errors';
import type { Mapping } from '../model/mapping';
import type { Connections } from '../model/services';
import type { SqlDatabase } from '../protocols/sql/database';

export interface SourceRulesOptions {
  database: SqlDatabase;
  registry: Pick<ConnectorRegistry, 'load'>;
  connections: Pick<Connections, 'get'>;
  environment: ConnectorEnvironment;
}

type Ends = Pick<
  Mapping,
  'connection_id' | 'peer_connection_id' | 'direction' | 'source_entity' | 'target_entity' | 'is_active'
>;

/** An external entity that a mapping reads. */
interface Source {
  connectionId: number;
  entity: string;
  path: '/source_entity' | '/target_entity';
}

/** Refuses mappings that would lose records by what reading and writing does to the place of their entity. */
export class SourceRules {
  constructor(private readonly options: SourceRulesOptions) {}

  /**
   * @param id of the mapping, null when it is new
   * @throws config PCP_SOURCE_REPLACED, PCP_SOURCE_SHARED
   */
  async check(mapping: Ends, id: number | null): Promise<void> {
    for (const source of sourcesOf(mapping)) {
      const place = await this.place(source);
      if (place?.isReplaced && mapping.direction === 'bidirectional') throw replaced(source, place);
      if (!place?.isEmptied || !mapping.is_active) continue;
      const other = await this.otherReader(source, place, id);
      if (other !== null) throw shared(source, place, other);
    }
  }

  private async otherReader(source: Source, place: EntityPlace, id: number | null): Promise<string | null> {
    const rows = await this.options.database.query(
      `SELECT id, name, connection_id, peer_connection_id, direction, source_entity, target_entity
       FROM integration_mappings WHERE is_active = ? AND (connection_id = ? OR peer_connection_id = ?) ORDER BY id`,
      [true, source.connectionId, source.connectionId],
    );
    for (const row of rows) {
      if (Number(row.id) === id) continue;
      for (const other of sourcesOf(row as unknown as Ends)) {
        if (Number(other.connectionId) !== source.connectionId) continue;
        if ((await this.place({ ...other, connectionId: source.connectionId }))?.name === place.name)
          return `${row.id} ("${row.name}")`;
      }
    }
    return null;
  }

  private async place({ connectionId, entity }: Source): Promise<EntityPlace | undefined> {
    const { name, connector_type, config } = await this.options.connections.get(connectionId);
    const { create } = await this.options.registry.load(connector_type);
    const open = { id: connectionId, name, connector_type, config, credentials: {} };
    const connector: Connector = create(open, this.options.environment);
    try {
      return connector.place?.(entity);
    } catch (error) {
      // An entity that is not there, or wrong, is for the run to report: it may yet be configured.
      if (IntegrationError.from(error).class === 'bug') throw error;
      return undefined;
    } finally {
      await connector.close();
    }
  }
}

function sourcesOf({ connection_id, peer_connection_id, direction, source_entity, target_entity }: Ends): Source[] {
  const sources: Source[] = [];
  if (direction !== 'export')
    sources.push({ connectionId: connection_id, entity: source_entity, path: '/source_entity' });
  if (direction !== 'import' && peer_connection_id !== null)
    sources.push({ connectionId: peer_connection_id, entity: target_entity, path: '/target_entity' });
  return sources;
}

function replaced({ entity, path }: Source, place: EntityPlace): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_SOURCE_REPLACED',
    `"${entity}" cannot be synchronised both ways: the export would replace "${place.name}", which the import reads, and with it every column and row that the mapping does not bring.`,
    { path, hint: 'Let the export write to another file: give the entity a "write": {"path": ...}.' },
  );
}

function shared({ entity, path }: Source, place: EntityPlace, other: string): IntegrationError {
  return new IntegrationError(
    'config',
    'PCP_SOURCE_SHARED',
    `"${entity}" is read by mapping ${other} as well, and what was read of "${place.name}" is moved or deleted: each record would reach only one of them.`,
    { path, hint: 'Set "after_read" to "keep", or give each mapping files of its own.' },
  );
}
