import { randomUUID } from 'node:crypto';
import type { FlowChange } from '../model/audit';
import { maskAddresses } from '../security/redact';
import { differences } from './differences';
import { noted, type Recorder } from './recorded';

/** What a deploy changed, by the node that did: Node-RED has done it by then, so that what cannot be put on record is in its log. */
export class FlowChanges {
  constructor(private readonly recorder: Recorder) {}

  /** Bound, as it is handed on by itself. */
  readonly add = ({ action, node, name, connectionId, before, after, given }: FlowChange): void => {
    const { before: was, after: is } = differences(before ?? {}, after);
    const mask = (_name: string, value: unknown) => (typeof value === 'string' ? maskAddresses(value) : value);
    const event = {
      ...{ attempt: randomUUID(), action, connection_id: connectionId, subject: `node:${node}` },
      actor: { id: `node:${node}`, name, origin: null },
      outcome: 'done' as const,
      details: JSON.parse(JSON.stringify({ ...(before && { before: was }), after: is, given }), mask),
    };
    void noted(this.recorder, event);
  };
}
