import type { SqlDialect, SqlValue } from './database';

const PER_STATEMENT = 500;

/** The right side of `IN` for any number of texts: one list where the database reads them from one parameter. */
export function textLists(dialect: SqlDialect, texts: readonly string[]): { list: string; parameters: SqlValue[] }[] {
  if (texts.length === 0) return [];
  const json = JSON.stringify(texts);
  if (dialect === 'sqlite') return [{ list: '(SELECT value FROM json_each(?))', parameters: [json] }];
  if (dialect === 'postgres') {
    return [{ list: '(SELECT value FROM json_array_elements_text(?::json))', parameters: [json] }];
  }
  const lists = [];
  for (let start = 0; start < texts.length; start += PER_STATEMENT) {
    const parameters = texts.slice(start, start + PER_STATEMENT);
    lists.push({ list: `(${parameters.map(() => '?').join(', ')})`, parameters });
  }
  return lists;
}
