import { type ErrorClass, type ErrorDetails, IntegrationError } from '../../model/errors';

/** Class, PCP code and hint by the number that a server gives. */
export type ErrorTable = Record<number, [ErrorClass, string, string?]>;

/** @returns undefined when the table does not know the number */
export function byNumber(
  table: ErrorTable,
  number: number,
  message: string,
  cause: Error,
  column?: string,
): IntegrationError | undefined {
  const known = table[number];
  if (known === undefined) return undefined;
  const [errorClass, code, hint] = known;
  const details: ErrorDetails = { cause };
  if (hint !== undefined) details.hint = hint;
  if (errorClass === 'data' && column !== undefined) details.path = `/${column}`;
  return new IntegrationError(errorClass, code, message, details);
}
