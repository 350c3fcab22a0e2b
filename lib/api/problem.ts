import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { inWords, type Locale, localise, translate } from '../locales/catalogue';
import { type ErrorClass, IntegrationError } from '../model/errors';
import { phrase, render, type Said } from '../model/phrase';
import { redactText } from '../security/redact';

/** One wrong value: `pointer` is an RFC 6901 pointer into the body, `parameter` the name of a query parameter instead. */
export interface ProblemDetail {
  pointer: string;
  parameter?: string;
  detail: Said;
}

/** Body of an `application/problem+json` answer (RFC 9457), with this project's stable `code`. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  hint?: string;
  errors?: (ProblemDetail & { detail: string })[];
  /** Names one failure that the log explains; only for status 500. */
  instance?: string;
}

export interface ProblemOptions {
  hint?: string;
  errors?: ProblemDetail[];
  headers?: Record<string, string>;
  /** Takes out of a text what the answer must not repeat. */
  clean?(text: string): string;
}

/** What a handler throws to end a request with a status of its own. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly errors: ProblemDetail[] | undefined;
  readonly headers: Record<string, string>;
  private readonly clean: (text: string) => string;

  constructor(
    status: number,
    code: string,
    readonly said: Said,
    options: ProblemOptions = {},
  ) {
    const { clean = (text) => text } = options;
    super(clean(render(said)));
    this.clean = clean;
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.hint = options.hint;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }

  body(language: Locale, instance?: string): ProblemBody {
    const { hint } = this;
    const detail = this.clean(inWords(this.code, this.said, language));
    const say = (said: Said): string => (said === this.said ? detail : this.clean(translate(said, language)));
    const words = localise({ code: this.code, ...(hint !== undefined && { hint }) }, language);
    return {
      type: 'about:blank',
      title: words.title ?? STATUS_CODES[this.status] ?? 'Error',
      status: this.status,
      detail,
      code: this.code,
      ...(words.hint !== undefined && { hint: words.hint }),
      ...(this.errors !== undefined && {
        errors: this.errors.map((error) => ({ ...error, detail: say(error.detail) })),
      }),
      ...(instance !== undefined && { instance }),
    };
  }
}

/** Codes whose meaning is closer to another status than their class. */
const STATUS_OF_CODE: Record<string, number> = {
  PCP_NOT_FOUND: 404,
  PCP_ENTITY_UNKNOWN: 404,
  PCP_STALE_REVISION: 412,
  // The other side is never asked for such a path.
  PCP_PATH_OUTSIDE_ROOT: 422,
  PCP_CONNECTION_INACTIVE: 409,
  PCP_MAPPING_INACTIVE: 409,
  PCP_FLOW_NOT_DEPLOYED: 409,
  PCP_LIMIT_INVALID: 400,
  PCP_CURSOR_INVALID: 400,
};

const STATUS_OF_CLASS: Record<ErrorClass, number> = {
  transient: 503,
  rate_limit: 503,
  auth: 422,
  permission: 422,
  config: 422,
  data: 422,
  conflict: 409,
  unknown_outcome: 502,
  poison: 422,
  guard: 422,
  cancelled: 503,
  bug: 500,
};

/** Failures of the system behind a connection, when it was asked for something during the request. */
const STATUS_OF_OTHER_SIDE: Partial<Record<ErrorClass, number>> = {
  transient: 502,
  rate_limit: 502,
  auth: 502,
  permission: 502,
};

const RETRY_SECONDS = 5;

export interface ProblemContext {
  /** The request reached out to the system behind a connection. */
  external: boolean;
  /** The request has a body, so that a place named by a failure can be one of it. */
  body: boolean;
  /** Values that must not be repeated in the answer. */
  secrets: readonly string[];
  /** Told about failures that the answer does not explain, with the id that the answer names. */
  onBug(error: unknown, instance: string): void;
}

/** Turns whatever was thrown into an answer that says what to do and gives nothing of the inside away. */
export function toProblem(thrown: unknown, context: ProblemContext): { problem: Problem; instance?: string } {
  if (thrown instanceof Problem) return { problem: thrown };
  if (isStoreFailure(thrown)) {
    return { problem: unavailable('PCP_STORE_UNAVAILABLE', phrase`The store of the hub does not answer at present.`) };
  }
  const error = IntegrationError.from(thrown);
  if (error.class === 'bug') return bug(thrown, context);
  const status = statusOf(error, context);
  const clean = (text: string) => redactText(text, context.secrets);
  const pointer = context.body || status === 400 ? pointerOf(error.path) : undefined;
  return {
    problem: new Problem(status, error.code, error.said, {
      clean,
      ...(error.hint !== undefined && { hint: clean(error.hint) }),
      ...(pointer !== undefined && { errors: [placed(status, pointer, error.said)] }),
      ...((status === 503 || error.class === 'rate_limit') && { headers: retryAfter(error.retryAfterMs) }),
    }),
  };
}

export function unavailable(code: string, said: Said): Problem {
  return new Problem(503, code, said, { headers: retryAfter(undefined) });
}

function bug(thrown: unknown, context: ProblemContext): { problem: Problem; instance: string } {
  const instance = `urn:uuid:${randomUUID()}`;
  context.onBug(thrown, instance);
  const problem = new Problem(500, 'PCP_INTERNAL', phrase`The hub could not answer because of a fault of its own.`, {
    hint: `Node-RED's log has the cause under ${instance}.`,
  });
  return { problem, instance };
}

/** With status 400 the wrong value stood in the query. */
function placed(status: number, pointer: string, detail: Said): ProblemDetail {
  return status === 400 ? { pointer: '', parameter: pointer.slice(1), detail } : { pointer, detail };
}

function statusOf(error: IntegrationError, { external, body }: ProblemContext): number {
  const byCode = STATUS_OF_CODE[error.code];
  // A pointer says that the missing thing is named in the body: the value is wrong, not the address.
  if (byCode === 404 && body && error.path?.startsWith('/')) return 422;
  return byCode ?? (external ? STATUS_OF_OTHER_SIDE[error.class] : undefined) ?? STATUS_OF_CLASS[error.class];
}

function retryAfter(milliseconds: number | undefined): Record<string, string> {
  return { 'Retry-After': String(milliseconds === undefined ? RETRY_SECONDS : Math.ceil(milliseconds / 1000)) };
}

/** "field_mappings[2].target" and "/field_mappings/2/target" name the same place. */
function pointerOf(path: string | undefined): string | undefined {
  if (path === undefined || path === '' || path.startsWith('/')) return path;
  const parts = path.match(/[^.[\]"]+/g) ?? [];
  return parts.map((part) => `/${escapePointer(part)}`).join('');
}

export function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Failures of the store that arrive as the driver threw them: connection lost, disk full, file locked. */
function isStoreFailure(thrown: unknown): boolean {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    if (error instanceof IntegrationError) return false;
    if (/^Sequelize(Connection|HostNot|AccessDenied|InvalidConnection|Timeout)/.test(error.name)) return true;
    const { parent, errcode, code } = error as Error & { parent?: unknown; errcode?: unknown; code?: unknown };
    // SQLite: busy 5, locked 6, read-only 8, I/O error 10, full 13, cannot open 14.
    if (typeof errcode === 'number' && [5, 6, 8, 10, 13, 14].includes(errcode & 0xff)) return true;
    if (typeof code === 'string' && /^SQLITE_(BUSY|LOCKED|READONLY|IOERR|FULL|CANTOPEN)/.test(code)) return true;
    if (parent instanceof Error && parent !== error && isStoreFailure(parent)) return true;
  }
  return false;
}
