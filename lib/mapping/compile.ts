import type { JsonSchema } from '../model/entity';
import type { CompiledMapping, CompileMapping, ExpressionEvaluator, MappingDefinition } from './contract';
import { checkPlatformFields, checkShape, claimedDirections } from './definition';
import { planExport } from './inverse';
import { planImport } from './plan-import';
import { runnerOf } from './run';

/**
 * Compiles a mapping for one direction. Fields, conversions, filters and transformations become composed functions; only
 * what is written as an expression goes to the evaluator.
 * @throws config PCP_MAPPING_INVALID with an RFC 6901 `path` ("/field_mappings/3/format"), PCP_EXPRESSION_INVALID
 */
export const compileMapping: CompileMapping = (mapping, direction, context): CompiledMapping => {
  checkShape(mapping, direction);
  const plan = direction === 'import' ? planImport(mapping, context) : planExport(mapping, context);
  return {
    inputFields: plan.inputFields,
    namedFields: plan.namedFields,
    outputFields: plan.outputFields,
    keyFields: plan.keys.map(({ output }) => output),
    pushdown: plan.pushdown,
    ...runnerOf(plan, context.expressions),
  };
};

const NO_EXPRESSIONS: ExpressionEvaluator = {
  evaluate: () => Promise.reject(new Error('A mapping that is only checked evaluates nothing.')),
};

/**
 * Compiles every direction that a mapping claims, and forgets the result: what saving a mapping asks.
 * @param context schema of the platform entity, and the zone of the connection
 * @throws config PCP_MAPPING_INVALID, PCP_EXPRESSION_INVALID, with `path`
 */
export function checkMapping(
  definition: MappingDefinition,
  context: { targetSchema?: JsonSchema; timezone?: string } = {},
): void {
  for (const direction of claimedDirections(definition)) {
    compileMapping(definition, direction, { ...context, expressions: NO_EXPRESSIONS });
    if (context.targetSchema !== undefined) checkPlatformFields(definition, context.targetSchema);
  }
}
