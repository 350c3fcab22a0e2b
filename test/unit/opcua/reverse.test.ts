import assert from 'node:assert/strict';
import { Connections, LINE, never, Received } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';
import { freePort } from '../../support/server-process';

describe('OPC UA: a server that connects from its side', () => {
  const server = new PlantServer();
  let connections: Connections;
  let listen: string;

  before(async () => {
    listen = `opc.tcp://127.0.0.1:${await freePort()}`;
    await server.start({ reverse: listen });
  });
  beforeEach(() => {
    connections = new Connections();
  });
  afterEach(() => connections.remove());
  after(() => server.stop());

  for (const policy of ['None', 'best']) {
    it(`is read, and comes back after an interruption (${policy})`, async () => {
      // Nobody is there: whoever dialled it would find that out.
      const config = {
        security_policy: policy,
        reverse_listen: listen,
        reverse_server_uri: 'urn:plant.example:server',
        publishing_interval_ms: 50,
      };
      const connector = await connections.openTrusted('opc.tcp://127.0.0.1:1', config);
      const received = new Received(
        (signal) => connector.subscribe?.({ items: [{ tag: `${LINE}Temperature` }] }, signal) ?? assert.fail(),
      );
      await received.until(({ values }) => values.length === 1);
      await server.ask({ do: 'drop' });
      await received.until(({ states }) => states.length === 3);
      await server.ask({ do: 'set', name: 'Temperature', value: policy.length });
      await received.until((each) => each.of(`${LINE}Temperature`).includes(policy.length));
      await received.stop();
    });
  }

  it('is not taken for another', async () => {
    const connector = connections.open('opc.tcp://127.0.0.1:1', {
      reverse_listen: listen,
      reverse_server_uri: 'urn:other',
    });
    const { ok, steps } = await connector.test(never());
    assert.deepEqual([ok, steps.at(-1)?.error?.code], [false, 'PCP_CONNECT_TIMEOUT']);
  });

  it('says when the port is taken', async () => {
    const first = connections.open('opc.tcp://127.0.0.1:1', { reverse_listen: listen });
    const waiting = first.test(never());
    const second = connections.open('opc.tcp://127.0.0.1:1', { reverse_listen: listen });
    await waiting;
    const step = (await second.test(never())).steps.at(-1);
    assert.deepEqual([step?.error?.class, step?.error?.code], ['config', 'PCP_OPCUA_REVERSE'], JSON.stringify(step));
  });
});
