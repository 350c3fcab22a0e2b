import type { SerializedError } from './errors';

/** JSON Schema 2020-12, as far as this project reads it. */
export interface JsonSchema {
  $id?: string;
  type?: string | string[];
  format?: string;
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: unknown[];
  additionalProperties?: boolean | JsonSchema;
  maxLength?: number;
  minLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  default?: unknown;
  writeOnly?: boolean;
  readOnly?: boolean;
  [keyword: string]: unknown;
}

/** An entity of a connection, as discovery shows it. */
export interface EntityInfo {
  name: string;
  label?: string;
  /** The label in every locale, where there is more than one. */
  labels?: Record<string, string>;
  /** "table", "view", "file", "entity", ... */
  kind: string;
  key: string[];
  readable: boolean;
  writable: boolean;
  /** Why it cannot be used, when the others can. */
  error?: SerializedError;
  /** What the connection's setting "entities" could hold for it, where it is a draft. */
  draft?: unknown;
}

/**
 * A type of the platform's catalogue. Decimals are `{"type": "string", "format": "decimal"}`, dates `format: date`,
 * instants `format: date-time` (UTC, "2026-11-24T05:00:00.000Z").
 */
export interface EntityType {
  type: string;
  /** English title; `titles` holds every locale. */
  title: string;
  titles?: Record<string, string>;
  /** The ISA-95 object this type stands for, as B2MML names it ("OperationsRequest"). */
  isa95?: string;
  key: string[];
  schema: JsonSchema;
  built_in: boolean;
}
