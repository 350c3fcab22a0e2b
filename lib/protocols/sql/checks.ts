import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';

/** A CHECK constraint refuses the record. Which column is meant, only the table's definition tells. */
export class CheckError extends IntegrationError {
  /** @param constraint its name, or its condition where it has none */
  constructor(
    readonly constraint: string,
    cause: Error,
  ) {
    super('data', 'PCP_SQL_CHECK', phrase`Rule ${constraint} of the table refuses the record.`, { cause });
  }
}

const NAMED_CHECK = /\bCONSTRAINT\s+["`[]?([^"`\]\s]+)["`\]]?\s+CHECK\s*\(/gi;

/** Columns in each named CHECK of a CREATE TABLE statement. */
export function namedChecks(statement: string, columns: readonly string[]): Map<string, string[]> {
  const checks = new Map<string, string[]>();
  for (const found of statement.matchAll(NAMED_CHECK)) {
    const condition = statement.slice(found.index + found[0].length);
    checks.set(found[1]!, columnsIn(condition.slice(0, closing(condition)), columns));
  }
  return checks;
}

/** Columns whose names stand in a condition, outside of texts, in the order of the table. */
export function columnsIn(condition: string, columns: readonly string[]): string[] {
  const words = new Set(condition.replace(/'(?:[^']|'')*'/g, ' ').match(/[\p{L}\p{N}_$]+/gu));
  return columns.filter((column) => words.has(column));
}

/** Where the parenthesis closes that is open at the beginning. */
function closing(text: string): number {
  let depth = 1;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "'") quoted = !quoted;
    else if (quoted) continue;
    else if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return at;
  }
  return text.length;
}
