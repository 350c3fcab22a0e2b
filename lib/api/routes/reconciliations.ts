import { localise } from '../../locales/catalogue';
import type { Reconciliation, ReconciliationRequest } from '../../model/reconciliation';
import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Call, type Route, ref } from '../route';
import { actorOf, given, idOf, idParameter, instantParameter, ok, periodOf } from './shared';

const path = '/reconciliations';
const tag = 'reconciliations';
const params = { id: idParameter('comparison') };

function inWords<T extends Reconciliation>({ language }: Call, reconciliation: T): T {
  const { error } = reconciliation;
  return error === null ? reconciliation : { ...reconciliation, error: localise(error, language) };
}

export const reconciliationRoutes: Route[] = [
  {
    method: 'POST',
    path: '/mappings/{id}/reconcile',
    operation: 'startReconciliation',
    tag,
    summary: 'Compares both sides of a mapping',
    description:
      'Reads all of both, and what differs once more after a while. Only one comparison per mapping and direction at a time.',
    permission: 'integrations.sync',
    params: { id: idParameter('mapping') },
    body: { schema: ref('ReconciliationRequest'), required: false },
    responses: {
      202: {
        description: 'The comparison; Location is where its result will be.',
        schema: ref('Reconciliation'),
        headers: ['Location'],
      },
    },
    problems: [404, 409, 413, 415, 422],
    idempotent: true,
    handle: async (call) => {
      const request = (call.body ?? {}) as ReconciliationRequest;
      const { sample: _sample, ...started } = await call.hub.reconciliations.start(idOf(call), request, actorOf(call));
      return { status: 202, headers: { Location: call.href(`${path}/${started.id}`) }, body: inWords(call, started) };
    },
  },
  {
    method: 'GET',
    path,
    operation: 'listReconciliations',
    tag,
    summary: 'Lists comparisons',
    permission: 'integrations.read',
    query: {
      ...pageParameters,
      connection_id: { description: 'Of this connection.', schema: { type: 'integer', minimum: 1 } },
      mapping_id: { description: 'Of this mapping.', schema: { type: 'integer', minimum: 1 } },
      from: instantParameter('Started at or after this instant or day (UTC).'),
      to: instantParameter('Started before this instant or day (UTC).'),
    },
    responses: {
      200: { description: 'A page of comparisons, newest first.', schema: pageSchema(ref('Reconciliation')) },
    },
    problems: [],
    handle: async (call) => {
      const page = await call.hub.reconciliations.list({
        ...given(call, ['connection_id', 'mapping_id']),
        ...periodOf(call),
        ...pageRequest(call),
      });
      return ok({ ...page, items: page.items.map((one) => inWords(call, one)) });
    },
  },
  {
    method: 'GET',
    path: `${path}/{id}`,
    operation: 'getReconciliation',
    tag,
    summary: 'Reads a comparison',
    permission: 'integrations.read',
    params,
    responses: {
      200: { description: 'It, with some of its differences.', schema: ref('ReconciliationWithSample') },
    },
    problems: [404],
    handle: async (call) => ok(inWords(call, await call.hub.reconciliations.get(idOf(call)))),
  },
  {
    method: 'POST',
    path: `${path}/{id}/cancel`,
    operation: 'cancelReconciliation',
    tag,
    summary: 'Cancels a comparison',
    description: 'Repeating it, or cancelling what has ended, is harmless.',
    permission: 'integrations.sync',
    params,
    responses: { 202: { description: 'It, on its way to the end.', schema: ref('ReconciliationWithSample') } },
    problems: [404, 415],
    handle: async (call) => ({
      status: 202,
      body: inWords(call, await call.hub.reconciliations.cancel(idOf(call), actorOf(call))),
    }),
  },
  {
    method: 'POST',
    path: `${path}/{id}/repair`,
    operation: 'repairReconciliation',
    tag,
    summary: 'Brings both sides together',
    description:
      'Reads the records that differed anew and writes them as a run does: what the target lacks, or holds otherwise. Nothing is deleted.',
    permission: 'integrations.sync',
    params,
    responses: {
      202: { description: 'The job; Location is its status.', schema: ref('JobStatus'), headers: ['Location'] },
    },
    problems: [404, 409, 415],
    idempotent: true,
    handle: async (call) => {
      const job = await call.hub.reconciliations.repair(idOf(call), actorOf(call));
      return { status: 202, headers: { Location: call.href(`/sync/status/${job.job_id}`) }, body: job };
    },
  },
];
