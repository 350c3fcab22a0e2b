import type { ErrorObject, ValidateFunction } from 'ajv';
import type { EntityType, JsonSchema } from '../model/entity';
import { IntegrationError } from '../model/errors';
import { formats } from '../model/formats';
import { nullable } from '../model/nullable';

const validators = new WeakMap<JsonSchema, ValidateFunction>();

/** @throws data PCP_RECORD_INVALID with `path` naming the first field that is wrong */
export function validateRecord(type: EntityType, record: Record<string, unknown>): void {
  let validate = validators.get(type.schema);
  if (validate === undefined) {
    validate = compile(type);
    validators.set(type.schema, validate);
  }
  if (validate(record)) return;
  throw toError(type, record, validate.errors?.[0]);
}

function compile({ schema, key }: EntityType): ValidateFunction {
  // Loaded on first use: most processes never validate a record themselves.
  const { Ajv2020 } = require('ajv/dist/2020') as typeof import('ajv/dist/2020');
  const ajv = new Ajv2020({ strict: false, formats, logger: false, addUsedSchema: false });
  return ajv.compile(nullable(withKeys(schema, key)));
}

/** A part of the key that has no default needs a value: an empty one could not be addressed. */
function withKeys(schema: JsonSchema, key: readonly string[]): JsonSchema {
  const parts = key.flatMap((name): [string, JsonSchema][] => {
    const field = schema.properties?.[name];
    if (field === undefined || field.default !== undefined) return [];
    return [[name, { ...field, minLength: Math.max(1, field.minLength ?? 0) }]];
  });
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(parts) } };
}

function toError(type: EntityType, record: Record<string, unknown>, error: ErrorObject | undefined): IntegrationError {
  const { instancePath = '', params = {}, message = 'is not valid' } = error ?? {};
  const unknown: unknown = params.additionalProperty;
  const missing: unknown = params.missingProperty;
  const path = [instancePath, unknown ?? missing].filter((part) => part !== undefined && part !== '').join('/');
  const pointer = path.startsWith('/') ? path : `/${path}`;
  const field = pointer.slice(1).replaceAll('/', '.');
  const value = record[pointer.split('/')[1] ?? ''];
  const allowed = Array.isArray(params.allowedValues)
    ? `: ${params.allowedValues.filter((one) => one !== null).join(', ')}`
    : '';
  const format = typeof params.format === 'string' ? ` ("${params.format}")` : '';
  const why =
    unknown !== undefined
      ? `"${unknown}" is no field of ${type.type}`
      : missing !== undefined
        ? `"${missing}" is missing`
        : `"${field}" ${message}${format}${allowed}`;
  return new IntegrationError('data', 'PCP_RECORD_INVALID', `The record is refused: ${why}.`, {
    path: pointer,
    ...(value !== undefined && { value: typeof value === 'string' ? value.slice(0, 200) : value }),
  });
}
