import type { Direction, FieldMapping, Filter, SyncMode, Transformation } from '../../model/mapping';

/** A mapping that works as it is, for whoever starts with it. */
export interface DefaultMapping {
  direction: Direction;
  target_entity: string;
  field_mappings: FieldMapping[];
  transformations?: Transformation[];
  filters?: Filter[];
  key_fields?: string[];
  sync_mode?: SyncMode;
  cursor_field?: string;
}
