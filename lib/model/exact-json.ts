/** Numbers with many digits or an exponent, by their beginning; texts in quotes, such as ids in hexadecimal, do not count. */
const MAYBE_INEXACT = /[:[,\s]-?\d(?:[\d.]{15}|[\d.]*[eE])/;
/** The same where the text is nothing but a number: apart, since looking for both at every place takes twice as long. */
const MAYBE_INEXACT_NUMBER = /^-?\d(?:[\d.]{15}|[\d.]*[eE])/;
const LONGEST_EXACT_DIGITS = 15;
const SMALLEST_NORMAL = 2 ** -1022;

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
  if (!MAYBE_INEXACT.test(text) && !MAYBE_INEXACT_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, keepExact as Parameters<typeof JSON.parse>[1]);
}

function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '');
  if (digits.length > LONGEST_EXACT_DIGITS) return String(value) === source;
  // Below this a float loses digits, and in the end all of them.
  return Math.abs(value) >= SMALLEST_NORMAL || digits === '' || String(value) === source;
}
