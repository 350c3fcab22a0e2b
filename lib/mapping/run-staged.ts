import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { ExpressionEvaluator, Mapped, PlainRecord } from './contract';
import type { Plan } from './plan';
import { shorten, ValueProblem } from './problems';
import { failed, RecordFailure, valueFailure } from './record-failure';
import { applyStep, type RecordRunner } from './record-runner';

/** A record on its way; several may come from one record of the batch. */
interface Item {
  index: number;
  record: PlainRecord;
  values: unknown[];
}

/** With expressions: stage by stage over the whole batch, so that each expression crosses to the evaluator once. */
export async function runStaged(
  plan: Plan,
  runner: RecordRunner,
  expressions: ExpressionEvaluator,
  records: readonly PlainRecord[],
  signal: AbortSignal | undefined,
): Promise<Mapped[]> {
  const results: Mapped[] = [];
  let items: Item[] = [];
  records.forEach((record, index) => {
    attempt(results, index, () => {
      if (!runner.passes(record)) results.push({ outcome: 'filtered', index });
      else items.push({ index, record, values: [] });
    });
  });

  const evaluate = async (expression: string, field: string | null, use: (item: Item, value: unknown) => Item[]) => {
    if (items.length === 0) return;
    const outcomes = await expressions.evaluate(
      expression,
      items.map(({ record }) => record),
      signal,
    );
    const before = items;
    items = [];
    before.forEach((item, position) => {
      attempt(results, item.index, () => {
        const outcome = outcomes[position]!;
        if ('error' in outcome) throw new RecordFailure(field, 'expression', null, named(outcome.error, field));
        items.push(...use(item, outcome.value));
      });
    });
  };

  for (const expression of plan.testExpressions) {
    await evaluate(expression, null, (item, value) => {
      if (isTrue(value)) return [item];
      results.push({ outcome: 'filtered', index: item.index });
      return [];
    });
  }
  if (plan.steps.length > 0) items = items.map((item) => ({ ...item, record: runner.copy(item.record) }));
  for (const step of plan.steps) {
    if (step.kind === 'expression') {
      await evaluate(step.expression, null, (item, value) => transformed(item, value, results));
    } else {
      const before = items;
      items = [];
      for (const item of before) {
        attempt(results, item.index, () => {
          const parts = applyStep(step, [item.record]);
          if (parts.length === 0) results.push({ outcome: 'filtered', index: item.index });
          items.push(...parts.map((record) => ({ index: item.index, record, values: [] })));
        });
      }
    }
  }
  for (const { origin, field } of plan.fields) {
    if (origin.kind !== 'expression') continue;
    await evaluate(origin.expression, field, (item, value) => {
      item.values.push(value);
      return [item];
    });
  }
  for (const { index, record, values } of items) {
    attempt(results, index, () => {
      results.push(runner.finish(record, index, values));
    });
  }
  return results.sort((a, b) => a.index - b.index);
}

function attempt(results: Mapped[], index: number, work: () => void): void {
  try {
    work();
  } catch (failure) {
    results.push(failed(failure, index));
  }
}

function isTrue(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (value === undefined || value === null) return false;
  const said = phrase`a filter expression gave a value that is neither true nor false`;
  throw valueFailure(new ValueProblem('PCP_VALUE_TYPE', 'filter', said, value), 'filter', undefined);
}

/** An object replaces the record, a list of objects becomes several records. */
function transformed(item: Item, value: unknown, results: Mapped[]): Item[] {
  const records = Array.isArray(value) ? value : [value];
  if (!records.every((record) => record !== null && typeof record === 'object' && !Array.isArray(record))) {
    const said = phrase`a transformation must give an object or a list of objects`;
    throw valueFailure(
      new ValueProblem('PCP_VALUE_TYPE', 'transformation', said, shorten(value)),
      'transformation',
      undefined,
    );
  }
  if (records.length === 0) results.push({ outcome: 'filtered', index: item.index });
  return records.map((record: PlainRecord) => ({ index: item.index, record, values: [] }));
}

/** The evaluator knows the expression, not whose it is. */
function named(error: IntegrationError, field: string | null): IntegrationError {
  if (field === null) return error;
  const { class: errorClass, code, said } = error;
  return new IntegrationError(errorClass, code, phrase`${field}: ${said}`, { ...error.toJSON(), path: field });
}
