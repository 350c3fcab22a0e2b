import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020';
import type { JsonSchema } from '../model/entity';
import { formats, isDate, isDateTime } from '../model/formats';
import { type Phrase, phrase, render } from '../model/phrase';
import { whereKnown } from './misplaced';
import { escapePointer, type ProblemDetail } from './problem';

/** More than these tell no one anything. */
const MAX_ERRORS = 50;

const DOCUMENT = 'pcp:api';

export type Validate = (value: unknown) => ProblemDetail[];

/**
 * Validates against JSON Schema 2020-12 with references into the API's components. Ajv is loaded when the first value is
 * to be checked, not when Node-RED starts.
 */
export class Validator {
  readonly #components: Record<string, JsonSchema>;
  readonly #compiled = new WeakMap<object, Validate>();
  #ajv: import('ajv/dist/2020').Ajv2020 | undefined;

  constructor(components: Record<string, JsonSchema>) {
    this.#components = components;
  }

  /** One detail per wrong place, without the values themselves: they may be secrets. Empty = valid. */
  check(schema: JsonSchema, value: unknown): ProblemDetail[] {
    let validate = this.#compiled.get(schema);
    if (validate === undefined) {
      validate = this.#compile(schema);
      this.#compiled.set(schema, validate);
    }
    return validate(value);
  }

  #compile(schema: JsonSchema): Validate {
    const ajv = this.#load();
    const reference = schema.$ref;
    const compiled: ValidateFunction = ajv.compile(
      typeof reference === 'string' ? { $ref: `${DOCUMENT}${reference}` } : absolute(schema),
    );
    return (value) => {
      if (compiled(value)) return [];
      return details(compiled.errors ?? [], (name, pointer) =>
        whereKnown(name, pointer, schema, (part) => this.#resolve(part)),
      );
    };
  }

  #resolve(schema: JsonSchema): JsonSchema {
    const name = /^#\/components\/schemas\/(.+)$/.exec(String(schema.$ref))?.[1];
    return (name === undefined ? undefined : this.#components[name]) ?? schema;
  }

  #load(): import('ajv/dist/2020').Ajv2020 {
    if (this.#ajv === undefined) {
      const { Ajv2020 } = require('ajv/dist/2020') as typeof import('ajv/dist/2020');
      this.#ajv = new Ajv2020({
        allErrors: true,
        strict: false,
        discriminator: true,
        logger: false,
        formats: { ...formats, instant: (text: string) => isDate(text) || isDateTime(text) },
      });
      this.#ajv.addSchema({ $id: DOCUMENT, components: { schemas: this.#components } });
    }
    return this.#ajv;
  }
}

/** References inside an inline schema point into the components document. */
function absolute(schema: JsonSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (name, value) =>
    name === '$ref' && typeof value === 'string' && value.startsWith('#/components/') ? `${DOCUMENT}${value}` : value,
  );
}

type WhereKnown = (name: string, pointer: string) => Phrase | undefined;

function details(errors: readonly ErrorObject[], elsewhere: WhereKnown): ProblemDetail[] {
  const found = new Map<string, ProblemDetail>();
  const oneOf = Map.groupBy(errors.filter(isAlternative), ({ instancePath }) => instancePath);
  for (const [pointer, alternatives] of oneOf) {
    const names = alternatives.map(({ params }) => String(params.missingProperty));
    found.set(pointer, { pointer, detail: phrase`needs one of ${names.join(', ')}` });
  }
  for (const error of errors) {
    if (isAlternative(error)) continue;
    // What these two wrap is reported by the errors inside of them.
    if (error.keyword === 'if' || error.keyword === 'oneOf' || error.keyword === 'anyOf') continue;
    const detail = detailOf(error, elsewhere);
    found.set(`${detail.pointer} ${render(detail.detail)}`, detail);
    if (found.size === MAX_ERRORS) break;
  }
  if (found.size === 0 && errors[0] !== undefined) return [detailOf(errors[0], elsewhere)];
  return [...found.values()];
}

/** A property of which the schema asks for this or another one. */
function isAlternative({ keyword, schemaPath }: ErrorObject): boolean {
  return keyword === 'required' && /\/anyOf\/\d+\/required$/.test(schemaPath);
}

function detailOf({ keyword, instancePath, params, message }: ErrorObject, elsewhere: WhereKnown): ProblemDetail {
  switch (keyword) {
    case 'required':
      return {
        pointer: `${instancePath}/${escapePointer(String(params.missingProperty))}`,
        detail: phrase`is required`,
      };
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params.additionalProperty ?? params.unevaluatedProperty);
      const detail = elsewhere(name, instancePath) ?? phrase`is not known here`;
      return { pointer: `${instancePath}/${escapePointer(name)}`, detail };
    }
    case 'enum':
      return {
        pointer: instancePath,
        detail: phrase`must be one of ${(params.allowedValues as unknown[]).join(', ')}`,
      };
    case 'discriminator':
      return {
        pointer: `${instancePath}/${escapePointer(String(params.tag))}`,
        detail: phrase`is not one of the known values`,
      };
    default:
      return { pointer: instancePath, detail: ruleOf(keyword, params) ?? message ?? 'is not valid' };
  }
}

/** Absolute paths of URLs, and pointers. */
const BEGINS_WITH_SLASH = ['^/', '^(/.*)?$'];

/** What a value breaks, in words of ours. */
function ruleOf(keyword: string, { limit, type, pattern, format }: ErrorObject['params']): Phrase | undefined {
  switch (keyword) {
    case 'type':
      return phrase`must be ${[type].flat().join(', ')}`;
    case 'pattern':
      return BEGINS_WITH_SLASH.includes(pattern)
        ? phrase`must begin with "/"`
        : phrase`must match pattern "${String(pattern)}"`;
    case 'format':
      return phrase`must match format "${String(format)}"`;
    case 'minimum':
      return phrase`must be >= ${Number(limit)}`;
    case 'maximum':
      return phrase`must be <= ${Number(limit)}`;
    case 'exclusiveMinimum':
      return phrase`must be > ${Number(limit)}`;
    case 'minLength':
      return phrase`must NOT have fewer than ${Number(limit)} characters`;
    case 'maxLength':
      return phrase`must NOT have more than ${Number(limit)} characters`;
    case 'minItems':
      return phrase`must NOT have fewer than ${Number(limit)} items`;
    case 'maxItems':
      return phrase`must NOT have more than ${Number(limit)} items`;
    default:
      return undefined;
  }
}
