import { valueAt } from './pointer';

/** Longer than any message: those are cut after their secrets were masked. */
const LONGEST_TEXT = 5000;
const DEEPEST = 6;

/** Where APIs say why they refused something: RFC 9457, OData, Spring, .NET, Rails and the like. */
const USUAL_PLACES = [
  '/errors',
  '/error/details',
  '/error/message/value',
  '/error/message',
  '/error_description',
  '/detail',
  '/message',
  '/error',
  '/title',
];
const FIELD_NAMES = ['field', 'pointer', 'path', 'property', 'parameter', 'target'];
/** What an object says in words, the best ones first; in lower case, as the others. */
const WORDS = [
  'message',
  'detail',
  'description',
  'error_description',
  'errormessage',
  'reason',
  'text',
  'msg',
  'title',
];
const CODES = ['code', 'errorcode', 'error_code'];
/** What stands beside the words for machines. */
const KINDS = [
  'class',
  'type',
  'kind',
  'severity',
  'level',
  'status',
  'statuscode',
  'instance',
  'timestamp',
  'trace_id',
];
const BESIDE_WORDS = new Set([...FIELD_NAMES, ...WORDS, ...CODES, ...KINDS]);

export interface Explanation {
  text: string;
  /** The field of the record that it is about, as the API writes it. */
  field?: string;
}

/** The texts in what an API answered, and the field that they are about; null where there are none. */
export function explanation(said: unknown): Explanation | null {
  const texts = leaves(said, '', 0);
  if (texts.length === 0) return null;
  const field = fieldIn(said);
  return { text: texts.join('; ').slice(0, LONGEST_TEXT), ...(field !== undefined && { field }) };
}

/** What a refused request was answered: at the pointer given, else where APIs usually say it. */
export function explanationIn(document: unknown, pointer: string | undefined): Explanation | null {
  const places = pointer === undefined ? USUAL_PLACES : [pointer];
  for (const place of places) {
    const found = explanation(valueAt(document, place));
    if (found !== null) return found;
  }
  return null;
}

function leaves(value: unknown, name: string, depth: number): string[] {
  if (typeof value === 'string' && value.trim() !== '') return [name === '' ? value : `${name}: ${value}`];
  // Zero says that there was no error.
  if (typeof value === 'number' && value !== 0) return [name === '' ? String(value) : `${name}: ${value}`];
  if (typeof value !== 'object' || value === null || depth === DEEPEST) return [];
  if (Array.isArray(value)) return value.flatMap((item) => leaves(item, name, depth + 1));
  return sentence(value, depth) ?? Object.entries(value).flatMap(([key, inner]) => leaves(inner, key, depth + 1));
}

/** `{"field": "qty", "code": "E7", "message": "is negative"}` is "qty: is negative (E7)", and what its lists hold follows. */
function sentence(said: object, depth: number): string[] | null {
  const parts = Object.entries(said).map(([key, value]) => ({ key, name: key.toLowerCase(), value }));
  const isInner = (value: unknown) => typeof value === 'object' && value !== null;
  if (parts.some(({ name, value }) => !isInner(value) && !BESIDE_WORDS.has(name))) return null;
  const textOf = (names: readonly string[]): string | undefined =>
    names
      .map((wanted) => parts.find(({ name, value }) => name === wanted && ['string', 'number'].includes(typeof value)))
      .map((part) => String(part?.value ?? '').trim())
      .find((text) => text !== '');
  const words = textOf(WORDS);
  if (words === undefined) return null;
  const [field, code] = [textOf(FIELD_NAMES), textOf(CODES)];
  const inner = parts.filter(({ value }) => isInner(value)).flatMap(({ key, value }) => leaves(value, key, depth + 1));
  return [`${field === undefined ? '' : `${field}: `}${words}${code === undefined ? '' : ` (${code})`}`, ...inner];
}

/** `[{"field": "quantity", ...}]`, or `{"quantity": ["must be positive"]}`. */
function fieldIn(said: unknown): string | undefined {
  const first = Array.isArray(said) ? said[0] : said;
  if (typeof first !== 'object' || first === null) return undefined;
  for (const name of FIELD_NAMES) {
    const field = valueAt(first, `/${name}`);
    if (typeof field === 'string') return field;
  }
  const [[key, value] = [undefined, undefined]] = Object.entries(first);
  return Array.isArray(value) ? key : undefined;
}
