import type { PushedFilter } from '../model/mapping';
import type { FieldFunction } from './fields';
import type { RecordTest } from './filters';
import type { Path } from './paths';
import type { Step } from './transformations';
import type { Validate } from './validation';

/** Where a value of the output comes from. */
type Origin =
  | { kind: 'field'; path: Path }
  | { kind: 'constant'; value: unknown }
  | { kind: 'expression'; expression: string };

/** One field of the output. */
export interface PlannedField {
  /** The platform field of the pair, whatever the direction: how errors and dead letters name it. */
  field: string;
  /** The path read from, when the value is read from one. */
  source: string | undefined;
  origin: Origin;
  convert: FieldFunction;
  output: Path;
}

/** A mapping in one direction, ready to run. */
export interface Plan {
  tests: { field: string; test: RecordTest }[];
  testExpressions: string[];
  steps: Step[];
  /** The steps change nested values, so a record is copied wholly before. */
  deep: boolean;
  fields: PlannedField[];
  /** Steps over the output, of a mapping that is read backwards. */
  outputSteps: Step[];
  /** Top-level output fields of the key, how errors name them, and whether they must have a value. */
  keys: { output: string; field: string; required: boolean }[];
  outputFields: string[];
  inputFields: string[] | undefined;
  namedFields: string[];
  pushdown: PushedFilter[];
  validate: Validate | undefined;
}
