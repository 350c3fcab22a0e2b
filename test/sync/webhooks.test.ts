import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook as Judge } from 'standardwebhooks';
import type { HubEvent } from '../../lib/model/events';
import type { WebhookExecution, WebhookInput, WebhookWithSecret } from '../../lib/model/webhook';
import { loadKeys } from '../../lib/security/keys';
import { Vault } from '../../lib/security/vault';
import { enqueueEvents } from '../../lib/store/outbox';
import type { Store } from '../../lib/store/store';
import { Deliveries } from '../../lib/webhooks/outgoing/deliveries';
import { WebhookStore } from '../../lib/webhooks/outgoing/webhooks';
import { signGithub } from '../../lib/webhooks/signature/github';
import { OTHER } from '../support/certificates';
import { noConnection, noSignIn } from '../support/no-sign-in';
import { freePort } from '../support/server-process';
import { WebhookReceiver } from '../support/webhook-receiver';
import { newStore, storeKinds, type TestStore } from '../unit/store/stores';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

for (const kind of storeKinds) {
  describe(`webhooks over ${kind.name}`, function () {
    this.timeout(120_000);
    let keys: string;
    let vault: Vault;
    let test: TestStore;
    let webhooks: WebhookStore;
    let deliveries: Deliveries;
    let receiver: WebhookReceiver;
    let startedAt = 0;
    let skewMs = 0;
    const said: string[] = [];
    const closing: (() => Promise<void>)[] = [];

    /** Time stands still, apart from what a test adds to it. */
    const now = () => startedAt + skewMs;

    beforeEach(async function () {
      startedAt = Date.now();
      skewMs = 0;
      said.length = 0;
      keys = mkdtempSync(join(tmpdir(), 'pcp-keys-'));
      vault = new Vault(loadKeys({ directory: keys }));
      test = await newStore(kind, this);
      webhooks = new WebhookStore(test.store, vault, { now }, () => undefined, noConnection);
      deliveries = deliveriesOf(test.store);
      receiver = await WebhookReceiver.start();
      closing.push(() => receiver.stop());
    });
    afterEach(async () => {
      for (const close of closing.splice(0)) await close();
      await test?.dispose();
      rmSync(keys, { recursive: true, force: true });
    });

    /** As in one of several processes. */
    function deliveriesOf(store: Store): Deliveries {
      const opened = new Deliveries({
        database: store.database,
        vault,
        webhook: (id) => webhooks.row(id),
        ...{ allowedTargets: [], signIn: noSignIn, expressionHeapMb: 96, days: 30 },
        clock: { now },
        log: (level, message) => void said.push(`${level} ${message}`),
      });
      closing.unshift(() => opened.close());
      return opened;
    }

    const create = (more: Partial<WebhookInput> = {}): Promise<WebhookWithSecret> =>
      webhooks.create({ name: `hook ${Math.random()}`, url: receiver.url, event_type: '*', ...more });

    const tell = (...events: Partial<HubEvent>[]): Promise<void> =>
      test.store.database.transaction((transaction) =>
        enqueueEvents(
          transaction,
          events.map((event) => ({ type: 'run.failed', at: now(), data: { n: 1 }, ...event })),
        ),
      );

    /** Looks until all executions of a webhook are as they should be. */
    async function until(
      webhook: { id: number },
      wanted: (executions: WebhookExecution[]) => boolean,
    ): Promise<WebhookExecution[]> {
      for (;;) {
        await deliveries.look();
        const { items } = await deliveries.list(webhook.id, { limit: 1000 });
        if (wanted(items)) return items.reverse();
        await delay(10);
      }
    }

    const ended = (webhook: { id: number }) =>
      until(webhook, (all) => all.length > 0 && all.every(({ status }) => status !== 'pending'));

    /** When an attempt more has failed and was written down. */
    const attempted = (webhook: { id: number }, attempts: number) =>
      until(webhook, ([first]) => first?.attempts.length === attempts);

    /** Until some attempts more have failed, and nothing is under way. */
    async function nextFailure({ id }: { id: number }): Promise<void> {
      const { failures: before } = await webhooks.row(id);
      for (;;) {
        await deliveries.look();
        const { failures, sender } = await webhooks.row(id);
        if (failures !== before && sender === null) return;
        await delay(10);
      }
    }

    it('arrive signed, as the reference library says, when what they tell is committed', async () => {
      const webhook = await create({ event_type: 'run.failed, dead_letter.*' });
      assert.match(String(webhook.secret), /^whsec_/);
      assert.ok(!JSON.stringify(await webhooks.get(webhook.id)).includes('whsec_'));
      const failing = test.store.database.transaction(async (transaction) => {
        await enqueueEvents(transaction, [{ type: 'run.failed', data: { n: 0 } }]);
        throw new Error('undone');
      });
      await assert.rejects(failing, /undone/);
      await tell({ data: { n: 1 } }, { type: 'run.succeeded' }, { type: 'dead_letter.opened', data: { n: 2 } });
      const executions = await ended(webhook);
      assert.deepEqual(
        executions.map(({ status, event_type, response_status, response_body }) => [
          status,
          event_type,
          response_status,
          response_body,
        ]),
        [
          ['success', 'run.failed', 200, 'thanks'],
          ['success', 'dead_letter.opened', 200, 'thanks'],
        ],
      );
      const judge = new Judge(String(webhook.secret));
      const told = receiver.got.map(({ body, headers }) => judge.verify(body, headers as Record<string, string>));
      assert.deepEqual(told.map((envelope) => (envelope as { data: { n: number } }).data.n).sort(), [1, 2]);
      assert.deepEqual(receiver.ids.sort(), executions.map(({ event_id }) => event_id).sort());
      assert.equal(receiver.got[0]?.path, '/hooks?from=pcp');
      assert.equal(receiver.got[0]?.headers['content-type'], 'application/json');
    });

    it('are tried again by the table, under one id, until the last attempt; then as often as somebody asks', async () => {
      const webhook = await create({ options: { retry_seconds: [5, 300] } });
      receiver.answer = (response) => response.writeHead(500).end('out of order');
      await tell({});
      for (const [attempts, least, most] of [[1, 4, 6] as const, [2, 240, 360] as const]) {
        const [execution] = await attempted(webhook, attempts);
        assert.equal(execution?.status, 'pending');
        const seconds =
          (Date.parse(String(execution?.next_attempt_at)) - Date.parse(String(execution?.executed_at))) / 1000;
        assert.ok(seconds >= least, `${seconds} s`);
        assert.ok(seconds <= most, `${seconds} s`);
        skewMs += seconds * 1000;
      }
      const [failed] = await ended(webhook);
      assert.equal(failed?.status, 'error');
      assert.equal(failed?.error_code, 'PCP_HTTP_SERVER_ERROR');
      assert.deepEqual(
        failed?.attempts.map(({ response_status }) => response_status),
        [500, 500, 500],
      );
      receiver.answer = (response) => response.end();
      await deliveries.redeliver(webhook.id, Number(failed?.id));
      const [delivered] = await ended(webhook);
      assert.equal(delivered?.status, 'success');
      assert.equal(delivered?.attempts.length, 4);
      assert.equal(new Set(receiver.ids).size, 1);
      assert.equal(await deliveries.redeliverFailed(webhook.id, new Date(0).toISOString(), false), 0);
    });

    it('leave a receiver alone for as long as it asks', async () => {
      const webhook = await create();
      receiver.answer = (response) => response.writeHead(503, { 'retry-after': '600' }).end();
      await tell({});
      const [execution] = await attempted(webhook, 1);
      assert.ok(Date.parse(String(execution?.next_attempt_at)) >= Date.parse(String(execution?.executed_at)) + 600_000);
      await tell({});
      receiver.answer = (response) => response.end();
      assert.ok(Date.parse(String((await webhooks.get(webhook.id)).paused_until)) >= now() + 600_000);
      skewMs += 5 * MINUTE;
      await deliveries.look();
      assert.equal((await webhooks.row(webhook.id)).sender, null);
      assert.equal(receiver.got.length, 1);
      skewMs += 6 * MINUTE;
      await ended(webhook);
      assert.equal(receiver.got.length, 3);
      assert.equal((await webhooks.get(webhook.id)).paused_until, null);
    });

    it('wait for a receiver that is down without using up their attempts, and then arrive once each', async () => {
      const port = await freePort();
      const webhook = await create({ url: `http://127.0.0.1:${port}/` });
      const count = 100;
      for (let n = 0; n < count; n++) await tell({ data: { n } });
      for (let passes = 0; passes < 6; passes++) {
        await nextFailure(webhook);
        skewMs += 10 * MINUTE;
      }
      const { items } = await deliveries.list(webhook.id, { limit: 1000 });
      const tried = items.reduce((sum, { attempts }) => sum + attempts.length, 0);
      assert.ok(tried < count, `${tried} attempts`);
      const late = await WebhookReceiver.start(port);
      closing.push(() => late.stop());
      skewMs += DAY;
      const all = await ended(webhook);
      assert.ok(all.every(({ status }) => status === 'success'));
      assert.equal(late.got.length, count);
      assert.equal(new Set(late.ids).size, count);
    });

    it('end when the receiver says that it is gone; what it missed is delivered when somebody wants it', async () => {
      const webhook = await create({ options: { ordered: true } });
      receiver.answer = (response) => response.writeHead(410).end();
      await tell({ data: { n: 1 } }, { data: { n: 2 } });
      await ended(webhook);
      assert.equal(receiver.got.length, 1);
      const off = await webhooks.get(webhook.id);
      assert.deepEqual([off.is_active, off.disabled_reason], [false, 'gone']);
      await tell({ data: { n: 3 } });
      const missed = await ended(webhook);
      assert.deepEqual(
        missed.map(({ error_code }) => error_code),
        ['PCP_HTTP_NOT_FOUND', 'PCP_WEBHOOK_DISABLED', 'PCP_WEBHOOK_DISABLED'],
      );
      const again = (unsent: boolean) => deliveries.redeliverFailed(webhook.id, new Date(0).toISOString(), unsent);
      await assert.rejects(again(false), { code: 'PCP_WEBHOOK_INACTIVE' });
      receiver.answer = (response) => response.end();
      await webhooks.update(webhook.id, { ...webhook, is_active: true });
      assert.equal((await webhooks.get(webhook.id)).disabled_reason, null);
      assert.equal(await again(true), 2);
      await ended(webhook);
      assert.equal(await again(false), 1);
      await ended(webhook);
      const told = receiver.got.slice(1).map(({ body }) => JSON.parse(body).data.n);
      assert.deepEqual(told, [2, 3, 1]);
    });

    it('end when nothing arrives for five days', async () => {
      const webhook = await create({ options: { retry_seconds: Array(20).fill(2 * 86_400) } });
      receiver.answer = (response) => response.writeHead(500).end();
      await tell({}, {}, {}, {}, {});
      await until(webhook, (all) => all.some(({ attempts }) => attempts.length === 1));
      for (let passes = 1; (await webhooks.get(webhook.id)).is_active; passes++) {
        assert.ok(passes < 10);
        skewMs += 3 * DAY;
        await nextFailure(webhook);
      }
      assert.equal((await webhooks.get(webhook.id)).disabled_reason, 'failing');
      assert.match(said.join(), /was switched off/);
    });

    it('are what the template makes of them, with the headers, method and signature that are asked for', async () => {
      const secret = 'a secret of twenty characters';
      const pair = Buffer.from('plant:canary-word').toString('base64');
      const webhook = await create({
        payload_template: 'data.n > 1 ? {"text": type & " " & data.n}',
        method: 'PUT',
        headers: { 'X-Plant': '1000', Authorization: 'Bearer canary-token', 'X-Api-Key': `Basic ${pair}` },
        signature: 'github',
        secret,
      });
      assert.deepEqual(webhook.headers, { 'X-Plant': '1000', Authorization: true, 'X-Api-Key': true });
      assert.equal(webhook.secret, null);
      receiver.answer = (response, { headers }) =>
        response.end(`got ${headers.authorization}, "canary-token", canary-word`);
      await tell({ data: { n: 1 } }, { data: { n: 2 } });
      const executions = await ended(webhook);
      assert.deepEqual(
        executions.map(({ status }) => status),
        ['skipped', 'success'],
      );
      const [got] = receiver.got;
      assert.deepEqual([got?.method, got?.body], ['PUT', '{"text":"run.failed 2"}']);
      assert.equal(got?.headers['x-plant'], '1000');
      assert.equal(got?.headers.authorization, 'Bearer canary-token');
      assert.equal(got?.headers['x-hub-signature-256'], signGithub(String(got?.body), secret));
      assert.ok(!JSON.stringify(executions).includes('canary'));
      const broken = await create({ payload_template: '$error("no")' });
      await tell({});
      const [failed] = await ended(broken);
      assert.deepEqual([failed?.status, failed?.error_code], ['error', 'PCP_EXPRESSION_FAILED']);
    });

    it('are what Mustache makes of them, as the content type wants it', async () => {
      const webhook = await create({
        payload_template: '<n of="{{type}}">{{data.n}}</n>',
        template_language: 'mustache',
        headers: { 'Content-Type': 'application/xml' },
      });
      await webhooks.update(webhook.id, { ...webhook, secret: null });
      await tell({ data: { n: '<&>' } });
      await ended(webhook);
      const [got] = receiver.got;
      assert.equal(got?.headers['content-type'], 'application/xml');
      assert.equal(got?.body, '<n of="run.failed">&#60;&#38;&#62;</n>');
    });

    it('are signed with both secrets while they change', async () => {
      const webhook = await create();
      const { secret } = await webhooks.rotateSecret(webhook.id, { overlap_hours: 1 });
      await tell({});
      await ended(webhook);
      const headers = receiver.got[0]?.headers as Record<string, string>;
      for (const one of [webhook.secret, secret]) new Judge(String(one)).verify(String(receiver.got[0]?.body), headers);
      skewMs += DAY;
      await tell({});
      await until(webhook, (all) => all.length === 2 && all.every(({ status }) => status === 'success'));
      assert.equal(String(receiver.got[1]?.headers['webhook-signature']).split(' ').length, 1);
    });

    it('are not led elsewhere, and go to no address that is never connected to', async () => {
      const other = await WebhookReceiver.start();
      closing.push(() => other.stop());
      const webhook = await create({ options: { retry_seconds: [] } });
      for (const status of [301, 302, 303, 307, 308]) {
        receiver.answer = (response) => response.writeHead(status, { location: other.url }).end();
        await tell({});
        const all = await ended(webhook);
        assert.equal(all.at(-1)?.response_status, status);
        assert.equal(all.at(-1)?.status, 'error');
        await test.store.database.execute('UPDATE integration_webhooks SET paused_until = 0');
      }
      assert.equal(other.got.length, 0);
      for (const url of ['http://169.254.169.254/latest', 'http://0.0.0.0:1/', 'http://[::ffff:a9fe:a9fe]/']) {
        // As a name that leads there; as it stands it is not taken.
        const refused = await create({ options: { retry_seconds: [] } });
        await test.store.models.webhooks.update({ url }, { where: { id: refused.id } });
        await tell({});
        const [execution] = await ended(refused);
        assert.equal(execution?.error_code, 'PCP_ADDRESS_REFUSED', url);
        await webhooks.delete(refused.id);
      }
      const foreign = await WebhookReceiver.start(0, OTHER);
      closing.push(() => foreign.stop());
      const untrusted = await create({ url: foreign.url });
      await tell({});
      const [refused] = await attempted(untrusted, 1);
      assert.deepEqual([refused?.status, refused?.error_code], ['pending', 'PCP_TLS_UNTRUSTED']);
      assert.equal(foreign.got.length, 0);
    });

    it('are shared by processes so that each arrives once, no more at a time than the receiver takes', async () => {
      const webhook = await create({ options: { max_concurrency: 3 } });
      const count = 60;
      const others = [deliveriesOf(await test.again()), deliveriesOf(await test.again())];
      receiver.answer = (response) => setTimeout(() => response.end(), 5);
      for (let n = 0; n < count; n++) {
        await tell({ data: { n } });
        for (const other of [...others, deliveries]) void other.look();
      }
      await ended(webhook);
      assert.equal(receiver.got.length, count);
      assert.equal(new Set(receiver.ids).size, count);
      assert.ok(receiver.most <= 3);
    });

    it('are tried again when it is time, however many new ones there are', async () => {
      const webhook = await create({ options: { max_concurrency: 1 } });
      receiver.answer = (response) => response.writeHead(receiver.got.length === 1 ? 500 : 200).end();
      await tell({ data: { n: 'late' } });
      await attempted(webhook, 1);
      skewMs += 3_600_000;
      await tell(...Array.from({ length: 120 }, (_, n) => ({ data: { n } })));
      await ended(webhook);
      const order = receiver.got.map(({ body }) => (JSON.parse(body) as { data: { n: unknown } }).data.n);
      assert.deepEqual(order, ['late', 'late', ...Array.from({ length: 120 }, (_, n) => n)]);
    });

    it('arrive in their order where that is wanted, each behind the one that failed', async () => {
      const webhook = await create({ options: { ordered: true, retry_seconds: [5] } });
      receiver.answer = (response) => response.writeHead(receiver.got.length === 1 ? 500 : 200).end();
      await tell(...[1, 2, 3, 4, 5].map((n) => ({ data: { n } })));
      await until(webhook, (all) => all.some(({ attempts }) => attempts.length === 1));
      skewMs += 10_000;
      await ended(webhook);
      assert.deepEqual(
        receiver.got.map(({ body }) => JSON.parse(body).data.n),
        [1, 1, 2, 3, 4, 5],
      );
    });

    it('are told of one connection alone, and tested by hand', async () => {
      const webhook = await create({ event_type: 'run.*' });
      await tell({ type: 'alert.firing' });
      const execution = await deliveries.trigger(webhook.id, { data: { hello: 'you', size: 2n ** 60n } });
      await ended(webhook);
      const envelope = JSON.parse(String(receiver.got[0]?.body));
      assert.deepEqual([envelope.type, envelope.data], ['webhook.test', { hello: 'you', size: '1152921504606846976' }]);
      assert.equal((await deliveries.get(webhook.id, execution.id)).status, 'success');
      await assert.rejects(create({ connection_id: 99 }), { code: 'PCP_NOT_FOUND', path: '/connection_id' });
      await webhooks.update(webhook.id, { ...webhook, is_active: false });
      await assert.rejects(deliveries.trigger(webhook.id, {}), { code: 'PCP_WEBHOOK_INACTIVE' });
    });
  });
}
