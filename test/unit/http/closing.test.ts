import assert from 'node:assert/strict';
import { HostileServer } from '../../support/hostile-server';
import { clients, failure, live } from './support';

describe('http: closing', () => {
  const { open } = clients();

  it('ends requests that wait for their turn, and sends none of them', async () => {
    const server = await HostileServer.start({ '/': (_request, response) => response.end('ok') });
    // The second one would have its turn after a quarter of an hour.
    const client = open({ baseUrl: server.origin, requestsPerSecond: 1 / 900 });
    await (await client.request({ target: '/', signal: live })).text();
    let sent = 0;
    const beforeSend = () => {
      sent++;
    };
    const waiting = failure(client.request({ target: '/', signal: live, beforeSend }));
    await client.close();
    assert.deepEqual([(await waiting).class, sent], ['cancelled', 0]);
    await server.stop();
  });
});
