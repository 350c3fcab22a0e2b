import assert from 'node:assert/strict';
import { createExpressionEvaluator } from '../../../lib/mapping/expressions/evaluator';
import type { EventType } from '../../../lib/model/events';
import { checkWebhook } from '../../../lib/webhooks/outgoing/definition';
import { messageOf } from '../../../lib/webhooks/outgoing/message';

describe('the filter of a webhook', () => {
  const expressions = createExpressionEvaluator({ heapMb: 96 });
  after(() => expressions.close());

  const isSent = async (filter: string, type: EventType, data: Record<string, unknown>) => {
    const shape = { method: 'POST', signature: 'none', payload_template: null, template_language: 'jsonata' } as const;
    const envelope = { type, timestamp: '2026-11-28T05:00:00.000Z', data };
    const outgoing = { eventId: 'msg_1', envelope };
    return (await messageOf({ ...shape, options: { filter } }, outgoing, {}, [], 0, expressions)) !== null;
  };

  it('lets through what it gives true for, and nothing else', async () => {
    const filter = 'type = "run.partial" and data.run.records_error > 100';
    assert.equal(await isSent(filter, 'run.partial', { run: { records_error: 101 } }), true);
    assert.equal(await isSent(filter, 'run.partial', { run: { records_error: 100 } }), false);
    assert.equal(await isSent('data.run.records_error', 'run.partial', { run: { records_error: 101 } }), false);
    assert.equal(await isSent('data.nothing', 'run.partial', {}), false);
    await assert.rejects(isSent('$error("no")', 'run.partial', {}), { code: 'PCP_EXPRESSION_FAILED' });
  });

  it('lets through what is sent to this webhook, whatever it is', async () => {
    assert.equal(await isSent('false', 'webhook.test', {}), true);
    assert.equal(await isSent('false', 'flow.message', {}), true);
  });

  it('is checked when it is saved', () => {
    const webhook = { url: 'https://plant.example/', event_type: '*', headers: {} };
    const check = (filter: string) =>
      checkWebhook({ ...webhook, payload_template: null, template_language: 'jsonata', options: { filter } });
    check('data.run.records_error > 0');
    assert.throws(() => check('data.run.('), { code: 'PCP_EXPRESSION_INVALID', path: '/options/filter' });
  });
});
