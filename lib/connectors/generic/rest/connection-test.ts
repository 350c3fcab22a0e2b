import type { OpenConnection } from '../../../model/connection';
import { IntegrationError } from '../../../model/errors';
import type { HttpClient } from '../../../protocols/http/client';
import type { ConnectorEnvironment, TestReport, TestStep, TestStepName } from '../../contract';
import { firstRecords } from './read';
import { type RestSettings, resolveEntity } from './settings';

/** All steps together; the contract allows 10 s. */
const LIMIT_MS = 9000;

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then the first entity that
 * can be read.
 * @param open reads the settings and opens the client; may throw
 */
export async function testConnection(
  connection: OpenConnection,
  open: () => { client: HttpClient; settings: RestSettings },
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): Promise<TestReport> {
  const started = performance.now();
  const steps: TestStep[] = [];
  const pass = (name: TestStepName, detail: string) => steps.push({ name, ok: true, detail });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  let step: TestStepName = 'resolve';
  try {
    const { client, settings } = open();
    const reached = await client.probe(limit);
    pass('resolve', reached.address);
    pass('connect', reached.address);
    if (reached.tls !== undefined) pass('tls', reached.tls);
    step = 'read';
    const readable = Object.keys(settings.entities).find((name) => settings.entities[name]?.path !== undefined);
    const detail =
      readable === undefined ? await reachBase(client, limit) : await readOne(readable, client, settings, log, limit);
    pass('authenticate', String(connection.config.authentication ?? 'none'));
    pass('authorise', readable ?? client.baseUrl.pathname);
    pass('read', detail);
  } catch (thrown) {
    const error = explained(thrown, limit, signal);
    steps.push({ name: failedStep(error, step), ok: false, error: error.toJSON() });
  }
  return { ok: steps.every(({ ok }) => ok), steps, duration_ms: Math.round(performance.now() - started) };
}

async function readOne(
  name: string,
  client: HttpClient,
  settings: RestSettings,
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): Promise<string> {
  const entity = resolveEntity(name, settings);
  const { length } = await firstRecords({ client, settings, entity, log }, 1, signal);
  return `${name}: ${length === 0 ? 'no record yet' : 'a record was read'}`;
}

/** Without an entity all that counts is whether the API lets us in. */
async function reachBase(client: HttpClient, signal: AbortSignal): Promise<string> {
  const response = await client.request({ target: '', signal });
  const isRefused = response.status === 401 || response.status === 403 || response.status >= 500;
  if (isRefused) throw await response.failure();
  response.discard();
  return `no entity to read yet; the base URL answered ${response.status}`;
}

function explained(thrown: unknown, limit: AbortSignal, signal: AbortSignal): IntegrationError {
  if (limit.aborted && !signal.aborted) {
    return new IntegrationError('transient', 'PCP_HTTP_TIMEOUT', `No complete answer within ${LIMIT_MS / 1000} s.`, {
      hint: 'Look whether the API is overloaded, or ask for smaller pages (size).',
    });
  }
  const error = IntegrationError.from(thrown);
  if (error.hint !== undefined) return error;
  const details = { ...(error.path !== undefined && { path: error.path }), cause: error };
  return new IntegrationError(error.class, error.code, error.message, {
    ...details,
    hint: 'Try the same request with a tool such as curl, and ask whoever runs the API.',
  });
}

function failedStep({ class: errorClass, code }: IntegrationError, step: TestStepName): TestStepName {
  if (code === 'PCP_CONNECT_HOST_UNKNOWN' || code === 'PCP_ADDRESS_REFUSED') return 'resolve';
  if (code.startsWith('PCP_TLS_')) return 'tls';
  if (code.startsWith('PCP_CONNECT_')) return 'connect';
  if (errorClass === 'auth') return 'authenticate';
  return errorClass === 'permission' ? 'authorise' : step;
}
