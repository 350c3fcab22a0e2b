import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebhookExecution, WebhookInput, WebhookWithSecret } from '../../lib/model/webhook';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import type { WebhookRow } from '../../lib/store/models/webhook';
import { enqueueEvents } from '../../lib/store/outbox';
import { Deliveries } from '../../lib/webhooks/outgoing/deliveries';
import { tidy } from '../../lib/webhooks/outgoing/retention';
import { WebhookStore } from '../../lib/webhooks/outgoing/webhooks';
import { noConnection, noSignIn } from '../support/no-sign-in';
import { WebhookReceiver } from '../support/webhook-receiver';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

for (const kind of storeKinds) {
  describe(`webhooks that are interrupted, over ${kind.name}`, function () {
    this.timeout(60_000);
    let keys: string;
    let test: TestStore;
    let webhooks: WebhookStore;
    let deliveries: Deliveries;
    let receiver: WebhookReceiver;
    let now = 0;
    let find: (id: number) => Promise<WebhookRow>;

    beforeEach(async function () {
      now = Date.now();
      keys = mkdtempSync(join(tmpdir(), 'pcp-keys-'));
      const vault = new Vault(loadKeys({ directory: keys }));
      const clock = { now: () => now };
      test = await newStore(kind, this);
      webhooks = new WebhookStore(test.store, vault, clock, () => undefined, noConnection);
      find = (id) => webhooks.row(id);
      deliveries = new Deliveries({
        ...{ database: test.store.database, vault, clock, webhook: (id) => find(id), log: () => undefined },
        ...{ allowedTargets: [], signIn: noSignIn, expressionHeapMb: 96, days: 30 },
      });
      receiver = await WebhookReceiver.start();
    });
    afterEach(async () => {
      await deliveries?.close();
      await receiver?.stop();
      await test?.dispose();
      rmSync(keys, { recursive: true, force: true });
    });

    const create = (options: WebhookInput['options'] = {}): Promise<WebhookWithSecret> =>
      webhooks.create({ name: 'hook', url: receiver.url, event_type: '*', options });

    const tell = (...numbers: number[]): Promise<void> =>
      test.store.database.transaction((transaction) =>
        enqueueEvents(
          transaction,
          numbers.map((n) => ({ type: 'run.failed', at: now, data: { n } })),
        ),
      );

    const numberOf = ({ body }: { body: string }): number => JSON.parse(body).data.n;

    /** Looks until each has been tried, and nobody sends any more. @returns "status attempts" of each, in their order */
    async function tried({ id }: { id: number }): Promise<string[]> {
      for (;;) {
        await deliveries.look();
        const { items } = await deliveries.list(id, {});
        const all: WebhookExecution[] = items.reverse();
        const isQuiet = (await webhooks.row(id)).sender === null;
        if (isQuiet && all.every(({ attempts }) => attempts.length > 0)) {
          return all.map(({ status, attempts }) => `${status} ${attempts.length}`);
        }
        await delay(10);
      }
    }

    it('wait for what is under way when the store is away for a moment', async () => {
      const webhook = await create();
      const arrived = new Promise<ServerResponse>((resolve) => {
        receiver.answer = resolve;
      });
      await tell(1);
      let calls = 0;
      find = async (id) => {
        calls += 1;
        if (calls !== 2) return webhooks.row(id);
        const response = await arrived;
        setImmediate(() => response.end());
        throw new Error('The store is away.');
      };
      await deliveries.look();
      while (calls < 2) await delay(1);
      assert.deepEqual(await tried(webhook), ['success 1']);
      assert.equal(receiver.got.length, 1);
    });

    it('keep the pause that one answer asks for, whatever is answered to another that was under way', async () => {
      const webhook = await create({ max_concurrency: 2 });
      const open: ServerResponse[] = [];
      receiver.answer = (response) => void open.push(response);
      await tell(1, 2);
      await deliveries.look();
      while (open.length < 2) await delay(5);
      const pausedUntil = async () => (await webhooks.row(webhook.id)).paused_until;
      open[0]?.writeHead(429, { 'retry-after': '600' }).end();
      while ((await pausedUntil()) <= now) await delay(5);
      const asked = await pausedUntil();
      open[1]?.end();
      assert.deepEqual((await tried(webhook)).sort(), ['pending 1', 'success 1']);
      assert.equal(await pausedUntil(), asked);
      const { headers: _, ...changed } = webhook;
      await webhooks.update(webhook.id, { ...changed, secret: null, url: `${receiver.url}&corrected` });
      assert.equal(await pausedUntil(), 0);
    });

    it('count no attempt that was not sent, since the receiver wants a pause', async () => {
      const webhook = await create({ max_concurrency: 3, requests_per_second: 1 });
      receiver.answer = (response) => response.writeHead(429, { 'retry-after': '600' }).end();
      await tell(1, 2, 3);
      for (;;) {
        await deliveries.look();
        const { sender, paused_until: pausedUntil } = await webhooks.row(webhook.id);
        if (sender === null && pausedUntil > now) break;
        await delay(10);
      }
      const { items } = await deliveries.list(webhook.id, {});
      assert.equal(items.flatMap(({ attempts }) => attempts).length, receiver.got.length);
    });

    it('wait for what is under way when they are changed', async () => {
      const webhook = await create();
      let first: ServerResponse | undefined;
      receiver.answer = async (response, got) => {
        if (numberOf(got) === 1) first = response;
        if (numberOf(got) === 3) response.end();
        if (numberOf(got) !== 2) return;
        await webhooks.update(webhook.id, { ...webhook, secret: null, description: 'changed' });
        await tell(3);
        response.end();
        // As many questions as it takes the sender to see the third.
        for (let asked = 0; asked < 100; asked++) await webhooks.row(webhook.id);
        first?.end();
      };
      await tell(1, 2);
      assert.deepEqual(await tried(webhook), ['success 1', 'success 1', 'success 1']);
    });

    it('send nothing more of what was under way when an answer switches them off', async () => {
      const webhook = await create();
      let first: ServerResponse | undefined;
      receiver.answer = async (response, got) => {
        if (numberOf(got) === 1) {
          first = response;
          return;
        }
        response.writeHead(410).end();
        while ((await webhooks.row(webhook.id)).is_active) await delay(1);
        first?.writeHead(500).end();
      };
      await tell(1, 2);
      assert.deepEqual(await tried(webhook), ['error 1', 'error 1']);
    });

    it('are not taken for sending while their first waits for its time', async () => {
      const webhook = await create({ ordered: true, retry_seconds: [3600] });
      receiver.answer = (response) => response.writeHead(500).end();
      await tell(1);
      assert.deepEqual(await tried(webhook), ['pending 1']);
      await tell(2);
      const { fence } = await webhooks.row(webhook.id);
      for (let looks = 0; looks < 3; looks++) await deliveries.look();
      assert.equal((await webhooks.row(webhook.id)).fence, fence);
      now += 2 * HOUR;
      receiver.answer = (response) => response.end();
      assert.deepEqual(await tried(webhook), ['success 2', 'success 1']);
    });

    it('go by the clock of the store, not of the host that tells', async () => {
      const webhook = await create();
      now += HOUR;
      await tell(1);
      const [waiting] = (await deliveries.list(webhook.id, {})).items;
      assert.equal(waiting?.next_attempt_at, new Date(now).toISOString());
      now -= HOUR;
      assert.deepEqual(await tried(webhook), ['success 1']);
      now += DAY;
      const { previous_secret_until: until } = await webhooks.rotateSecret(webhook.id, { overlap_hours: 1 });
      assert.equal(until, new Date(now + HOUR).toISOString());
    });

    it('leave nothing behind when they are gone, and keep what somebody asks for once more', async () => {
      const { database } = test.store;
      const webhook = await create({ retry_seconds: [] });
      receiver.answer = (response) => response.writeHead(500).end();
      await tell(1);
      assert.deepEqual(await tried(webhook), ['error 1']);
      now += 31 * DAY;
      let isAsked = false;
      const meddled = {
        execute: database.execute.bind(database),
        query: async (...[sql, values]: Parameters<typeof database.query>) => {
          const rows = await database.query(sql, values);
          if (!isAsked) await database.execute("UPDATE integration_webhook_executions SET status = 'pending'");
          isAsked = true;
          return rows;
        },
      };
      await tidy(meddled, now, 30);
      assert.equal((await deliveries.list(webhook.id, {})).items.length, 1);
      await database.execute('DELETE FROM integration_webhooks');
      await tidy(database, now, 30);
      for (const table of ['executions', 'events']) {
        assert.deepEqual(await database.query(`SELECT id FROM integration_webhook_${table}`), [], table);
      }
    });
  });
}
