import { randomUUID } from 'node:crypto';
import type { TagWrite, TagWriteResult } from '../connectors/live';
import type { ConnectorRegistry } from '../connectors/registry';
import type { Actor, AuditEvent, AuditOutcome } from '../model/audit';
import type { OpenConnection } from '../model/connection';
import type { IntegrationError } from '../model/errors';
import { type Begun, type Ended, failureOf, outcomeOfFailure, type Recorder, recorded } from './recorded';

/** Whatever moves a machine is on record before it is sent; what cannot be put on record is not sent. */
export class MachineWrites {
  private readonly recorder: Recorder;

  constructor(
    audit: Recorder['audit'],
    private readonly registry: ConnectorRegistry,
    log: Recorder['log'],
  ) {
    this.recorder = { audit, log };
  }

  /** @throws transient PCP_AUDIT_AWAY, PCP_AUDIT_REFUSED: nothing was sent, as it could not be put on record; what `send` throws */
  tags(
    connection: OpenConnection,
    by: Actor,
    writes: readonly TagWrite[],
    send: () => Promise<TagWriteResult[]>,
  ): Promise<TagWriteResult[]> {
    const begun = writes.map(({ tag, value }): Begun => attempt('tag.write', connection, by, tag, { asked: value }));
    return recorded(this.recorder, begun, send, (results) => results.map(endOf), outcomeOf);
  }

  /** What moves no machine goes by without a record. @throws as `tags` */
  async call<T>(
    connection: OpenConnection,
    by: Actor,
    called: string,
    parameters: Record<string, unknown>,
    send: () => Promise<T>,
  ): Promise<T> {
    const { call } = this.registry.descriptor(connection.connector_type);
    const operation = called === 'service' ? String(parameters.service) : called;
    const names = call?.audited?.[operation];
    if (names === undefined) return send();
    const [subject = ''] = names.map((name) => String(parameters[name] ?? ''));
    const given = Object.fromEntries(names.map((name) => [name, parameters[name]]));
    const begun = attempt('operation.call', connection, by, subject, { operation, ...given });
    return this.one(begun, send);
  }

  /** What concerns all connections. @throws as `tags` */
  operation<T>(operation: string, subject: string, by: Actor, work: () => Promise<T>): Promise<T> {
    const begun = attempt('operation.call', null, by, subject, { operation });
    return this.one(begun, work);
  }

  private one<T>(begun: Begun, work: () => Promise<T>): Promise<T> {
    return recorded(this.recorder, [begun], work, () => [{ outcome: 'done', details: {} }], outcomeOf);
  }
}

function attempt(
  action: AuditEvent['action'],
  connection: OpenConnection | null,
  actor: Actor,
  subject: string,
  details: Record<string, unknown>,
): Begun {
  const named = { ...(connection !== null && { connection: connection.name }), ...details };
  return { attempt: randomUUID(), actor, action, connection_id: connection?.id ?? null, subject, details: named };
}

function endOf(result: TagWriteResult): Ended {
  if (result.outcome !== 'written') return { outcome: result.outcome, details: failureOf(result.error) };
  return { outcome: 'done', details: { held: result.value, verified: result.verified } };
}

/** What its connection does not allow is refused; anything else the machine or the way to it may have done. */
function outcomeOf(error: IntegrationError): AuditOutcome {
  if (error.code === 'PCP_WRITE_REFUSED') return 'refused';
  return outcomeOfFailure(error) === 'unknown' ? 'unknown' : 'failed';
}
