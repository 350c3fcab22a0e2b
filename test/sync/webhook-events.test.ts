import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ref } from '../../lib/api/route';
import { components } from '../../lib/api/schemas';
import { Validator } from '../../lib/api/validation';
import type { HubEvent } from '../../lib/model/events';
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
          const schema = new Validator(components);
          for (const event of told()) assert.deepEqual(schema.check(ref('Event'), event), []);
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

/** As many as share a store of this kind. */
const INSTANCES: Record<string, number> = { SQLite: 1, PostgreSQL: 2 };

for (const kind of storeKinds.filter(({ name }) => name in INSTANCES)) {
  describe(`hubs that deliver the same events over ${kind.name}`, function () {
    this.timeout(180_000);

    it('lose none and repeat only what was under way, however they are killed', async function () {
      const place = await kind.place(this);
      const { directory, url: storeUrl } = place.options;
      const store = await openStore(place.options);
      const receiver = await WebhookReceiver.start();
      const children: ChildProcess[] = [];
      const start = async (): Promise<void> => {
        const child = fork(join(__dirname, 'hub-process.js'), [directory, ...(storeUrl ? [storeUrl] : [])]);
        children.push(child);
        await once(child, 'message');
      };
      /** The one that has lived longest. */
      const kill = async (): Promise<void> => {
        const [child] = children.splice(0, 1);
        child?.kill('SIGKILL');
        if (child !== undefined) await once(child, 'exit');
      };
      const [count, concurrency, kills] = [200, 4, 4];
      try {
        receiver.answer = (response) => setTimeout(() => response.end(), 10);
        await store.models.webhooks.create({
          name: 'all',
          url: receiver.url,
          event_type: '*',
          method: 'POST',
          headers: {},
          signature: 'none',
          options: { max_concurrency: concurrency },
          created_at: new Date(),
          updated_at: new Date(),
        });
        for (let n = 0; n < (INSTANCES[kind.name] ?? 0); n++) await start();
        for (let round = 0; round < kills; round++) {
          const events = Array.from({ length: count / kills }, (_, n): HubEvent => {
            return { type: 'run.failed', data: { n: round * 1000 + n } };
          });
          await store.database.transaction((transaction) => enqueueEvents(transaction, events));
          while (new Set(receiver.ids).size < (round * count) / kills + 10) await delay(10);
          await kill();
          await start();
        }
        const waiting = `SELECT COUNT(*) AS n FROM integration_webhook_executions WHERE status <> 'success'`;
        while (Number((await store.database.query(waiting))[0]?.n) > 0) await delay(50);
        assert.equal(new Set(receiver.ids).size, count);
        assert.equal(new Set(receiver.got.map(({ body }) => JSON.parse(body).data.n)).size, count);
        assert.ok(receiver.got.length <= count + kills * concurrency);
      } finally {
        for (const child of children) child.kill('SIGKILL');
        await receiver.stop();
        await store.close();
      }
    });
  });
}
