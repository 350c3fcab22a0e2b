import { type Phrase, render, type Said } from './phrase';

/**
 * What the engine does about a failure follows from its class alone, so every failure that leaves a connector,
 * the mapping or the store is an IntegrationError.
 */
export type ErrorClass =
  | 'transient' /** may work when tried again: connection lost, timeout, deadlock */
  | 'rate_limit' /** the other side asks for a pause */
  | 'auth' /** sign-in refused: nothing is tried again until the credentials change */
  | 'permission' /** signed in, but not allowed */
  | 'config' /** the connection or mapping is wrong: unknown table, bad path, TLS name */
  | 'data' /** this record is wrong; the others may go on */
  | 'conflict' /** the record changed on the other side meanwhile */
  | 'unknown_outcome' /** a write that may or may not have happened */
  | 'poison' /** the worker died with this record in hand */
  | 'guard' /** a safety limit stopped the run */
  | 'cancelled'
  | 'bug';

export interface ErrorDetails {
  /** What to do about it, one sentence for the engineer who reads the log. */
  hint?: string;
  /** Where: a field of the settings or of the record, as an RFC 6901 pointer ("/config/host") or a mapping path. */
  path?: string;
  /** The offending value, shortened by the thrower. Never a secret. */
  value?: unknown;
  /** For `rate_limit`: how long to wait, in milliseconds. */
  retryAfterMs?: number;
  /** The request may have reached the other side: whether a write happened is not known. */
  outcomeUnknown?: boolean;
  /** The target has the record with other values, and lets nobody change it. */
  isFixed?: boolean;
  cause?: unknown;
}

/** A failure with its class, a stable code ("PCP_FILE_NOT_FOUND") and a message that names what was wrong and where. */
export class IntegrationError extends Error {
  readonly class: ErrorClass;
  readonly code: string;
  /** The message, as it can be said in another language. */
  readonly said: Said;
  readonly hint: string | undefined;
  readonly path: string | undefined;
  readonly value: unknown;
  readonly retryAfterMs: number | undefined;
  readonly outcomeUnknown: boolean;
  readonly isFixed: boolean;

  constructor(errorClass: ErrorClass, code: string, said: Said, details: ErrorDetails = {}) {
    super(render(said), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'IntegrationError';
    this.class = errorClass;
    this.code = code;
    this.said = said;
    this.hint = details.hint;
    this.path = details.path;
    this.value = details.value;
    this.retryAfterMs = details.retryAfterMs;
    this.outcomeUnknown = details.outcomeUnknown === true;
    this.isFixed = details.isFixed === true;
  }

  /** The form that crosses process borders and reaches logs and answers: no stack, no cause. */
  toJSON(): SerializedError {
    return {
      class: this.class,
      code: this.code,
      message: this.message,
      ...(typeof this.said !== 'string' && { said: this.said }),
      ...(this.hint !== undefined && { hint: this.hint }),
      ...(this.path !== undefined && { path: this.path }),
      ...(this.value !== undefined && { value: this.value }),
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
      ...(this.outcomeUnknown && { outcomeUnknown: true }),
    };
  }

  static fromJSON(error: SerializedError): IntegrationError {
    const { class: errorClass, code, message, said = message, ...details } = error;
    return new IntegrationError(errorClass, code, said, details);
  }

  /** Wraps whatever was thrown: typed errors pass through, aborts become `cancelled`, the rest is a `bug`. */
  static from(thrown: unknown): IntegrationError {
    if (thrown instanceof IntegrationError) return thrown;
    if (thrown instanceof Error && thrown.name === 'AbortError') {
      return new IntegrationError('cancelled', 'PCP_CANCELLED', 'The work was cancelled.', { cause: thrown });
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new IntegrationError('bug', 'PCP_INTERNAL', message, { cause: thrown });
  }
}

/** A failure in one line, with what to do about it where that is known. */
export function inOneLine({ message, hint }: { message: string; hint?: string | undefined }): string {
  if (!hint) return message;
  return `${message}${/[.!?…]$/.test(message) ? '' : '.'} ${hint}`;
}

export interface SerializedError {
  class: ErrorClass;
  code: string;
  message: string;
  /** What the message is made of; its words in a language replace the message. */
  said?: Phrase;
  hint?: string;
  path?: string;
  value?: unknown;
  retryAfterMs?: number;
  outcomeUnknown?: boolean;
}
