/** What an answer says about the quota of its caller. */
export interface RateLimitStatus {
  /** Requests per window. */
  limit?: number;
  remaining?: number;
  /** When the window ends, ISO 8601 in UTC. */
  resetAt?: string;
}

type Headers = Readonly<Record<string, string>>;

const QUOTA = /rate-?limit|^sforce-limit-info$|api-call-limit$/;
/** What begins anew so soon is over before anybody looks. */
const BRIEF_MS = 10_000;
const LONGEST_ASSUMED_MS = 3_600_000;

/** Headers that tell of one window, each by its name, and what of it is known beforehand. */
interface Told {
  limit?: string | number;
  remaining?: string;
  used?: string;
  reset?: string;
  windowMs?: number;
}

const TOLD: readonly Told[] = [
  ...['ratelimit', 'x-ratelimit', 'x-rate-limit'].map((name) => ({
    limit: `${name}-limit`,
    remaining: `${name}-remaining`,
    used: `${name}-used`,
    reset: `${name}-reset`,
  })),
  // Kong, each of its windows.
  ...Object.entries({ second: 1, minute: 60, hour: 3600, day: 86_400, month: 30 * 86_400 }).map(([unit, seconds]) => ({
    limit: `x-ratelimit-limit-${unit}`,
    remaining: `x-ratelimit-remaining-${unit}`,
    windowMs: seconds * 1000,
  })),
  { limit: 'x-hubspot-ratelimit-daily', remaining: 'x-hubspot-ratelimit-daily-remaining' },
  { limit: 'x-hubspot-ratelimit-max', remaining: 'x-hubspot-ratelimit-remaining', windowMs: 10_000 },
  // Dataverse says what is left, and its documentation of how much.
  { limit: 6000, remaining: 'x-ms-ratelimit-burst-remaining-xrm-requests', windowMs: 300_000 },
];

/** "api-usage=25/5000; per-app-api-usage=17/250(appName=x)" of Salesforce, "32/40" of Shopify. */
const FRACTIONS: readonly { header: string; windowMs?: number }[] = [
  { header: 'sforce-limit-info' },
  { header: 'x-shopify-shop-api-call-limit', windowMs: BRIEF_MS },
];

/**
 * Every window of which an answer tells: `RateLimit` and `RateLimit-Policy` (IETF drafts, both forms), `RateLimit-*`,
 * `X-RateLimit-*`, and what some vendors have of their own.
 */
export function readRateLimits(headers: Headers, now: number = Date.now()): RateLimitStatus[] {
  if (!tellsOfQuota(headers)) return [];
  return [...structured(headers, now), ...plain(headers, now), ...fractions(headers, now)];
}

/** Of all windows the one that is the nearest to be used up; undefined where nothing is told. */
export function readRateLimit(headers: Headers, now: number = Date.now()): RateLimitStatus | undefined {
  if (!tellsOfQuota(headers)) return undefined;
  const rank = ({ limit = 0, remaining, resetAt }: RateLimitStatus): number => {
    if (remaining === undefined) return Number.POSITIVE_INFINITY;
    const isBrief = resetAt !== undefined && Date.parse(resetAt) - now <= BRIEF_MS;
    return (isBrief ? 2 : 0) + (remaining === 0 ? 0 : Math.min(1, remaining / limit));
  };
  const [first, ...others] = readRateLimits(headers, now);
  return others.reduce((tightest, one) => (rank(one) < rank(tightest as RateLimitStatus) ? one : tightest), first);
}

/** Most answers tell nothing of one, and each one comes by here: that a name cannot be one is found out by the plainest look. */
function tellsOfQuota(headers: Headers): boolean {
  for (const name in headers) if (name.includes('limit') && QUOTA.test(name)) return true;
  return false;
}

/** `"burst";r=99;t=1, "daily";r=3;t=3600`, whose policies stand apart by the same names; or one window as `limit=100, remaining=40`. */
function structured(headers: Headers, now: number): RateLimitStatus[] {
  const policy = headers['ratelimit-policy'] ?? '';
  const members = /^\s*"/.test(headers.ratelimit ?? '') ? headers.ratelimit!.split(',') : [headers.ratelimit ?? ''];
  return members.flatMap((member) => {
    const name = /^\s*("[^"]*")/.exec(member)?.[1];
    const ofName =
      members.length === 1 ? policy : (policy.split(',').find((one) => one.trim().startsWith(`${name};`)) ?? '');
    const parameter = (...names: string[]) => numberAfter(`${member};${ofName}`, names);
    return statusOf(parameter('limit', 'q'), parameter('remaining', 'r'), parameter('reset', 't'), undefined, now);
  });
}

function plain(headers: Headers, now: number): RateLimitStatus[] {
  const numberOf = (name: string | number | undefined): number | undefined => {
    if (typeof name === 'number' || name === undefined) return name;
    const found = /^\s*(\d{1,15})/.exec(headers[name] ?? '');
    return found === null ? undefined : Number(found[1]);
  };
  return TOLD.flatMap(({ limit, remaining, used, reset, windowMs }) => {
    const [most, spent] = [numberOf(limit), numberOf(used)];
    const left =
      numberOf(remaining) ?? (most === undefined || spent === undefined ? undefined : Math.max(0, most - spent));
    if (typeof limit === 'number' && left === undefined) return [];
    return statusOf(most, left, numberOf(reset), windowMs, now);
  });
}

function fractions(headers: Headers, now: number): RateLimitStatus[] {
  return FRACTIONS.flatMap(({ header, windowMs }) =>
    [...(headers[header] ?? '').matchAll(/(?:^|=)(\d{1,15})\/(\d{1,15})/g)].flatMap(([, used, limit]) =>
      statusOf(Number(limit), Math.max(0, Number(limit) - Number(used)), undefined, windowMs, now),
    ),
  );
}

function numberAfter(text: string, names: readonly string[]): number | undefined {
  const found = new RegExp(`(?:^|[;,\\s])(?:${names.join('|')})\\s*=\\s*"?(\\d+)`, 'i').exec(text);
  return found === null ? undefined : Number(found[1]);
}

function statusOf(
  limit: number | undefined,
  remaining: number | undefined,
  reset: number | undefined,
  windowMs: number | undefined,
  now: number,
): RateLimitStatus[] {
  if (limit === undefined && remaining === undefined && reset === undefined) return [];
  // A window that is known by its length alone is over by then. Of a long one that says too little.
  const assumed = windowMs === undefined || windowMs >= LONGEST_ASSUMED_MS ? undefined : now + windowMs;
  const end = reset !== undefined && reset < 1e15 ? instant(reset, now) : assumed;
  return [
    {
      ...(limit !== undefined && { limit }),
      ...(remaining !== undefined && { remaining }),
      ...(end !== undefined && { resetAt: new Date(end).toISOString() }),
    },
  ];
}

/** A reset is given in seconds from now or as an instant, in seconds or milliseconds: its size tells which. */
function instant(reset: number, now: number): number {
  if (reset > 1e12) return reset;
  return reset > 1e9 ? reset * 1000 : now + reset * 1000;
}
