import { IntegrationError } from '../model/errors';
import type { TestDetail, TestReport, TestStep, TestStepName, Unanswered } from './contract';

/** All steps together; the contract allows 10 s. */
const LIMIT_MS = 9000;

/** How failures of a kind of system are told. */
export interface FailureRules {
  /** For when there was no complete answer in time. */
  timeout: { code: string; hint: string };
  /** For failures that say nothing about what to do. */
  hint?: string;
  /** Which step a failure belongs to; `current` where it says nothing about that. */
  failedStep(error: IntegrationError, current: TestStepName): TestStepName;
}

export interface Steps {
  pass(name: TestStepName, detail: TestDetail, unanswered?: Unanswered[]): void;
  /** What fails from now on belongs to this step. At first that is `resolve`. */
  begin(name: TestStepName): void;
}

/**
 * Tries a connection and tells which of its steps went well, up to the first that failed.
 * @param walk goes through the steps; what it throws is the failure
 */
export async function stepByStep(
  walk: (steps: Steps, signal: AbortSignal) => Promise<void>,
  { timeout, hint, failedStep }: FailureRules,
  signal: AbortSignal,
): Promise<TestReport> {
  const started = performance.now();
  const steps: TestStep[] = [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let current: TestStepName = 'resolve';
  const pass: Steps['pass'] = (name, detail, unanswered = []) => {
    steps.push({ name, ok: true, detail, ...(unanswered.length > 0 && { unanswered }) });
  };
  const begin = (name: TestStepName): void => {
    current = name;
  };
  try {
    await walk({ pass, begin }, limit);
  } catch (thrown) {
    const isLate = limit.aborted && !signal.aborted;
    const error = isLate ? late(timeout) : IntegrationError.from(thrown);
    const told = { ...(hint !== undefined && { hint }), ...error.toJSON() };
    steps.push({ name: failedStep(error, current), ok: false, error: told });
  }
  return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
}

function late({ code, hint }: FailureRules['timeout']): IntegrationError {
  return new IntegrationError('transient', code, `No complete answer within ${LIMIT_MS / 1000} s.`, { hint });
}
