import { IntegrationError } from '../../model/errors';

/** What others sent does not have the form that the specification gives it. */
export function malformed(message: string, cause?: unknown): IntegrationError {
  return new IntegrationError('data', 'PCP_SPARKPLUG_MALFORMED', message, {
    hint: 'Check with another Sparkplug B client what the sender publishes.',
    cause,
  });
}

/** Names that somebody makes up without end. */
export function tooMany(message: string): IntegrationError {
  return new IntegrationError('guard', 'PCP_SPARKPLUG_TOO_MANY', message, {
    hint: 'Listen to fewer groups, and find out who publishes under so many names.',
  });
}

/** A value that its data type cannot hold. */
export function unfit(dataType: string, value: unknown): IntegrationError {
  const shown = typeof value === 'bigint' ? String(value) : value;
  return new IntegrationError('data', 'PCP_SPARKPLUG_VALUE', `The value does not fit the data type ${dataType}.`, {
    value: typeof shown === 'string' ? shown.slice(0, 100) : typeof shown === 'object' ? undefined : shown,
  });
}
