import Big from 'big.js';
import { IntegrationError } from '../../model/errors';

/** What may be written to a machine: a tag, and its bounds. */
export interface WriteRule {
  tag: string;
  min?: number;
  max?: number;
}

/** @throws permission PCP_WRITE_REFUSED for what no rule allows, and for what bounds cannot be put to */
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
  const { min, max } = rule;
  if (min === undefined && max === undefined) return;
  for (const item of Array.isArray(value) ? value.flat(Infinity) : [value]) {
    const number = exactNumber(item);
    if (number === undefined) throw noNumber(tag, item);
    const isWithin = (min === undefined || number.gte(min)) && (max === undefined || number.lte(max));
    if (!isWithin) throw outside(tag, item, min, max);
  }
}

/** The number that a value is, or that a text stands for, with all its digits. */
export function exactNumber(value: unknown): Big | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return undefined;
  try {
    return new Big(String(value));
  } catch {
    return undefined;
  }
}

/** @returns permission PCP_WRITE_REFUSED */
export function noNumber(tag: string, value: unknown): IntegrationError {
  return new IntegrationError('permission', 'PCP_WRITE_REFUSED', `The value for "${tag}" is no number.`, {
    value: typeof value === 'string' ? value.slice(0, 100) : undefined,
    hint: 'The tag has bounds or a scale: send a number, or a text of digits.',
  });
}

function outside(tag: string, value: unknown, min = -Infinity, max = Infinity): IntegrationError {
  return new IntegrationError(
    'permission',
    'PCP_WRITE_REFUSED',
    `The value for "${tag}" is outside of ${min} to ${max}.`,
    {
      value: typeof value === 'number' ? value : undefined,
      hint: 'Write another value, or change min and max in "writable" of the connection.',
    },
  );
}
