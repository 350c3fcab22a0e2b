import { IntegrationError } from '../../model/errors';

/** What may be written to a machine: a tag, and its bounds. */
export interface WriteRule {
  tag: string;
  min?: number;
  max?: number;
}

/** @throws permission PCP_WRITE_REFUSED for what no rule allows */
export function checkWrite(tag: string, value: unknown, rules: ReadonlyMap<string, WriteRule>): void {
  const rule = rules.get(tag);
  if (rule === undefined) {
    const hint =
      rules.size === 0
        ? 'Switch writes on in the connection, and say in "writable" what may be written.'
        : 'Add the tag to "writable" of the connection, if it may be written.';
    throw new IntegrationError('permission', 'PCP_WRITE_REFUSED', `The connection does not allow to write "${tag}".`, {
      hint,
    });
  }
  const { min = -Infinity, max = Infinity } = rule;
  if (rule.min === undefined && rule.max === undefined) return;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number === 'number' && number >= min && number <= max) return;
  throw new IntegrationError(
    'permission',
    'PCP_WRITE_REFUSED',
    `The value for "${tag}" is outside of ${min} to ${max}.`,
    {
      value: typeof value === 'number' ? value : undefined,
      hint: 'Write another value, or change min and max in "writable" of the connection.',
    },
  );
}
