/** Numbers that may be too long, by their beginning; in two patterns, as one of both costs twice as much per page. */
const MAYBE_LONG = /(?:^|[:[,\s])-?\d[\d.]{15}/;
const MAYBE_EXPONENT = /\d[eE][+-]?\d/;
const LONGEST_EXACT_DIGITS = 15;

/** `JSON.parse` since ECMAScript 2025 gives a reviver the number's own text. */
type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;

const keepExact: SourceReviver = (_key, value, context) => {
  if (typeof value !== 'number' || context.source === undefined) return value;
  return isExact(value, context.source) ? value : context.source;
};

/**
 * Parses JSON so that no number changes: what a binary float cannot hold (integers and decimals of more than 15
 * significant digits, overflows) stays the text it was.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  if (!MAYBE_EXPONENT.test(text) && !MAYBE_LONG.test(text)) return JSON.parse(text);
  return JSON.parse(text, keepExact as Parameters<typeof JSON.parse>[1]);
}

function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '');
  if (digits.length > LONGEST_EXACT_DIGITS) return String(value) === source;
  return value !== 0 || digits === '';
}
