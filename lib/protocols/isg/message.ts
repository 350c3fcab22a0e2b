import { parseExactJson } from '../../model/exact-json';

export type Json = Record<string, unknown>;

/** In whose name a service works: the responsibility, and what belongs to it. */
export interface Context {
  /** Key of a responsibility ("WIP_SUPERUSER"); without one the service takes the user's own. */
  responsibility: string;
  /** Short name of its application ("WIP"). */
  application: string;
  securityGroup: string;
  language: string;
  /** Operating unit, as a number; empty = that of the responsibility. */
  orgId: string;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{"<METHOD>_Input": {"RESTHeader": {...}, "InputParameters": {...}}}` */
export function envelope(method: string, context: Context | undefined, parameters: Json): string {
  const header = context === undefined ? {} : { RESTHeader: headerOf(context) };
  return JSON.stringify({ [`${method.toUpperCase()}_Input`]: { ...header, InputParameters: parameters } });
}

function headerOf({ responsibility, application, securityGroup, language, orgId }: Context): Json {
  const header = {
    Responsibility: responsibility,
    RespApplication: application,
    SecurityGroup: securityGroup,
    NLSLanguage: language,
    Org_Id: orgId,
  };
  return Object.fromEntries(Object.entries(header).filter(([, value]) => value !== ''));
}

/**
 * The same as a query, for a method that is deployed with the verb GET: what stands in RESTHeader begins with `ctx_` there. Source:
 * Oracle E12065 (Integrated SOA Gateway Developer's Guide, "REST Header for Applications Context").
 * @param parameters texts, numbers and truth values only; one without a value is left out
 */
export function query(context: Context | undefined, parameters: Json): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const header = Object.entries(context === undefined ? {} : headerOf(context));
  const all = [
    ...given.map(([name, value]) => [name, String(value)]),
    ...header.map(([name, value]) => [`ctx_${name.replace('_', '').toLowerCase()}`, String(value)]),
  ];
  return new URLSearchParams(all).toString();
}

/** The output of a service; undefined where the body is no answer of one. */
export function outputOf(body: string): Json | undefined {
  let json: unknown;
  try {
    json = parseExactJson(body);
  } catch {
    // A page, or an answer that was cut off.
    return undefined;
  }
  const output = isObject(json) ? json.OutputParameters : undefined;
  return isObject(output) ? (plain(output) as Json) : undefined;
}

/**
 * Values without what XML left in them: attributes go, an element that is nil is null, and a table is a list, of its one row
 * too.
 */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  const isNil = Object.entries(value).some(([name, each]) => /^@(\w+:)?nil$/.test(name) && String(each) === 'true');
  const entries = Object.entries(value).filter(([name]) => !name.startsWith('@'));
  if (isNil && entries.length === 0) return null;
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && only[0].endsWith('_ITEM')) {
    const rows = plain(only[1]);
    return Array.isArray(rows) ? rows : [rows];
  }
  return Object.fromEntries(entries.map(([name, each]) => [name, plain(each)]));
}
