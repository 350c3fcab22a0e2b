import { ENUMS, NAMESPACE, type Row, type TestSet } from './model';

/** A condition that the service does not take. */
export class BadFilter extends Error {}

const TERM = /^(\w+) (eq|ne|gt|ge|lt|le) (.+)$/s;

/** The rows that a $filter lets through: comparisons, "and", and "or" in parentheses; no "in", no "has". */
export function filtered(rows: readonly Row[], filter: string | null, set: TestSet): Row[] {
  if (filter === null) return [...rows];
  const tests = parts(filter, ' and ').map((part) => testOf(part, set));
  return rows.filter((row) => tests.every((test) => test(row)));
}

function testOf(text: string, set: TestSet): (row: Row) => boolean {
  if (text.startsWith('(') && text.endsWith(')')) {
    const choices = parts(text.slice(1, -1), ' or ').map((part) => testOf(part, set));
    return (row) => choices.some((test) => test(row));
  }
  const [, field = '', operator = '', literal = ''] = TERM.exec(text) ?? [];
  const type = set.properties[field];
  if (set.unfilterable?.includes(field)) throw new BadFilter(`The field '${field}' cannot be used in a filter`);
  if (type === undefined) throw new BadFilter(`Could not find a property named '${field}'`);
  const value = readLiteral(literal, type, field);
  if (type === 'Edm.Guid' && operator !== 'eq' && operator !== 'ne')
    throw new BadFilter(`${operator} on an identifier`);
  if (type in ENUMS && operator !== 'eq' && operator !== 'ne') throw new BadFilter(`${operator} on an enumeration`);
  return (row) => {
    const order = compared(row[field] ?? '', value, type);
    return { eq: order === 0, ne: order !== 0, gt: order > 0, ge: order >= 0, lt: order < 0, le: order <= 0 }[
      operator
    ] as boolean;
  };
}

/** The database compares texts without regard to case. */
export function compared(a: string | number, b: string | number, type: string): number {
  if (type === 'Edm.Int32' || type === 'Edm.Decimal') return Number(a) - Number(b);
  if (type === 'Edm.DateTimeOffset') return Date.parse(String(a)) - Date.parse(String(b));
  const [left, right] = [String(a).toLowerCase(), String(b).toLowerCase()];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** @throws BadFilter where the literal is of another type */
export function readLiteral(literal: string, type: string, field: string): string {
  const wrong = () => new BadFilter(`'${field}' is of type ${type}, not ${literal}`);
  if (type === 'Edm.String') {
    if (!/^'(?:[^']|'')*'$/.test(literal)) throw wrong();
    return literal.slice(1, -1).replaceAll("''", "'");
  }
  const members = ENUMS[type];
  if (members !== undefined) {
    const member = literal.startsWith(`${NAMESPACE}.${type}'`)
      ? literal.slice(NAMESPACE.length + type.length + 2, -1)
      : '';
    if (!members.includes(member)) throw wrong();
    return member;
  }
  if (type === 'Edm.Guid') {
    if (!/^[0-9a-f-]{36}$/i.test(literal)) throw wrong();
    return literal;
  }
  if (type === 'Edm.Date' && /^\d{4}-\d\d-\d\d$/.test(literal)) return literal;
  if (type === 'Edm.Boolean' && /^(true|false)$/.test(literal)) return literal;
  const pattern = type === 'Edm.DateTimeOffset' ? /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/ : /^-?\d+(\.\d+)?$/;
  if (!pattern.test(literal)) throw wrong();
  return literal;
}

/** Splits outside of texts and parentheses. */
export function parts(text: string, separator: string): string[] {
  const found: string[] = [];
  let [depth, isText, begin] = [0, false, 0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "'") isText = !isText;
    if (isText) continue;
    if (text[at] === '(') depth++;
    if (text[at] === ')') depth--;
    if (depth === 0 && text.startsWith(separator, at)) {
      found.push(text.slice(begin, at));
      begin = at + separator.length;
    }
  }
  return [...found, text.slice(begin)];
}
