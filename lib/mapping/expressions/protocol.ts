import type { SerializedError } from '../../model/errors';

/** What crosses the channel between the evaluator and its sandbox process. Values travel as JSON text, so that nothing but plain data arrives. */

export interface EvaluateMessage {
  id: number;
  expression: string;
  /** JSON text of a list of records. */
  inputs: string;
  /** Answer each record before the next one is begun, so that a record that kills the process can be told. */
  careful: boolean;
}

export type ExpressionOutcome =
  /** Without `value`: the expression gave nothing. */
  { value?: unknown } | { error: SerializedError };

export type SandboxMessage = { ready: true } | { id: number; outcomes: string; done: boolean };

/** Guardrails inside of the sandbox (SECURITY: published limits). */
export const GUARDS = { timeout: 500, stack: 200, sequence: 100_000 } as const;
/** A record that keeps the sandbox silent for longer is killed with it. */
export const SILENCE_MS = 2_000;
