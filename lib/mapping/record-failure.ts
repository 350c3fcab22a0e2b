import type { IntegrationError } from '../model/errors';
import type { Mapped } from './contract';
import { fieldError, shorten, type ValueProblem } from './problems';

/** A record that failed, before its index in the batch is known. */
export class RecordFailure extends Error {
  constructor(
    readonly field: string | null,
    readonly rule: string,
    readonly value: unknown,
    readonly error: IntegrationError,
    readonly stage: 'transform' | 'validate' = 'transform',
  ) {
    super(error.message);
    this.name = 'RecordFailure';
  }
}

/** @throws whatever is no failure of the record: a bug */
export function failed(failure: unknown, index: number): Extract<Mapped, { outcome: 'failed' }> {
  if (!(failure instanceof RecordFailure)) throw failure;
  const { stage, field, rule, value, error } = failure;
  return { outcome: 'failed', index, stage, field, rule, value, error };
}

export function valueFailure(
  problem: ValueProblem,
  field: string,
  source: string | undefined,
  stage: 'transform' | 'validate' = 'transform',
): RecordFailure {
  return new RecordFailure(field, problem.rule, shorten(problem.value), fieldError(problem, field, source), stage);
}
