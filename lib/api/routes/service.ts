import { type Route, ref } from '../route';

const tag = 'service';

export const serviceRoutes: Route[] = [
  {
    method: 'GET',
    path: '/health',
    operation: 'getHealth',
    tag,
    summary: 'Tells how the hub is',
    permission: 'integrations.read',
    responses: {
      200: { description: 'The hub works, or works with losses.', schema: ref('Health') },
      503: {
        description: 'The store cannot be used (then with this body), or the hub could not start.',
        schema: ref('Health'),
      },
    },
    problems: [],
    handle: async ({ hub }) => {
      const health = await hub.health();
      return { status: health.store.ok ? 200 : 503, body: health };
    },
  },
  {
    method: 'GET',
    path: '/openapi.json',
    operation: 'getOpenApi',
    tag,
    summary: 'This document',
    permission: 'integrations.read',
    responses: { 200: { description: 'OpenAPI 3.1.', schema: { type: 'object' } } },
    problems: [],
    handle: async (call) => ({ status: 200, body: call.document() }),
  },
];
