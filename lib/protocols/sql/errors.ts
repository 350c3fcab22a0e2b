import { IntegrationError } from '../../model/errors';
import type { SqlOptions } from './database';

/** The driver's error inside of what Sequelize made of it. */
export function originalError(thrown: unknown): unknown {
  if (thrown instanceof IntegrationError || !(thrown instanceof Error)) return thrown;
  const { original, parent } = thrown as Error & { original?: unknown; parent?: unknown };
  return original ?? parent ?? thrown;
}

/** What no rule knows, without the password that a driver might have quoted. */
export function unclassified(thrown: unknown, options: SqlOptions): IntegrationError {
  const error = IntegrationError.from(thrown);
  if (error.code !== 'PCP_INTERNAL') return error;
  return new IntegrationError('bug', 'PCP_SQL_UNEXPECTED', withoutPassword(error.message, options), { cause: thrown });
}

export function withoutPassword(message: string, options: SqlOptions): string {
  const password = options.password ?? '';
  return password.length > 0 ? message.replaceAll(password, '***') : message;
}
