import type { JsonSchema } from '../../model/entity';

export const previewSchemas: Record<string, JsonSchema> = {
  PreviewResult: {
    type: 'object',
    required: ['guarantee', 'records', 'totals', 'complete'],
    properties: {
      guarantee: {
        type: 'object',
        required: ['level', 'text'],
        description: 'What the mapping promises about its writes.',
        properties: {
          level: { type: 'string', enum: ['exactly_once', 'once', 'asks', 'snapshot', 'resumable'] },
          text: { type: 'string', description: 'In the language asked for.' },
        },
      },
      totals: { type: 'object', additionalProperties: { type: 'integer' }, description: 'Records by action.' },
      complete: { type: 'boolean', description: 'False when the time was over before the whole source was read.' },
      reasons: {
        type: 'array',
        description:
          'With `full_plan`: why records would be rejected, the most frequent reason first, with the message of its first record. One with several wrong fields counts for each.',
        items: {
          allOf: [
            { $ref: '#/components/schemas/RecordError' },
            {
              type: 'object',
              required: ['count', 'first'],
              properties: {
                count: { type: 'integer', minimum: 1 },
                first: {
                  type: 'array',
                  description: 'The first of these records.',
                  items: {
                    type: 'object',
                    required: ['position', 'before'],
                    properties: { position: { type: ['string', 'null'] }, before: { type: 'object' } },
                  },
                },
              },
            },
          ],
        },
      },
      records: {
        type: 'array',
        items: {
          type: 'object',
          required: ['position', 'before', 'after', 'current', 'diff', 'action', 'request', 'errors'],
          properties: {
            position: { type: ['string', 'null'], description: 'Where it was read.' },
            before: { type: 'object' },
            after: { type: ['object', 'null'] },
            current: { type: ['object', 'null'], description: 'What the target holds for this key now.' },
            diff: {
              type: 'array',
              description: 'Of an update: what would change.',
              items: {
                type: 'object',
                required: ['field', 'old', 'new'],
                properties: { field: { type: 'string' }, old: {}, new: {} },
              },
            },
            action: { type: 'string', enum: ['create', 'update', 'unchanged', 'write', 'filtered', 'error'] },
            request: {
              type: ['object', 'null'],
              description: 'What would be sent to an API, without secrets; not with `full_plan`.',
              required: ['method', 'url', 'headers', 'body'],
              properties: {
                method: { type: 'string' },
                url: { type: 'string' },
                headers: { type: 'object', additionalProperties: { type: 'string' } },
                body: { type: ['string', 'null'] },
              },
            },
            errors: { type: 'array', items: { $ref: '#/components/schemas/RecordError' } },
          },
        },
      },
    },
  },
  RecordError: {
    type: 'object',
    required: ['class', 'code', 'message', 'field', 'rule'],
    properties: {
      class: { type: 'string' },
      code: { type: 'string' },
      title: { type: 'string', description: 'What kind of failure it is, in the language asked for.' },
      message: { type: 'string' },
      hint: { type: 'string' },
      value: {},
      field: { type: ['string', 'null'] },
      rule: { type: 'string' },
    },
  },
};
