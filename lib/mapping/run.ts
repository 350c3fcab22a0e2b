import { IntegrationError } from '../model/errors';
import type { CompiledMapping, ExpressionEvaluator, Mapped, PlainRecord } from './contract';
import type { Plan } from './plan';
import { failed } from './record-failure';
import { applyStep, type RecordRunner, recordCheck, recordRunner } from './record-runner';
import { runStaged } from './run-staged';

export function runnerOf(
  plan: Plan,
  expressions: ExpressionEvaluator,
): Pick<CompiledMapping, 'usesExpressions' | 'map' | 'convert' | 'check'> {
  const usesExpressions =
    plan.testExpressions.length > 0 ||
    plan.steps.some(({ kind }) => kind === 'expression') ||
    plan.fields.some(({ origin }) => origin.kind === 'expression');
  const check = recordCheck(plan);
  return {
    usesExpressions,
    map: batchRunner(plan, recordRunner(plan, check), usesExpressions ? expressions : null),
    convert: batchRunner(plan, recordRunner(plan, null), usesExpressions ? expressions : null),
    check(data, index) {
      try {
        check?.(data);
        return null;
      } catch (failure) {
        return failed(failure, index);
      }
    },
  };
}

function batchRunner(
  plan: Plan,
  runner: RecordRunner,
  expressions: ExpressionEvaluator | null,
): CompiledMapping['map'] {
  return async (records, signal) => {
    if (signal?.aborted) throw new IntegrationError('cancelled', 'PCP_CANCELLED', 'The work was cancelled.');
    return expressions === null
      ? runPlain(plan, runner, records)
      : runStaged(plan, runner, expressions, records, signal);
  };
}

/** Without expressions: record by record, nothing awaited. */
function runPlain(plan: Plan, runner: RecordRunner, records: readonly PlainRecord[]): Mapped[] {
  const results: Mapped[] = [];
  const hasSteps = plan.steps.length > 0;
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    try {
      if (!runner.passes(record)) results.push({ outcome: 'filtered', index });
      else if (!hasSteps) results.push(runner.finish(record, index, undefined));
      else {
        const parts = applySteps(plan, runner.copy(record));
        if (parts.length === 0) results.push({ outcome: 'filtered', index });
        for (const part of parts) results.push(finished(runner, part, index));
      }
    } catch (failure) {
      results.push(failed(failure, index));
    }
  }
  return results;
}

function finished(runner: RecordRunner, record: PlainRecord, index: number): Mapped {
  try {
    return runner.finish(record, index, undefined);
  } catch (failure) {
    return failed(failure, index);
  }
}

function applySteps(plan: Plan, record: PlainRecord): PlainRecord[] {
  let parts = [record];
  for (const step of plan.steps) if (step.kind !== 'expression') parts = applyStep(step, parts);
  return parts;
}
