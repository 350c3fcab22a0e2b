import type { OpenConnection } from '../../../model/connection';
import type { HttpClient } from '../../../protocols/http/client';
import type { ConnectorEnvironment, TestReport } from '../../contract';
import { testHttp } from '../../http-test';
import type { Steps } from '../../step-by-step';
import { firstRecords } from './read';
import { type RestSettings, resolveEntity } from './settings';

const HINTS = {
  timeout: 'Look whether the API is overloaded, or ask for smaller pages (size).',
  other: 'Try the same request with a tool such as curl, and ask whoever runs the API.',
};

interface Opened {
  client: HttpClient;
  settings: RestSettings;
}

/**
 * Tries a connection step by step and stops at the first that fails: the address, the handshake, then the first entity that
 * can be read.
 * @param open reads the settings and opens the client; may throw
 */
export function testConnection(
  connection: OpenConnection,
  open: () => Opened,
  log: ConnectorEnvironment['log'],
  signal: AbortSignal,
): Promise<TestReport> {
  const readFirst = async ({ client, settings }: Opened, steps: Steps, limit: AbortSignal): Promise<void> => {
    const readable = Object.keys(settings.entities).find((name) => settings.entities[name]?.path !== undefined);
    const detail =
      readable === undefined ? await reachBase(client, limit) : await readOne(readable, client, settings, log, limit);
    steps.pass('authenticate', String(connection.config.authentication ?? 'none'));
    steps.pass('authorise', readable ?? client.baseUrl.pathname);
    steps.pass('read', detail);
  };
  return testHttp(open, readFirst, HINTS, signal);
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
