import { IntegrationError } from '../../model/errors';
import { phrase } from '../../model/phrase';

/** How many requests a connection may make on a day. */
export interface Budget {
  /** False when it has to be asked for. */
  spendNow(isUnattended: boolean): boolean;
  /** @throws rate_limit PCP_HTTP_BUDGET */
  spend(isUnattended: boolean): Promise<void>;
}

const BUDGET = 'PCP_HTTP_BUDGET';
const RESERVED = 'PCP_HTTP_RESERVED';

/** Whether a connection spares its quota by its own settings: the other side may be asked by others. */
export function isOwnThrift({ code }: IntegrationError): boolean {
  return code === BUDGET || code === RESERVED;
}

export function budgetSpent(perDay: number, isUnattended: boolean, retryAfterMs: number): IntegrationError {
  const message = isUnattended
    ? phrase`What runs that nobody waits for may use of the ${perDay} requests of today (UTC) is used up.`
    : phrase`The ${perDay} requests of today (UTC) are used up.`;
  return new IntegrationError('rate_limit', BUDGET, message, {
    retryAfterMs,
    hint: 'Runs go on by themselves tomorrow. Raise requests_per_day, or run less often.',
  });
}

export function quotaReserved(retryAfterMs: number): IntegrationError {
  const message = phrase`At most ${5} % of the quota of the API is left, which is kept for what people ask for.`;
  return new IntegrationError('rate_limit', RESERVED, message, {
    retryAfterMs,
    hint: 'It goes on by itself when the quota begins anew. What is started by hand goes on at once.',
  });
}
