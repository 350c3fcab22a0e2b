import { IntegrationError } from '../../model/errors';
import { Problem } from '../problem';
import { type Route, ref } from '../route';
import { actorOf, ok } from './shared';

const tag = 'connections';
const params = {
  thumbprint: {
    description: 'SHA-1 of the certificate in hexadecimal, as a test of the connection and the server itself show it.',
    schema: { type: 'string', pattern: '^[0-9A-Fa-f]{40}$' },
    example: '9c3f1b2a4d5e6f708192a3b4c5d6e7f80a1b2c3d',
  },
};
const responses = { 200: { description: 'As it is now.', schema: ref('Certificate') } };

/** Of OPC UA, where each side has to trust the other's certificate: the server's part is done on the server. */
export const certificateRoutes: Route[] = [
  {
    method: 'GET',
    path: '/certificates',
    operation: 'listCertificates',
    tag,
    summary: 'Lists the certificates of OPC UA servers',
    description: "The hub's own, and those of servers, trusted or refused. They hold for all connections.",
    permission: 'integrations.read',
    responses: {
      200: {
        description: 'In no particular order.',
        schema: {
          type: 'object',
          required: ['items'],
          properties: { items: { type: 'array', items: ref('Certificate') } },
        },
      },
    },
    problems: [],
    handle: async ({ hub }) => ok({ items: await hub.certificates.list() }),
  },
  {
    method: 'POST',
    path: '/certificates/{thumbprint}/trust',
    operation: 'trustCertificate',
    tag,
    summary: "Trusts an OPC UA server's certificate that was refused",
    description:
      'Compare the thumbprint with the one that the server shows first. Connections that wait for it try again at once. It is in the audit log.',
    permission: 'integrations.write',
    params,
    responses,
    problems: [404, 415],
    handle: (call) => known(call.hub.certificates.trust(call.params.thumbprint ?? '', actorOf(call))),
  },
  {
    method: 'POST',
    path: '/certificates/{thumbprint}/reject',
    operation: 'rejectCertificate',
    tag,
    summary: "Takes the trust in an OPC UA server's certificate back",
    description: 'Sessions that are open go on until they end. It is in the audit log.',
    permission: 'integrations.write',
    params,
    responses,
    problems: [404, 415],
    handle: (call) => known(call.hub.certificates.reject(call.params.thumbprint ?? '', actorOf(call))),
  },
];

async function known(work: Promise<unknown>) {
  try {
    return ok(await work);
  } catch (error) {
    if (!(error instanceof IntegrationError) || error.code !== 'PCP_OPCUA_THUMBPRINT') throw error;
    throw new Problem(404, error.code, error.said, { ...(error.hint !== undefined && { hint: error.hint }) });
  }
}
