import { EXPOSITION_TYPE } from '../../metrics/exposition';
import { type Parameter, type Route, ref } from '../route';
import { instant } from '../schemas/common';
import { given, instantParameter, ok, periodOf } from './shared';

const tag = 'metrics';

const columns = {
  connection_id: { description: 'Of this connection.', schema: { type: 'integer', minimum: 1 } },
  mapping_id: { description: 'Of this mapping.', schema: { type: 'integer', minimum: 1 } },
  by: {
    description: 'What each item is of; absent: all that the others choose.',
    schema: { type: 'string', enum: ['connection', 'mapping'] },
  },
  period: {
    description: 'Each item is of one hour or day (UTC) of the whole; absent: the whole.',
    schema: { type: 'string', enum: ['hour', 'day'] },
  },
} satisfies Record<string, Parameter>;

export const metricsRoutes: Route[] = [
  {
    method: 'GET',
    path: '/metrics',
    operation: 'getMetrics',
    tag,
    summary: 'Tells Prometheus how the hub is',
    description: 'Counters only grow, also when old logs are removed. Labels are ids and kinds.',
    permission: 'integrations.read',
    responses: {
      200: { description: 'Text format 0.0.4.', schema: { type: 'string' }, type: 'text/plain' },
    },
    problems: [],
    handle: async ({ hub }) => ({
      status: 200,
      headers: { 'Content-Type': EXPOSITION_TYPE },
      text: await hub.metrics.exposition(),
    }),
  },
  {
    method: 'GET',
    path: '/metrics/summary',
    operation: 'getMetricsSummary',
    tag,
    summary: 'Tells success rate, time, volume and errors of a period',
    description: 'Of runs that ended in it, whose logs are still kept. What has no runs is left out.',
    permission: 'integrations.read',
    query: {
      ...columns,
      from: instantParameter('Ended at or after this instant or day (UTC); absent: a day before `to`.'),
      to: instantParameter('Ended before this instant or day (UTC); absent: now.'),
    },
    responses: {
      200: {
        description: 'By period, then by connection or mapping.',
        schema: {
          type: 'object',
          required: ['from', 'to', 'items'],
          properties: {
            from: instant('Begin of the whole.'),
            to: instant('End of the whole.'),
            items: { type: 'array', items: ref('RunMetrics') },
          },
        },
      },
    },
    problems: [422],
    handle: async (call) =>
      ok(await call.hub.metrics.runs({ ...given(call, Object.keys(columns)), ...periodOf(call) })),
  },
];
