/**
 * Replaces each `?` of a statement by the dialect's placeholder, leaving those in strings, quoted names and comments.
 *
 * @param next gives the placeholder for a position, counted from 1
 * @param options.backslashes a backslash in a string escapes the next character (MySQL)
 */
export function replacePlaceholders(
  sql: string,
  next: (position: number) => string,
  options: { backslashes?: boolean } = {},
): string {
  if (!sql.includes('?')) return sql;
  let result = '';
  let position = 0;
  let from = 0;
  let index = 0;
  while (index < sql.length) {
    const end = skipQuoted(sql, index, options.backslashes === true);
    if (end > index) {
      index = end;
      continue;
    }
    if (sql[index] === '?') {
      position += 1;
      result += sql.slice(from, index) + next(position);
      from = index + 1;
    }
    index += 1;
  }
  return result + sql.slice(from);
}

/** Index after the string, quoted name or comment that starts at `index`, or `index` itself. */
function skipQuoted(sql: string, index: number, backslashes: boolean): number {
  const character = sql[index];
  if (character === "'" || character === '"' || character === '`')
    return afterQuote(sql, index, character, backslashes && character !== '`');
  if (character === '-' && sql[index + 1] === '-') return endOr(sql.indexOf('\n', index), sql);
  if (character === '/' && sql[index + 1] === '*') {
    const end = sql.indexOf('*/', index + 2);
    return end < 0 ? sql.length : end + 2;
  }
  return index;
}

/** A doubled mark starts the next string at once, which comes to the same. */
function afterQuote(sql: string, index: number, mark: string, backslashes: boolean): number {
  if (!backslashes) {
    const end = sql.indexOf(mark, index + 1);
    return end < 0 ? sql.length : end + 1;
  }
  let end = index + 1;
  while (end < sql.length && sql[end] !== mark) end += sql[end] === '\\' ? 2 : 1;
  return end + 1;
}

function endOr(index: number, sql: string): number {
  return index < 0 ? sql.length : index;
}
