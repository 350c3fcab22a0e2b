import type { Actor } from '../../model/audit';
import type { JsonSchema } from '../../model/entity';
import { IntegrationError } from '../../model/errors';
import { rowTag } from '../conditional';
import { Problem } from '../problem';
import type { Answer, Call, Parameter } from '../route';

const ID: JsonSchema = { type: 'string', pattern: '^[1-9][0-9]{0,14}$' };

export const idParameter = (what: string): Parameter => ({
  description: `Id of the ${what}.`,
  schema: ID,
  example: '3',
});

/** An id of the path; its pattern was checked when the route was found. */
export function idOf(call: Call, name = 'id'): number {
  return Number(call.params[name]);
}

/** Whom the audit log names. */
export function actorOf({ user }: Call): Actor {
  return { id: `user:${user ?? ''}`, name: user ?? null, origin: null };
}

/** The declared query parameters of these names that were given. */
export function given<T extends string>(call: Call, names: readonly T[]): Record<T, never> {
  const entries = names.filter((name) => call.query[name] !== undefined).map((name) => [name, call.query[name]]);
  return Object.fromEntries(entries) as Record<T, never>;
}

export const instantParameter = (description: string): Parameter => ({
  description,
  schema: { type: 'string', format: 'instant' },
  example: '2026-11-24T05:00:00Z',
});

/** `from` and `to` of a list, in the one form of instants. */
export function periodOf({ query: { from, to } }: Call): { from?: string; to?: string } {
  return {
    ...(typeof from === 'string' && { from: new Date(from).toISOString() }),
    ...(typeof to === 'string' && { to: new Date(to).toISOString() }),
  };
}

export function without(body: unknown, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body as object).filter(([name]) => !names.includes(name)));
}

export function ok(body: unknown, headers: Record<string, string> = {}): Answer {
  return { status: 200, headers, body };
}

/** A row with its entity tag. */
export function row(body: { revision: number }): Answer {
  return ok(body, { ETag: rowTag(body) });
}

/** Does what the body asks for: something missing that only the body names makes a wrong value, not a wrong address. */
export async function referred<T>(pointer: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IntegrationError) || error.code !== 'PCP_NOT_FOUND') throw error;
    throw new Problem(422, 'PCP_VALUE_INVALID', error.said, {
      errors: [{ pointer: error.path?.startsWith('/') ? error.path : pointer, detail: 'names nothing that is there' }],
    });
  }
}

/** Reads a part of the body: what is wrong with it is told by its place in the whole. */
export async function within<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem && error.errors !== undefined) {
      const errors = error.errors.map((detail) => ({ ...detail, pointer: place + detail.pointer }));
      throw new Problem(error.status, error.code, error.said, { errors });
    }
    if (error instanceof IntegrationError && error.path?.startsWith('/')) {
      throw IntegrationError.fromJSON({ ...error.toJSON(), path: place + error.path });
    }
    throw error;
  }
}
