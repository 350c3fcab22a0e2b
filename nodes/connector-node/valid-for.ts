import type { NodeMessageInFlow } from 'node-red';
import { IntegrationError } from '../../lib/model/errors';

const VALID_FOR_S = 5;
const LONGEST_VALID_FOR_S = 300;

/**
 * Milliseconds that are left to what moves a machine; `msg.validFor` (seconds) goes over what the node says, an empty one is
 * no answer.
 * @param receivedAt when the message came
 * @throws transient PCP_WRITE_EXPIRED when it waited for too long, or was never valid
 * @throws config PCP_VALID_FOR for what is no number of seconds
 */
export function timeLeft(msg: NodeMessageInFlow, def: { validFor: string | number }, receivedAt: number): number {
  const { validFor } = msg as { validFor?: unknown };
  const left = receivedAt + 1000 * seconds(isGiven(validFor) ? validFor : def.validFor) - Date.now();
  if (left > 0) return left;
  const message = 'The write was too old before its turn came.';
  throw new IntegrationError('transient', 'PCP_WRITE_EXPIRED', message, { hint: 'It was not sent.' });
}

function seconds(value: unknown): number {
  if (!isGiven(value)) return VALID_FOR_S;
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return Math.min(number, LONGEST_VALID_FOR_S);
  throw new IntegrationError(
    'config',
    'PCP_VALID_FOR',
    'What says how long a write is valid is no number of seconds.',
    {
      path: 'validFor',
      value,
      hint: 'Give msg.validFor, or the field of the node, in seconds. Nothing was sent.',
    },
  );
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '');
}
