import type { Node } from 'node-red';
import type { Actor } from '../../lib/model/audit';

/** A node of a flow, as the audit log names it. */
export function actorOf({ id, name, z }: Node): Actor {
  return { id: `node:${id}`, name: name || null, origin: z ? `flow:${z}` : null };
}
