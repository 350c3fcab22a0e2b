import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorDescriptor } from '../../lib/connectors/descriptor';
import type { Hub } from '../../lib/model/services';
import { jobEnd, openHub, temporaryDirectory } from '../support/hub';
import { WebhookReceiver } from '../support/webhook-receiver';

/** A canary in every secret of every connector must never be seen again, except by the system it is for. */
describe('secrets', () => {
  let hub: Hub;
  let directory: string;
  let remove: () => Promise<void>;
  const said: string[] = [];

  before(async () => {
    const temporary = await temporaryDirectory();
    directory = temporary.path;
    remove = temporary.remove;
    hub = await openHub(directory, { log: (level, message) => said.push(`${level} ${message}`) });
  });

  after(async () => {
    await hub?.close();
    await remove?.();
  });

  const canary = (type: string, name: string): string => `canary-${type}-${name}-'"\\%/@`;

  const secretsOf = ({ type, settings }: ConnectorDescriptor): Record<string, string> =>
    Object.fromEntries(
      Object.entries(settings).flatMap(([name, { kind }]) => (kind === 'secret' ? [[name, canary(type, name)]] : [])),
    );

  /** Settings that reach nobody: what counts is what is said about it. */
  const settingsOf: Record<string, Record<string, unknown>> = {
    'generic.database': { dialect: 'postgres', host: '127.0.0.1', port: 1, database: 'x', username: 'u' },
    'generic.rest': {
      base_url: 'http://127.0.0.1:1',
      authentication: 'basic',
      username: 'u',
      entities: { plants: { path: '/plants', key: ['plant'] } },
    },
    'erp.dynamics365': { base_url: 'http://127.0.0.1:1', authentication: 'bearer' },
    'erp.oracle-ebs': {
      host: '127.0.0.1',
      port: 1,
      database: 'EBS',
      database_username: 'u',
      base_url: 'http://127.0.0.1:1',
      username: 'u',
    },
    'erp.protheus': { base_url: 'http://127.0.0.1:1', username: 'u' },
    'erp.sap': { base_url: 'http://127.0.0.1:1', username: 'u' },
    'iot.mqtt': { url: 'mqtt://127.0.0.1:1', username: 'u' },
    'iot.opcua': { endpoint_url: 'opc.tcp://127.0.0.1:1', authentication: 'username', username: 'u' },
  };

  async function assertNowhere(answers: unknown[]): Promise<void> {
    await hub.close();
    hub = await openHub(directory, { log: (level, message) => said.push(`${level} ${message}`) });
    const files = await Promise.all(
      (await readdir(directory, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
    );
    assert.ok(files.length >= 2, 'the store and the key were looked at');
    for (const text of [JSON.stringify(answers), said.join('\n'), ...files]) {
      assert.ok(
        !text.includes('canary'),
        `a secret shows in: ${text.slice(Math.max(0, text.indexOf('canary') - 80)).slice(0, 200)}`,
      );
    }
  }

  it('appear nowhere: answers, errors, logs, store and key files', async () => {
    const answers: unknown[] = [];
    const withSecrets = hub.descriptors.filter((descriptor) => Object.keys(secretsOf(descriptor)).length > 0);
    assert.ok(withSecrets.length > 0);
    for (const descriptor of withSecrets) {
      const config = settingsOf[descriptor.type];
      assert.ok(config, `settings to test ${descriptor.type} with`);
      const credentials = secretsOf(descriptor);
      const connection = await hub.connections.create({
        name: descriptor.type,
        connector_type: descriptor.type,
        config,
        credentials,
      });
      answers.push(connection, await hub.connections.get(connection.id), await hub.connections.list({}));
      const mapping = await hub.mappings.create({
        connection_id: connection.id,
        name: descriptor.type,
        entity_type: 'plant',
        direction: 'import',
        source_entity: 'plants',
        target_entity: 'plant',
        field_mappings: [{ source: 'plant', target: 'plant' }],
      });
      const open = await hub.connections.open(connection.id);
      answers.push(await hub.runner.test(open));
      answers.push(await hub.runner.discover(open).catch(told));
      answers.push(await hub.runner.preview({ mapping }).catch(told));
      answers.push(await jobEnd(hub, (await hub.sync.start(connection.id, {})).job_id));
      answers.push(await hub.connections.update(connection.id, { ...connection, credentials: {} }));
      answers.push(
        await hub.connections
          .update(connection.id, { ...connection, config: { ...config, password: 'canary-in-config' }, credentials })
          .catch(told),
      );
    }
    await assertNowhere(answers);
    const [descriptor] = withSecrets;
    const [saved] = (await hub.connections.list({})).items;
    assert.deepEqual(
      (await hub.connections.open(saved!.id)).credentials,
      secretsOf(descriptor!),
      'the secret is kept all the same',
    );
  });

  it('of webhooks appear nowhere either, though their receiver repeats them', async () => {
    const receiver = await WebhookReceiver.start();
    try {
      receiver.answer = (response, { headers }) =>
        response
          .writeHead(500)
          .end(JSON.stringify({ message: `no: ${headers.authorization} ${headers['x-api-key']}` }));
      const created = await hub.webhooks.create({
        name: 'echo',
        url: receiver.url,
        event_type: '*',
        signature: 'github',
        secret: canary('webhook', 'secret'),
        headers: { Authorization: `Bearer ${canary('webhook', 'token')}`, 'X-Api-Key': canary('webhook', 'key') },
      });
      const { id } = await hub.deliveries.trigger(created.id, {});
      const looked = async () => hub.deliveries.get(created.id, id);
      while ((await looked()).attempts.length === 0) await delay(20);
      assert.match(String(receiver.got[0]?.headers['x-api-key']), /^canary-/);
      assert.match(String((await looked()).error_message), /answered 500: no: /);
      const rotated = await hub.webhooks.rotateSecret(created.id, { secret: canary('webhook', 'other') });
      await assertNowhere([created, rotated, await looked(), await hub.webhooks.list({})]);
    } finally {
      await receiver.stop();
    }
  });
});

/** Everything that an error says, to whoever sees it. */
function told(error: unknown): unknown {
  return error instanceof Error ? { ...error, message: error.message, stack: error.stack, text: String(error) } : error;
}
