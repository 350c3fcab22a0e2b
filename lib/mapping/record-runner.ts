import { phrase } from '../model/phrase';
import type { Mapped, PlainRecord } from './contract';
import type { FieldFunction } from './fields';
import { compileReader, compileSetter, plainName, type Reader, type Setter, topLevelName } from './paths';
import type { Plan, PlannedField } from './plan';
import { ValueProblem } from './problems';
import { RecordFailure, valueFailure } from './record-failure';
import { stepProblem } from './transformations';

/** What the two ways of running a plan share: everything about one record that needs no expression. */
export interface RecordRunner {
  /** False for a filtered record. @throws IntegrationError */
  passes(record: PlainRecord): boolean;
  /** The mapped record, checked; `values` are those of the expression fields, in order. */
  finish(record: PlainRecord, index: number, values: readonly unknown[] | undefined): Mapped;
  /** A copy that transformations may change. */
  copy(record: PlainRecord): PlainRecord;
}

/** @throws RecordFailure */
export function applyStep(
  step: Exclude<Plan['steps'][number], { kind: 'expression' }>,
  parts: PlainRecord[],
): PlainRecord[] {
  try {
    if (step.kind === 'explode') return parts.flatMap((part) => step.apply(part));
    for (const part of parts) step.apply(part);
    return parts;
  } catch (problem) {
    if (!(problem instanceof ValueProblem)) throw problem;
    throw valueFailure(stepProblem(step, problem), step.field, undefined);
  }
}

interface CompiledField {
  convert: FieldFunction;
  /** A field of the record that is read by its name alone. */
  name: string | undefined;
  read: Reader | undefined;
  /** Place among the values of expressions, or -1. */
  expression: number;
}

/** Throws a RecordFailure for a converted record that the target's schema refuses; null when there is no schema. */
export function recordCheck(plan: Plan): ((data: PlainRecord) => void) | null {
  const { validate } = plan;
  if (validate === undefined) return null;
  return (data) => {
    if (validate(data) !== null) throw RecordFailure.of(violations(plan, data));
  };
}

function violations({ fields, validate }: Plan, data: PlainRecord): RecordFailure[] {
  return (validate?.(data) ?? []).map(({ problem, field }) =>
    valueFailure(problem, field, sourceOf(fields, field), 'validate'),
  );
}

/** @param check what is asked of each converted record, or null */
export function recordRunner(plan: Plan, check: ((data: PlainRecord) => void) | null): RecordRunner {
  const { tests, fields } = plan;
  const compiled = compileFields(fields);
  const write = writerOf(plan);
  const finishKeys = keyCheck(plan);
  return {
    passes(record) {
      for (const { field, test } of tests) {
        try {
          if (!test(record)) return false;
        } catch (problem) {
          if (!(problem instanceof ValueProblem)) throw problem;
          throw valueFailure(problem, field, undefined);
        }
      }
      return true;
    },
    finish(record, index, values) {
      const data = write(record, values, compiled);
      for (const step of plan.outputSteps) if (step.kind !== 'expression') applyStep(step, [data]);
      finishKeys(data);
      check?.(data);
      return { outcome: 'mapped', index, data };
    },
    copy: (record) => (plan.deep ? structuredClone(record) : { ...record }),
  };
}

function compileFields(fields: readonly PlannedField[]): CompiledField[] {
  let expressions = 0;
  return fields.map(({ origin, convert }) => ({
    convert,
    name: origin.kind === 'field' ? plainName(origin.path) : undefined,
    read: origin.kind === 'field' ? compileReader(origin.path) : undefined,
    expression: origin.kind === 'expression' ? expressions++ : -1,
  }));
}

type Write = (
  record: PlainRecord,
  values: readonly unknown[] | undefined,
  compiled: readonly CompiledField[],
) => PlainRecord;

/** Two forms, because nested output is rare and the flat one is what a million rows go through. */
function writerOf(plan: Plan): Write {
  const { fields } = plan;
  const names = fields.map(({ output }) => topLevelName(output));
  const setters: Setter[] | undefined = names.includes(undefined)
    ? fields.map(({ output }) => compileSetter(output))
    : undefined;
  const count = fields.length;
  // Copying a record with all its fields is much faster than adding them one by one.
  const template: PlainRecord = JSON.parse(
    JSON.stringify(Object.fromEntries(setters === undefined ? names.map((name) => [name, null]) : [])),
  );
  return (record, values, compiled) => {
    const data: PlainRecord = { ...template };
    let at = 0;
    let failures: RecordFailure[] | undefined;
    while (at < count) {
      try {
        for (; at < count; at++) {
          const { name, convert } = compiled[at]!;
          const value = convert(name === undefined ? readOther(record, values, compiled[at]!) : record[name]);
          if (setters === undefined) data[names[at]!] = value;
          else setters[at]!(data, value);
        }
      } catch (problem) {
        if (!(problem instanceof ValueProblem)) throw problem;
        const { field, source } = fields[at++]!;
        failures = [...(failures ?? []), valueFailure(problem, field, source)];
      }
    }
    if (failures !== undefined) throw RecordFailure.of([...failures, ...otherViolations(plan, data, failures)]);
    return data;
  };
}

/** What the target's schema says of a record some of whose fields could not be converted. */
function otherViolations(plan: Plan, data: PlainRecord, failures: readonly RecordFailure[]): RecordFailure[] {
  const failed = failures.map(({ field }) => `${field}.`);
  return violations(plan, data).filter(({ field }) => !failed.some((name) => name.startsWith(`${field}.`)));
}

function readOther(
  record: PlainRecord,
  values: readonly unknown[] | undefined,
  { read, expression }: CompiledField,
): unknown {
  if (read !== undefined) return read(record);
  return expression < 0 ? undefined : values?.[expression];
}

/** A record without its key cannot be told from others, whatever the target would accept. */
function keyCheck(plan: Plan): (data: PlainRecord) => void {
  const { keys, fields } = plan;
  const needed = keys.filter(({ required }) => required);
  return (data) => {
    for (const { output, field } of needed) {
      const value = data[output];
      if (value === null || value === undefined || value === '') {
        const problem = new ValueProblem('PCP_VALUE_REQUIRED', 'key', phrase`the key is empty`, null);
        const failure = valueFailure(problem, field, sourceOf(fields, field));
        throw RecordFailure.of([failure, ...otherViolations(plan, data, [failure])]);
      }
    }
  };
}

function sourceOf(fields: readonly PlannedField[], name: string): string | undefined {
  return fields.find(({ field }) => field === name)?.source;
}
