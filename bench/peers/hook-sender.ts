/** A sender of signed deliveries at a steady rate, whoever answers how slowly: each has its moment, from which its time counts. */
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import { signStandardWebhook } from '../../lib/webhooks/signature/standard-webhooks';

export interface HookSenderTask {
  url: string;
  secret: string;
  perSecond: number;
  seconds: number;
  /** Deliveries before this second warm up what they meet. */
  measuredFrom: number;
  /** Told "kill" at this second; nothing is measured from then on. */
  killAt: number;
}

export interface HookSenderResult {
  /** Milliseconds from the moment of a delivery to the end of its answer. */
  times: number[];
  /** Ids that were answered by 2xx. */
  accepted: string[];
  /** Other statuses, and how often. */
  refused: Record<number, number>;
  /** After the kill. */
  unanswered: number;
}

const SOCKETS = 64;

/** About as large as what an ERP reports of an order. */
function bodyOf(id: string): string {
  const items = Array.from({ length: 4 }, (_, line) => ({
    line,
    material: `PA00${line}731`,
    quantity: '120.000',
    unit: 'PC',
  }));
  return JSON.stringify({ id, type: 'order.released', order: { number: `OP${id}`, plant: '1000', items } });
}

async function send(task: HookSenderTask): Promise<HookSenderResult> {
  const { url, secret, perSecond, seconds, measuredFrom, killAt } = task;
  const agent = new Agent({ connections: SOCKETS, pipelining: 1 });
  const { origin, pathname: path } = new URL(url);
  const result: HookSenderResult = { times: [], accepted: [], refused: {}, unanswered: 0 };
  const started = performance.now();
  let open = 0;
  let isKilled = false;

  async function one(index: number): Promise<void> {
    const moment = (1000 * index) / perSecond;
    const id = `delivery-${index}`;
    const body = bodyOf(id);
    const { timestamp, signature } = signStandardWebhook(id, Date.now(), body, [secret]);
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    };
    try {
      const { statusCode, body: answer } = await agent.request({ origin, path, method: 'POST', headers, body });
      await answer.dump();
      if (statusCode < 200 || statusCode > 299) result.refused[statusCode] = (result.refused[statusCode] ?? 0) + 1;
      else {
        result.accepted.push(id);
        const isMeasured = moment >= 1000 * measuredFrom && moment < 1000 * killAt;
        if (isMeasured) result.times.push(performance.now() - started - moment);
      }
    } catch (error) {
      if (!isKilled) throw error;
      result.unanswered += 1;
    } finally {
      open -= 1;
    }
  }

  for (let sent = 0; sent < perSecond * seconds; ) {
    const now = performance.now() - started;
    if (!isKilled && now >= 1000 * killAt) {
      isKilled = true;
      process.send?.('kill');
    }
    const due = Math.min(perSecond * seconds, Math.floor((now * perSecond) / 1000) + 1);
    for (; sent < due; sent++) {
      open += 1;
      void one(sent);
    }
    await delay(1);
  }
  while (open > 0) await delay(10);
  await agent.destroy();
  return result;
}

process.on('message', (task: HookSenderTask) => {
  void send(task).then((result) => process.send?.(result, () => process.disconnect()));
});
