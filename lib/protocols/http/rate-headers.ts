/** What an answer says about the quota of its caller. */
export interface RateLimitStatus {
  /** Requests per window. */
  limit?: number;
  remaining?: number;
  /** When the window ends, ISO 8601 in UTC. */
  resetAt?: string;
}

type Headers = Readonly<Record<string, string>>;

const RATE_LIMIT = /^(?:x-)?rate-?limit/;
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
    const reset = readRateLimit(headers, now)?.resetAt;
    if (reset !== undefined) pause = Date.parse(reset) - now;
  }
  return pause === undefined ? undefined : Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, pause));
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

/**
 * Reads `RateLimit` and `RateLimit-Policy` (IETF drafts, both forms), `RateLimit-*` and `X-RateLimit-*`; undefined when
 * there are none.
 */
export function readRateLimit(headers: Headers, now: number = Date.now()): RateLimitStatus | undefined {
  // Most answers tell nothing of a quota, and each one comes by here.
  if (!Object.keys(headers).some((name) => RATE_LIMIT.test(name))) return undefined;
  const structured = `${headers.ratelimit ?? ''};${headers['ratelimit-policy'] ?? ''}`;
  const parameter = (...names: string[]) => {
    const found = new RegExp(`(?:^|[;,\\s])(?:${names.join('|')})\\s*=\\s*"?(\\d+)`, 'i').exec(structured);
    return found === null ? undefined : Number(found[1]);
  };
  const plain = (name: string) => {
    const text = headers[`ratelimit-${name}`] ?? headers[`x-ratelimit-${name}`] ?? headers[`x-rate-limit-${name}`];
    const found = /^\s*(\d{1,15})/.exec(text ?? '');
    return found === null ? undefined : Number(found[1]);
  };
  const limit = parameter('limit', 'q') ?? plain('limit');
  const remaining = parameter('remaining', 'r') ?? plain('remaining');
  const reset = parameter('reset', 't') ?? plain('reset');
  if (limit === undefined && remaining === undefined && reset === undefined) return undefined;
  return {
    ...(limit !== undefined && { limit }),
    ...(remaining !== undefined && { remaining }),
    ...(reset !== undefined && reset < 1e15 && { resetAt: new Date(instant(reset, now)).toISOString() }),
  };
}

/** A reset is given in seconds from now or as an instant, in seconds or milliseconds: its size tells which. */
function instant(reset: number, now: number): number {
  if (reset > 1e12) return reset;
  return reset > 1e9 ? reset * 1000 : now + reset * 1000;
}
