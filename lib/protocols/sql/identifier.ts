import { IntegrationError } from '../../model/errors';

/**
 * Quotes a name with the dialect's marks, doubling the closing one inside. Names are user input (settings, discovered
 * tables), so nothing else stands between them and the statement.
 *
 * @throws config PCP_SQL_IDENTIFIER for an empty name, a NUL, or more than 128 characters
 */
export function quoteWith(open: string, close: string, identifier: string): string {
  if (identifier.length === 0 || identifier.length > 128 || identifier.includes('\0')) {
    throw new IntegrationError(
      'config',
      'PCP_SQL_IDENTIFIER',
      `${JSON.stringify(identifier.slice(0, 140))} is no name of a table or column.`,
      {
        hint: 'Names have 1 to 128 characters and no NUL.',
      },
    );
  }
  return open + identifier.replaceAll(close, close + close) + close;
}
