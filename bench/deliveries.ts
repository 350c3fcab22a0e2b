import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadKeys } from '../lib/security/keys';
import { Vault } from '../lib/security/vault';
import { enqueueEvents } from '../lib/store/outbox';
import { openStore, type Store } from '../lib/store/store';
import { WebhookStore } from '../lib/webhooks/outgoing/webhooks';
import { noConnection } from '../test/support/no-sign-in';
import { freePort } from '../test/support/server-process';
import { type QuickClock, quickClock } from './peers/delivering-process';
import { processorSeconds } from './support/process';
import { type Figure, printTable } from './support/report';

const PER_SECOND = 50;
/** Of the clock that the outage goes by: an hour of it is a minute. */
const SPEED = 60;
const AT_ONCE = 8;
/** Of the process that delivers: while the receiver is away, and while it is back. */
const KILLS = { away: 2, back: 2 };

/**
 * A receiver that is down for an hour of events, and then back; the process that delivers is killed again and again. The
 * clock is quick, the events are as many as ever: each must arrive.
 */
export async function benchDeliveries(seconds: number, url: string): Promise<number> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pcp-bench-'));
  const clock: QuickClock = { since: Date.now(), speed: SPEED };
  const store = await openStore({ directory, url });
  const port = await freePort();
  const arrived = new Map<string, number>();
  let child: ChildProcess | undefined;
  let processor = 0;
  const start = async (): Promise<void> => {
    child = fork(path.join(__dirname, 'peers', 'delivering-process.js'), [directory, url, JSON.stringify(clock)]);
    await once(child, 'message');
  };
  const kill = async (): Promise<void> => {
    processor += processorSeconds(child?.pid as number);
    child?.kill('SIGKILL');
    await once(child as ChildProcess, 'exit');
  };
  const receiver = createServer((request, response) => {
    const id = String(request.headers['webhook-id']);
    arrived.set(id, (arrived.get(id) ?? 0) + 1);
    request.resume();
    response.end();
  });
  try {
    const webhooks = new WebhookStore(
      store,
      new Vault(loadKeys({ directory })),
      quickClock(clock),
      () => undefined,
      noConnection,
    );
    const options = { max_concurrency: AT_ONCE };
    await webhooks.create({ name: 'receiver', url: `http://127.0.0.1:${port}`, event_type: 'run.*', options });
    await start();
    const events = PER_SECOND * seconds;
    for (let second = 0; second < seconds; second++) {
      if (second > 0 && second % Math.floor(seconds / (KILLS.away + 1)) === 0) {
        await kill();
        await start();
      }
      // Not sooner than they happen.
      while (quickClock(clock).now() < clock.since + second * 1000) await delay(5);
      await tell(store, clock.since + second * 1000);
    }
    receiver.listen(port, '127.0.0.1');
    await once(receiver, 'listening');
    const began = performance.now();
    const [away, before] = [processor, processorSeconds(child?.pid as number)];
    for (let killed = 0; arrived.size < events; ) {
      await delay(50);
      if (killed < KILLS.back && arrived.size > (events * (killed + 1)) / (KILLS.back + 1)) {
        killed += 1;
        await kill();
        await start();
      }
    }
    const took = (performance.now() - began) / 1000;
    while ((await count(store, "status = 'pending'")) > 0) await delay(100);
    await kill();
    return report(
      events,
      arrived,
      { took, processor: processor - away - before },
      await count(store, "status = 'success'"),
    );
  } finally {
    child?.kill('SIGKILL');
    receiver.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function tell({ database }: Store, at: number): Promise<void> {
  return database.transaction((transaction) =>
    enqueueEvents(
      transaction,
      Array.from({ length: PER_SECOND }, (_, index) => ({
        type: 'run.failed' as const,
        at,
        data: { run: { id: index, error_message: 'The host does not answer.' } },
      })),
    ),
  );
}

async function count({ database }: Store, condition: string): Promise<number> {
  const [row] = await database.query(`SELECT COUNT(*) AS n FROM integration_webhook_executions WHERE ${condition}`);
  return Number(row?.n);
}

function report(
  events: number,
  arrived: ReadonlyMap<string, number>,
  { took, processor }: { took: number; processor: number },
  succeeded: number,
): number {
  const repeated = [...arrived.values()].reduce((sum, times) => sum + times - 1, 0);
  const figures: Figure[] = [
    { what: 'events', value: events, unit: '' },
    { what: 'of them arrived', value: arrived.size, unit: '', limit: { atLeast: events } },
    { what: 'known as delivered', value: succeeded, unit: '', limit: { atLeast: events } },
    {
      what: 'arrived again under the same id, as a kill cut off what is known of them',
      ...{ value: repeated, unit: '', limit: { atMost: KILLS.back * AT_ONCE } },
    },
    { what: 'until all had arrived', value: took, unit: 's' },
    { what: 'deliveries', value: arrived.size / took, unit: '/s' },
    { what: 'processor time for each', value: (1000 * processor) / events, unit: 'ms' },
  ];
  const kills = KILLS.away + KILLS.back;
  return printTable(
    `A receiver down for ${events / PER_SECOND} s at ${PER_SECOND} events/s, ${kills} kills, PostgreSQL`,
    figures,
  );
}
