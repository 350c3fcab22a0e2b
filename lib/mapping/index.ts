export { checkMapping, compileMapping } from './compile';
export type { CompiledMapping, ExpressionEvaluator, Mapped, MappingDefinition, PlainRecord } from './contract';
export { checkExpression } from './expressions/check';
export { createExpressionEvaluator } from './expressions/evaluator';
