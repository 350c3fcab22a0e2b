import assert from 'node:assert/strict';
import { IntegrationError } from '../../lib/model/errors';
import { CONNECTION, fileFlow, TYPES } from './flows';
import { failureOf, helper, type Message, received, withNodeRed } from './helper';
import { StandInHub } from './stand-in-hub';

const orders = (...numbers: number[]) => numbers.map((number) => ({ AUFNR: String(number) }));

describe('pcp-file', () => {
  const context = withNodeRed(() => new StandInHub());

  /** Everything that reaches the output up to the message that ends the read. */
  async function readAll(message: Record<string, unknown>): Promise<Message[]> {
    const messages: Message[] = [];
    const ended = new Promise<void>((resolve) => {
      helper.getNode('out').on('input', ((msg: Message) => {
        messages.push(msg);
        if (msg.complete === true) resolve();
      }) as never);
    });
    helper.getNode('file').receive(message);
    await ended;
    return messages;
  }

  describe('reading', () => {
    it('sends one message per batch, keeps other properties and ends with complete', async () => {
      await helper.load(TYPES, fileFlow({}));
      context.hub.batches = [orders(1, 2), orders(3)];
      const messages = await readAll({ payload: 'go', topic: 'line 1', own: { nested: [1] } });
      assert.deepEqual(
        messages.map((msg) => msg.payload),
        [orders(1, 2), orders(3), []],
      );
      for (const msg of messages) assert.deepEqual([msg.topic, msg.own], ['line 1', { nested: [1] }]);
      assert.deepEqual(
        messages.map((msg) => msg.complete),
        [false, false, true],
      );
      assert.deepEqual(messages.at(-1)?.result, { records: 3, batches: 2 });
      assert.deepEqual(messages.at(-1)?.cursor, { v: 1, kind: 'file', batch: 1 });
    });

    it('sends one message per record when asked to', async () => {
      await helper.load(TYPES, fileFlow({ perRecord: true }));
      context.hub.batches = [orders(1, 2), orders(3)];
      const messages = await readAll({});
      const indexes = messages.map((msg) => (msg.parts as { index: number }).index);
      assert.deepEqual(
        messages.slice(0, 3).map((msg) => msg.payload),
        orders(1, 2, 3),
      );
      assert.deepEqual(indexes.slice(0, 3), [0, 1, 2]);
    });

    it('asks for the next batch only when the flow has acknowledged the last one', async () => {
      await helper.load(TYPES, fileFlow({ acknowledge: 'manual', acknowledgeTimeout: '30' }));
      context.hub.batches = [orders(1), orders(2)];
      const out = helper.getNode('out');
      const first = received(out);
      helper.getNode('file').receive({});
      const message = await first;
      assert.equal(context.hub.acknowledged, 0);
      const second = received(out);
      (message._integration as { ack(): void }).ack();
      // The second batch comes back to the node, as a wire from the end of the flow would bring it.
      const again = await second;
      assert.equal(context.hub.acknowledged, 1);
      const last = received(out);
      helper.getNode('file').receive(again);
      assert.equal((await last).complete, true);
      assert.equal(context.hub.acknowledged, 2);
    });

    it('waits for every record of a batch', async () => {
      await helper.load(TYPES, fileFlow({ acknowledge: 'manual', acknowledgeTimeout: '30', perRecord: true }));
      context.hub.batches = [orders(1, 2)];
      const tickets: { ack(): void }[] = [];
      const both = new Promise<void>((resolve) => {
        helper.getNode('out').on('input', ((msg: Message) => {
          if (msg._integration) tickets.push(msg._integration as { ack(): void });
          if (tickets.length === 2) resolve();
        }) as never);
      });
      helper.getNode('file').receive({});
      await both;
      tickets[0]!.ack();
      tickets[0]!.ack();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(context.hub.acknowledged, 0, 'the second record is still open');
      const last = received(helper.getNode('out'));
      tickets[1]!.ack();
      assert.equal((await last).complete, true);
    });

    it('ends with an error when nobody acknowledges, and leaves the batch unacknowledged', async () => {
      await helper.load(TYPES, fileFlow({ acknowledge: 'manual', acknowledgeTimeout: '1' }));
      context.hub.batches = [orders(1), orders(2)];
      const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({ own: 1 }));
      assert.equal(caught.error.code, 'PCP_ACK_TIMEOUT');
      assert.equal(caught.own, 1);
      assert.equal(context.hub.acknowledged, 0);
    });

    it('takes entity, filters, batch size and cursor from the message', async () => {
      await helper.load(TYPES, fileFlow({}));
      const filters = [{ field: 'AUFNR', operator: 'gt', value: 1 }];
      const cursor = { v: 1, kind: 'file', batch: 7 };
      context.hub.batches = [orders(1, 2)];
      await readAll({ entity: 'other.csv', filters, batchSize: 10, cursor });
      assert.deepEqual(context.hub.queries, [{ entity: 'other.csv', filters, batchSize: 10, cursor }]);
    });

    it('gives a failure of the other side to the Catch node, with code and message', async () => {
      await helper.load(TYPES, fileFlow({}));
      context.hub.readFailure = new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'Nothing answers.', {
        hint: 'Start it.',
      });
      const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({ topic: 't' }));
      assert.deepEqual(
        [caught.error.code, caught.error.message, caught.topic],
        ['PCP_CONNECT_REFUSED', 'PCP_CONNECT_REFUSED: Nothing answers. Start it.', 't'],
      );
      assert.equal(helper.getNode('file').status.lastCall?.args[0].text, 'pcp-file.status.class.transient');
    });

    it('leaves no doubt about what was done when it only read', async () => {
      await helper.load(TYPES, fileFlow({}));
      context.hub.readFailure = new IntegrationError('rate_limit', 'PCP_HTTP_BUSY', 'It answered 503.', {
        outcomeUnknown: true,
      });
      const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({}));
      assert.equal(caught.error.code, 'PCP_HTTP_BUSY');
    });

    it('logs an outage once and its end once', async () => {
      await helper.load(TYPES, fileFlow({}));
      const connection = helper.getNode('connection');
      context.hub.readFailure = new IntegrationError('transient', 'PCP_CONNECT_REFUSED', 'Nothing answers.');
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({}));
      }
      assert.equal(connection.warn.args.length, 1);
      context.hub.readFailure = null;
      await readAll({});
      await readAll({});
      assert.equal(connection.log.args.length, 1);
    });

    it('closes while a batch waits for its acknowledgement', async () => {
      await helper.load(TYPES, fileFlow({ acknowledge: 'manual', acknowledgeTimeout: '3600' }));
      context.hub.batches = [orders(1)];
      const first = received(helper.getNode('out'));
      helper.getNode('file').receive({});
      await first;
      await helper.unload();
    });
  });

  describe('writing', () => {
    it('counts results, names failures and keeps the payload', async () => {
      await helper.load(TYPES, fileFlow({ operation: 'write', keyFields: 'AUFNR, WERKS' }));
      const error = new IntegrationError('data', 'PCP_VALUE', 'Too long.', { path: '/AUFNR' });
      context.hub.writeResults = () => [{ outcome: 'created' }, { outcome: 'updated' }, { outcome: 'failed', error }];
      const written = received(helper.getNode('out'));
      helper.getNode('file').receive({ payload: orders(1, 2, 3), req: 'kept' });
      const msg = await written;
      assert.deepEqual(msg.result, { created: 1, updated: 1, unchanged: 0, deleted: 0, failed: 1 });
      assert.deepEqual(msg.errors, [
        { index: 2, code: 'PCP_VALUE', class: 'data', message: 'Too long.', field: '/AUFNR', record: { AUFNR: '3' } },
      ]);
      assert.deepEqual([msg.payload, msg.req], [orders(1, 2, 3), 'kept']);
      const target = { entity: 'orders.csv', keyFields: ['AUFNR', 'WERKS'], message: { id: msg._msgid } };
      assert.deepEqual(context.hub.writes[0]?.target, target);
    });

    it('raises an error for a failed record when the node says so', async () => {
      await helper.load(TYPES, fileFlow({ operation: 'write', onError: 'error' }));
      const error = new IntegrationError('data', 'PCP_VALUE', 'Too long.');
      context.hub.writeResults = () => [{ outcome: 'failed', error }];
      const caught = await failureOf(helper.getNode('caught'), () =>
        helper.getNode('file').receive({ payload: { a: 1 } }),
      );
      assert.equal(caught.error.code, 'PCP_VALUE');
      assert.equal((caught.result as { failed: number }).failed, 1);
    });

    for (const [payload, found] of [
      ['text', 'a string'],
      [42, 'a number'],
      [null, 'null'],
      [undefined, 'missing'],
      [Buffer.from('x'), 'a Buffer'],
      [[{}, 'x'], 'a string'],
    ] as const) {
      it(`refuses a payload that is ${found}`, async () => {
        await helper.load(TYPES, fileFlow({ operation: 'write' }));
        const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({ payload }));
        assert.equal(caught.error.code, 'PCP_PAYLOAD_INVALID');
        assert.ok(caught.error.message.includes(found), caught.error.message);
      });
    }
  });

  it('says that its connection is missing', async () => {
    await helper.load(TYPES, fileFlow({ connection: '' }));
    const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({}));
    assert.equal(caught.error.code, 'PCP_CONNECTION_MISSING');
  });

  it('refuses a connection of another connector', async () => {
    const flow = fileFlow({}).map((node) =>
      node.id === CONNECTION.id ? { ...CONNECTION, connectorType: 'platform', config: {} } : node,
    );
    await helper.load(TYPES, flow);
    const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({}));
    assert.equal(caught.error.code, 'PCP_CONNECTION_TYPE');
  });
});
