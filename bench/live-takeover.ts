import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { KEY_FILE } from '../lib/security/keys';
import { Counter } from '../test/support/counter';
import { temporaryDirectory } from '../test/support/hub';
import { LiveHub } from '../test/support/live-hub';
import { printTable } from './support/report';

const PER_SECOND = 500;
const LOOK_MS = 20;
/** A lease of 8 s, and a look each second. */
const GONE_MS = 10_000;
const CLOSED_MS = 3_000;

/** How long nobody listens to a live mapping of two instances when the one that does is closed, and when its host is gone. */
export async function benchTakeover(storeUrl: string): Promise<number> {
  const counter = await Counter.start();
  const directories = [await temporaryDirectory(), await temporaryDirectory()] as const;
  const opened: LiveHub[] = [];
  const open = async (instance: 0 | 1) => {
    const hub = new LiveHub(directories[instance].path, storeUrl, 'shared-live-process.js');
    opened.push(hub);
    await hub.open();
    return hub;
  };
  const ledger = new pg.Client({ connectionString: storeUrl });
  try {
    const first = await open(0);
    const mapping = await first.follow(counter.port);
    const state = ({ client }: LiveHub) => client.status(mapping)?.state;
    await ledger.connect();
    counter.run(PER_SECOND);
    const newest = async () => {
      const { rows } = await ledger.query('SELECT MAX(value_number) AS n FROM pcp_measurement');
      return Number(rows[0]?.n ?? -1);
    };
    const until = async (holds: () => boolean | Promise<boolean>) => {
      while (!(await holds())) await delay(LOOK_MS);
    };
    await until(() => state(first) === 'connected');
    // Whoever shares a store has its key.
    copyFileSync(join(directories[0].path, KEY_FILE), join(directories[1].path, KEY_FILE));
    const second = await open(1);
    /** Until the table has what was counted after one of them went. */
    const takeover = async (owner: LiveHub, other: LiveHub, go: () => Promise<void>) => {
      await until(() => state(owner) === 'connected' && state(other) === 'standby');
      await until(async () => (await newest()) >= 0);
      const at = performance.now();
      await go();
      const { counted } = counter;
      await until(async () => (await newest()) > counted);
      return performance.now() - at;
    };
    const closed = await takeover(first, second, () => first.close());
    const gone = await takeover(second, await open(0), async () => {
      process.kill(second.client.state.pid as number, 'SIGKILL');
      await second.close();
    });
    return printTable(`A live mapping of two instances on one PostgreSQL, ${PER_SECOND} values/s`, [
      { what: 'until values arrive by the other, closed', value: closed, unit: 'ms', limit: { atMost: CLOSED_MS } },
      { what: 'the same, its host gone', value: gone, unit: 'ms', limit: { atMost: GONE_MS } },
    ]);
  } finally {
    for (const hub of opened) await hub.close();
    await counter.stop();
    await ledger.end();
    for (const { remove } of directories) await remove();
  }
}
