import { spokenJob, spokenLog } from '../../locales/runs';
import type { JobStatus, SyncRequest } from '../../model/services';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Answer, type Call, type Parameter, type Route, ref } from '../route';
import { direction, errorClass } from '../schemas/common';
import { given, idOf, idParameter, instantParameter, ok, periodOf, referred } from './shared';

const tag = 'sync';
const JOB_ID: Parameter = {
  description: 'Id of the job.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9-]{1,36}$' },
  example: '6f1b6d3e-0c0f-4c68-9a5b-1f6f0f7f0a51',
};

function accepted(call: Call, job: JobStatus): Answer {
  const headers = { Location: call.href(`/sync/status/${job.job_id}`) };
  return { status: 202, headers, body: spokenJob(job, call.language) };
}

export const syncRoutes: Route[] = [
  {
    method: 'POST',
    path: '/sync/{connection_id}',
    operation: 'startSync',
    tag,
    summary: 'Starts a synchronisation',
    description:
      'One mapping of the connection, or all active ones but those that run already. Only one run per mapping and direction at a ' +
      'time: another one is refused, or waits behind it with `overlap=queue`. Live mappings run by themselves and are not started.',
    permission: 'integrations.sync',
    params: { connection_id: idParameter('connection') },
    query: {
      overlap: {
        description: 'What becomes of mappings that run already; at most 100 runs of one wait for each other.',
        schema: { type: 'string', enum: ['refuse', 'queue'], default: 'refuse' },
      },
    },
    body: { schema: ref('SyncRequest'), required: false },
    responses: {
      202: { description: 'The job; Location is its status.', schema: ref('JobStatus'), headers: ['Location'] },
    },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const request: SyncRequest = {
        ...(call.body as SyncRequest),
        ...given(call, ['overlap']),
        ...(call.user !== undefined && { created_by: call.user }),
        trigger: 'api',
      };
      const id = idOf(call, 'connection_id');
      await call.hub.connections.get(id);
      const job = await referred('/mapping_id', () => call.hub.sync.start(id, request));
      return accepted(call, job);
    },
  },
  {
    method: 'GET',
    path: '/sync/status/{job_id}',
    operation: 'getJob',
    tag,
    summary: 'Tells how far a job is',
    permission: 'integrations.read',
    params: { job_id: JOB_ID },
    responses: { 200: { description: 'The job.', schema: ref('JobStatus') } },
    problems: [404],
    handle: async (call) => {
      const job = spokenJob(await call.hub.sync.status(call.params.job_id ?? ''), call.language);
      const stream = job.logs.find(({ details }) => details.kind === 'live');
      return ok(stream === undefined ? job : { ...job, live: call.hub.live.status(stream.mapping_id) });
    },
  },
  {
    method: 'POST',
    path: '/sync/status/{job_id}/cancel',
    operation: 'cancelJob',
    tag,
    summary: 'Cancels a job',
    description:
      'The batch in hand is committed; nothing after it. Repeating it, or cancelling what has ended, is harmless.',
    permission: 'integrations.sync',
    params: { job_id: JOB_ID },
    responses: {
      202: { description: 'The job, on its way to the end.', schema: ref('JobStatus'), headers: ['Location'] },
    },
    problems: [404, 415],
    handle: async (call) => {
      return accepted(call, await call.hub.sync.cancel(call.params.job_id ?? ''));
    },
  },
  {
    method: 'GET',
    path: '/sync/logs',
    operation: 'listSyncLogs',
    tag,
    summary: 'Lists runs',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      connection_id: { description: 'Of this connection.', schema: { type: 'integer', minimum: 1 } },
      mapping_id: { description: 'Of this mapping.', schema: { type: 'integer', minimum: 1 } },
      job_id: { description: 'Of this job.', schema: JOB_ID.schema },
      status: {
        description: 'With this status.',
        schema: { type: 'string', enum: ['in_progress', 'success', 'error'] },
      },
      direction: { description: 'In this direction.', schema: direction },
      error_class: { description: 'That failed in this way.', schema: errorClass },
      from: instantParameter('Started at or after this instant or day (UTC).'),
      to: instantParameter('Started before this instant or day (UTC).'),
    },
    responses: { 200: { description: 'A page of runs, newest first.', schema: pageSchema(ref('SyncLog')) } },
    problems: [],
    handle: async (call) => {
      const page = await call.hub.sync.logs({
        ...given(call, ['connection_id', 'mapping_id', 'job_id', 'status', 'direction', 'error_class']),
        ...periodOf(call),
        ...pageRequest(call),
      });
      return ok({ ...page, items: page.items.map((log) => spokenLog(log, call.language)) });
    },
  },
  {
    method: 'GET',
    path: '/sync/logs/{id}',
    operation: 'getSyncLog',
    tag,
    summary: 'Reads a run',
    permission: 'integrations.read',
    params: { id: idParameter('run') },
    responses: { 200: { description: 'The run.', schema: ref('SyncLog') } },
    problems: [404],
    handle: async (call) => ok(spokenLog(await call.hub.sync.log(idOf(call)), call.language)),
  },
];
