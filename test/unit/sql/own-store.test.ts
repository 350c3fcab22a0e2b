import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { create } from '../../../lib/connectors/generic/database/connector';
import type { SqlOptions } from '../../../lib/protocols/sql/database';
import { parseDatabaseUrl } from '../../../lib/protocols/sql/url';
import type { TestServer } from '../../support/database-server';
import { mariadbServer } from '../../support/mariadb';
import { postgresServer } from '../../support/postgres';
import { newStore, storeKinds, type TestStore } from '../store/stores';

const live = new AbortController().signal;
const REFUSED = { class: 'permission', code: 'PCP_STORE_PROTECTED' };
const SEALED = { sealed: 'SELECT credentials FROM integration_connections' };

const PEERS = [
  {
    name: 'PostgreSQL',
    server: postgresServer,
    user: (name: string, password: string) =>
      `CREATE ROLE ${name} LOGIN PASSWORD '${password}'; GRANT SELECT, INSERT, UPDATE ON erp_order TO ${name}`,
    dropUser: (name: string) => `DROP OWNED BY ${name}; DROP ROLE ${name}`,
  },
  {
    name: 'MariaDB',
    server: mariadbServer,
    user: (name: string, password: string) =>
      `CREATE USER ${name} IDENTIFIED BY '${password}'; GRANT SELECT, INSERT, UPDATE ON erp_order TO ${name}`,
    dropUser: (name: string) => `DROP USER ${name}`,
  },
];

for (const { name, server, user, dropUser } of PEERS) {
  describe(`generic.database in the hub's own database: ${name}`, () => {
    let peer: TestServer;
    let hub: TestStore;
    let owner: SqlOptions;
    const account = { username: `plain_${process.pid}`, password: 'plain-secret' };
    const opened: Connector[] = [];

    before(async function () {
      peer = await server(this);
      hub = await newStore(storeKinds.find((kind) => kind.name === name)!, this);
      owner = parseDatabaseUrl(hub.options.url!);
      await peer.execute('CREATE TABLE erp_order (id int NOT NULL PRIMARY KEY, note varchar(10))', owner.database);
      await peer.execute("INSERT INTO erp_order VALUES (1, 'a')", owner.database);
      await peer.execute(user(account.username, account.password), owner.database);
    });

    afterEach(() => Promise.all(opened.splice(0).map((connector) => connector.close())));

    after(async () => {
      await peer?.execute(dropUser(account.username), owner.database);
      await hub?.dispose();
    });

    function open(change: Partial<SqlOptions>, views: Record<string, string> = {}): Connector {
      const { password = '', dialect, host, port, database, username } = { ...owner, ...change };
      const connector = create(
        {
          id: 1,
          name: 'erp',
          connector_type: 'generic.database',
          config: { dialect, host, port, database, username, views },
          credentials: { password },
        },
        { store: hub.store.database, log: () => undefined },
      );
      opened.push(connector);
      return connector;
    }

    async function read(connector: Connector, entity: string) {
      const records: unknown[] = [];
      for await (const batch of connector.read!({ entity, cursor: null, batchSize: 10 }, live))
        records.push(...batch.records);
      return records;
    }

    async function write(connector: Connector, entity: string) {
      const target = { entity, keyFields: ['id'], fields: ['id', 'note'], resume: null, runId: 1, mappingId: 1 };
      const writer = await connector.openWriter!(target, live);
      return writer.write([{ data: { id: 2, note: 'b' }, key: '[2]', hash: '', sourceKey: '' }], live);
    }

    it("refuses a user who may touch the hub's tables, whatever the address is called", async () => {
      for (const host of ['127.0.0.1', 'localhost', '::ffff:127.0.0.1']) {
        await assert.rejects(read(open({ host }), 'integration_connections'), REFUSED, host);
        await assert.rejects(read(open({ host }), 'erp_order'), REFUSED);
        await assert.rejects(read(open({ host }, SEALED), 'sealed'), REFUSED);
        await assert.rejects(write(open({ host }), 'integration_checkpoints'), REFUSED);
        const report = await open({ host }).test(live);
        const last = report.steps.at(-1);
        assert.deepEqual([last?.name, last?.error?.code], ['authorise', 'PCP_STORE_PROTECTED']);
        assert.ok(last?.error?.hint);
      }
    });

    it('lets in a user who has no right on them, and reaches the other tables alone', async () => {
      const connector = open(account, SEALED);
      assert.equal((await open(account).test(live)).ok, true);
      assert.deepEqual(await read(connector, 'erp_order'), [{ id: 1, note: 'a' }]);
      assert.equal((await write(connector, 'erp_order'))[0]?.outcome, 'created');
      const noRight = (error: { code: string }) =>
        /^PCP_(SQL_PERMISSION|ENTITY_UNKNOWN|SQL_COLUMN_UNKNOWN)$/.test(error.code);
      await assert.rejects(read(connector, 'integration_connections'), noRight);
      await assert.rejects(read(connector, 'sealed'), noRight);
      await assert.rejects(write(connector, 'integration_checkpoints'), noRight);
    });

    it('refuses a user as soon as one right on one of them is there', async () => {
      await peer.execute(`GRANT SELECT (id) ON integration_connections TO ${account.username}`, owner.database);
      await assert.rejects(read(open(account), 'erp_order'), REFUSED);
      await peer.execute(`REVOKE SELECT (id) ON integration_connections FROM ${account.username}`, owner.database);
      assert.equal((await read(open(account), 'erp_order')).length > 0, true);
    });

    it('leaves the tables of another hub to a user who has no right on those of this one', async () => {
      const other = await peer.createDatabase();
      const rights = `integration_connections TO ${account.username}`;
      await peer.execute('CREATE TABLE integration_connections (id int NOT NULL PRIMARY KEY)', other.database);
      await peer.execute(`GRANT SELECT ON ${rights}`, other.database);
      assert.deepEqual(await read(open({ ...other, ...account }), 'integration_connections'), []);
      // On MariaDB a statement may name the tables of another database.
      const asOwner = read(open(other), 'integration_connections');
      if (name === 'MariaDB') await assert.rejects(asOwner, REFUSED);
      else assert.deepEqual(await asOwner, []);
      await peer.execute('DROP TABLE integration_connections', other.database);
    });
  });
}
