import type { JsonSchema } from './entity';
import type { ReconciliationOptions } from './reconciliation';
import type { Scheduled } from './schedule';
import type { LiveOptions } from './stream';

export type Direction = 'import' | 'export';

export type FieldType = 'string' | 'integer' | 'number' | 'decimal' | 'boolean' | 'date' | 'datetime' | 'json';

/** One pair of fields. Exactly one of source, expression and constant says where the value comes from. */
export interface FieldMapping {
  /** Path in the external record: "a.b[0].c". A name that holds dots can be quoted: `["a.b"]`. */
  source?: string;
  /** Field of the platform entity (a path as well, for nested json fields). */
  target: string;
  type?: FieldType;
  /** Date and datetime: a pattern (YYYY MM DD HH mm ss SSS ZZ ...), "iso", "local" (ISO without an offset), "unix", "unix_ms" or "odata-v2". Boolean: "X|" = true|false words. */
  format?: string;
  /** IANA zone of a datetime without an offset; default: the connection's zone, then UTC. */
  timezone?: string;
  decimal_separator?: ',' | '.';
  /** Number of decimals a decimal is kept with; more digits in the source are an error unless `round` is set. */
  scale?: number;
  round?: boolean;
  /** Unit of the source value and unit wanted in the platform ("g" to "kg"). */
  unit?: string;
  to_unit?: string;
  trim?: boolean;
  /**
   * Pads to a length; the inverse strips it. `on` says which direction pads, "import" unless given. SAP's ALPHA, where the
   * external side is the padded one: {"length": 12, "with": "0", "on": "export"}.
   */
  pad?: { length: number; with?: string; side?: 'start' | 'end'; on?: Direction };
  /** Used when the source is missing, null or an empty string. */
  default?: unknown;
  required?: boolean;
  lookup?: Record<string, unknown>;
  /** Value for what the lookup does not know; without it an unknown value is an error. */
  lookup_default?: unknown;
  /** JSONata over the source record. */
  expression?: string;
  /** JSONata over the platform record, for exports of an `expression` field; writes to `source`. */
  export_expression?: string;
  constant?: unknown;
}

export type FilterOperator =
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'in'
  | 'not_in'
  | 'like'
  | 'is_null'
  | 'not_null'
  | 'between';

/** A condition on the record as it is read (external fields in an import, platform fields in an export). */
export type Filter = { field: string; operator: FilterOperator; value?: unknown } | { expression: string };
/** As a source is asked. `byValue`: what texts stand for is compared ("007" is 7), so that a field of texts cannot judge it. */
export type PushedFilter = Filter & { byValue?: true };

/** Steps over the source record before the fields are mapped (imports), in order. */
export type Transformation =
  | { op: 'split'; field: string; separator: string }
  | { op: 'join'; field: string; separator: string }
  | { op: 'concat'; fields: string[]; separator?: string; to: string }
  | { op: 'explode'; field: string }
  | { op: 'rename'; field: string; to: string }
  | { op: 'remove'; field: string }
  | { op: 'set'; field: string; value: unknown }
  | { op: 'upper' | 'lower' | 'trim'; field: string }
  | { op: 'replace'; field: string; search: string; with: string }
  | { op: 'substring'; field: string; start: number; length?: number; to?: string }
  | { op: 'expression'; expression: string };

export interface MappingOptions {
  /** Records per batch, 1 to 20,000. Default: what the two connectors like best. */
  batch_size?: number;
  /** What happens to the others when a record fails. */
  on_error?: 'skip' | 'stop';
  /** The run fails (class guard) when more records than this failed; default 1000. */
  max_errors?: number;
  /** ... or a larger share of the records read, judged after 50 records; default 0.2. */
  max_error_ratio?: number;
  /** Re-read this many seconds behind the cursor in incremental reads; the hashes absorb the repeats. */
  lookback_seconds?: number;
  /** Which side wins when a record of a two-way mapping was changed on both; default `manual`: a person decides. */
  conflict_policy?: ConflictPolicy;
  /** Runs when something new lies in its source, such as a file in its folder; imports only. */
  on_arrival?: boolean;
  /** What the mappings that it depends on have to come to, so that it follows; default: `success_or_partial`. */
  depends_on_outcome?: DependencyOutcome;
  /** Of a live mapping: its spool and its watchdog. */
  live?: LiveOptions;
  /** How and when its two sides are compared. */
  reconciliation?: ReconciliationOptions;
}

/** `completed`: they ended, however; `success`: not one of their records was rejected. */
export type DependencyOutcome = 'success' | 'success_or_partial' | 'completed';

export type SyncMode = 'full' | 'incremental' | 'live';

export type ConflictPolicy = 'manual' | 'external_wins' | 'platform_wins';

/** Row of `integration_mappings`. `source_entity` is always the external entity, `target_entity` the platform's. */
export interface Mapping extends Scheduled {
  id: number;
  connection_id: number;
  name: string;
  description: string | null;
  entity_type: string;
  direction: Direction | 'bidirectional';
  source_entity: string;
  target_entity: string;
  field_mappings: FieldMapping[];
  transformations: Transformation[];
  filters: Filter[];
  /** Platform fields that identify a record; default: the entity's own key. */
  key_fields: string[];
  /** `live`: an import of what the source sends, by way of the spool; it runs by itself as long as the mapping is active. */
  sync_mode: SyncMode;
  /** External field (imports) or platform field (exports) that grows with each change. */
  cursor_field: string | null;
  /** The other external system, or null for the platform. */
  peer_connection_id: number | null;
  options: MappingOptions;
  /** Mappings, of any connection, whose success starts this one (`options.depends_on_outcome`). In a job with them it runs after them. */
  depends_on: number[];
  is_active: boolean;
  managed_by: 'api' | 'flow';
  node_id: string | null;
  /** Grows with each change of fields, filters, keys or entities; checkpoints remember it. */
  version: number;
  created_at: string;
  updated_at: string;
}

/** What compiling a mapping needs besides the mapping itself. */
export interface MappingContext {
  /** JSON Schema of the target side, for validation after mapping; absent = no validation (an external target). */
  targetSchema?: JsonSchema;
  /** Zone for datetimes without an offset, when the field names none. */
  timezone?: string;
  /** Key fields of the platform entity that may be empty, as the batch of a stock without batches. */
  optionalKeys?: string[];
}
