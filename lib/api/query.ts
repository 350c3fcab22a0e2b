import { phrase, type Said } from '../model/phrase';
import { Problem, type ProblemDetail } from './problem';
import type { Route } from './route';
import type { Validator } from './validation';

export interface ParsedQuery {
  query: Record<string, string | number | boolean>;
  filters: Record<string, string>;
}

/** Converts and checks the declared parameters. @throws Problem 400 naming every parameter that is wrong or unknown */
export function parseQuery(route: Route, search: URLSearchParams, validator: Validator): ParsedQuery {
  const parsed: ParsedQuery = { query: {}, filters: Object.create(null) };
  const errors: ProblemDetail[] = [];
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name);
    const declared = Object.hasOwn(route.query ?? {}, name) ? route.query?.[name] : undefined;
    const text = values[0] ?? '';
    if (values.length > 1) errors.push(wrong(name, 'may be given once only'));
    else if (declared !== undefined) {
      const value = convert(text, declared.schema.type);
      const found = validator.check(declared.schema, value);
      if (found.length > 0) errors.push(...found.map(({ detail }) => wrong(name, detail)));
      else parsed.query[name] = value;
    } else if (route.openQuery !== undefined) parsed.filters[name] = text;
    else errors.push(wrong(name, 'is not a parameter of this operation'));
  }
  if (errors.length > 0) throw badQuery(errors);
  return parsed;
}

export function badQuery(errors: ProblemDetail[]): Problem {
  return new Problem(400, 'PCP_QUERY_INVALID', phrase`The query has parameters that are wrong or unknown.`, { errors });
}

export function wrong(parameter: string, detail: Said): ProblemDetail {
  return { pointer: '', parameter, detail };
}

/** A text that does not look like its type stays a text, for the schema to refuse. */
function convert(text: string, type: string | string[] | undefined): string | number | boolean {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
