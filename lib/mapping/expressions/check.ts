import { IntegrationError } from '../../model/errors';
import { FORBIDDEN_NAMES } from '../paths';

/** Longest expression in characters. */
const MAX_SOURCE = 65_536;
const MAX_DEPTH = 500;

/**
 * Parses an expression, which evaluates nothing and is therefore safe in any process.
 * @param path pointer into the mapping
 * @throws config PCP_EXPRESSION_INVALID: syntax errors, `$eval`, and the names __proto__, constructor and prototype
 */
export function checkExpression(expression: unknown, path?: string): void {
  const invalid = (message: string) =>
    new IntegrationError('config', 'PCP_EXPRESSION_INVALID', message, path === undefined ? {} : { path });
  if (typeof expression !== 'string' || expression.trim() === '') throw invalid('The expression is empty.');
  if (expression.length > MAX_SOURCE) throw invalid(`The expression is longer than ${MAX_SOURCE} characters.`);
  // Loaded here so that mappings without expressions do not pay for it.
  const jsonata = require('jsonata') as typeof import('jsonata');
  let tree: unknown;
  try {
    tree = jsonata(expression).ast();
  } catch (problem) {
    const { message = 'it cannot be parsed', position } = problem as { message?: string; position?: number };
    const where = position === undefined ? '' : ` (character ${position})`;
    throw invalid(`The expression is not valid JSONata: ${message}${where}.`);
  }
  const forbidden = findForbidden(tree, 0);
  if (forbidden !== undefined) throw invalid(`The expression uses ${forbidden}, which is not allowed.`);
}

/** Walks the syntax tree, which holds the names of fields and variables as plain values. */
function findForbidden(node: unknown, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return `more than ${MAX_DEPTH} nested parts`;
  if (node === null || typeof node !== 'object' || node instanceof RegExp) return undefined;
  const { type, value } = node as { type?: unknown; value?: unknown };
  if (type === 'variable' && value === 'eval') return '$eval';
  if ((type === 'name' || type === 'string') && typeof value === 'string' && FORBIDDEN_NAMES.has(value))
    return `the name ${value}`;
  for (const part of Object.values(node)) {
    const found = findForbidden(part, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
