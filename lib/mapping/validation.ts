import type { ErrorObject } from 'ajv';
import type { JsonSchema } from '../model/entity';
import { formats } from '../model/formats';
import { nullable } from '../model/nullable';
import { type Phrase, phrase } from '../model/phrase';
import type { PlainRecord } from './contract';
import { show, type ValueCode, ValueProblem } from './problems';

/** What a mapped record breaks of its target's schema. */
interface Violation {
  field: string;
  problem: ValueProblem;
}

/** One for each field that breaks a rule; null for a record without any. */
export type Validate = (data: PlainRecord) => Violation[] | null;

const CODES: Record<string, ValueCode> = {
  type: 'PCP_VALUE_TYPE',
  required: 'PCP_VALUE_REQUIRED',
  minimum: 'PCP_VALUE_RANGE',
  maximum: 'PCP_VALUE_RANGE',
  exclusiveMinimum: 'PCP_VALUE_RANGE',
  exclusiveMaximum: 'PCP_VALUE_RANGE',
  minLength: 'PCP_VALUE_RANGE',
  maxLength: 'PCP_VALUE_RANGE',
};

const validators = new WeakMap<JsonSchema, Map<string, Validate>>();

/**
 * Compiled once per schema and what is proven. A field that is not required may be null; one that is required may not.
 * @param proven fields whose format no record of the mapping can break. Nor can it have fields that the schema does not know,
 * which is found when it is saved.
 */
export function validatorOf(schema: JsonSchema, proven: readonly string[]): Validate {
  const known = validators.get(schema) ?? new Map<string, Validate>();
  validators.set(schema, known);
  const name = JSON.stringify(proven);
  const validate = known.get(name) ?? makeValidator(unproven(schema, new Set(proven)));
  known.set(name, validate);
  return validate;
}

/** What is left to ask of each record: asking twice whether a day exists takes as long as making it. */
function unproven(schema: JsonSchema, proven: ReadonlySet<string>): JsonSchema {
  if (schema.properties === undefined) return schema;
  const properties = Object.entries(schema.properties).map(([name, { format, ...rest }]) => {
    return [name, format === undefined || proven.has(name) ? rest : { format, ...rest }] as const;
  });
  const { additionalProperties: open, ...left } = schema;
  const isOpen = open !== undefined && open !== false;
  return { ...left, properties: Object.fromEntries(properties), ...(isOpen && { additionalProperties: open }) };
}

function makeValidator(schema: JsonSchema): Validate {
  // Loaded here so that a process that never maps does not hold it.
  const { Ajv2020 } = require('ajv/dist/2020') as typeof import('ajv/dist/2020');
  const options = { strict: false, formats, logger: false, validateSchema: false, addUsedSchema: false } as const;
  const ajv = new Ajv2020(options);
  const check = ajv.compile(nullable(schema));
  let checkAll: typeof check | undefined;
  return (data) => {
    if (check(data)) return null;
    // Only a record that is refused is looked at to its end.
    checkAll ??= new Ajv2020({ ...options, allErrors: true }).compile(nullable(schema));
    checkAll(data);
    const found = new Map<string, Violation>();
    for (const error of [...check.errors!, ...(checkAll.errors ?? [])]) {
      const each = violation(error, data);
      if (!found.has(each.field)) found.set(each.field, each);
    }
    return [...found.values()];
  };
}

function violation(error: ErrorObject, data: PlainRecord): Violation {
  const { instancePath, keyword, params } = error;
  const names = instancePath.split('/').slice(1).map(unescaped);
  if (keyword === 'required' || keyword === 'additionalProperties') {
    names.push(String(params.missingProperty ?? params.additionalProperty));
  }
  const field = names.join('.');
  const value = names.reduce<unknown>((at, name) => (at as PlainRecord | undefined | null)?.[name], data);
  if (value === undefined || value === null) {
    const said = phrase`a value is required, but there is none`;
    return { field, problem: new ValueProblem('PCP_VALUE_REQUIRED', 'required', said, null) };
  }
  const code = keyword === 'format' ? formatCode(String(params.format)) : (CODES[keyword] ?? 'PCP_VALUE_SCHEMA');
  return { field, problem: new ValueProblem(code, keyword, broken(error, show(value)), value) };
}

/** Each rule in the validator's own English words, and whole, so that it can be said in another language. */
function broken({ keyword, params, message = 'is not valid' }: ErrorObject, value: string): Phrase {
  const { limit, format, type, pattern, multipleOf, allowedValues } = params;
  switch (keyword) {
    case 'type':
      return phrase`${value} must be ${[type]
        .flat()
        .filter((name) => name !== 'null')
        .join(', ')}`;
    case 'format':
      return phrase`${value} must match format "${format}"`;
    case 'pattern':
      return phrase`${value} must match pattern "${pattern}"`;
    case 'multipleOf':
      return phrase`${value} must be multiple of ${multipleOf}`;
    case 'minimum':
      return phrase`${value} must be >= ${limit}`;
    case 'maximum':
      return phrase`${value} must be <= ${limit}`;
    case 'exclusiveMinimum':
      return phrase`${value} must be > ${limit}`;
    case 'exclusiveMaximum':
      return phrase`${value} must be < ${limit}`;
    case 'minLength':
      return phrase`${value} must NOT have fewer than ${limit} characters`;
    case 'maxLength':
      return phrase`${value} must NOT have more than ${limit} characters`;
    case 'enum':
      return phrase`${value} must be equal to one of the allowed values (${allowedValues.filter((one: unknown) => one !== null).join(', ')})`;
    default:
      return phrase`${value} breaks a rule of the entity: ${message}`;
  }
}

function formatCode(format: string): ValueCode {
  return format === 'date' || format === 'date-time' ? 'PCP_VALUE_DATE' : 'PCP_VALUE_TYPE';
}

function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}
