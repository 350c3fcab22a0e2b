import type { Transformation } from '../model/mapping';
import { phrase } from '../model/phrase';
import type { PlainRecord } from './contract';
import { textOf } from './conversions/texts';
import { checkedPath } from './definition';
import { compileReader, compileSetter, type Path, rootOf, topLevelName } from './paths';
import { mappingError, ValueProblem } from './problems';

/** One step over a record that the run owns, so it may change it in place. */
export type Step =
  | { kind: 'change'; field: string; op: string; apply(record: PlainRecord): void }
  /** @returns one record per element of a list; none for an empty or missing one */
  | { kind: 'explode'; field: string; op: string; apply(record: PlainRecord): PlainRecord[] }
  | { kind: 'expression'; expression: string; path: string };

type Operation<Op extends Transformation['op']> = Extract<Transformation, { op: Op }>;

/** @throws config PCP_MAPPING_INVALID */
export function compileTransformations(transformations: readonly Transformation[]): Step[] {
  return transformations.map((transformation, index) => compileStep(transformation, `/transformations/${index}`));
}

function compileStep(step: Transformation, path: string): Step {
  switch (step?.op) {
    case 'expression':
      requireText(step.expression, 'expression', step.op, path);
      return { kind: 'expression', expression: step.expression, path: `${path}/expression` };
    case 'explode':
      return explode(step, path);
    case 'concat':
      return concat(step, path);
    case 'rename':
      return rename(step, path);
    case 'remove':
      return remove(step, path);
    case 'set': {
      const write = compileSetter(fieldPath(step.field, 'field', step.op, path));
      return change(step.field, step.op, (record) => write(record, structuredClone(step.value)));
    }
    case 'split':
      requireText(step.separator, 'separator', step.op, path);
      return inPlace(step, path, (value) => (Array.isArray(value) ? value : textOf(value).split(step.separator)));
    case 'join':
      requireText(step.separator, 'separator', step.op, path, true);
      return inPlace(step, path, (value) =>
        Array.isArray(value) ? value.map(partText).join(step.separator) : textOf(value),
      );
    case 'upper':
      return inPlace(
        step,
        path,
        each((text) => text.toUpperCase()),
      );
    case 'lower':
      return inPlace(
        step,
        path,
        each((text) => text.toLowerCase()),
      );
    case 'trim':
      return inPlace(
        step,
        path,
        each((text) => text.trim()),
      );
    case 'replace':
      requireText(step.search, 'search', step.op, path);
      requireText(step.with, 'with', step.op, path, true);
      return inPlace(
        step,
        path,
        each((text) => text.split(step.search).join(step.with)),
      );
    case 'substring':
      return substring(step, path);
    default:
      throw mappingError(`${path}/op`, `The transformation at ${path} has an unknown op.`);
  }
}

function change(field: string, op: string, apply: (record: PlainRecord) => void): Step {
  return { kind: 'change', field, op, apply };
}

/** Null and missing values stay what they are. */
function inPlace(step: { op: string; field: string }, path: string, convert: (value: unknown) => unknown): Step {
  const field = fieldPath(step.field, 'field', step.op, path);
  const read = compileReader(field);
  const write = compileSetter(field);
  return change(step.field, step.op, (record) => {
    const value = read(record);
    if (value !== undefined && value !== null) write(record, convert(value));
  });
}

/** A list, as `split` leaves it, is changed element by element. */
function each(convert: (text: string) => string): (value: unknown) => unknown {
  return (value) => (Array.isArray(value) ? value.map((item) => convert(partText(item))) : convert(textOf(value)));
}

function partText(value: unknown): string {
  return value === undefined || value === null ? '' : textOf(value);
}

function explode(step: Operation<'explode'>, path: string): Step {
  const field = fieldPath(step.field, 'field', step.op, path);
  const name = topLevelName(field);
  if (name === undefined) throw mappingError(`${path}/field`, `explode: ${step.field} must be a top-level field.`);
  const read = compileReader(field);
  return {
    kind: 'explode',
    field: step.field,
    op: step.op,
    apply(record) {
      const value = read(record);
      if (value === undefined || value === null || value === '') return [];
      const items: unknown[] = Array.isArray(value) ? value : [value];
      return items.map((item) => ({ ...record, [name]: item }));
    },
  };
}

function concat(step: Operation<'concat'>, path: string): Step {
  if (!Array.isArray(step.fields) || step.fields.length === 0)
    throw mappingError(`${path}/fields`, 'concat: names no fields.');
  const readers = step.fields.map((field, index) => compileReader(fieldPath(field, `fields/${index}`, step.op, path)));
  const write = compileSetter(fieldPath(step.to, 'to', step.op, path));
  return change(step.to, step.op, (record) => {
    const texts = readers.map((read) => partText(read(record)));
    write(record, texts.every((text) => text === '') ? null : texts.join(step.separator ?? ''));
  });
}

function rename(step: Operation<'rename'>, path: string): Step {
  const from = topLevel(step.field, 'field', step.op, path);
  const to = topLevel(step.to, 'to', step.op, path);
  return change(step.field, step.op, (record) => {
    if (!Object.hasOwn(record, from) || from === to) return;
    record[to] = record[from];
    delete record[from];
  });
}

function remove(step: Operation<'remove'>, path: string): Step {
  const name = topLevel(step.field, 'field', step.op, path);
  return change(step.field, step.op, (record) => {
    delete record[name];
  });
}

function substring(step: Operation<'substring'>, path: string): Step {
  const isLength = step.length === undefined || (Number.isInteger(step.length) && step.length >= 0);
  if (!Number.isInteger(step.start) || !isLength) {
    throw mappingError(
      path,
      `substring of ${step.field}: start and length must be whole numbers, length not negative.`,
    );
  }
  const read = compileReader(fieldPath(step.field, 'field', step.op, path));
  const write = compileSetter(fieldPath(step.to ?? step.field, step.to === undefined ? 'field' : 'to', step.op, path));
  return change(step.field, step.op, (record) => {
    const value = read(record);
    if (value === undefined || value === null) return;
    const rest = textOf(value).slice(step.start);
    write(record, step.length === undefined ? rest : rest.slice(0, step.length));
  });
}

/**
 * The steps that undo the given ones on a record that is written, for mappings that go both ways.
 * @throws config PCP_MAPPING_INVALID for a step that cannot be undone
 */
export function invertTransformations(transformations: readonly Transformation[]): Transformation[] {
  return transformations
    .map((step, index) => inverseOf(step, `/transformations/${index}`))
    .filter((step) => step !== null)
    .reverse();
}

function inverseOf(step: Transformation, path: string): Transformation | null {
  switch (step?.op) {
    case 'rename':
      return { op: 'rename', field: step.to, to: step.field };
    case 'split':
      return { op: 'join', field: step.field, separator: step.separator };
    case 'join':
      if (step.separator === '') break;
      return { op: 'split', field: step.field, separator: step.separator };
    case 'remove':
      return null;
    default:
      break;
  }
  const name = step && 'field' in step ? `${step.op} of ${step.field}` : `${step?.op}`;
  throw mappingError(path, `The transformation ${name} cannot be read backwards, so the mapping cannot be exported.`);
}

/** @returns the top-level fields a record must bring so that `needed` are there after the steps; undefined = any */
export function fieldsBefore(
  transformations: readonly Transformation[],
  needed: Iterable<string>,
): Set<string> | undefined {
  const fields = new Set(needed);
  for (const [index, step] of [...transformations.entries()].reverse()) {
    if (step.op === 'expression') return undefined;
    const root = (field: string) => rootOf(checkedPath(field, `/transformations/${index}`, step.op));
    if (step.op === 'concat') {
      fields.delete(root(step.to));
      for (const field of step.fields) fields.add(root(field));
    } else if (step.op === 'rename') {
      if (fields.delete(root(step.to))) fields.add(root(step.field));
    } else if (step.op !== 'remove' && step.op !== 'set') {
      fields.add(root(step.field));
    }
  }
  return fields;
}

/** True when a step reaches into nested values, which belong to the record as it was read. */
export function reachesDeep(transformations: readonly Transformation[]): boolean {
  return transformations.some((step, index) => {
    if (step.op === 'expression') return false;
    const fields =
      step.op === 'concat' ? [step.to] : 'to' in step && step.to !== undefined ? [step.field, step.to] : [step.field];
    return fields.some((field) => checkedPath(field, `/transformations/${index}`, step.op).segments.length > 1);
  });
}

/** Names the step in the problem of a value that it cannot work on. */
export function stepProblem(step: Exclude<Step, { kind: 'expression' }>, problem: ValueProblem): ValueProblem {
  return new ValueProblem(problem.code, step.op, phrase`${step.op}: ${problem.said}`, problem.value, problem.hint);
}

function fieldPath(field: unknown, member: string, op: string, path: string): Path {
  return checkedPath(field, `${path}/${member}`, op);
}

function topLevel(field: unknown, member: string, op: string, path: string): string {
  const name = topLevelName(fieldPath(field, member, op, path));
  if (name === undefined) throw mappingError(`${path}/${member}`, `${op}: ${String(field)} must be a top-level field.`);
  return name;
}

function requireText(value: unknown, member: string, op: string, path: string, emptyAllowed = false): void {
  if (typeof value !== 'string' || (value === '' && !emptyAllowed)) {
    throw mappingError(
      `${path}/${member}`,
      `${op}: "${member}" must be a text${emptyAllowed ? '' : ' that is not empty'}.`,
    );
  }
}
