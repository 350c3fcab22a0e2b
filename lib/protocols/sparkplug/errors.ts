import { IntegrationError } from '../../model/errors';

/** What others sent does not have the form that the specification gives it. */
export function malformed(message: string, cause?: unknown): IntegrationError {
  return new IntegrationError('data', 'PCP_SPARKPLUG_MALFORMED', message, {
    hint: 'Check with another Sparkplug B client what the sender publishes.',
    cause,
  });
}

/** A value that its data type cannot hold. */
export function unfit(dataType: string, value: unknown): IntegrationError {
  const shown = typeof value === 'bigint' ? String(value) : value;
  return new IntegrationError('data', 'PCP_SPARKPLUG_VALUE', `The value does not fit the data type ${dataType}.`, {
    value: typeof shown === 'string' ? shown.slice(0, 100) : typeof shown === 'object' ? undefined : shown,
  });
}
