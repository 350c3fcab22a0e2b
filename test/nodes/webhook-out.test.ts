import assert from 'node:assert/strict';
import type { Hub } from '../../lib/model/services';
import { provideHub } from '../../nodes/hub-access';
import { openHub, temporaryDirectory } from '../support/hub';
import { WebhookReceiver } from '../support/webhook-receiver';
import { catcher, out, TAB } from './flows';
import { failureOf, helper, received } from './helper';

import webhookOut = require('../../nodes/pcp-webhook-out/pcp-webhook-out');

describe('pcp-webhook-out', function () {
  this.timeout(60_000);
  let hub: Hub;
  let receiver: WebhookReceiver;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(done));
  beforeEach(async () => {
    directory = await temporaryDirectory();
    hub = await openHub(directory.path);
    provideHub(() => Promise.resolve(hub));
    receiver = await WebhookReceiver.start();
    await hub.webhooks.create({ name: 'Maintenance', url: receiver.url, event_type: 'run.failed' });
  });
  afterEach(async () => {
    await helper.unload();
    provideHub(null);
    await receiver.stop();
    await hub.close();
    await directory.remove();
  });

  const load = (wait: boolean): Promise<void> => {
    const node = {
      id: 'node',
      z: 'tab',
      type: 'pcp-webhook-out',
      name: '',
      webhook: 'Maintenance',
      wait,
      wires: [['out']],
    };
    return helper.load([webhookOut], [TAB, node, out('out'), catcher, out('caught')]);
  };

  it('goes on with what the receiver answered, and keeps the rest of the message', async () => {
    await load(true);
    const next = received(helper.getNode('out'));
    helper.getNode('node').receive({ payload: { machine: 'press' }, topic: 'kept' });
    const { topic, execution } = (await next) as { topic?: string; execution?: Record<string, unknown> };
    assert.equal(topic, 'kept');
    assert.deepEqual([execution?.status, execution?.response_status], ['success', 200]);
    const { type, data } = JSON.parse(String(receiver.got[0]?.body));
    assert.deepEqual([type, data], ['flow.message', { machine: 'press' }]);
    assert.deepEqual(receiver.ids, [execution?.event_id]);
  });

  it('goes on at once when the event is safe, whatever the receiver does', async () => {
    await load(false);
    receiver.answer = () => undefined;
    const next = received(helper.getNode('out'));
    helper.getNode('node').receive({ payload: 7 });
    const { execution } = (await next) as { execution?: { id: number; status: string } };
    assert.equal(execution?.status, 'pending');
    assert.equal((await hub.deliveries.get(1, Number(execution?.id))).status, 'pending');
  });

  it('tells a Catch node what keeps it from being delivered', async () => {
    await load(true);
    receiver.answer = (response) => response.writeHead(500).end('out of order');
    const send = (more: Record<string, unknown>) => () => helper.getNode('node').receive({ payload: 1, ...more });
    const failed = await failureOf(helper.getNode('caught'), send({}));
    assert.equal(failed.error.code, 'PCP_WEBHOOK_NOT_DELIVERED');
    assert.match(failed.error.message, /500: out of order/);
    const unknown = await failureOf(helper.getNode('caught'), send({ webhook_name: 'nobody' }));
    assert.equal(unknown.error.code, 'PCP_WEBHOOK_UNKNOWN');
    const { id: _, ...webhook } = await hub.webhooks.get(1);
    await hub.webhooks.update(1, { ...webhook, is_active: false });
    const inactive = await failureOf(helper.getNode('caught'), send({}));
    assert.equal(inactive.error.code, 'PCP_WEBHOOK_INACTIVE');
  });
});
