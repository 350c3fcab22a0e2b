import { isMainThread, Worker, workerData } from 'node:worker_threads';
import jsonata from 'jsonata';
import { IntegrationError, type SerializedError } from '../../model/errors';
import { type Phrase, phrase } from '../../model/phrase';
import { plainResult } from './plain-results';
import { type EvaluateMessage, type ExpressionOutcome, GUARDS, type SandboxMessage, SILENCE_MS } from './protocol';

/**
 * Entry of the process in which expressions run. It holds no secret and no environment; its heap is small, and its parent
 * kills it when it falls silent. A thread of its own does the same should the parent be gone by then.
 */

const FLUSH_MS = 100;
const MAX_CACHED = 200;
const ORPHAN_MS = 3 * SILENCE_MS;

const cache = new Map<string, jsonata.Expression>();
/** Milliseconds since 1970 at which the record in hand was begun, 0 = idle. */
const busySince = new BigInt64Array(new SharedArrayBuffer(8));

function compiled(source: string): jsonata.Expression {
  let expression = cache.get(source);
  if (expression === undefined) {
    if (cache.size >= MAX_CACHED) cache.clear();
    expression = jsonata(source, GUARDS);
    expression.registerFunction('eval', () => {
      throw new Error('$eval is not available');
    });
    cache.set(source, expression);
  }
  return expression;
}

async function evaluate(source: string, input: unknown): Promise<ExpressionOutcome> {
  try {
    const value = plainResult(await compiled(source).evaluate(input));
    return value === undefined ? {} : { value };
  } catch (problem) {
    return { error: serialized(problem) };
  }
}

function serialized(problem: unknown): SerializedError {
  const { code, message } = problem as { code?: unknown; message?: unknown };
  const text = String(message ?? 'it failed').slice(0, 500);
  if (code === 'D1012')
    return dataError('PCP_EXPRESSION_TIMEOUT', phrase`the expression ran longer than ${GUARDS.timeout} ms`);
  if (code === 'D1011' || problem instanceof RangeError) {
    return dataError('PCP_EXPRESSION_LIMIT', phrase`the expression nests deeper than ${GUARDS.stack} calls`);
  }
  if (code === 'D2015' || code === 'D2014') {
    return dataError('PCP_EXPRESSION_LIMIT', phrase`the expression made a list of more than ${GUARDS.sequence} items`);
  }
  return dataError('PCP_EXPRESSION_FAILED', phrase`the expression failed: ${text}`);
}

function dataError(code: string, said: Phrase): SerializedError {
  return new IntegrationError('data', code, said).toJSON();
}

/** Resolves when the parent's side has it, so that it survives what the next record may do. */
function send(message: SandboxMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, undefined, undefined, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

async function work({ id, expression, inputs, careful }: EvaluateMessage): Promise<void> {
  const records = JSON.parse(inputs) as unknown[];
  let outcomes: ExpressionOutcome[] = [];
  let flushed = Date.now();
  for (const [position, record] of records.entries()) {
    Atomics.store(busySince, 0, BigInt(Date.now()));
    outcomes.push(await evaluate(expression, record));
    const last = position === records.length - 1;
    if (last || careful || Date.now() - flushed > FLUSH_MS) {
      await send({ id, outcomes: JSON.stringify(outcomes), done: last });
      outcomes = [];
      flushed = Date.now();
    }
  }
  Atomics.store(busySince, 0, 0n);
}

function serve(): void {
  const watchdog = new Worker(__filename, { workerData: busySince, resourceLimits: { maxOldGenerationSizeMb: 8 } });
  watchdog.unref();
  let last = Promise.resolve();
  process.on('message', (message: EvaluateMessage) => {
    last = last.then(() => work(message)).catch(() => process.exit(1));
  });
  process.on('disconnect', () => process.exit(0));
  void send({ ready: true }).catch(() => process.exit(1));
}

/** In the thread: ends the process when one record has held it far beyond what the parent allows. */
function watch(since: BigInt64Array): void {
  setInterval(() => {
    const begun = Number(Atomics.load(since, 0));
    if (begun > 0 && Date.now() - begun > ORPHAN_MS) process.kill(process.pid, 'SIGKILL');
  }, SILENCE_MS / 2);
}

if (isMainThread) serve();
else watch(workerData as BigInt64Array);
