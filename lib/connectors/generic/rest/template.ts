import { IntegrationError } from '../../../model/errors';
import { phrase } from '../../../model/phrase';
import { pathSegment } from '../../../protocols/http/url';

const PLACEHOLDER = /\{([A-Za-z_$@][\w.$@-]*)\}/g;
const ONLY_PLACEHOLDER = /^\{([A-Za-z_$@][\w.$@-]*)\}$/;

/** Value of a placeholder; undefined = there is none. */
export type Values = (name: string) => unknown;

export function placeholders(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map((match) => match[1] as string);
}

/**
 * Fills "/orders/{id}?plant={plant}". A value never adds a segment or a parameter, and an empty one is refused: it would
 * address the whole collection.
 * @throws data PCP_REST_PATH_VALUE, PCP_URL_SEGMENT
 */
export function fillPath(template: string, values: Values): string {
  const query = template.indexOf('?');
  return template.replace(PLACEHOLDER, (_, name: string, at: number) => {
    const value = plainText(values(name));
    if (value === undefined || value === '') throw unfit(template, name);
    return query !== -1 && at > query ? encodeURIComponent(value) : pathSegment(value);
  });
}

/** Fills a JSON template: "{name}" alone is the value as it is, inside a text its text. */
export function fillBody(template: unknown, values: Values): unknown {
  if (typeof template === 'string') {
    const only = ONLY_PLACEHOLDER.exec(template)?.[1];
    if (only !== undefined) return values(only) ?? null;
    return fillText(template, values, String);
  }
  if (Array.isArray(template)) return template.map((item) => fillBody(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillBody(value, values)]));
}

/** Fills a template that is a text, each value as its format writes it. */
export function fillText(template: string, values: Values, written: (text: string) => string): string {
  return template.replace(PLACEHOLDER, (_, name: string) => written(plainText(values(name)) ?? ''));
}

/** Adds parameters to a path that may have some already. */
export function withQuery(path: string, parameters: readonly (readonly [string, string])[]): string {
  if (parameters.length === 0) return path;
  const query = parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

export function plainText(value: unknown): string | undefined {
  return ['string', 'number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : undefined;
}

function unfit(template: string, name: string): IntegrationError {
  return new IntegrationError(
    'data',
    'PCP_REST_PATH_VALUE',
    phrase`The path ${template} needs a value for "${name}".`,
    {
      path: name,
      hint: 'Map a field of this name, and see that it is never empty.',
    },
  );
}
