import type { MappingInput } from '../../../lib/model/services';
import type { Store } from '../../../lib/store/store';

/** Long before the tests' own time. */
const AT = new Date('2026-01-01T00:00Z');

let names = 0;

export async function addConnection(store: Store, schedule: string | null = null): Promise<number> {
  const row = await store.models.connections.create({
    ...{ name: `ERP ${++names}`, connector_type: 'generic.file', config: {}, schedule, schedule_options: {} },
    ...{ is_active: true, managed_by: 'api', created_at: AT, updated_at: AT },
  });
  return row.id;
}

export async function addMapping(
  store: Store,
  connectionId: number,
  more: Partial<MappingInput> = {},
): Promise<number> {
  const row = await store.models.mappings.create({
    ...{ connection_id: connectionId, name: `Orders ${++names}`, entity_type: 'production_order', direction: 'import' },
    ...{ source_entity: 'orders', target_entity: 'production_order', field_mappings: [], transformations: [] },
    ...{ filters: [], key_fields: [], options: {}, is_active: true, managed_by: 'api', created_at: AT, updated_at: AT },
    ...more,
  });
  return row.id;
}
