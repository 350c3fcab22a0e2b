import { IntegrationError } from '../../lib/model/errors';
import type { Refusal } from '../../lib/webhooks/incoming/refusal';

const EVERY_MS = 600_000;

/** Says what was refused, each kind at its first time and then now and then: whoever knows the address could fill the log. */
export class Refusals {
  private readonly kinds = new Map<string, { saidAt: number; since: number }>();

  constructor(
    private readonly say: (error: IntegrationError) => void,
    private readonly now: () => number,
  ) {}

  add({ code, message }: Refusal): void {
    const known = this.kinds.get(code);
    const now = this.now();
    if (known !== undefined && now - known.saidAt < EVERY_MS) {
      known.since += 1;
      return;
    }
    const more = known === undefined || known.since === 0 ? '' : ` ${known.since} more since it was said last.`;
    this.kinds.set(code, { saidAt: now, since: 0 });
    this.say(new IntegrationError('data', code, `${message}${more}`));
  }
}
