import assert from 'node:assert/strict';
import { compileMapping } from '../../../lib/mapping/compile';
import type { ExpressionEvaluator, Mapped, MappingDefinition, PlainRecord } from '../../../lib/mapping/contract';
import { ValueProblem } from '../../../lib/mapping/problems';
import { IntegrationError } from '../../../lib/model/errors';
import type { Direction, FieldMapping, MappingContext } from '../../../lib/model/mapping';

/** Asserts that a conversion refuses its value with this code and rule. */
export function refused(work: () => unknown, code: string, rule: string): void {
  assert.throws(work, (problem) => {
    assert.ok(problem instanceof ValueProblem, String(problem));
    assert.deepEqual([problem.code, problem.rule], [code, rule]);
    return true;
  });
}

/** Asserts that a mapping is refused at this place; gives the error for more. */
export function invalid(work: () => unknown, path: string, message: RegExp, code = 'PCP_MAPPING_INVALID'): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof IntegrationError, String(error));
    assert.deepEqual([error.class, error.code, error.path], ['config', code, path]);
    assert.match(error.message, message);
    return true;
  });
}

export const noExpressions: ExpressionEvaluator = {
  evaluate: () => Promise.reject(new Error('no expression was expected')),
};

export function definition(fields: FieldMapping[], more: Partial<MappingDefinition> = {}): MappingDefinition {
  return {
    direction: 'import',
    source_entity: 'outside',
    target_entity: 'inside',
    field_mappings: fields,
    transformations: [],
    filters: [],
    key_fields: [],
    ...more,
  };
}

/** Maps records with a definition, in its own direction unless another is given. */
export function mapAll(
  mapping: MappingDefinition,
  records: PlainRecord[],
  context: MappingContext & { expressions?: ExpressionEvaluator; direction?: Direction } = {},
): Promise<Mapped[]> {
  const { direction = mapping.direction === 'export' ? 'export' : 'import', ...rest } = context;
  return compileMapping(mapping, direction, { expressions: noExpressions, ...rest }).map(records);
}

/** The data of one record that must be mapped. */
export async function mapOne(
  mapping: MappingDefinition,
  record: PlainRecord,
  context: Parameters<typeof mapAll>[2] = {},
): Promise<PlainRecord> {
  const [result] = await mapAll(mapping, [record], context);
  if (result?.outcome !== 'mapped') assert.fail(`not mapped: ${JSON.stringify(result)}`);
  return result.data;
}

/** The failure of one record that must fail. */
export async function failOne(
  mapping: MappingDefinition,
  record: PlainRecord,
  context: Parameters<typeof mapAll>[2] = {},
): Promise<Extract<Mapped, { outcome: 'failed' }>> {
  const [result] = await mapAll(mapping, [record], context);
  if (result?.outcome !== 'failed') assert.fail(`did not fail: ${JSON.stringify(result)}`);
  return result;
}
