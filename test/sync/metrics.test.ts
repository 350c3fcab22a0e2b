import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Hub } from '../../lib/model/services';
import { Tally } from '../../lib/store/tally';
import { openHub, runToEnd } from '../support/hub';
import { WebhookReceiver } from '../support/webhook-receiver';
import { lint, parsed } from '../unit/metrics/prometheus';
import { TestApi } from '../unit/rest/server';
import { type StorePlace, storeKinds } from '../unit/store/stores';

for (const kind of storeKinds) {
  describe(`what happens in other processes is counted, on ${kind.name}`, () => {
    const api = new TestApi();
    let place: StorePlace;
    let hub: Hub;
    let receiver: WebhookReceiver;

    before(async function () {
      place = await kind.place(this);
      await api.start();
      receiver = await WebhookReceiver.start();
      await open();
    });
    after(async () => {
      await hub?.close();
      await receiver?.stop();
      await api.stop();
      await place?.remove();
    });

    async function open(): Promise<void> {
      const { directory, url } = place.options;
      hub = await openHub(directory, { storeUrl: url, section: { network: { allowedTargets: ['127.0.0.1'] } } });
    }

    it('by the connection, mapping and webhook that it is about, for as long as these are there', async () => {
      const entities = { materials: { path: '/materials', items: '/data', key: ['id'], paging: { type: 'none' } } };
      const { id: connection } = await hub.connections.create({
        ...{ name: 'api', connector_type: 'generic.rest', config: { base_url: api.url, entities } },
      });
      const { id: mapping } = await hub.mappings.create({
        ...{ connection_id: connection, name: 'materials', entity_type: 'material', direction: 'import' },
        ...{ source_entity: 'materials', target_entity: 'material' },
        field_mappings: [{ source: 'id', target: 'material' }],
      });
      const webhook = await hub.webhooks.create({ name: 'told', url: receiver.url, event_type: 'run.*' });
      const answers = [{ status: 503 }, { cut: true }];
      api.handler = () =>
        answers.shift() ?? { headers: { 'content-type': 'application/json' }, body: '{"data":[{"id":"M1"}]}' };
      receiver.answer = (response) => response.writeHead(receiver.got.length === 1 ? 500 : 200).end();
      assert.equal((await runToEnd(hub, connection)).status, 'success');
      while ((await hub.deliveries.list(webhook.id, {})).items[0]?.attempts.length !== 1) await pause(20);
      const [execution] = (await hub.deliveries.list(webhook.id, {})).items;
      await hub.deliveries.redeliver(webhook.id, Number(execution?.id));
      while ((await hub.deliveries.list(webhook.id, {})).items[0]?.status !== 'success') await pause(20);
      // The runner keeps what it counted at its end at the latest.
      await hub.close();
      await open();

      const text = await hub.metrics.exposition();
      assert.deepEqual(lint(text), []);
      const { value, histogram } = parsed(text);
      const ofConnection = { connection: String(connection) };
      const requests = (status_class: string) =>
        value('integration_http_requests_total', { ...ofConnection, status_class });
      assert.deepEqual(['2xx', '5xx', 'none', '4xx'].map(requests), [1, 1, 1, undefined]);
      const endpoint = { endpoint: String(webhook.id) };
      const deliveries = (outcome: string) => value('integration_webhook_deliveries_total', { ...endpoint, outcome });
      assert.deepEqual(['success', 'retry', 'error'].map(deliveries), [1, 1, undefined]);
      assert.equal(value('integration_webhook_deliveries_waiting', endpoint), 0);
      assert.equal(histogram('integration_webhook_latency_seconds', endpoint).count, 2);
      const batches = histogram('integration_batch_write_seconds', { ...ofConnection, mapping: String(mapping) });
      assert.equal(batches.count, 1);
      assert.ok(Number(batches.sum) > 0);

      await hub.webhooks.delete(webhook.id);
      await hub.mappings.delete(mapping);
      await hub.connections.delete(connection, { cascade: false });
      const after = await hub.metrics.exposition();
      for (const name of ['http_requests', 'webhook_', 'batch_write']) assert.ok(!after.includes(name), name);
    });

    it('by several at once, and later where the store could not take it', async () => {
      const { id } = await hub.webhooks.create({ name: 'many', url: receiver.url, event_type: 'record.*' });
      const other = await hub.webhooks.create({ name: 'other', url: receiver.url, event_type: 'record.*' });
      const tallies = Array.from({ length: 4 }, () => new Tally(hub.database, () => undefined));
      for (let time = 0; time < 5; time++) {
        for (const tally of tallies) {
          tally.count('webhook_deliveries_total', id, 'success');
          tally.time('webhook_latency_seconds', id, time === 0 ? 100 : 0.2);
          tally.time('webhook_latency_seconds', other.id, 20);
        }
        if (time === 2) await hub.database.execute('ALTER TABLE integration_tallies RENAME TO away');
        await Promise.all(tallies.map((tally) => tally.flush()));
        if (time === 2) await hub.database.execute('ALTER TABLE away RENAME TO integration_tallies');
      }
      await Promise.all(tallies.map((tally) => tally.close()));
      const text = await hub.metrics.exposition();
      assert.deepEqual(lint(text), []);
      const { value, histogram } = parsed(text);
      const labels = { endpoint: String(id) };
      assert.equal(value('integration_webhook_deliveries_total', { ...labels, outcome: 'success' }), 20);
      const { buckets, count, sum } = histogram('integration_webhook_latency_seconds', labels);
      assert.deepEqual([buckets['0.1'], buckets['0.25'], buckets['15'], buckets['+Inf'], count], [0, 16, 16, 20, 20]);
      assert.ok(Math.abs(Number(sum) - 403.2) < 0.001);
    });
  });
}
