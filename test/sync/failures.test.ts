import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Hub } from '../../lib/model/services';
import type { SqlOptions } from '../../lib/protocols/sql/database';
import type { TestServer } from '../support/database-server';
import { openHub, runToEnd, temporaryDirectory } from '../support/hub';
import { postgresServer } from '../support/postgres';

/** How a run ends when the other side is not as configured: in the right class, and without hammering it. */
describe('runs that cannot work', () => {
  let hub: Hub;
  let directory: string;
  let remove: () => Promise<void>;
  let server: TestServer;
  let database: SqlOptions;
  let serial = 0;

  before(async function () {
    server = await postgresServer(this);
    database = await server.createDatabase();
    await server.execute('CREATE TABLE secret_orders (number text PRIMARY KEY)', database.database);
    await server.execute(`CREATE ROLE nobody_special LOGIN PASSWORD 'allowed-nothing'`).catch(() => undefined);
    const temporary = await temporaryDirectory();
    directory = temporary.path;
    remove = temporary.remove;
    hub = await openHub(directory);
  });

  after(async () => {
    await hub?.close();
    await remove?.();
  });

  async function importFrom(changes: Record<string, unknown>, password: string, entity = 'secret_orders') {
    const { host, port, username } = database;
    const config = { dialect: 'postgres', host, port, database: database.database, username, ...changes };
    return runOf('generic.database', config, { password }, entity);
  }

  async function runOf(
    type: string,
    config: Record<string, unknown>,
    credentials: Record<string, string>,
    entity: string,
  ) {
    serial++;
    const connection = await hub.connections.create({ name: `c${serial}`, connector_type: type, config, credentials });
    await hub.mappings.create({
      connection_id: connection.id,
      name: `m${serial}`,
      entity_type: 'production_order',
      direction: 'import',
      source_entity: entity,
      target_entity: 'production_order',
      field_mappings: [{ source: 'number', target: 'order_number' }],
    });
    const test = await hub.runner.test(await hub.connections.open(connection.id));
    const job = await runToEnd(hub, connection.id);
    const log = job.logs[0]!;
    assert.equal(job.status, 'error');
    assert.ok(log.error_message, 'the log says what was wrong');
    assert.ok(log.ended_at, 'the run has ended');
    assert.equal((await hub.connections.get(connection.id)).last_sync_status, 'error');
    for (const secret of Object.values(credentials)) {
      assert.ok(!JSON.stringify([job, test]).includes(secret), 'no secret in the answers');
    }
    return { log, test, failedStep: test.steps.find(({ ok }) => !ok) };
  }

  it('wrong password: auth, signed in only once', async () => {
    const { log, failedStep } = await importFrom({}, 'not-the-password');
    assert.equal(log.error_class, 'auth');
    assert.equal(log.details.attempts, 1);
    assert.equal(failedStep?.name, 'authenticate');
    assert.ok(failedStep?.error?.hint);
  });

  it('unknown host: transient, the attempts of the budget and no more', async () => {
    const { log, failedStep } = await importFrom({ host: 'no-such-host.invalid' }, 'p-unknown-host');
    assert.equal(log.error_class, 'transient');
    assert.equal(log.details.attempts, 3);
    assert.equal(failedStep?.name, 'resolve');
  });

  it('closed port: transient', async () => {
    const { log, failedStep } = await importFrom({ port: await closedPort() }, 'p-closed-port');
    assert.equal(log.error_class, 'transient');
    assert.equal(failedStep?.name, 'connect');
  });

  it('unknown table: config, not tried again', async () => {
    const { log } = await importFrom({}, database.password ?? '', 'no_such_table');
    assert.equal(log.error_class, 'config');
    assert.equal(log.details.attempts, 1);
    assert.match(log.error_message ?? '', /no_such_table/);
  });

  it('no permission for the table: permission', async () => {
    const { log } = await importFrom({ username: 'nobody_special' }, 'allowed-nothing');
    assert.equal(log.error_class, 'permission');
    assert.equal(log.details.attempts, 1);
  });

  it('name of the certificate differs: config', async function () {
    if (server.ca === undefined) this.skip();
    const { log, failedStep } = await importFrom({ ssl: true, ssl_ca: server.ca }, database.password ?? '');
    assert.equal(log.error_class, 'config');
    assert.equal(failedStep?.name, 'tls');
  });

  it('missing folder: config', async () => {
    const { log, failedStep } = await runOf(
      'generic.file',
      { root: join(directory, 'nowhere'), entities: {} },
      {},
      'orders.csv',
    );
    assert.equal(log.error_class, 'config');
    assert.equal(failedStep?.name, 'connect');
  });

  const broken: [name: string, file: string, content: string][] = [
    ['truncated JSON', 'a.json', '[{"number":"1"},{"number":"2"'],
    ['truncated XML', 'b.xml', '<orders><order><number>1</number></order><order>'],
    [
      'XML with a DOCTYPE',
      'c.xml',
      '<!DOCTYPE x [<!ENTITY e "boom">]><orders><order><number>&e;</number></order></orders>',
    ],
    ['a bad line of NDJSON', 'd.ndjson', '{"number":"1"}\n{"number":\n'],
  ];
  for (const [name, file, content] of broken) {
    it(`${name}: data, naming the file`, async () => {
      const root = join(directory, `broken-${serial}`);
      await mkdir(root);
      await writeFile(join(root, file), content);
      const entities = { orders: { path: file, format: file.split('.')[1], record_element: 'order' } };
      const { log } = await runOf('generic.file', { root, settle_seconds: 0, entities }, {}, 'orders');
      assert.equal(log.error_class, 'data');
      assert.match(log.error_message ?? '', new RegExp(file.replace('.', '\\.')));
    });
  }
});

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
