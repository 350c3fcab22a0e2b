import type { IntegrationError, SerializedError } from '../model/errors';
import type { Direction, Mapping, MappingContext, PushedFilter } from '../model/mapping';

export type PlainRecord = Record<string, unknown>;

/** What became of one record. `index` is that of the record given in; `explode` may give several results for one. */
export type Mapped =
  | { outcome: 'mapped'; index: number; data: PlainRecord }
  | { outcome: 'filtered'; index: number }
  | {
      outcome: 'failed';
      index: number;
      stage: 'transform' | 'validate';
      field: string | null;
      rule: string;
      value: unknown;
      error: IntegrationError;
      /** What is wrong with other fields of the record. */
      further?: FieldFailure[];
    };

/** What is wrong with one field, as it is told. */
export type FieldFailure = SerializedError & { field: string | null; rule: string };

/** Evaluates JSONata away from this process's heap. One outcome per input, in order. */
export interface ExpressionEvaluator {
  evaluate(
    expression: string,
    inputs: readonly PlainRecord[],
    signal?: AbortSignal,
  ): Promise<({ value: unknown } | { error: IntegrationError })[]>;
}

/** A mapping in one direction, compiled once and used for every batch of a run. */
export interface CompiledMapping {
  /** Top-level fields of the input that are needed, or undefined when an expression may touch any. */
  readonly inputFields: string[] | undefined;
  /** Top-level fields of an import's source that the mapping names; an expression may touch others. */
  readonly namedFields: string[];
  /** Fields of the output, in order. */
  readonly outputFields: string[];
  /** Output fields that identify a record: platform keys in an import, their external counterparts in an export. */
  readonly keyFields: string[];
  /** Conditions in terms of the input, which a connector may push down. */
  readonly pushdown: PushedFilter[];
  /** False where converting is computing alone, which waits for nothing. */
  readonly usesExpressions: boolean;
  /** Converts and checks. */
  map(records: readonly PlainRecord[], signal?: AbortSignal): Promise<Mapped[]>;
  /** Converts without asking the target's schema: for whoever checks only what is going to be written. */
  convert(records: readonly PlainRecord[], signal?: AbortSignal): Promise<Mapped[]>;
  /** What the target's schema says against a converted record, or null. */
  check(data: PlainRecord, index: number): Extract<Mapped, { outcome: 'failed' }> | null;
}

export type MappingDefinition = Pick<
  Mapping,
  'direction' | 'source_entity' | 'target_entity' | 'field_mappings' | 'transformations' | 'filters' | 'key_fields'
>;

/** @throws config PCP_MAPPING_INVALID naming the field when it cannot be compiled in this direction. */
export type CompileMapping = (
  mapping: MappingDefinition,
  direction: Direction,
  context: MappingContext & { expressions: ExpressionEvaluator },
) => CompiledMapping;
