import type { AuditEvent, AuditOutcome } from '../model/audit';
import { IntegrationError } from '../model/errors';
import { phrase } from '../model/phrase';
import type { Audit } from '../model/services';

export type Begun = Omit<AuditEvent, 'outcome'>;
/** What became of it. */
export type Ended = Pick<AuditEvent, 'outcome' | 'details'>;

export interface Recorder {
  audit: Pick<Audit, 'append'>;
  log(level: 'error', message: string): void;
}

/**
 * Puts on record what is about to be done, and what became of it: what cannot be put on record is not done.
 * @throws transient PCP_AUDIT_AWAY, config PCP_AUDIT_REFUSED: nothing was done; what `act` throws
 */
export async function recorded<T>(
  recorder: Recorder,
  begun: readonly Begun[],
  act: () => Promise<T>,
  endsOf: (answer: T) => Ended[],
  outcomeOf: (error: IntegrationError) => AuditOutcome = outcomeOfFailure,
): Promise<T> {
  try {
    await recorder.audit.append(begun.map((event) => ({ ...event, outcome: 'begun' })));
  } catch (thrown) {
    throw notOnRecord(IntegrationError.from(thrown));
  }
  let ends: Ended[] = [];
  try {
    const answer = await act();
    ends = endsOf(answer);
    return answer;
  } catch (thrown) {
    const error = IntegrationError.from(thrown);
    ends = begun.map(() => ({ outcome: outcomeOf(error), details: failureOf(error) }));
    throw thrown;
  } finally {
    await end(
      recorder,
      begun.map((event, index) => ({ ...event, ...(ends[index] as Ended) })),
    );
  }
}

/** It is done by now, so a store that went away in between fails nothing: the log of Node-RED has it then. */
async function end({ audit, log }: Recorder, events: AuditEvent[]): Promise<void> {
  try {
    await audit.append(events);
  } catch (thrown) {
    const { message } = IntegrationError.from(thrown);
    for (const { attempt, action, subject, outcome } of events) {
      log('error', `The outcome of ${action} ${attempt} to ${subject} is not on record: ${outcome}. ${message}`);
    }
  }
}

/** Puts on record what is done already: what cannot be put there is in the log of Node-RED. Never rejects. */
export async function noted({ audit, log }: Recorder, event: AuditEvent): Promise<void> {
  try {
    await audit.append([event]);
  } catch (thrown) {
    const { message } = IntegrationError.from(thrown);
    log('error', `${event.action} of ${event.subject} by ${event.actor.id} is not on record. ${message}`);
  }
}

export function failureOf({ code, message }: IntegrationError): Ended['details'] {
  return { code, message };
}

/** What is wrong with what was asked refuses it; whoever broke it off may have been too late. */
export function outcomeOfFailure({ class: kind, outcomeUnknown }: IntegrationError): AuditOutcome {
  if (outcomeUnknown || kind === 'cancelled') return 'unknown';
  return kind === 'bug' || kind === 'transient' ? 'failed' : 'refused';
}

/** What the store refuses it will refuse again; what it could not take because it is away, it takes later. */
function notOnRecord(cause: IntegrationError): IntegrationError {
  const message = phrase`Nothing was done, since it could not be put on record: ${cause.said}`;
  if (cause.class !== 'transient') {
    return new IntegrationError(cause.class, 'PCP_AUDIT_REFUSED', message, {
      ...(cause.hint !== undefined && { hint: cause.hint }),
      cause,
    });
  }
  const hint = 'It is not done later: ask for it again when the store is back.';
  return new IntegrationError('transient', 'PCP_AUDIT_AWAY', message, { hint, cause });
}
