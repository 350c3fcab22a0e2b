import type { ValidateFunction } from 'ajv/dist/2020';
import type { JsonSchema } from '../../model/entity';
import { IntegrationError } from '../../model/errors';

/** What settings of a connection hold: they may be absent, and come from flows that were written by hand. */

const validators = new Map<JsonSchema, ValidateFunction>();

/** Without blanks around it; undefined where there is nothing else. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

export function integer(value: unknown): number | undefined {
  return Number.isInteger(value) ? (value as number) : undefined;
}

/** @throws config PCP_SETTING_MISSING */
export function needed(from: Record<string, unknown>, name: string, part = 'config'): string {
  const value = text(from[name]);
  if (value !== undefined) return value;
  throw new IntegrationError('config', 'PCP_SETTING_MISSING', `The setting "${name}" is missing.`, {
    path: `/${part}/${name}`,
    hint: 'Give it in the connection.',
  });
}

/** The first choice is the default. @throws config PCP_SETTING_INVALID */
export function choice<T extends string>(config: Record<string, unknown>, name: string, choices: readonly T[]): T {
  const value = config[name] ?? '';
  const found = value === '' ? choices[0] : choices.find((each) => each === value);
  if (found === undefined) throw invalid(name, `one of ${choices.join(', ')}`);
  return found;
}

/** @throws config PCP_SETTING_INVALID with the place that is wrong */
export function checked<T>(name: string, value: unknown, schema: JsonSchema): T {
  const validate = validators.get(schema) ?? compile(schema);
  validators.set(schema, validate);
  if (validate(value)) return value as T;
  const [problem] = validate.errors ?? [];
  const extra = problem?.params?.additionalProperty;
  const place = `${name}${problem?.instancePath ?? ''}`;
  throw wrong(place, `is wrong: ${problem?.message}${extra === undefined ? '' : ` ("${extra}")`}`);
}

export function invalid(name: string, expected: string): IntegrationError {
  return wrong(name, `must be ${expected}`);
}

function wrong(place: string, what: string): IntegrationError {
  return new IntegrationError('config', 'PCP_SETTING_INVALID', `The setting "${place}" ${what}.`, {
    path: `/config/${place}`,
    hint: 'Correct it in the connection.',
  });
}

function compile(schema: JsonSchema): ValidateFunction {
  // Loaded on first use: the nodes read settings without checking lists of them.
  const { Ajv2020 } = require('ajv/dist/2020') as typeof import('ajv/dist/2020');
  return new Ajv2020({ strict: false }).compile(schema);
}
