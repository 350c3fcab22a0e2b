/** A process that delivers what a store holds for webhooks, by a clock that is quicker than ours, until it is killed. */
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { openStore } from '../../lib/store/store';
import { Deliveries } from '../../lib/webhooks/outgoing/deliveries';
import { WebhookStore } from '../../lib/webhooks/outgoing/webhooks';
import { noConnection, noSignIn } from '../../test/support/no-sign-in';

export interface QuickClock {
  /** Milliseconds since 1970, by both clocks at the same moment. */
  since: number;
  speed: number;
}

/** An hour of this clock takes as many seconds as 3600 divided by its speed. */
export function quickClock({ since, speed }: QuickClock): { now(): number } {
  return { now: () => Math.round(since + (Date.now() - since) * speed) };
}

async function main(directory: string, url: string, clock: { now(): number }): Promise<void> {
  const store = await openStore({ directory, url });
  const vault = new Vault(loadKeys({ directory }));
  const webhooks = new WebhookStore(store, vault, clock, () => undefined, noConnection);
  const deliveries = new Deliveries({
    database: store.database,
    vault,
    webhook: (id) => webhooks.row(id),
    allowedTargets: [],
    signIn: noSignIn,
    expressionHeapMb: 96,
    days: 30,
    clock,
    log: (level, message) => {
      if (level === 'warn') console.error(message);
    },
  });
  void deliveries.look();
  // Its own timers do not keep a process that nothing else keeps.
  setInterval(() => void deliveries.look(), 500);
  process.on('disconnect', () => process.exit());
  process.send?.('open');
}

if (require.main === module) {
  const [directory = '', url = '', clock = ''] = process.argv.slice(2);
  main(directory, url, quickClock(JSON.parse(clock) as QuickClock)).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}
