import type { SqlDialect, SqlValue } from './database';

const PER_STATEMENT = 500;

/** Conditions that a column has one of any number of texts, one of them where the database reads all from one parameter. */
export function textLists(
  dialect: SqlDialect,
  texts: readonly string[],
): {
  /** What stands after the column. */
  isOneOf: string;
  parameters: SqlValue[];
}[] {
  if (texts.length === 0) return [];
  const json = JSON.stringify(texts);
  if (dialect === 'sqlite') return [{ isOneOf: 'IN (SELECT value FROM json_each(?))', parameters: [json] }];
  if (dialect === 'postgres') {
    // As an array it is looked up in an index. As a list it would be joined, row by row while nobody has analysed the table yet.
    return [{ isOneOf: '= ANY(ARRAY(SELECT value FROM json_array_elements_text(?::json)))', parameters: [json] }];
  }
  const lists = [];
  for (let start = 0; start < texts.length; start += PER_STATEMENT) {
    const parameters = texts.slice(start, start + PER_STATEMENT);
    lists.push({ isOneOf: `IN (${parameters.map(() => '?').join(', ')})`, parameters });
  }
  return lists;
}
