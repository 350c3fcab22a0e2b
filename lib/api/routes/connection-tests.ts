import type { TestReport, TestStep } from '../../connectors/contract';
import { localise } from '../../locales/catalogue';
import type { OpenConnection } from '../../model/connection';
import { IntegrationError } from '../../model/errors';
import { redact } from '../../security/redact';
import { type Answer, type Call, type Route, ref } from '../route';
import { idOf, idParameter } from './shared';
import { openUnsaved, type UnsavedConnection } from './unsaved-connection';

const tag = 'connections';
const params = { id: idParameter('connection') };
const report = { description: 'What the test did; `ok` says how it went.', schema: ref('TestReport') };

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
    body: { schema: ref('UnsavedConnection'), required: true },
    responses: { 200: report },
    problems: [409, 413, 415, 422, 429],
    external: 'test',
    handle: async (call) => test(call, await openUnsaved(call, call.body as UnsavedConnection)),
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
  return {
    status: 200,
    body: redact({ ...result, steps: result.steps.map((step) => inWords(step, call)) }, call.secrets),
  };
}

function inWords({ detail, error, unanswered, ...step }: TestStep, { language }: Call) {
  return {
    ...step,
    ...(detail !== undefined && { detail: typeof detail === 'string' ? detail : detail[language] }),
    ...(error !== undefined && { error: localise(error, language) }),
    ...(unanswered !== undefined && {
      unanswered: unanswered.map((each) => ({ ...each, error: localise(each.error, language) })),
    }),
  };
}
