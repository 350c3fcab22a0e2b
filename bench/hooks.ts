import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openStore } from '../lib/store/store';
import { newSecret } from '../lib/webhooks/signature/standard-webhooks';
import type { HookSenderResult, HookSenderTask } from './peers/hook-sender';
import { BenchNodeRed } from './support/node-red';
import { memoryNow, processorSeconds } from './support/process';
import { type Figure, printTable, quantile } from './support/report';

const PER_SECOND = 500;
/** Before anything is measured, and after the kill. */
const WARM_UP_SECONDS = 5;
const AFTER_KILL_SECONDS = 2;

/**
 * Signed deliveries into a real Node-RED, each kept before it is answered; at the end the process is killed in the middle of
 * them, and what it had answered has to be there.
 * @param storeUrl of PostgreSQL, or undefined for the embedded SQLite store
 */
export async function benchHooks(seconds: number, storeUrl: string | undefined): Promise<number> {
  const token = randomBytes(16).toString('base64url');
  const secret = newSecret();
  const nodeRed = await BenchNodeRed.start({
    flows: [],
    withPackage: true,
    ...(storeUrl !== undefined && { storeUrl }),
  });
  try {
    await nodeRed.deploy([
      { id: 'tab', type: 'tab', label: 'hooks' },
      {
        ...{ id: 'hook', type: 'pcp-webhook-in', z: 'tab', x: 100, y: 100, wires: [[]] },
        ...{ verification: 'standard', rate: '2000', acknowledge: 'auto', credentials: { token, secret } },
      },
    ]);
    const url = `${nodeRed.base}/integrations/hooks/${token}`;
    // Refused for its signature once it is open.
    while ((await fetch(url, { method: 'POST' })).status !== 401) await delay(100);
    const killAt = WARM_UP_SECONDS + seconds;
    const { result, processor, memoryMb } = await flood(nodeRed, {
      ...{ url, secret, perSecond: PER_SECOND, measuredFrom: WARM_UP_SECONDS, killAt },
      seconds: killAt + AFTER_KILL_SECONDS,
    });
    const lost = await missing(nodeRed.directory, storeUrl, result.accepted);
    const refused = Object.values(result.refused).reduce((sum, count) => sum + count, 0);
    const figures: Figure[] = [
      { what: 'answered by 2xx', value: result.times.length, unit: '', limit: { atLeast: PER_SECOND * seconds } },
      { what: 'otherwise', value: refused, unit: '', limit: { atMost: 0 } },
      { what: 'answered by 2xx and not in the store after kill -9', value: lost, unit: '', limit: { atMost: 0 } },
      { what: 'time to the answer, p50', value: quantile(result.times, 0.5), unit: 'ms' },
      { what: 'time to the answer, p99', value: quantile(result.times, 0.99), unit: 'ms', limit: { atMost: 50 } },
      { what: 'processor time of Node-RED for each', value: (1000 * processor) / (PER_SECOND * seconds), unit: 'ms' },
      { what: 'memory of Node-RED at the end', value: memoryMb, unit: 'MB' },
    ];
    const store = storeUrl === undefined ? 'SQLite' : 'PostgreSQL';
    return printTable(
      `${PER_SECOND} signed deliveries per second for ${seconds} s into Node-RED with ${store}`,
      figures,
    );
  } finally {
    await nodeRed.stop();
  }
}

function flood(
  nodeRed: BenchNodeRed,
  task: HookSenderTask,
): Promise<{ result: HookSenderResult; processor: number; memoryMb: number }> {
  const { pid } = nodeRed;
  const before = processorSeconds(pid);
  let [processor, memoryMb] = [0, 0];
  const sender = fork(path.join(__dirname, 'peers', 'hook-sender.js'));
  return new Promise((resolve, reject) => {
    sender.on('message', (message: 'kill' | HookSenderResult) => {
      if (message !== 'kill') return resolve({ result: message, processor, memoryMb });
      processor = processorSeconds(pid) - before;
      memoryMb = memoryNow(pid) ?? Number.NaN;
      process.kill(pid, 'SIGKILL');
    });
    sender.once('error', reject);
    sender.once('exit', (code) => reject(new Error(`The sender ended with ${code}.`)));
    sender.send(task);
  });
}

/** How many of these ids the store does not know. */
async function missing(directory: string, url: string | undefined, ids: readonly string[]): Promise<number> {
  const store = await openStore({ directory, url });
  try {
    const rows = await store.database.query('SELECT message_key FROM integration_webhook_inbox');
    const kept = new Set(rows.map(({ message_key }) => String(message_key)));
    return ids.filter((id) => !kept.has(createHash('sha256').update(id).digest('hex'))).length;
  } finally {
    await store.close();
  }
}
