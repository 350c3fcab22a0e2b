import { catalogue } from '../../locales/catalogue';
import { type Route, ref } from '../route';
import { ok } from './shared';

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
    path: '/failures',
    operation: 'listFailures',
    tag,
    summary: 'Tells what codes of failures mean',
    description:
      'In the language asked for. Messages about the very case, as runs and dead letters have them, are in English; with their codes a reader of another language can be told what they mean.',
    permission: 'integrations.read',
    responses: {
      200: {
        description: 'All codes.',
        schema: {
          type: 'object',
          required: ['failures'],
          properties: {
            failures: {
              type: 'object',
              description: 'By code: what kind of failure it is, and what to do about it.',
              additionalProperties: {
                type: 'object',
                required: ['title', 'hint'],
                properties: { title: { type: 'string' }, hint: { type: 'string' } },
              },
            },
          },
        },
      },
    },
    problems: [],
    handle: async ({ language }) => ok({ failures: catalogue(language) }),
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
