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
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, key, depth + 1));
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
