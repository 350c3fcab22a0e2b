import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import type { Hub } from '../../lib/model/services';
import type { SyncLog } from '../../lib/model/sync';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import { Vault } from '../../lib/security/vault';
import { RefusedSignIns } from '../../lib/sync/sign-ins/refused-sign-ins';
import type { TestServer } from '../support/database-server';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { postgresServer } from '../support/postgres';

/** First byte of PostgreSQL's answer that refuses whoever signs in. */
const REFUSAL = 0x45;
const USER = 'pcp_locked_out';

describe('a sign-in that was refused', () => {
  let server: TestServer;
  let database: SqlOptions;
  let proxy: Server;
  let hub: Hub;
  let remove: () => Promise<void>;
  let refusals: number;
  let id: number;

  before(async function () {
    server = await postgresServer(this);
    database = await server.createDatabase();
    proxy = createServer((client) => {
      const through = connect(database.port ?? 0, database.host ?? '');
      through.on('data', (data) => {
        if (data[0] === REFUSAL) refusals++;
        client.write(data);
      });
      client.on('data', (data) => through.write(data));
      for (const [one, other] of [
        [client, through],
        [through, client],
      ] as const) {
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });

  after(() => proxy?.close());

  beforeEach(async () => {
    await server.execute(`DROP ROLE IF EXISTS ${USER}`).catch(() => undefined);
    await server.execute(`CREATE ROLE ${USER} LOGIN PASSWORD 'right'`);
    const directory = await temporaryDirectory();
    remove = directory.remove;
    hub = await openHub(directory.path);
    refusals = 0;
    const { port } = proxy.address() as AddressInfo;
    const config = { dialect: 'postgres', host: '127.0.0.1', port, database: database.database, username: USER };
    const connection = { name: 'erp', connector_type: 'generic.database', config, credentials: { password: 'wrong' } };
    ({ id } = await hub.connections.create(connection));
    for (let mapping = 0; mapping < 8; mapping++) {
      await hub.mappings.create({
        ...{ connection_id: id, name: `m${mapping}`, entity_type: 'production_order', direction: 'import' },
        ...{ source_entity: `orders${mapping}`, target_entity: 'production_order' },
        field_mappings: [{ source: 'no', target: 'order_number' }],
      });
    }
  });

  afterEach(async () => {
    await hub?.close();
    await remove?.();
  });

  const codes = (logs: SyncLog[]) => logs.map(({ error_class, details }) => `${error_class} ${details.error_code}`);
  const paused = async () => (await hub.sync.paused([await hub.connections.get(id)])).get(id);
  /** All mappings are started; what they fail for once somebody is let in. */
  async function isLetIn(): Promise<void> {
    assert.equal(await paused(), undefined);
    const { logs } = await runToEnd(hub, id);
    assert.deepEqual([...new Set(logs.map(({ error_class }) => error_class))], ['config'], 'the tables are missing');
  }

  it('is not tried a second time, by whatever number of mappings, starts and nodes', async () => {
    const first = codes((await runToEnd(hub, id)).logs);
    assert.deepEqual(first.sort(), ['auth PCP_SQL_AUTH', ...Array(7).fill('auth PCP_SIGN_IN_REFUSED')].sort());
    assert.equal(refusals, 1);

    const again = await runToEnd(hub, id);
    assert.deepEqual(codes(again.logs), Array(8).fill('auth PCP_SIGN_IN_REFUSED'));
    assert.match(again.logs[0]?.error_message ?? '', /refuses the user "pcp_locked_out"/);
    const opened = await hub.connections.open(id);
    await assert.rejects(hub.runner.discover(opened), { class: 'auth', code: 'PCP_SIGN_IN_REFUSED' });
    assert.equal(refusals, 1);

    const pause = await paused();
    assert.equal(pause?.until, null);
    assert.match(pause?.reason ?? '', /pcp_locked_out/);
  });

  it('is tried again with another password, and with the old one when a test has shown that it is right by now', async () => {
    await runToEnd(hub, id);
    const { name, connector_type } = await hub.connections.get(id);
    await hub.connections.update(id, { name, connector_type, credentials: { password: 'right' } });
    await isLetIn();

    await server.execute(`ALTER ROLE ${USER} PASSWORD 'other'`);
    await runToEnd(hub, id);
    assert.equal((await paused())?.until, null);
    await server.execute(`ALTER ROLE ${USER} PASSWORD 'right'`);
    const { logs } = await runToEnd(hub, id);
    assert.deepEqual(codes(logs), Array(8).fill('auth PCP_SIGN_IN_REFUSED'));
    // By values that are not saved, as the form of a node tests them.
    const report = await hub.runner.test({ ...(await hub.connections.open(id)), id: -1 });
    assert.equal(report.ok, true);
    await isLetIn();
  });

  it('is kept as a digest that needs the key of the secrets', async () => {
    await runToEnd(hub, id);
    const opened = await hub.connections.open(id);
    const rows = await hub.database.query('SELECT * FROM integration_refused_sign_ins');
    assert.equal(rows.length, 1);
    assert.ok(!JSON.stringify(rows).includes('wrong'));
    const others = new RefusedSignIns(hub.database, new Vault([{ id: 'other', key: randomBytes(32) }]));
    assert.notEqual(rows[0]?.digest, others.digestOf(opened));
  });
});
