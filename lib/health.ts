import { IntegrationError } from './model/errors';
import type { Health } from './model/services';
import type { WorkProcessState } from './runner/work-process';
import type { Store } from './store/store';
import { ACTIVE, stateList } from './sync/runs/run-rows';

const STORE_ANSWERS_MS = 3_000;

type StoreHealth = Pick<Health, 'store' | 'runs' | 'dead_letters_open'>;

/** What the store tells of itself and of what waits in it. Never throws. */
export async function storeHealth(store: Store): Promise<StoreHealth> {
  return inTime(look(store)).catch((error: unknown) => ({
    store: { dialect: store.database.dialect, ok: false, error: IntegrationError.from(error).message },
    runs: { queued: 0, running: 0, waiting: 0 },
    dead_letters_open: 0,
  }));
}

/** Whoever asks how the hub is wants an answer, above all when the store gives none. */
function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new IntegrationError('transient', 'PCP_CONNECT_TIMEOUT', 'The store does not answer.'));
  }, STORE_ANSWERS_MS);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

export function processHealth({ state, pid, rssBytes, restarts }: WorkProcessState): Health['runner'] {
  return { state, pid, rss_bytes: rssBytes, restarts };
}

async function look(store: Store): Promise<StoreHealth> {
  const { database } = store;
  const runs = await database.query(
    `SELECT state, COUNT(*) AS n FROM integration_sync_logs WHERE state IN (${stateList(ACTIVE)}) GROUP BY state`,
  );
  const [letters] = await database.aside.query(
    `SELECT COUNT(*) AS n FROM integration_dead_letters WHERE state IN ('open', 'replaying')`,
  );
  const trouble = await store.trouble();
  const count = (...states: string[]): number =>
    runs.filter((row) => states.includes(String(row.state))).reduce((sum, row) => sum + Number(row.n), 0);
  return {
    store: { dialect: database.dialect, ok: trouble === null, ...(trouble !== null && { error: trouble.message }) },
    runs: {
      queued: count('queued'),
      running: count('running', 'cancelling'),
      waiting: count('waiting_retry', 'waiting_quota'),
    },
    dead_letters_open: Number(letters?.n ?? 0),
  };
}
