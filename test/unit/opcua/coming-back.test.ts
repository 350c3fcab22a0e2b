import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { Connections, LINE, Received } from '../../support/opcua/connections';
import type { Misbehaviour } from '../../support/opcua/misbehaviour';
import { PlantServer } from '../../support/opcua/plant-server';

describe('OPC UA: coming back to a server that does not help', () => {
  let server: PlantServer;
  let connections: Connections;
  let connector: Connector;

  beforeEach(async () => {
    server = await new PlantServer().start();
    connections = new Connections();
    const tags = { temperature: { node_id: `${LINE}Temperature` } };
    connector = connections.open(server.url, { tags, publishing_interval_ms: 50, timeout_ms: 1000 });
  });
  afterEach(async () => {
    await connections.remove();
    await server.stop();
  });

  const watch = async () => {
    const received = new Received((signal) => connector.subscribe?.({}, signal) ?? assert.fail());
    await received.until(({ values }) => values.length === 1);
    return received;
  };
  const set = (value: number) => server.ask({ do: 'set', name: 'Temperature', value });
  const interruptedBy = async (how: Misbehaviour) => {
    const received = await watch();
    await server.ask({ do: 'misbehave', how });
    await server.ask({ do: 'drop' });
    await received.until(({ states }) => states.includes('interrupted'));
    return received;
  };
  const one = { sessions: 1, subscriptions: 1, monitoredItems: 1 };

  it('goes on after a server refused the session and its subscriptions', async () => {
    const received = await interruptedBy('refuses to activate and to transfer');
    await received.until(({ states }) => states.at(-1) === 'connected');
    await set(41);
    await received.until((each) => each.of('temperature').includes(41));
    assert.deepEqual(received.states, ['connected', 'interrupted', 'connected']);
    await received.stop();
  });

  for (const how of ['republishes without end', 'refuses to activate and to create sessions'] as const) {
    it(`gives up what does not come to an end: ${how}`, async () => {
      const received = await interruptedBy(how);
      assert.equal((await received.end())?.code, 'PCP_OPCUA_NOT_BACK');
      assert.ok(!received.states.slice(1).includes('connected'));
      if (how !== 'republishes without end') return;
      const next = await watch();
      assert.deepEqual(await server.counts(), one);
      await next.stop();
    });
  }
});
