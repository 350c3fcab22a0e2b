import assert from 'node:assert/strict';
import { IntegrationError } from '../../lib/model/errors';
import { CONNECTION, fileFlow, TYPES } from './flows';
import { failureOf, helper, received, withNodeRed } from './helper';
import { StandInHub } from './stand-in-hub';

describe('pcp-rest calling', () => {
  const context = withNodeRed(() => new StandInHub());
  const flow = (changes: Record<string, unknown> = {}) =>
    fileFlow({ type: 'pcp-rest', operation: 'call', method: 'POST', path: '/orders', entity: '', ...changes }).map(
      (node) =>
        node.id === CONNECTION.id
          ? { ...CONNECTION, connectorType: 'generic.rest', config: { base_url: 'http://api' } }
          : node,
    );

  it('sends what the node says, over which the message goes, and keeps the other properties', async () => {
    await helper.load(TYPES, flow());
    context.hub.callAnswer = () => ({ payload: { id: 1 }, statusCode: 201, headers: { etag: '"1"' } });
    const answered = received(helper.getNode('out'));
    const request_headers = { 'if-match': '"1"' };
    const message = { path: '/orders/7', query: { a: 1 }, request_headers, payload: { no: 7 }, topic: 't' };
    helper.getNode('file').receive(message);
    const { payload, statusCode, headers, topic } = await answered;
    assert.deepEqual([payload, statusCode, headers, topic], [{ id: 1 }, 201, { etag: '"1"' }, 't']);
    assert.deepEqual(context.hub.calls, [
      {
        operation: 'request',
        parameters: {
          method: 'POST',
          path: '/orders/7',
          query: { a: 1 },
          request_headers,
          body: undefined,
          payload: { no: 7 },
        },
      },
    ]);
  });

  it('takes JSON of its form as what it says, also where an environment variable is the text of it', async () => {
    await helper.load(TYPES, flow({ query: '{"plant":"1000"}', body: '{}' }));
    const answered = received(helper.getNode('out'));
    helper.getNode('file').receive({ body: '[1]' });
    await answered;
    const { query, body } = context.hub.calls[0]?.parameters ?? {};
    assert.deepEqual([query, body], [{ plant: '1000' }, '[1]']);
  });

  it('says when the JSON of its form is none', async () => {
    await helper.load(TYPES, flow({ query: '{plant' }));
    const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({}));
    assert.equal(caught.error.code, 'PCP_NODE_SETTING');
  });

  it('gives a refusal to the Catch node, with its code and the message', async () => {
    await helper.load(TYPES, flow());
    context.hub.callAnswer = () => {
      throw new IntegrationError('data', 'PCP_HTTP_REFUSED', 'order is closed');
    };
    const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({ topic: 't' }));
    assert.deepEqual([caught.error.code, caught.topic], ['PCP_HTTP_REFUSED', 't']);
  });

  it('names the message that it writes for, and the key that the flow gives', async () => {
    await helper.load(TYPES, flow({ operation: 'write', entity: 'orders' }));
    for (const key of [{}, { idempotencyKey: 'order 7' }]) {
      const written = received(helper.getNode('out'));
      helper.getNode('file').receive({ _msgid: 'm1', payload: { no: 7 }, ...key });
      await written;
      assert.deepEqual(context.hub.writes.at(-1)?.target.message, { id: 'm1', ...key });
    }
  });

  it('counts a write whose outcome is not known as failed, and says so', async () => {
    await helper.load(TYPES, flow({ operation: 'write', entity: 'orders' }));
    const error = new IntegrationError('transient', 'PCP_HTTP_TIMEOUT', 'No answer.');
    context.hub.writeResults = () => [{ outcome: 'unknown', error }];
    const written = received(helper.getNode('out'));
    helper.getNode('file').receive({ payload: { number: '1' } });
    const { result, errors } = await written;
    assert.equal((result as { failed: number }).failed, 1);
    const [failure] = errors as { class: string; message: string }[];
    assert.equal(failure?.class, 'unknown_outcome');
    assert.match(failure.message, /No answer/);
  });

  it('deletes the records of a message, and counts them', async () => {
    await helper.load(TYPES, flow({ operation: 'delete', entity: 'orders', keyFields: 'no' }));
    context.hub.writeResults = () => [{ outcome: 'deleted' }];
    const deleted = received(helper.getNode('out'));
    helper.getNode('file').receive({ _msgid: 'm2', payload: { no: 7 } });
    assert.equal(((await deleted).result as { deleted: number }).deleted, 1);
    const target = { entity: 'orders', keyFields: ['no'], message: { id: 'm2' }, deletes: true };
    assert.deepEqual(context.hub.writes.at(-1), { target, records: [{ no: 7 }] });
  });
});
