import { randomUUID } from 'node:crypto';
import type { FlowChange } from '../model/audit';
import { IntegrationError } from '../model/errors';
import { maskAddresses } from '../security/redact';
import type { AuditLog } from './audit-log';
import { differences } from './differences';

/** What a deploy changed, by the node that did: Node-RED has done it by then, so that what cannot be put on record is in its log. */
export class FlowChanges {
  constructor(
    private readonly audit: Pick<AuditLog, 'append'>,
    private readonly log: (level: 'error', message: string) => void,
  ) {}

  /** Bound, as it is handed on by itself. */
  readonly add = ({ action, node, name, connectionId, before, after }: FlowChange): void => {
    const { before: was, after: is } = differences(before ?? {}, after);
    const mask = (_name: string, value: unknown) => (typeof value === 'string' ? maskAddresses(value) : value);
    const event = {
      ...{ attempt: randomUUID(), action, connection_id: connectionId, subject: `node:${node}` },
      actor: { id: `node:${node}`, name, origin: null },
      outcome: 'done' as const,
      details: JSON.parse(JSON.stringify({ ...(before && { before: was }), after: is }), mask),
    };
    this.audit.append([event]).catch((error: unknown) => {
      this.log('error', `${action} by node ${node} is not on record. ${IntegrationError.from(error).message}`);
    });
  };
}
