import { pageParameters, pageRequest, pageSchema } from '../paging';
import { type Parameter, type Route, ref } from '../route';
import { auditAction, auditOutcome } from '../schemas/audit';
import { given, instantParameter, ok, periodOf } from './shared';

const path = '/audit';
const tag = 'audit';

const columns = {
  connection_id: { description: 'Of this connection.', schema: { type: 'integer', minimum: 1 } },
  actor: { description: 'By whom.', schema: { type: 'string', minLength: 1, maxLength: 150 }, example: 'node:4a1f' },
  action: { description: 'Of this kind.', schema: auditAction },
  subject: {
    description: 'To this tag, address, node or path.',
    schema: { type: 'string', minLength: 1, maxLength: 500 },
  },
  outcome: { description: 'With this outcome.', schema: auditOutcome },
  attempt: { description: 'Both entries of this attempt.', schema: { type: 'string', minLength: 1, maxLength: 36 } },
} satisfies Record<string, Parameter>;

export const auditRoutes: Route[] = [
  {
    method: 'GET',
    path,
    operation: 'listAudit',
    tag,
    summary: 'Lists who did what',
    description:
      'Newest first. What moves a machine, and what is done over this API, has two entries: one before it is done, one with its outcome.',
    permission: 'integrations.audit',
    query: {
      ...pageParameters,
      ...columns,
      from: instantParameter('At or after this instant or day (UTC).'),
      to: instantParameter('Before this instant or day (UTC).'),
    },
    responses: { 200: { description: 'A page of entries.', schema: pageSchema(ref('AuditEntry')) } },
    problems: [],
    handle: async (call) =>
      ok(await call.hub.audit.list({ ...given(call, Object.keys(columns)), ...periodOf(call), ...pageRequest(call) })),
  },
  {
    method: 'GET',
    path: `${path}/verification`,
    operation: 'verifyAudit',
    tag,
    summary: 'Checks that no entry was changed or removed in between',
    description: 'Reads the whole log.',
    permission: 'integrations.audit',
    responses: { 200: { description: 'What was found.', schema: ref('AuditVerification') } },
    problems: [],
    handle: async (call) => ok(await call.hub.audit.verify()),
  },
];
