import assert from 'node:assert/strict';
import { PlantServer } from '../support/opcua/plant-server';
import { DebugMessages } from './debug-messages';
import { exampleFlow, NodeRed } from './node-red-process';

describe('example of pcp-opcua', () => {
  const server = new PlantServer();
  let nodeRed: NodeRed;
  let debug: DebugMessages;

  before(async () => {
    await server.start();
    const environment = { PCP_EXAMPLES_OPCUA: server.url };
    nodeRed = await NodeRed.start({ version: 'node-red', flows: exampleFlow('pcp-opcua'), environment });
    debug = await DebugMessages.open(nodeRed.url);
  });
  after(async () => {
    debug?.close();
    await nodeRed?.remove();
    await server.stop();
  });

  const next = <T>(id: string): Promise<T> => {
    const failure = debug.next('pcp-ex-opcua-error').then((error) => {
      throw new Error(JSON.stringify(error));
    });
    return Promise.race([debug.next<T>(id), failure]);
  };

  it('sends what changes, also after the server was started anew', async () => {
    type Change = {
      payload: { tag: string; value: unknown; quality: string; source_timestamp: string };
      topic: string;
    };
    const { payload } = await debug.next<Change>('pcp-ex-opcua-changes', ({ payload: { tag } }) => tag === 'time');
    assert.equal(payload.quality, 'good');
    await server.kill();
    await server.start();
    const restarted = new Date().toISOString();
    const isNew = ({ payload: { tag, source_timestamp } }: Change) => tag === 'time' && source_timestamp > restarted;
    await debug.next<Change>('pcp-ex-opcua-changes', isNew);
    assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 1, monitoredItems: 2 });
  });

  it('shows the certificates that the hub knows', async () => {
    await nodeRed.inject('pcp-ex-opcua-list');
    const { payload } = await next<{ payload: { state: string }[] }>('pcp-ex-opcua-certificates');
    assert.deepEqual(
      payload.map(({ state }) => state),
      ['own'],
    );
  });

  it('reads the values of all tags', async () => {
    await nodeRed.inject('pcp-ex-opcua-read');
    const { payload } = await next<{ payload: { tag: string; value: unknown; quality: string }[] }>(
      'pcp-ex-opcua-found',
    );
    assert.deepEqual(
      payload.map(({ tag, quality }) => [tag, quality]),
      [
        ['time', 'good'],
        ['state', 'good'],
      ],
    );
    assert.equal(payload[1]?.value, 0);
  });
});
