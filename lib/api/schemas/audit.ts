import type { JsonSchema } from '../../model/entity';
import { count, id, instant } from './common';

export const auditAction: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 60,
  description:
    '`tag.write`, `operation.call`, the `operationId` of the operation of this API, or what the deploy of a flow did: `deployConnection`, `retireConnection`, `deployMapping`, `retireMapping`, or the hub by itself: `rotateKeys`, `disableWebhook`, `removeAuditEntries`.',
};
export const auditOutcome: JsonSchema = { type: 'string', enum: ['begun', 'done', 'failed', 'refused', 'unknown'] };
const nullableText: JsonSchema = { type: ['string', 'null'] };
const hash: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$' };

/** Of an entry, all of which it has. */
const properties: Record<string, JsonSchema> = {
  id: id('Grows with each entry.'),
  at: instant('When it was put on record.'),
  attempt: { type: 'string', description: 'The same in both entries of an attempt.' },
  actor: {
    type: 'string',
    description:
      'Who: `node:` and the id of a node of a flow, `user:` and a name; `user:` without one is anybody on this machine.',
  },
  actor_name: { ...nullableText, description: 'What people call it.' },
  origin: {
    ...nullableText,
    description: 'From where: `flow:` and the id of the tab, `address:` and the IP address of the socket.',
  },
  action: auditAction,
  connection_id: { type: ['integer', 'null'] },
  subject: { type: 'string', description: 'What it is done to: a tag or address, a node, a path of this API.' },
  outcome: {
    ...auditOutcome,
    description:
      '`begun`: about to be done. `done`: it was; `failed`, `refused`: nothing happened; `unknown`: the answer was lost. A `begun` without another entry is as good as `unknown`.',
  },
  details: {
    type: 'object',
    description:
      'Over this API and of deploys: `before` and `after` are the members that were changed, `asked` is what an operation was told, `given` names the secrets that were sent. Of machines: `connection` is its name then; `asked` the value that was to be written, `held` what was read back and `verified` whether it is the same; `code` and `message` of a failure. No secrets.',
  },
  previous_hash: {
    type: 'string',
    pattern: '^([0-9a-f]{64})?$',
    description: 'Of the entry before; empty for the first.',
  },
  hash: { ...hash, description: 'SHA-256 of all that the entry says, `previous_hash` among it.' },
};

export const auditSchemas: Record<string, JsonSchema> = {
  AuditEntry: { type: 'object', required: Object.keys(properties), properties },
  AuditVerification: {
    type: 'object',
    required: ['entries', 'broken_at', 'last_hash'],
    properties: {
      entries: count('Entries that are as they were written.'),
      broken_at: {
        type: ['integer', 'null'],
        description: 'The first entry that is not, or before which one is missing that was not let go for its age.',
      },
      last_hash: {
        type: ['string', 'null'],
        description: 'Of the newest entry. Kept elsewhere it tells whether entries were removed at the end.',
      },
    },
  },
};
