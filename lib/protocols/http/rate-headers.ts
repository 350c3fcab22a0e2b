import { readRateLimits } from './quota-headers';

type Headers = Readonly<Record<string, string>>;

const LONGEST_PAUSE_MS = 60 * 60_000;
/** A server that asks for no pause at all, again and again, must not be asked without end. */
const SHORTEST_PAUSE_MS = 1000;
const SECONDS = /^\d+(\.\d+)?$/;
/** The three forms of RFC 9110; Date.parse alone would take almost anything for a date. */
const HTTP_DATES = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/**
 * How long the other side wants to be left alone, in milliseconds from one second to one hour: Retry-After of a 429 or 503,
 * else the end of the window of a 429. Undefined when it does not say so in a way that can be understood.
 */
export function pauseAskedFor(status: number, headers: Headers, now: number = Date.now()): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  let pause = retryAfter(headers, now);
  if (pause === undefined && status === 429) {
    const windows = readRateLimits(headers, now);
    // Of several windows one is used up, and the others say nothing of it.
    const closed = windows.filter(({ remaining }) => remaining === 0);
    const ends = (closed.length > 0 ? closed : windows).flatMap(({ resetAt }) =>
      resetAt ? [Date.parse(resetAt)] : [],
    );
    if (ends.length > 0) pause = (closed.length > 0 ? Math.max(...ends) : Math.min(...ends)) - now;
  }
  return pause === undefined ? undefined : bounded(pause);
}

/** When one request may be sent again, as its answer says: no pause for others. Bounds and absence as for `pauseAskedFor`. */
export function retryAfterOf(headers: Headers, now: number = Date.now()): number | undefined {
  const pause = retryAfter(headers, now);
  return pause === undefined ? undefined : bounded(pause);
}

function bounded(pause: number): number {
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, pause));
}

function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers['retry-after']?.trim();
  if (value === undefined) return undefined;
  if (SECONDS.test(value)) return Number(value) * 1000;
  const until = httpDate(value);
  // Against the server's own clock, if it says what time it has.
  return until === undefined ? undefined : until - (httpDate(headers.date) ?? now);
}

function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !HTTP_DATES.some((form) => form.test(text))) return undefined;
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
