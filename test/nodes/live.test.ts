import assert from 'node:assert/strict';
import { IntegrationError } from '../../lib/model/errors';
import { fileFlow, TYPES } from './flows';
import { failureOf, helper, type Message, received, withNodeRed } from './helper';
import { StandInHub } from './stand-in-hub';

const value = (tag: string, of: unknown) => ({ tag, value: of, quality: 'good' });
const records = (...list: ReturnType<typeof value>[]) => ({ kind: 'records' as const, records: list, dropped: 0 });

describe('a node on the shop floor', () => {
  const context = withNodeRed(() => new StandInHub());

  /** The next messages of the output. */
  function messages(count: number): Promise<Message[]> {
    const found: Message[] = [];
    return new Promise((resolve) => {
      helper.getNode('out').on('input', ((msg: Message) => {
        found.push(msg);
        if (found.length === count) resolve(found);
      }) as never);
    });
  }

  describe('subscribing', () => {
    it('sends what comes as soon as the flow starts, one message per record with its tag as topic', async () => {
      context.hub.liveBatches = [{ kind: 'state', state: 'connected' }, records(value('speed', 1), value('level', 2))];
      await helper.load(TYPES, fileFlow({ operation: 'subscribe', tags: 'speed, level', perRecord: true }));
      const found = await messages(2);
      assert.deepEqual(
        found.map(({ topic, payload }) => [topic, (payload as { value: number }).value]),
        [
          ['speed', 1],
          ['level', 2],
        ],
      );
      assert.deepEqual(context.hub.subscriptions, [{ items: [{ tag: 'speed' }, { tag: 'level' }] }]);
    });

    it('tells the source that a batch is done when the flow has acknowledged it', async () => {
      context.hub.liveBatches = [records(value('speed', 1)), records(value('speed', 2))];
      const flow = fileFlow({ operation: 'subscribe', acknowledge: 'manual', acknowledgeTimeout: '30' });
      await helper.load(TYPES, flow);
      const [first] = await messages(1);
      assert.equal(context.hub.acknowledged, 0);
      const second = received(helper.getNode('out'));
      (first!._integration as { ack(): void }).ack();
      assert.deepEqual((await second).payload, [value('speed', 2)]);
      assert.equal(context.hub.acknowledged, 1);
    });

    it('listens to other tags when a message names them', async () => {
      await helper.load(TYPES, fileFlow({ operation: 'subscribe', tags: '["a,b"]', deadband: '0.5' }));
      context.hub.liveBatches = [records(value('c', 3))];
      const found = messages(1);
      helper.getNode('file').receive({ tags: ['c'], own: 1 });
      const [message] = await found;
      assert.equal(message?.own, 1);
      assert.deepEqual(context.hub.subscriptions.at(-1), {
        items: [{ tag: 'c', deadband: { type: 'absolute', value: 0.5 } }],
      });
    });

    it('says once what a person must mend, and begins anew by itself when its process died', async () => {
      context.hub.liveBatches = [
        {
          kind: 'state',
          state: 'failed',
          error: { class: 'config', code: 'PCP_TAG_UNKNOWN', message: 'There is no tag "speed".' },
        },
      ];
      context.hub.readFailure = new IntegrationError('transient', 'PCP_RUNNER_DIED', 'The live process ended.');
      await helper.load(TYPES, fileFlow({ operation: 'subscribe' }));
      const caught = await received(helper.getNode('caught'));
      assert.equal((caught.error as { code: string }).code, 'PCP_TAG_UNKNOWN');
      const again = await received(helper.getNode('caught'));
      assert.equal((again.error as { code: string }).code, 'PCP_RUNNER_DIED');
      context.hub.readFailure = null;
      context.hub.liveBatches = [records(value('speed', 1))];
      assert.deepEqual((await messages(1))[0]?.payload, [value('speed', 1)]);
    });
  });

  it('reads tags by name, those of the message first', async () => {
    await helper.load(TYPES, fileFlow({ operation: 'read_tags', tags: 'speed' }));
    const answer = received(helper.getNode('out'));
    helper.getNode('file').receive({ tags: ['a', 'b'], topic: 't' });
    const message = await answer;
    assert.deepEqual(
      (message.payload as { tag: string }[]).map(({ tag }) => tag),
      ['a', 'b'],
    );
    assert.equal(message.topic, 't');
  });

  describe('writing tags', () => {
    const write = async (changes: Record<string, unknown>, message: Record<string, unknown>): Promise<Message> => {
      await helper.load(TYPES, fileFlow({ operation: 'write_tags', ...changes }));
      const answer = received(helper.getNode('out'));
      helper.getNode('file').receive(message);
      return answer;
    };

    it('writes an object, a list, or the value of one tag, and tells what was read back', async () => {
      const message = await write({}, { payload: { speed: 5, 'ns=2;s=x': true } });
      assert.deepEqual(message.result, { written: 2, failed: 0, unknown: 0, unverified: 0 });
      assert.deepEqual((message.results as unknown[])[0], {
        ...{ tag: 'speed', outcome: 'written', verified: true, value: 5 },
      });
      assert.deepEqual(context.hub.tagWrites[0]?.writes, [
        { tag: 'speed', value: 5 },
        { tag: 'ns=2;s=x', value: true },
      ]);
    });

    it('gives each write its time and not more', async () => {
      await write({ tags: 'speed', validFor: '2' }, { payload: 7 });
      const { writes, by, validForMs } = context.hub.tagWrites[0]!;
      assert.deepEqual(writes, [{ tag: 'speed', value: 7 }]);
      assert.equal(by.id, 'node:file');
      assert.ok(validForMs > 0 && validForMs <= 2_000, String(validForMs));
    });

    it('writes nothing when it is only to tell what it would', async () => {
      for (const dryRun of [true, 'yes']) {
        const message = await write({ tags: 'speed' }, { payload: 7, dryRun });
        assert.deepEqual(message.result, { planned: 1, failed: 0 });
        assert.deepEqual(message.results, [{ tag: 'speed', outcome: 'planned', request: { function: 6 } }]);
        await helper.unload();
      }
      assert.deepEqual(context.hub.tagWrites, []);
    });

    it('writes nothing that is not valid any more, or for nobody knows how long', async () => {
      for (const [validFor, code] of [
        [0, 'PCP_WRITE_EXPIRED'],
        [-1, 'PCP_WRITE_EXPIRED'],
        ['abc', 'PCP_VALID_FOR'],
        [true, 'PCP_VALID_FOR'],
      ] as const) {
        await helper.load(TYPES, fileFlow({ operation: 'write_tags' }));
        const caught = await failureOf(helper.getNode('caught'), () =>
          helper.getNode('file').receive({ payload: { speed: 5 }, validFor }),
        );
        assert.equal(caught.error.code, code, String(validFor));
        await helper.unload();
      }
      assert.deepEqual(context.hub.tagWrites, []);
    });

    it('says of a write that may have been done that nobody knows, so that it is not repeated', async () => {
      const lost = new IntegrationError('transient', 'PCP_MODBUS_TIMEOUT', 'It did not answer.', {
        outcomeUnknown: true,
      });
      context.hub.tagWriteResults = (writes) => writes.map(({ tag }) => ({ tag, outcome: 'unknown', error: lost }));
      const message = await write({}, { payload: { speed: 1 } });
      const [error] = message.errors as { code: string; class: string }[];
      assert.deepEqual([error?.code, error?.class], ['PCP_UNKNOWN_OUTCOME', 'unknown_outcome']);
      await helper.unload();
      context.hub.tagWriteResults = () => {
        throw lost;
      };
      await helper.load(TYPES, fileFlow({ operation: 'write_tags' }));
      const caught = await failureOf(helper.getNode('caught'), () =>
        helper.getNode('file').receive({ payload: { speed: 1 } }),
      );
      assert.equal(caught.error.code, 'PCP_UNKNOWN_OUTCOME');
    });

    it('goes on with msg.errors where all were refused for one of them', async () => {
      context.hub.tagWriteResults = () => {
        throw new IntegrationError('permission', 'PCP_WRITE_REFUSED', 'speed is not writable.');
      };
      const message = await write({}, { payload: { speed: 1, level: 2 } });
      assert.deepEqual(message.result, { written: 0, failed: 2, unknown: 0, unverified: 0 });
      assert.equal((message.errors as { code: string }[])[1]?.code, 'PCP_WRITE_REFUSED');
    });

    it('goes on with msg.errors, or raises the first of them', async () => {
      const refused = new IntegrationError('permission', 'PCP_WRITE_REFUSED', 'speed is not writable.');
      context.hub.tagWriteResults = (writes) => writes.map(({ tag }) => ({ tag, outcome: 'failed', error: refused }));
      const message = await write({}, { payload: [{ tag: 'speed', value: 1 }] });
      assert.equal((message.errors as { code: string }[])[0]?.code, 'PCP_WRITE_REFUSED');
      await helper.unload();
      await helper.load(TYPES, fileFlow({ operation: 'write_tags', onError: 'error' }));
      const caught = await failureOf(helper.getNode('caught'), () =>
        helper.getNode('file').receive({ payload: { speed: 1 } }),
      );
      assert.equal(caught.error.code, 'PCP_WRITE_REFUSED');
    });

    it('refuses a message that names no tag', async () => {
      await helper.load(TYPES, fileFlow({ operation: 'write_tags' }));
      const caught = await failureOf(helper.getNode('caught'), () => helper.getNode('file').receive({ payload: 1 }));
      assert.equal(caught.error.code, 'PCP_TAGS_MISSING');
    });
  });
});
