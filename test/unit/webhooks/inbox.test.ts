import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { IntegrationError } from '../../../lib/model/errors';
import type { Delivery, DeliveryConsumer, Identity } from '../../../lib/model/incoming-webhook';
import { Vault } from '../../../lib/security/vault';
import type { Store } from '../../../lib/store/store';
import { Inbox } from '../../../lib/webhooks/incoming/inbox';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const HOOK = 'a1b2c3d4e5f60718';

const delivery = (id: string): Delivery => ({
  id,
  received_at: '2026-11-27T12:00:00.000Z',
  headers: { 'content-type': 'application/json' },
  query: {},
  body: Buffer.from(`{"order": "${id}"}`).toString('base64'),
});

const sent = (key: string): Identity => ({ id: key, key });

for (const kind of storeKinds) {
  describe(`deliveries kept in ${kind.name}`, function () {
    this.timeout(180_000);
    const vault = new Vault([{ id: 'k1', key: randomBytes(32) }]);
    let test: TestStore;
    let said: string[];

    beforeEach(async function () {
      said = [];
      test = await newStore(kind, this);
    });
    afterEach(() => test?.dispose());

    /** As one process has it; it looks when the test says so. */
    const inboxOf = ({ database }: Store) =>
      new Inbox({
        ...{ database, vault, days: 7, firstPauseMs: 0, untakenMs: 0, log: (_level, message) => said.push(message) },
        runs: { start: () => Promise.reject(new Error('No mapping is attached.')) },
      });

    const rows = () =>
      test.store.database.query(
        'SELECT message_key, state, attempts, delivery FROM integration_webhook_inbox ORDER BY id',
      );

    class Flow {
      readonly got: [id: string, attempt: number][] = [];
      readonly givenUp: IntegrationError[] = [];

      constructor(private readonly work: (id: string) => Promise<void> = async () => undefined) {}

      readonly consumer: DeliveryConsumer = {
        to: 'flow',
        deliver: ({ id }, attempt) => {
          this.got.push([id, attempt]);
          return this.work(id);
        },
        onGivenUp: (error) => this.givenUp.push(error),
      };
    }

    /** How a webhook of which nothing is left is, but for this. */
    const of = (more: object) => ({
      webhook: HOOK,
      name: null,
      waiting: 0,
      failed: 0,
      repeated: 0,
      oldest_at: null,
      ...more,
    });

    const ended = async (count: number): Promise<void> => {
      while ((await rows()).filter(({ state }) => state === 'done').length < count) await nextTurn();
    };

    it('are new where only their content is that of another, longer ago than is wanted; what was dropped is counted', async () => {
      const inbox = inboxOf(test.store);
      const flow = new Flow();
      inbox.attach(HOOK, flow.consumer, 'Machine');
      const alike = (key: string, other: string): Identity => ({
        ...sent(key),
        alike: { key: other, withinMs: 600_000 },
      });
      assert.equal(await inbox.keep(HOOK, alike('p1', 'p0'), delivery('stopped')), true);
      assert.equal(await inbox.keep(HOOK, alike('p1', 'p0'), delivery('stopped')), false);
      assert.equal(await inbox.keep(HOOK, alike('p2', 'p1'), delivery('stopped')), false);
      await test.store.database.execute('UPDATE integration_webhook_inbox SET received_at = received_at - 600001');
      assert.equal(await inbox.keep(HOOK, alike('p2', 'p1'), delivery('stopped')), true);
      await ended(2);
      await inbox.look();
      const other = inboxOf(test.store);
      other.attach(HOOK, flow.consumer, 'Machine');
      assert.equal(await other.keep(HOOK, sent('p2'), delivery('stopped')), false);
      assert.deepEqual(
        (await other.states()).map(({ repeated }) => repeated),
        [3],
      );
    });

    it('that were given up are taken when their sender sends them again', async () => {
      const inbox = inboxOf(test.store);
      let isWell = false;
      const flow = new Flow(async () => {
        if (!isWell) throw new Error('The flow is broken.');
      });
      inbox.attach(HOOK, flow.consumer, 'Orders');
      await inbox.keep(HOOK, sent('k'), delivery('o1'));
      while (flow.givenUp.length === 0) {
        await inbox.look();
        await nextTurn();
      }
      isWell = true;
      const before = flow.got.length;
      assert.equal(await inbox.keep(HOOK, sent('k'), delivery('o1')), true);
      await ended(1);
      assert.deepEqual(flow.got.slice(before), [['o1', 1]]);
      assert.equal(await inbox.keep(HOOK, sent('k'), delivery('o1')), false);
    });

    it('go into the flow once, however often they come, and nothing of them stays but their key', async () => {
      const inbox = inboxOf(test.store);
      const flow = new Flow();
      inbox.attach(HOOK, flow.consumer, 'Orders');
      const told = await Promise.all(Array.from({ length: 20 }, () => inbox.keep(HOOK, sent('k'), delivery('o1'))));
      assert.equal(told.filter(Boolean).length, 1);
      await ended(1);
      assert.equal(await inbox.keep(HOOK, sent('k'), delivery('o1')), false);
      assert.equal(await inbox.keep('another', sent('k'), delivery('o1')), true);
      assert.deepEqual(flow.got, [['o1', 1]]);
      assert.deepEqual({ ...(await rows())[0] }, { message_key: 'k', state: 'done', attempts: 1, delivery: null });
    });

    it('wait sealed until their node is there, in another process as well', async () => {
      const before = inboxOf(test.store);
      for (const id of ['o1', 'o2', 'o3']) await before.keep(HOOK, sent(id), delivery(id));
      for (const row of await rows()) assert.doesNotMatch(String(row.delivery), /order|json/);
      const inbox = inboxOf(await test.again());
      const flow = new Flow();
      inbox.attach(HOOK, flow.consumer, 'Orders');
      await ended(3);
      assert.deepEqual(flow.got.map(([id]) => id).sort(), ['o1', 'o2', 'o3']);
    });

    it('are in one hand at a time, of two processes with the same flow', async () => {
      const inboxes = [inboxOf(test.store), inboxOf(await test.again())];
      const flows = inboxes.map(() => new Flow());
      for (const [index, inbox] of inboxes.entries()) inbox.attach(HOOK, (flows[index] as Flow).consumer, 'Orders');
      const ids = Array.from({ length: 100 }, (_, index) => `o${index}`);
      const kept = await Promise.all(
        ids.flatMap((id) => inboxes.map((inbox) => inbox.keep(HOOK, sent(id), delivery(id)))),
      );
      assert.equal(kept.filter(Boolean).length, ids.length);
      await ended(ids.length);
      assert.deepEqual(flows.flatMap(({ got }) => got.map(([id]) => id)).sort(), [...ids].sort());
    });

    it('are taken over from a process that is gone', async () => {
      const gone = inboxOf(test.store);
      const stuck = new Flow(() => new Promise(() => undefined));
      gone.attach(HOOK, stuck.consumer, 'Orders');
      await gone.keep(HOOK, sent('k'), delivery('o1'));
      const inbox = inboxOf(await test.again());
      const flow = new Flow();
      inbox.attach(HOOK, flow.consumer, 'Orders');
      if (kind.name !== 'SQLite') {
        await inbox.look();
        assert.deepEqual(flow.got, [], 'its holder may be there');
        await test.store.database.execute('UPDATE integration_webhook_inbox SET lease_until = 0');
        await inbox.look();
      }
      await ended(1);
      assert.deepEqual(flow.got, [['o1', 2]]);
    });

    it('are free for others at once when their process ends', async () => {
      const ending = inboxOf(test.store);
      ending.attach(HOOK, new Flow(() => new Promise(() => undefined)).consumer, 'Orders');
      await ending.keep(HOOK, sent('k'), delivery('o1'));
      await ending.stop();
      const flow = new Flow();
      inboxOf(await test.again()).attach(HOOK, flow.consumer, 'Orders');
      await ended(1);
      assert.deepEqual(flow.got, [['o1', 2]]);
    });

    it('stay in hand for as long as the flow works on them', async () => {
      const inbox = inboxOf(test.store);
      const done = Promise.withResolvers<void>();
      const flow = new Flow(() => done.promise);
      inbox.attach(HOOK, flow.consumer, 'Orders');
      await inbox.keep(HOOK, sent('k'), delivery('o1'));
      await test.store.database.execute('UPDATE integration_webhook_inbox SET lease_until = 0');
      await inbox.look();
      const [row] = await test.store.database.query('SELECT lease_until FROM integration_webhook_inbox');
      assert.ok(Number(row?.lease_until) > 0);
      done.resolve();
      await ended(1);
      assert.deepEqual(flow.got, [['o1', 1]]);
    });

    it('wait in the store while 200 are in hand, which are not taken twice though the store was away for long', async () => {
      const inbox = inboxOf(test.store);
      const first = Promise.withResolvers<void>();
      const flow = new Flow((id) => (id === 'o0' ? first.promise : new Promise(() => undefined)));
      inbox.attach(HOOK, flow.consumer, 'Orders');
      const ids = Array.from({ length: 202 }, (_, index) => `o${index}`);
      for (const id of ids) await inbox.keep(HOOK, sent(id), delivery(id));
      assert.equal(flow.got.length, 200);
      await test.store.database.execute('UPDATE integration_webhook_inbox SET lease_until = 0');
      first.resolve();
      while (flow.got.length < 201) {
        await nextTurn();
        await inbox.look();
      }
      await inbox.stop();
      assert.deepEqual(
        flow.got.map(([id]) => id),
        ids.slice(0, 201),
      );
    });

    it('are done with as soon as the store is back that could not be told', async () => {
      const inbox = inboxOf(test.store);
      const { database } = test.store;
      const flow = new Flow(async (id) => {
        if (id === 'o1') await database.execute('ALTER TABLE integration_webhook_inbox RENAME TO away');
      });
      inbox.attach(HOOK, flow.consumer, 'Orders');
      await inbox.keep(HOOK, sent('k1'), delivery('o1'));
      while (said.length === 0) await nextTurn();
      await database.execute('ALTER TABLE away RENAME TO integration_webhook_inbox');
      await database.execute('UPDATE integration_webhook_inbox SET lease_until = 0');
      await inboxOf(test.store).keep(HOOK, sent('k2'), delivery('o2'));
      // What waits is taken in its order: the first one is not, though nobody holds it any more.
      inbox.attach(HOOK, flow.consumer, 'Orders');
      while (flow.got.length < 2) await nextTurn();
      await inbox.look();
      await ended(2);
      assert.deepEqual(flow.got, [
        ['o1', 1],
        ['o2', 1],
      ]);
    });

    it('go into the flow again when it did not take them, and are given up at last', async () => {
      const inbox = inboxOf(test.store);
      const flow = new Flow(async () => {
        throw new IntegrationError('transient', 'PCP_ACK_TIMEOUT', 'It takes too long.');
      });
      inbox.attach(HOOK, flow.consumer, 'Orders');
      await inbox.keep(HOOK, sent('k'), delivery('o1'));
      while (flow.givenUp.length === 0) {
        await inbox.look();
        await nextTurn();
      }
      assert.deepEqual(
        flow.got.map(([, attempt]) => attempt),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
      await inbox.look();
      assert.equal((await rows())[0]?.state, 'failed');
      assert.equal(flow.givenUp[0]?.code, 'PCP_WEBHOOK_GIVEN_UP');
      assert.equal(flow.got.length, 10);
    });

    it('that were given up say why, and go into the flow once more when somebody wants it', async () => {
      const inbox = inboxOf(test.store);
      let works = false;
      const flow = new Flow(async () => {
        if (!works) throw new IntegrationError('transient', 'PCP_ACK_TIMEOUT', 'It takes too long.');
      });
      inbox.attach(HOOK, flow.consumer, 'Orders');
      for (const id of ['o1', 'o2', 'o3']) await inbox.keep(HOOK, sent(id), delivery(id));
      while (flow.givenUp.length < 3) {
        await inbox.look();
        await nextTurn();
      }
      const { items } = await inbox.list({ webhook: HOOK, state: 'failed' });
      const [newest, , oldest] = items;
      assert.deepEqual([newest?.attempts, newest?.error_code], [10, 'PCP_ACK_TIMEOUT']);
      assert.equal(newest?.error_message, 'It takes too long.');
      const [state] = await inbox.states();
      assert.deepEqual({ ...state, oldest_at: null }, of({ name: 'Orders', failed: 3 }));
      assert.equal(state?.oldest_at, oldest?.received_at);

      works = true;
      assert.equal((await inbox.redeliver(Number(newest?.id))).state, 'waiting');
      await ended(1);
      assert.deepEqual(flow.got.at(-1), ['o3', 1]);
      await assert.rejects(inbox.redeliver(Number(newest?.id)), { code: 'PCP_DELIVERY_NOT_FAILED' });
      await assert.rejects(inbox.redeliver(4711), { code: 'PCP_NOT_FOUND' });
      const later = new Date(Date.parse(String(newest?.received_at)) + 60_000).toISOString();
      assert.equal(await inbox.redeliverFailed(later), 0);
      assert.equal(await inbox.redeliverFailed(String(oldest?.received_at), 'another'), 0);
      assert.equal(await inbox.redeliverFailed(String(oldest?.received_at)), 2);
      await ended(3);
      assert.deepEqual(await inbox.states(), [of({ name: 'Orders' })]);
    });

    it('of a node that is gone are told of once, and let go when somebody wants it', async () => {
      const inbox = inboxOf(test.store);
      for (const id of ['o1', 'o2']) await inbox.keep(HOOK, sent(id), delivery(id));
      for (let looks = 0; looks < 3; looks++) await inbox.look();
      assert.deepEqual(said, [
        `2 deliveries to the webhook of the node ${HOOK} wait, and no such node is deployed here.`,
      ]);
      const [state] = await inbox.states();
      assert.deepEqual({ ...state, oldest_at: null }, of({ waiting: 2 }));
      assert.equal(await inbox.discard(HOOK), 2);
      assert.deepEqual(await inbox.states(), []);
      assert.equal(await inbox.keep(HOOK, sent('o1'), delivery('o1')), false);
      assert.ok((await rows()).every(({ state, delivery }) => state === 'discarded' && delivery === null));
    });

    it('go on with the next life of their node when it is deployed anew', async () => {
      const inbox = inboxOf(test.store);
      const closing = Promise.withResolvers<void>();
      const old = new Flow(() => closing.promise);
      const detach = inbox.attach(HOOK, old.consumer, 'Orders');
      await inbox.keep(HOOK, sent('k'), delivery('o1'));
      detach();
      closing.reject(new IntegrationError('cancelled', 'PCP_NODE_CLOSED', 'The node was closed.'));
      const flow = new Flow();
      inbox.attach(HOOK, flow.consumer, 'Orders');
      await ended(1);
      assert.deepEqual(flow.got, [['o1', 2]], 'the flow may have it from before');
    });

    it('have all their attempts, however often their node was deployed anew', async () => {
      const inbox = inboxOf(test.store);
      await inbox.keep(HOOK, sent('k'), delivery('o1'));
      for (let deploys = 0; deploys < 12; deploys++) {
        const [taken, closing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
        const flow = new Flow(() => {
          taken.resolve();
          return closing.promise;
        });
        const detach = inbox.attach(HOOK, flow.consumer, 'Orders');
        await taken.promise;
        detach();
        closing.reject(new IntegrationError('cancelled', 'PCP_NODE_CLOSED', 'The node was closed.'));
        const isFree = async () =>
          (await test.store.database.query('SELECT holder FROM integration_webhook_inbox')).every(
            ({ holder }) => holder === null,
          );
        while (!(await isFree())) await nextTurn();
      }
      const flow = new Flow();
      inbox.attach(HOOK, flow.consumer, 'Orders');
      await ended(1);
      assert.deepEqual(flow.got, [['o1', 2]]);
    });

    it('are forgotten after the days that are set, unless they still wait', async () => {
      const inbox = inboxOf(test.store);
      for (const key of ['done', 'failed', 'waiting', 'new']) await inbox.keep(HOOK, sent(key), delivery(key));
      const { database } = test.store;
      await database.execute(
        `UPDATE integration_webhook_inbox SET state = message_key WHERE message_key IN ('done', 'failed')`,
      );
      await database.execute(
        `UPDATE integration_webhook_inbox SET received_at = received_at - ? WHERE message_key <> 'new'`,
        [7 * 86_400_000 + 1000],
      );
      await inbox.look();
      assert.deepEqual(
        (await rows()).map(({ message_key }) => message_key),
        ['waiting', 'new'],
      );
      assert.equal(await inbox.keep(HOOK, sent('done'), delivery('done')), true);
    });

    it('are forgotten by one look, many though they are', async () => {
      const inbox = inboxOf(test.store);
      const ids = Array.from({ length: 1_001 }, (_, index) => `o${index}`);
      await Promise.all(ids.map((id) => inbox.keep(HOOK, sent(id), delivery(id))));
      await test.store.database.execute(`UPDATE integration_webhook_inbox SET state = 'done', received_at = 0`);
      await inbox.look();
      assert.deepEqual(await rows(), []);
    });

    it('are looked for once at a time', async () => {
      const inbox = inboxOf(test.store);
      const first = inbox.look();
      assert.equal(inbox.look(), first);
      await first;
      const next = inbox.look();
      assert.notEqual(next, first);
      await next;
    });
  });
}
