import assert from 'node:assert/strict';
import type { ConnectionInput, Hub } from '../../lib/model/services';
import { openHub } from '../support/hub';
import { TokenServer } from '../support/token-server';
import { type StorePlace, storeKinds } from '../unit/store/stores';

for (const kind of storeKinds) {
  describe(`sign-ins whose refresh token changes, on ${kind.name}`, () => {
    let place: StorePlace;
    let server: TokenServer;
    let hubs: Hub[];
    let input: ConnectionInput;

    beforeEach(async function () {
      hubs = [];
      place = await kind.place(this);
      server = new TokenServer('canary');
      const url = await server.start();
      input = {
        name: 'api',
        connector_type: 'generic.rest',
        config: {
          base_url: url,
          authentication: 'oauth2',
          grant: 'refresh_token',
          token_url: `${url}/token`,
          client_id: 'plant',
          entities: { orders: { path: '/orders' } },
        },
        credentials: { refresh_token: server.first },
      };
    });
    afterEach(async () => {
      for (const hub of hubs) await hub.close();
      await server?.stop();
      await place?.remove();
    });

    const start = async (): Promise<Hub> => {
      const { directory, url } = place.options;
      const hub = await openHub(directory, url === undefined ? {} : { storeUrl: url });
      hubs.push(hub);
      return hub;
    };
    const ask = async (hub: Hub, id: number) =>
      (await hub.runner.call(await hub.connections.open(id), 'request', { path: '/orders' })).statusCode;
    const killRunner = async (hub: Hub) => {
      const { runner } = await hub.health();
      process.kill(runner.pid!, 'SIGKILL');
    };

    for (const managed of ['api', 'flow'] as const) {
      const connect = (hub: Hub) =>
        managed === 'api' ? hub.connections.create(input) : hub.connections.registerFlow('node', input);

      it(`of a connection made by the ${managed} outlive a runner that is killed before it has used them`, async () => {
        const hub = await start();
        const { id } = await connect(hub);
        const used: string[] = [];
        server.onRequest = async (token) => {
          if (used.push(token) === 1) await killRunner(hub);
        };
        await assert.rejects(ask(hub, id), { code: 'PCP_RUNNER_DIED' });
        assert.equal(await ask(hub, id), 200);
        assert.deepEqual([server.renewals, server.refused], [1, []]);
        assert.deepEqual(used, ['access-of-canary-1', 'access-of-canary-1']);
        server.expire();
        assert.equal(await ask(hub, id), 200);
        assert.deepEqual([server.renewals, server.refused], [2, []]);
      });
    }

    it('of a flow are kept until the flow has another one', async () => {
      let hub = await start();
      await hub.connections.registerFlow('node', input);
      const { id } = await hub.connections.registerFlow('node', input);
      assert.equal(await ask(hub, id), 200);
      await hubs.pop()?.close();
      hub = await start();
      await hub.connections.registerFlow('node', input);
      server.expire();
      assert.equal(await ask(hub, id), 200);
      assert.deepEqual(server.refused, []);
      await hub.connections.registerFlow('node', { ...input, credentials: { refresh_token: 'new' } });
      await assert.rejects(ask(hub, id), { code: 'PCP_OAUTH_REFUSED' });
      assert.deepEqual(server.refused, ['new']);
    });

    it('are used up by no test of what is saved afterwards', async () => {
      const hub = await start();
      const unsaved = { id: 0, ...input, config: input.config!, credentials: input.credentials! };
      assert.equal((await hub.runner.call(unsaved, 'request', { path: '/orders' })).statusCode, 200);
      const { id } = await hub.connections.create(input);
      server.expire();
      assert.equal(await ask(hub, id), 200);
      assert.deepEqual([server.renewals, server.refused], [2, []]);
    });

    it('stand in no store in clear', async () => {
      const hub = await start();
      const { id } = await hub.connections.create(input);
      await ask(hub, id);
      const rows = await hub.database.query('SELECT * FROM integration_sign_ins');
      assert.equal(rows.length, 1);
      assert.doesNotMatch(JSON.stringify(rows), /canary/);
    });

    it('can be taken over with a new key', async () => {
      const [old, current] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((key) => key.toString('base64')) as [
        string,
        string,
      ];
      const { directory, url } = place.options;
      const openWith = (key: string) => openHub(directory, { key, ...(url !== undefined && { storeUrl: url }) });
      const before = await openWith(old);
      const { id } = await before.connections.create(input);
      await ask(before, id);
      await before.close();
      await (await openWith(`${current},${old}`)).close();
      const after = await openWith(current);
      hubs.push(after);
      server.expire();
      assert.equal(await ask(after, id), 200);
      assert.deepEqual(server.refused, []);
    });

    if (kind.name === 'SQLite') return;

    it('two processes that need new tokens at once take turns, and leave each other signed in', async () => {
      const [one, other] = [await start(), await start()] as [Hub, Hub];
      const { id } = await one.connections.create({ ...input });
      // Long enough for the other to want new tokens as well.
      server.renewalMs = 300;
      for (let round = 1; round <= 5; round++) {
        server.expire();
        const answers = await Promise.all([one, other, one, other].map((hub) => ask(hub, id)));
        assert.deepEqual(answers, [200, 200, 200, 200]);
        assert.deepEqual([server.renewals, server.refused], [round, []]);
      }
    });
  });
}
