import { IntegrationError } from '../lib/model/errors';
import type { Endpoint } from '../lib/webhooks/incoming/receiver';

interface Opened {
  node: string;
  /** Null while its node is being deployed anew. */
  endpoint: Endpoint | null;
}

/** By token: the webhooks of the deployed nodes. */
const opened = new Map<string, Opened>();
let hasStarted = false;

/** @throws config PCP_WEBHOOK_TOKEN_TAKEN */
export function openEndpoint(node: string, endpoint: Endpoint): void {
  closeEndpoint(node, true);
  const { token } = endpoint.webhook;
  const other = opened.get(token);
  if (other !== undefined) {
    throw new IntegrationError('config', 'PCP_WEBHOOK_TOKEN_TAKEN', `The node ${other.node} has the same address.`, {
      path: 'token',
    });
  }
  opened.set(token, { node, endpoint });
}

/** A node that is only deployed anew is back at once: its senders are told to wait, and not that it is gone. */
export function closeEndpoint(node: string, removed: boolean): void {
  for (const [token, one] of opened) {
    if (one.node !== node) continue;
    if (removed) opened.delete(token);
    else one.endpoint = null;
  }
}

/** Undefined: there is none. Null: not open yet, or about to be opened anew. */
export function endpointOf(token: string): Endpoint | null | undefined {
  const found = opened.get(token)?.endpoint;
  return found === undefined && !hasStarted ? null : found;
}

/** From now on, what no node has opened is not there. */
export function endpointsAreOpen(): void {
  hasStarted = true;
}
