import { randomUUID } from 'node:crypto';
import type { Node } from 'node-red';
import { recorded } from '../../lib/audit/recorded';
import type { AuditEvent } from '../../lib/model/audit';
import type { Hub } from '../../lib/model/services';
import { actorOf } from './actor';

type Act = Pick<AuditEvent, 'action' | 'connection_id' | 'subject' | 'details'>;

/**
 * What a node does is on record as what is done over the API is: before, and with what became of it.
 * @param came says of its answer what is on record
 * @throws transient PCP_AUDIT_AWAY, config PCP_AUDIT_REFUSED: nothing was done; what `perform` throws
 */
export function onRecord<T>(
  { audit }: Pick<Hub, 'audit'>,
  node: Node,
  act: Act,
  perform: () => Promise<T>,
  came: (answer: T) => Act['details'] = () => ({}),
): Promise<T> {
  const begun = { ...act, attempt: randomUUID(), actor: actorOf(node) };
  const log = (_level: 'error', message: string) => node.error(message);
  return recorded({ audit, log }, [begun], perform, (answer) => [{ outcome: 'done', details: came(answer) }]);
}
