import type { Row } from './server';

/** "A2_X = 'y'", "N > 5", "A IN ('x','y')"; everything else is an error, as a database would say. */
export function term(text: string): ((row: Row) => boolean) | undefined {
  const literal = (written: string): unknown =>
    written.startsWith("'") ? written.slice(1, -1).replaceAll("''", "'").trimEnd() : Number(written);
  const held = (row: Row, field: string) =>
    typeof row[field] === 'string' ? (row[field] as string).trimEnd() : row[field];
  const LITERAL = /'(?:[^']|'')*'|-?\d+(?:\.\d+)?/;
  const list = new RegExp(`^(\\w+) IN \\(((?:${LITERAL.source})(?:,(?:${LITERAL.source}))*)\\)$`).exec(text);
  if (list !== null) {
    const values = list[2]!.match(new RegExp(LITERAL.source, 'g'))!.map(literal);
    return (row) => values.includes(held(row, list[1]!));
  }
  const match = new RegExp(`^(\\w+) (=|>|>=|<|<=) (${LITERAL.source})$`).exec(text);
  if (match === null) return undefined;
  const [, field = '', operator, written = ''] = match;
  const value = literal(written) as string;
  return (row) => {
    const own = held(row, field) as string;
    return { '=': own === value, '>': own > value, '>=': own >= value, '<': own < value, '<=': own <= value }[
      operator!
    ]!;
  };
}
