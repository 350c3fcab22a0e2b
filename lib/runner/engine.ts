import type { ConnectorRegistry } from '../connectors/registry';
import { createExpressionEvaluator } from '../mapping/expressions/evaluator';
import { parseDatabaseUrl } from '../protocols/sql/url';
import { type ProtectedPlaces, sqliteFiles } from '../security/protected-files';
import { Vault } from '../security/vault';
import { ConnectionStore } from '../store/connections';
import { MappingStore } from '../store/mappings';
import { openStore } from '../store/store';
import { Tally } from '../store/tally';
import { StoreClock } from '../sync/clock';
import { SharedRequestLimits } from '../sync/http/request-limits';
import { SignInStore } from '../sync/http/sign-ins';
import { Worker, type WorkerOptions } from '../sync/runs/worker';
import { RefusedSignIns } from '../sync/sign-ins/refused-sign-ins';
import { GuardedRegistry } from '../sync/sign-ins/sign-in-guard';
import { SourceRules } from '../sync/source-rules';
import type { EngineContext } from '../sync/stream';
import type { ConnectionQuestions } from './connection-questions';
import type { FromRunner, RunnerSetup } from './protocol';

export interface EngineOptions extends Pick<WorkerOptions, 'concurrency' | 'kinds' | 'isElsewhere' | 'liveSource'> {
  registry: ConnectorRegistry;
  questions: ConnectionQuestions;
  send(message: FromRunner): void;
  /** SQLite: the store works in a thread of its own, while this one reads and maps. */
  ownThread: boolean;
}

/** The engine in a child process: the store, a worker over it, and what both lend to connectors. */
export interface Engine {
  context: EngineContext;
  worker: Worker;
  close(): Promise<void>;
}

/** @throws what opening the store throws */
export async function openEngine(setup: RunnerSetup, options: EngineOptions): Promise<Engine> {
  const { registry, questions, send, ownThread, ...ofWorker } = options;
  const store = await openStore({
    directory: setup.directory,
    ownThread,
    flushLater: true,
    ...(setup.storeUrl !== undefined && { url: setup.storeUrl }),
  });
  const { database } = store;
  const log = logOf(send);
  const clock = await StoreClock.of(database);
  // Only reads are made here; what is written to mappings was checked by the hub.
  const mappings = new MappingStore({ store, check: async () => undefined });
  const vault = new Vault(setup.keys);
  const connections = new ConnectionStore({ store, vault, validate: () => undefined });
  const sharedLimits = new SharedRequestLimits(database, log);
  const tally = new Tally(database, log);
  const onAnswer = (connectionId: number, status: number | null): void =>
    tally.count('http_requests_total', connectionId, status === null ? 'none' : `${Math.floor(status / 100)}xx`);
  const signIns = new SignInStore(database, vault, log);
  const expressions = createExpressionEvaluator({ heapMb: setup.expressionHeapMb });
  const context: EngineContext = {
    database,
    registry: new GuardedRegistry(registry, new RefusedSignIns(database, vault)),
    expressions,
    openConnection: (id) => questions.ask(id),
    environment: {
      store: database,
      directory: setup.directory,
      protectedPlaces: protectedPlacesOf(setup),
      allowedTargets: setup.allowedTargets,
      http: { signIns, onAnswer, sharedLimits },
      log,
    },
  };
  const sourceRules = new SourceRules({ database, registry, connections, environment: context.environment });
  const worker = new Worker({
    ...context,
    ...ofWorker,
    clock,
    mapping: (id) => mappings.get(id),
    check: (mapping) => sourceRules.check(mapping, mapping.id),
    vault,
    deadLetters: setup.deadLetters,
    logDays: setup.logDays,
    retry: setup.retry,
    tally,
    onChange: (jobId) => send({ type: 'changed', jobId }),
    log,
  });
  return {
    context,
    worker,
    close: async () => {
      await worker.stop();
      await sharedLimits.close();
      await tally.close();
      await expressions.close();
      await store.close();
    },
  };
}

export function logOf(send: (message: FromRunner) => void) {
  return (level: 'info' | 'warn' | 'error' | 'debug', message: string): void => send({ type: 'log', level, message });
}

export function protectedPlacesOf({ protectedPlaces, storeUrl }: RunnerSetup): ProtectedPlaces {
  const storage = storeUrl ? parseDatabaseUrl(storeUrl).storage : undefined;
  const { directories, paths } = protectedPlaces;
  return { directories, paths: [...paths, ...(storage === undefined ? [] : sqliteFiles(storage))] };
}
