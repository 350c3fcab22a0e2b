import { randomUUID } from 'node:crypto';
import { differences } from '../audit/differences';
import { outcomeOfFailure } from '../audit/recorded';
import type { AuditEvent } from '../model/audit';
import { IntegrationError } from '../model/errors';
import { maskAddresses, redact, redactText } from '../security/redact';
import { Problem } from './problem';
import type { Answer, Call, Route } from './route';

export interface Recorded {
  route: Route;
  call: Call;
  /** Reads what the operation is about to change; absent: nothing does. */
  read: Route | undefined;
  /** Below the API, without a query. */
  path: string;
  /** Of the socket: what headers say of it anybody can write. */
  address: string | null;
  /** Told when an outcome could not be put on record. */
  onError?(error: unknown, attempt: string): void;
}

type Json = Record<string, unknown>;

/** Whether an operation changes or starts something; what only looks or tries is not put on record. */
export function isRecorded({ method, permission }: Route): boolean {
  return method !== 'GET' && permission !== 'integrations.test';
}

/** Puts an operation on record before it is done, and what became of it: what cannot be put on record is not done. */
export async function onRecord(recorded: Recorded, handle: () => Promise<Answer>): Promise<Answer> {
  const { route, call, path, onError } = recorded;
  const before = await stateBefore(recorded);
  const event = {
    attempt: randomUUID(),
    actor: actorOf(call.user, recorded.address),
    action: route.operation,
    connection_id: connectionOf(call.params, route, before),
    subject: path,
  };
  const end = (more: Pick<AuditEvent, 'outcome' | 'details'>) =>
    call.hub.audit
      .append([{ ...event, ...more, details: forAll(redact(more.details, call.secrets)) }])
      .catch((error: unknown) => onError?.(error, event.attempt));
  await call.hub.audit.append([{ ...event, outcome: 'begun', details: forAll(asked(recorded)) }]);
  try {
    const answer = await handle();
    const connection_id = event.connection_id ?? connectionOf(call.params, route, objectOf(answer.body));
    Object.assign(event, { connection_id });
    await end({ outcome: 'done', details: { status: answer.status, ...changes(recorded, before, answer) } });
    return answer;
  } catch (error) {
    const { code, message } = error instanceof Problem ? error : IntegrationError.from(error);
    await end({ outcome: outcomeOf(error), details: { code, message: redactText(message, call.secrets) } });
    throw error;
  }
}

export function actorOf(user: string | undefined, address: string | null): AuditEvent['actor'] {
  return { id: `user:${user ?? ''}`, name: user ?? null, origin: address === null ? null : `address:${address}` };
}

/** As whoever may change it could read it. */
async function stateBefore({ route, call, read }: Recorded): Promise<Json | null> {
  if (read === undefined || read.acts || route.sealed === true) return null;
  try {
    return objectOf((await read.handle({ ...call, query: {}, filters: {} })).body);
  } catch {
    // The operation itself says what is wrong.
    return null;
  }
}

/** Of an operation that makes nothing and changes nothing that could be read: what it was told. */
function asked({ route, call }: Recorded): Json {
  const body = objectOf(call.body);
  if (body === null) return {};
  const secrets = Object.entries(objectOf(body.credentials) ?? {}).flatMap(([name, value]) =>
    typeof value === 'string' ? [name] : [],
  );
  const given = route.sealed === undefined ? redact(body) : Object.keys(body);
  const told =
    route.method === 'POST' && route.responses[201] === undefined && route.sealed !== true ? { asked: given } : {};
  return { ...told, ...(secrets.length > 0 && { given: secrets }) };
}

/** Of what was changed, the members that differ. */
function changes({ route }: Recorded, before: Json | null, { body }: Answer): Json {
  const after = objectOf(body);
  if (route.sealed === true) return {};
  if (route.sealed === undefined && (before === null || after === null))
    return { ...(before && { before }), ...(after && { after }) };
  const { changed, ...states } = differences(before ?? {}, after ?? {});
  return route.sealed === 'values' ? { changed } : states;
}

/** Whoever may read the log need not know the keys that stand in addresses. */
function forAll(details: unknown): Json {
  const mask = (_name: string, value: unknown) => (typeof value === 'string' ? maskAddresses(value) : value);
  return JSON.parse(JSON.stringify(details), mask) as Json;
}

export function connectionOf(params: Call['params'], { path }: Route, state: Json | null): number | null {
  const named = path.startsWith('/connections/{id}') ? params.id : params.connection_id;
  if (named !== undefined) return Number(named);
  const made = path === '/connections' ? state?.id : state?.connection_id;
  return typeof made === 'number' ? made : null;
}

function outcomeOf(error: unknown): AuditEvent['outcome'] {
  if (error instanceof Problem) return error.status < 500 ? 'refused' : 'failed';
  return outcomeOfFailure(IntegrationError.from(error));
}

function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}
