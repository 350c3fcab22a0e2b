import type { TestReport } from '../../connectors/contract';
import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { redact } from '../../security/redact';
import { Problem } from '../problem';
import { type Answer, type Call, type Route, ref } from '../route';
import { checkSettings, givenSecrets, movesSecrets } from '../settings';
import { idOf, idParameter, referred } from './shared';

const tag = 'connections';
const params = { id: idParameter('connection') };
const report = { description: 'What the test did; `ok` says how it went.', schema: ref('TestReport') };

/** No connection has this id: it belongs to values that were never saved. */
const UNSAVED = -1;

interface TestRequest {
  name?: string;
  connector_type: string;
  config?: Record<string, unknown>;
  credentials?: Record<string, string | true>;
  connection_id?: number;
  node_id?: string;
}

export const connectionTestRoutes: Route[] = [
  {
    method: 'GET',
    path: '/connections/{id}/test',
    operation: 'testConnectionByGet',
    tag,
    summary: 'Tests a saved connection',
    description: 'The same as POST, for tools that can only read.',
    permission: 'integrations.test',
    params,
    responses: { 200: report },
    problems: [404, 409, 422, 429],
    external: 'test',
    acts: true,
    handle: testSaved,
  },
  {
    method: 'POST',
    path: '/connections/{id}/test',
    operation: 'testConnection',
    tag,
    summary: 'Tests a saved connection',
    permission: 'integrations.test',
    params,
    responses: { 200: report },
    problems: [404, 409, 415, 422, 429],
    external: 'test',
    handle: testSaved,
  },
  {
    method: 'POST',
    path: '/connections/test',
    operation: 'testUnsavedConnection',
    tag,
    summary: 'Tests values that are not saved',
    permission: 'integrations.test',
    body: { schema: ref('ConnectionTestRequest'), required: true },
    responses: { 200: report },
    problems: [409, 413, 415, 422, 429],
    external: 'test',
    handle: async (call) => test(call, await unsaved(call)),
  },
];

async function testSaved(call: Call): Promise<Answer> {
  const id = idOf(call);
  const answer = await test(call, await call.hub.connections.open(id));
  if ((answer.body as TestReport).ok) await call.hub.sync.endPause(id);
  return answer;
}

/** A failure of the other side is what a test is for, so it is a result and not a problem. */
async function test(call: Call, connection: OpenConnection): Promise<Answer> {
  call.secrets.push(...Object.values(connection.credentials));
  const started = performance.now();
  let result: TestReport;
  try {
    result = await call.hub.runner.test(connection, call.signal);
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    if (error.class === 'bug' || error.class === 'cancelled') throw thrown;
    const duration_ms = Math.round(performance.now() - started);
    result = { ok: false, steps: [{ name: 'connect', ok: false, error: error.toJSON() }], duration_ms };
  }
  return { status: 200, body: redact(result, call.secrets) };
}

async function unsaved(call: Call): Promise<OpenConnection> {
  const { connector_type, config = {}, name = '', ...request } = call.body as TestRequest;
  const credentials = givenSecrets(request.credentials);
  call.secrets.push(...Object.values(credentials));
  const saved = await savedConnection(call, request);
  const reused = saved === undefined ? {} : reusedSecrets(call, saved, { connector_type, config, credentials });
  checkSettings(call.hub, { connector_type, config, credentials: { ...reused, ...credentials } }, {});
  return {
    id: saved?.id ?? UNSAVED,
    name,
    connector_type,
    config,
    credentials: withoutEmpty({ ...reused, ...credentials }),
  };
}

async function savedConnection(
  call: Call,
  { connection_id, node_id }: Pick<TestRequest, 'connection_id' | 'node_id'>,
): Promise<OpenConnection | undefined> {
  if (connection_id !== undefined) {
    return referred('/connection_id', () => call.hub.connections.open(connection_id));
  }
  return node_id === undefined ? undefined : flowConnection(call, node_id);
}

/** A config node that was never deployed has no connection yet, and then no secrets either. */
async function flowConnection({ hub }: Call, nodeId: string): Promise<OpenConnection | undefined> {
  let cursor: string | undefined;
  do {
    const page = await hub.connections.list({
      managed_by: 'flow',
      limit: 1000,
      ...(cursor !== undefined && { cursor }),
    });
    const found = page.items.find((connection) => connection.node_id === nodeId);
    if (found !== undefined) return hub.connections.open(found.id);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return undefined;
}

/**
 * Saved secrets that were not typed again.
 * @throws Problem 422 when the settings would send them somewhere else than where they belong
 */
function reusedSecrets(
  call: Call,
  saved: OpenConnection,
  request: { connector_type: string; config: Record<string, unknown>; credentials: Record<string, string> },
): Record<string, string> {
  const missing = Object.entries(saved.credentials).filter(([name]) => !Object.hasOwn(request.credentials, name));
  if (missing.length === 0) return {};
  const moved = movesSecrets(call.hub, saved, request);
  if (moved === undefined) return Object.fromEntries(missing);
  throw new Problem(
    422,
    'PCP_SECRET_NEEDED',
    `The saved secrets belong to the saved settings, and "${moved}" differs: type the secrets again.`,
    {
      errors: missing.map(([name]) => ({
        pointer: `/credentials/${name}`,
        detail: `is needed, since "${moved}" differs`,
      })),
    },
  );
}

function withoutEmpty(credentials: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== ''));
}
