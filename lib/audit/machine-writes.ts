import { randomUUID } from 'node:crypto';
import type { TagWrite, TagWriteResult } from '../connectors/live';
import type { ConnectorRegistry } from '../connectors/registry';
import type { Actor, AuditEvent, AuditOutcome } from '../model/audit';
import type { OpenConnection } from '../model/connection';
import { IntegrationError } from '../model/errors';
import type { AuditLog } from './audit-log';

type Log = (level: 'error', message: string) => void;
type Begun = Omit<AuditEvent, 'outcome'>;
interface Ended {
  outcome: AuditOutcome;
  details: Record<string, unknown>;
}

/** Whatever moves a machine is on record before it is sent; what cannot be put on record is not sent. */
export class MachineWrites {
  constructor(
    private readonly audit: AuditLog,
    private readonly registry: ConnectorRegistry,
    private readonly log: Log,
  ) {}

  /** @throws transient PCP_AUDIT_AWAY, PCP_AUDIT_REFUSED: nothing was sent, as it could not be put on record; what `send` throws */
  tags(
    connection: OpenConnection,
    by: Actor,
    writes: readonly TagWrite[],
    send: () => Promise<TagWriteResult[]>,
  ): Promise<TagWriteResult[]> {
    const begun = writes.map(({ tag, value }): Begun => attempt('tag.write', connection, by, tag, { asked: value }));
    return this.recorded(begun, send, (results) => results.map(endOf));
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
    return this.recorded([begun], send, () => [{ outcome: 'done', details: {} }]);
  }

  /** What concerns all connections. @throws as `tags` */
  operation<T>(operation: string, subject: string, by: Actor, work: () => Promise<T>): Promise<T> {
    const begun = attempt('operation.call', null, by, subject, { operation });
    return this.recorded([begun], work, () => [{ outcome: 'done', details: {} }]);
  }

  private async recorded<T>(begun: Begun[], send: () => Promise<T>, endsOf: (answer: T) => Ended[]): Promise<T> {
    try {
      await this.audit.append(begun.map((event) => ({ ...event, outcome: 'begun' })));
    } catch (thrown) {
      throw notOnRecord(IntegrationError.from(thrown));
    }
    let ends: Ended[] = [];
    try {
      const answer = await send();
      ends = endsOf(answer);
      return answer;
    } catch (thrown) {
      ends = begun.map(() => failed(IntegrationError.from(thrown)));
      throw thrown;
    } finally {
      await this.end(begun.map((event, index) => ({ ...event, ...(ends[index] as Ended) })));
    }
  }

  /** The machine has moved by now, so a store that went away in between fails nothing: the log of Node-RED has it then. */
  private async end(events: AuditEvent[]): Promise<void> {
    try {
      await this.audit.append(events);
    } catch (thrown) {
      const { message } = IntegrationError.from(thrown);
      for (const { attempt: id, action, subject, outcome } of events) {
        this.log('error', `The outcome of ${action} ${id} to ${subject} is not on record: ${outcome}. ${message}`);
      }
    }
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

/** What the store refuses it will refuse again; what it could not take because it is away, it takes later. */
function notOnRecord(cause: IntegrationError): IntegrationError {
  const message = `Nothing was sent, since it could not be put on record: ${cause.message}`;
  if (cause.class !== 'transient') {
    return new IntegrationError(cause.class, 'PCP_AUDIT_REFUSED', message, {
      ...(cause.hint !== undefined && { hint: cause.hint }),
      cause,
    });
  }
  const hint = 'Writes to machines wait for nothing: send it again when the store is back.';
  return new IntegrationError('transient', 'PCP_AUDIT_AWAY', message, { hint, cause });
}

function endOf(result: TagWriteResult): Ended {
  if (result.outcome !== 'written') return failed(result.error, result.outcome);
  return { outcome: 'done', details: { held: result.value, verified: result.verified } };
}

function failed(error: IntegrationError, outcome?: 'failed' | 'unknown'): Ended {
  const { code, message } = error;
  return { outcome: outcome ?? outcomeOf(error), details: { code, message } };
}

/** The process that was asked may have sent it before it ended, or before nobody wanted the answer any more. */
function outcomeOf({ code, outcomeUnknown, class: errorClass }: IntegrationError): AuditOutcome {
  if (code === 'PCP_WRITE_REFUSED') return 'refused';
  return outcomeUnknown || errorClass === 'cancelled' ? 'unknown' : 'failed';
}
