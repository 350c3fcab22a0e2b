import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';
import type { ExpressionEvaluator, PlainRecord } from '../contract';
import { type ExpressionOutcome, GUARDS, SILENCE_MS } from './protocol';
import { type End, Sandbox } from './sandbox';

export interface EvaluatorOptions {
  /** Heap of the sandbox process in MB. */
  heapMb?: number;
  /** Silence after which the process counts as hung, in ms; longer than the 500 ms that one evaluation may take. */
  batchTimeoutMs?: number;
}

type Outcome = { value: unknown } | { error: IntegrationError };

/** Records of one message, and characters beyond which fewer are sent: the sandbox's heap must hold them. */
const CHUNK = 500;
const CHUNK_CHARACTERS = 2_000_000;
/** Records of one call that may kill the sandbox before the expression itself is given up. */
const MAX_KILLS = 10;

/**
 * Evaluates JSONata in a process of its own, started with the first expression and again after each end. A record that
 * hangs the process or bursts its heap fails alone (PCP_EXPRESSION_TIMEOUT, PCP_EXPRESSION_MEMORY); the others go on.
 * `evaluate` throws config PCP_EXPRESSION_UNSAFE when more than 10 records of one call do so, cancelled PCP_CANCELLED when
 * aborted, and bug PCP_SANDBOX_START when the process cannot be started.
 */
export function createExpressionEvaluator(
  options: EvaluatorOptions = {},
): ExpressionEvaluator & { close(): Promise<void> } {
  const { heapMb = 96, batchTimeoutMs = SILENCE_MS } = options;
  let sandbox: Sandbox | undefined;
  let closed = false;
  let nextId = 1;
  let queue: Promise<unknown> = Promise.resolve();

  const started = async (signal?: AbortSignal): Promise<Sandbox> => {
    if (closed) throw cancelled();
    if (sandbox !== undefined && !sandbox.ended) return sandbox;
    sandbox = new Sandbox(heapMb);
    if (await sandbox.ready()) return sandbox;
    if (closed || signal?.aborted) throw cancelled();
    throw new IntegrationError(
      'bug',
      'PCP_SANDBOX_START',
      'The process that evaluates expressions could not be started.',
    );
  };

  /** Outcomes of the chunk as far as they came; fewer than records when the process ended. */
  const runChunk = async (expression: string, inputs: string, careful: boolean, signal?: AbortSignal) => {
    const outcomes: Outcome[] = [];
    const process = await started(signal);
    const message = { id: nextId++, expression, inputs, careful };
    const end = await process.run(message, batchTimeoutMs, (json) => outcomes.push(...read(json)));
    return { outcomes, end };
  };

  const evaluateAll = async (expression: string, inputs: readonly PlainRecord[], signal?: AbortSignal) => {
    const outcomes: Outcome[] = [];
    let kills = 0;
    let carefulUntil = 0;
    while (outcomes.length < inputs.length) {
      if (signal?.aborted) throw cancelled();
      const first = outcomes.length;
      const careful = first < carefulUntil;
      let last = Math.min(careful ? carefulUntil : first + CHUNK, inputs.length);
      let json = asJson(inputs.slice(first, last));
      while (json.length > CHUNK_CHARACTERS && last - first > 1) {
        last = first + Math.ceil((last - first) / 2);
        json = asJson(inputs.slice(first, last));
      }
      const chunk = await runChunk(expression, json, careful, signal);
      outcomes.push(...chunk.outcomes);
      if (chunk.end === 'done') continue;
      if (signal?.aborted || closed) throw cancelled();
      carefulUntil = last;
      if (!careful) continue;
      outcomes.push({ error: killedBy(chunk.end) });
      kills += 1;
      if (kills > MAX_KILLS) throw unsafe(chunk.end);
    }
    return outcomes;
  };

  return {
    evaluate(expression, inputs, signal) {
      const stop = () => sandbox?.kill();
      const work = queue.then(async () => {
        signal?.addEventListener('abort', stop, { once: true });
        try {
          return await evaluateAll(expression, inputs, signal);
        } finally {
          signal?.removeEventListener('abort', stop);
        }
      });
      queue = work.catch(() => undefined);
      return work;
    },
    async close() {
      closed = true;
      sandbox?.kill();
      await queue;
    },
  };
}

function read(json: string): Outcome[] {
  return (JSON.parse(json) as ExpressionOutcome[]).map((outcome) =>
    'error' in outcome ? { error: IntegrationError.fromJSON(outcome.error) } : { value: outcome.value },
  );
}

/** Dates become ISO text, 64-bit integers text: what JSONata can work with. */
function asJson(records: readonly PlainRecord[]): string {
  try {
    return JSON.stringify(records);
  } catch {
    return JSON.stringify(records, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  }
}

function killedBy(end: End): IntegrationError {
  if (end === 'hang') {
    return new IntegrationError('data', 'PCP_EXPRESSION_TIMEOUT', phrase`the expression did not end with this record`, {
      hint: `An evaluation may take ${GUARDS.timeout} ms. Look for regular expressions that backtrack.`,
    });
  }
  return new IntegrationError(
    'data',
    'PCP_EXPRESSION_MEMORY',
    phrase`the expression needed too much memory with this record`,
    {
      hint: 'Look for texts or lists that grow with each step.',
    },
  );
}

function unsafe(end: End): IntegrationError {
  const said =
    end === 'hang'
      ? phrase`The expression does not end with more than ${MAX_KILLS} records of one batch, so the run was stopped.`
      : phrase`The expression needs too much memory with more than ${MAX_KILLS} records of one batch, so the run was stopped.`;
  return new IntegrationError('config', 'PCP_EXPRESSION_UNSAFE', said, {
    hint: 'Correct the expression of the mapping.',
  });
}

function cancelled(): IntegrationError {
  return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The work was cancelled.');
}
