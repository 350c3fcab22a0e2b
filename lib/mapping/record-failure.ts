import type { IntegrationError } from '../model/errors';
import { listed, type Said } from '../model/phrase';
import type { FieldFailure, Mapped } from './contract';
import { fieldError, shorten, type ValueProblem } from './problems';

type Failed = Extract<Mapped, { outcome: 'failed' }>;

/** A record with more wrong fields than these is another record altogether. */
const MAX_FURTHER = 20;

/** A record that failed, before its index in the batch is known. */
export class RecordFailure extends Error {
  constructor(
    readonly field: string | null,
    readonly rule: string,
    readonly value: unknown,
    readonly error: IntegrationError,
    readonly stage: 'transform' | 'validate' = 'transform',
    /** Of other fields of the same record. */
    readonly further: readonly RecordFailure[] = [],
  ) {
    super(error.message);
    this.name = 'RecordFailure';
  }

  /** The first of them, which tells the others too. */
  static of(failures: readonly RecordFailure[]): RecordFailure {
    const [{ field, rule, value, error, stage }, ...further] = failures as [RecordFailure, ...RecordFailure[]];
    return new RecordFailure(field, rule, value, error, stage, further.slice(0, MAX_FURTHER));
  }
}

/** @throws whatever is no failure of the record: a bug */
export function failed(failure: unknown, index: number): Failed {
  if (!(failure instanceof RecordFailure)) throw failure;
  const { stage, field, rule, value, error, further } = failure;
  return {
    outcome: 'failed',
    index,
    stage,
    field,
    rule,
    value,
    error,
    ...(further.length > 0 && { further: further.map(told) }),
  };
}

function told({ field, rule, error }: RecordFailure): FieldFailure {
  return { ...error.toJSON(), field, rule };
}

/** All that is wrong with a record, in one text. */
export function saidOfAll({
  error,
  further = [],
}: {
  error: IntegrationError;
  further?: readonly FieldFailure[] | undefined;
}): Said {
  if (further.length === 0) return error.said;
  return listed([error.said, ...further.map(({ said, message }) => said ?? message)], ' ');
}

export function valueFailure(
  problem: ValueProblem,
  field: string,
  source: string | undefined,
  stage: 'transform' | 'validate' = 'transform',
): RecordFailure {
  return new RecordFailure(field, problem.rule, shorten(problem.value), fieldError(problem, field, source), stage);
}
