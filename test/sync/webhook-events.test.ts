import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { enqueueEvents } from '../../lib/store/outbox';
import { openStore } from '../../lib/store/store';
import { OrderImport } from '../support/order-import';
import { WebhookReceiver } from '../support/webhook-receiver';
import { storeKinds } from '../unit/store/stores';

interface Told {
  type: string;
  data: {
    connection: { id: number; name: string };
    mapping: { id: number; name: string };
    run?: { id: number; status: string; details: { state: string } };
    records?: { key: Record<string, unknown>; data: Record<string, unknown> }[];
    groups?: { code: string; count: number }[];
    count?: number;
  };
}

for (const kind of storeKinds.filter(({ name }) => name !== 'MariaDB')) {
  describe(`events of a hub over ${kind.name}`, function () {
    this.timeout(120_000);
    let receiver: WebhookReceiver;
    beforeEach(async () => {
      receiver = await WebhookReceiver.start();
    });
    afterEach(() => receiver.stop());

    it('are told of runs, records and dead letters, each in the transaction of what it tells', async function () {
      const place = await kind.place(this);
      const orders = await OrderImport.create(place);
      try {
        const webhook = await orders.hub.webhooks.create({ name: 'all', url: receiver.url, event_type: '*' });
        const told = (): Told[] => receiver.got.map(({ body }) => JSON.parse(body) as Told);
        /** What was told of a run, in the order of the types. */
        const run = async (): Promise<Told[]> => {
          receiver.got.length = 0;
          const { id } = await orders.run();
          while (!told().some(({ data }) => data.run?.id === id)) await delay(20);
          while ((await orders.hub.deliveries.list(webhook.id, { status: 'pending' })).total > 0) await delay(20);
          return told().sort((a, b) => a.type.localeCompare(b.type));
        };
        await orders.put('1', '5');
        await orders.put('2', 'many');
        const first = await run();
        assert.deepEqual(
          first.map(({ type }) => type),
          ['dead_letter.opened', 'record.created', 'run.partial'],
        );
        const [letter, created, partial] = first;
        assert.deepEqual([letter?.data.count, letter?.data.groups?.[0]?.code], [1, 'PCP_VALUE_TYPE']);
        assert.ok(!JSON.stringify(letter).includes('many'));
        const { material, quantity } = created?.data.records?.[0]?.data ?? {};
        assert.deepEqual([created?.data.records?.[0]?.key, material, quantity], [{ order_number: '1' }, 'M-1', '5']);
        assert.equal(partial?.data.run?.details.state, 'partial');
        for (const { data } of first) {
          assert.deepEqual([data.connection.name, data.mapping.name], ['erp', 'orders']);
        }
        await orders.put('1', '6');
        await orders.put('2', '7');
        const second = await run();
        assert.deepEqual(
          second.map(({ type }) => type),
          ['record.created', 'record.updated', 'run.succeeded'],
        );
        await orders.run(true);
        await orders.source.execute('DROP TABLE orders');
        assert.deepEqual(
          (await run()).map(({ type }) => type),
          ['run.failed'],
        );
      } finally {
        await orders.close();
        await place.remove();
      }
    });
  });
}

describe('hubs that deliver the same events', function () {
  this.timeout(180_000);

  it('lose none and repeat only what was under way, however they are killed', async function () {
    const [, postgres] = storeKinds;
    const place = await postgres!.place(this);
    const { directory, url: storeUrl = '' } = place.options;
    const store = await openStore(place.options);
    const receiver = await WebhookReceiver.start();
    const children: ChildProcess[] = [];
    const start = async (): Promise<ChildProcess> => {
      const child = fork(join(__dirname, 'hub-process.js'), [directory, storeUrl]);
      children.push(child);
      await once(child, 'message');
      return child;
    };
    const kill = async (child: ChildProcess): Promise<void> => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    const count = 200;
    const concurrency = 4;
    const kills = 4;
    try {
      receiver.answer = (response) => setTimeout(() => response.end(), 10);
      let hubs = [await start(), await start()];
      await store.database.execute(
        `INSERT INTO integration_webhooks (name, url, event_type, method, headers, signature, options, created_at, updated_at)
         VALUES ('all', ?, '*', 'POST', '{}', 'none', ?, ?, ?)`,
        [receiver.url, JSON.stringify({ max_concurrency: concurrency }), new Date(), new Date()],
      );
      for (let round = 0; round < kills; round++) {
        for (let n = 0; n < count / kills; n++) {
          await store.database.transaction((transaction) =>
            enqueueEvents(transaction, [{ type: 'run.failed', data: { n: round * 1000 + n } }]),
          );
        }
        const before = receiver.got.length;
        while (receiver.got.length < before + 10) await delay(10);
        const [victim, survivor] = hubs as [ChildProcess, ChildProcess];
        await kill(victim);
        hubs = [survivor, await start()];
      }
      const waiting = `SELECT COUNT(*) AS n FROM integration_webhook_executions WHERE status <> 'success'`;
      while (Number((await store.database.query(waiting))[0]?.n) > 0) await delay(50);
      const ids = new Set(receiver.ids);
      assert.equal(ids.size, count);
      assert.ok(receiver.got.length <= count + kills * concurrency);
      const numbers = new Set(receiver.got.map(({ body }) => JSON.parse(body).data.n));
      assert.equal(numbers.size, count);
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await receiver.stop();
      await store.close();
    }
  });
});
