/** What stands where a secret was. */
export const MASK = '[redacted]';

/** Last words of a name that holds a secret. "token_url" or "api_key_name" end otherwise and stay readable. */
const SECRET_NAME =
  /(^|_)(password|passwd|pwd|passphrase|secret|token|api_?key|private_?key|access_?key|authorization|credentials?|cookie|bearer)$/;

const USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi;
const ADDRESS = /(https?:\/\/[^\s/?#"'<>]+)(\/[^\s?#"'<>]*)?(\?[^\s#"'<>]*)?/gi;
const RANDOM = /(?<=\/)(?=[^/]*\d)[\w-]{16,}(?=\/|$)/g;
const PEM = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(-----END \1-----|$)/g;
const AUTHORIZATION = /\b(authorization\s*[:=]\s*)(?:(?:basic|bearer|digest|negotiate)\s+)?[^\s,;"']+/gi;
const BEARER = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi;
const ASSIGNMENT =
  /\b((?:[a-z0-9]+[_-])*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|private[_-]?key|access[_-]?key))(["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&"'}]+)/gi;

/** Deeper values are cut: a log line needs none of them, and a cycle would never end. */
const MAX_DEPTH = 12;
/** Bytes; what is shorter stands in many texts. */
const SHORTEST_IN_BASE64 = 6;
const BASE64 = /[A-Za-z0-9+/_-]/;

/** Whether a setting, header or column of this name holds a secret ("clientSecret", "X-API-Key", "db_password"). */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  return SECRET_NAME.test(words);
}

/**
 * A copy fit for logs and answers: values under secret names are masked, and so are, inside of any text, the user part of
 * URLs, authorization headers, private keys, `password=...` and the secrets given. `true` under a secret name stays: it
 * says that the secret is set.
 */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return redactValue(value, secretsToMask(secrets), 0);
}

/** The same for one text. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  return maskText(text, secretsToMask(secrets));
}

/** The addresses in a text, without what may be a key: values of their queries, and parts of paths that nobody chose by hand. */
export function maskAddresses(text: string): string {
  return text.replace(ADDRESS, (_all, origin: string, path = '', query = '') => {
    const values = query.replace(/([?&](?:[^=&]*=)?)[^&]*/g, `$1${MASK}`);
    return `${origin}${path.replace(RANDOM, MASK)}${values}`;
  });
}

/** Every form a secret takes on its way into a text; longest first, so that none leaves a rest of another. */
function secretsToMask(secrets: readonly string[]): (string | RegExp)[] {
  const forms = new Set<string>();
  for (const secret of secrets) {
    // One or two characters stand in every text.
    if (secret.length < 3) continue;
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(new URLSearchParams({ '': secret }).toString().slice(1));
    forms.add(JSON.stringify(secret).slice(1, -1));
    if (!isFoundInBase64(secret)) forms.add(Buffer.from(secret, 'utf8').toString('base64'));
  }
  // OAuth2 encodes a secret before it goes into Base64.
  return [...[...forms].sort((a, b) => b.length - a.length), ...[...forms].flatMap(inBase64)];
}

/** What shows the secret in Base64 of something longer, as of "user:password": from each place in three bytes it looks otherwise. */
function inBase64(secret: string): RegExp[] {
  if (!isFoundInBase64(secret)) return [];
  const bytes = Buffer.from(secret, 'utf8');
  return [0, 1, 2].map((before) => {
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // Of the first and the last character a part is the neighbour's.
    const own = text.slice(Math.ceil((before * 8) / 6), whole);
    const either = own.replaceAll('+', '[+-]').replaceAll('/', '[/_]');
    return new RegExp(either, 'g');
  });
}

function isFoundInBase64(secret: string): boolean {
  return Buffer.byteLength(secret) >= SHORTEST_IN_BASE64;
}

function redactValue(value: unknown, secrets: readonly (string | RegExp)[], depth: number): unknown {
  if (typeof value === 'string') return maskText(value, secrets);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (value instanceof Error) {
    return { ...redactProperties(value, secrets, depth), name: value.name, message: maskText(value.message, secrets) };
  }
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[...]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, secrets, depth + 1));
  return redactProperties(value, secrets, depth);
}

function redactProperties(
  value: object,
  secrets: readonly (string | RegExp)[],
  depth: number,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const masked = isSecretName(name) ? maskSecret(item, depth + 1) : redactValue(item, secrets, depth + 1);
    Object.defineProperty(copy, name, { value: masked, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

function maskSecret(value: unknown, depth: number): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || depth >= MAX_DEPTH) return value === '' ? value : MASK;
  if (Array.isArray(value)) return value.map((item) => maskSecret(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, maskSecret(item, depth + 1)]));
}

/** Masks all of the Base64 around each place that shows a secret. */
function maskBase64(text: string, shown: RegExp): string {
  let masked = '';
  let done = 0;
  for (const { 0: found, index } of text.matchAll(shown)) {
    if (index < done) continue;
    let [begin, end] = [index, index + found.length];
    while (begin > done && BASE64.test(text[begin - 1]!)) begin--;
    while (end < text.length && (BASE64.test(text[end]!) || text[end] === '=')) end++;
    masked += `${text.slice(done, begin)}${MASK}`;
    done = end;
  }
  return masked + text.slice(done);
}

function maskText(text: string, secrets: readonly (string | RegExp)[]): string {
  let masked = text;
  for (const secret of secrets)
    masked = typeof secret === 'string' ? masked.replaceAll(secret, MASK) : maskBase64(masked, secret);
  return masked
    .replace(PEM, MASK)
    .replace(USERINFO, `$1${MASK}@`)
    .replace(AUTHORIZATION, `$1${MASK}`)
    .replace(BEARER, `$1 ${MASK}`)
    .replace(ASSIGNMENT, `$1$2${MASK}`);
}
