import type { JsonSchema } from '../../model/entity';

export const instant = (description: string, more: Partial<JsonSchema> = {}): JsonSchema => ({
  type: 'string',
  format: 'date-time',
  description,
  ...more,
});

export const instantOrNull = (description: string): JsonSchema => ({
  type: ['string', 'null'],
  format: 'date-time',
  description,
});

export const id = (description: string): JsonSchema => ({ type: 'integer', minimum: 1, description });

export const count = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description });

export const connectorType: JsonSchema = {
  type: 'string',
  maxLength: 100,
  pattern: '^[a-z][a-z0-9]*(\\.[a-z0-9][a-z0-9-]*)?$',
  description: 'Type of the connector, `family.system`.',
};

export const managedBy: JsonSchema = {
  type: 'string',
  enum: ['api', 'flow'],
  description: '`flow`: owned by a deployed config node and read-only here.',
};

export const direction: JsonSchema = { type: 'string', enum: ['import', 'export'] };

export const errorClass: JsonSchema = {
  type: 'string',
  enum: [
    'transient',
    'rate_limit',
    'auth',
    'permission',
    'config',
    'data',
    'conflict',
    'unknown_outcome',
    'poison',
    'guard',
    'cancelled',
    'bug',
  ],
  description: 'What kind of failure it was; what the engine does about it follows from this alone.',
};

export const commonSchemas: Record<string, JsonSchema> = {
  Problem: {
    type: 'object',
    description: 'Why a request was refused or failed (RFC 9457).',
    required: ['type', 'title', 'status', 'detail', 'code'],
    properties: {
      type: { type: 'string', description: 'Always `about:blank`: `code` tells problems apart.' },
      title: { type: 'string', description: 'What kind of problem it is, in the language asked for.' },
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: { type: 'string', description: 'What was wrong.' },
      code: { type: 'string', pattern: '^PCP_[A-Z0-9_]+$', description: 'Stable name of the problem.' },
      hint: { type: 'string', description: 'What to do about it, in the language asked for.' },
      instance: { type: 'string', description: 'Names one failure of the hub in its log.' },
      errors: {
        type: 'array',
        items: {
          type: 'object',
          required: ['pointer', 'detail'],
          properties: {
            pointer: { type: 'string', description: 'RFC 6901 pointer into the body; empty for the whole.' },
            parameter: { type: 'string', description: 'Name of the query parameter, when one was wrong.' },
            detail: { type: 'string' },
          },
        },
      },
    },
    example: {
      type: 'about:blank',
      title: 'A value is wrong',
      status: 422,
      detail: 'The body has values that are wrong.',
      code: 'PCP_VALUE_INVALID',
      hint: 'Correct the named values.',
      errors: [{ pointer: '/config/port', detail: 'must be <= 65535' }],
    },
  },
  Failure: {
    type: 'object',
    description: 'A failure of the other side or of a record.',
    required: ['class', 'code', 'message'],
    properties: {
      class: errorClass,
      code: { type: 'string' },
      title: { type: 'string', description: 'What kind of failure it is, in the language asked for.' },
      message: { type: 'string' },
      hint: { type: 'string', description: 'What to do about it, in the language asked for.' },
      path: { type: 'string', description: 'Field of the settings or of the record.' },
      value: { description: 'The offending value.' },
      retryAfterMs: { type: 'integer', minimum: 0 },
    },
  },
};
