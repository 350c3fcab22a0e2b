import assert from 'node:assert/strict';
import { AuditLog } from '../../lib/audit/audit-log';
import { MachineWrites } from '../../lib/audit/machine-writes';
import { ConnectorRegistry } from '../../lib/connectors/registry';
import { IntegrationError } from '../../lib/model/errors';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { ModbusDevice } from '../support/modbus-device';

const BY = { id: 'node:4a1f', name: 'Setpoint', origin: 'flow:1' };

describe('writes to machines', () => {
  let hub: Hub;
  let device: ModbusDevice;
  let remove: () => Promise<void>;
  let connectionId: number;
  let held: number;

  before(async () => {
    const directory = await temporaryDirectory();
    remove = directory.remove;
    device = await new ModbusDevice().start();
    device.answer = ({ function: code, count, pdu }) => {
      if (code === 6) held = count;
      return code === 6 ? pdu : Buffer.from([3, 2, held >> 8, held & 0xff]);
    };
    hub = await openHub(directory.path);
    const { id } = await hub.connections.create({
      name: 'press',
      connector_type: 'iot.modbus',
      config: {
        host: '127.0.0.1',
        port: device.port,
        tags: { setpoint: { address: 10 }, other: { address: 11 } },
        writes_enabled: true,
        writable: [{ functions: [6], from: 10, to: 10 }],
        timeout_ms: 60_000,
      },
    });
    connectionId = id;
  });
  after(async () => {
    await hub?.close();
    await device?.stop();
    await remove?.();
  });

  const write = async (tag: string, value: unknown) =>
    hub.live.writeTags(await hub.connections.open(connectionId), [{ tag, value }], { by: BY, validForMs: 60_000 });
  const entries = async (subject: string) =>
    (await hub.audit.list({ connection_id: connectionId, subject, actor: BY.id })).items.map((entry) => [
      entry.outcome,
      entry.details,
    ]);
  const sent = () => device.requests.filter(({ function: code }) => code === 6).length;

  it('share their record with the trust in servers, that decides whom they go to', async () => {
    const thumbprint = 'ab'.repeat(20);
    await assert.rejects(hub.certificates.trust(thumbprint, BY), { code: 'PCP_OPCUA_THUMBPRINT' });
    const { items } = await hub.audit.list({ subject: thumbprint });
    assert.deepEqual(
      items.map(({ outcome, action, actor, connection_id, details: { operation, code } }) => [
        ...[outcome, action, actor, connection_id],
        ...[operation, code],
      ]),
      [
        ['failed', 'operation.call', BY.id, null, undefined, 'PCP_OPCUA_THUMBPRINT'],
        ['begun', 'operation.call', BY.id, null, 'trust_certificate', undefined],
      ],
    );
  });

  it('are on record before they are sent, and with what became of them', async () => {
    let before: unknown;
    const { answer } = device;
    device.answer = async (request, socket) => {
      before ??= await entries('setpoint');
      return answer(request, socket);
    };
    assert.equal((await write('setpoint', 21))[0]?.outcome, 'written');
    device.answer = answer;
    const begun = ['begun', { connection: 'press', asked: 21 }];
    assert.deepEqual(before, [begun]);
    assert.deepEqual(await entries('setpoint'), [['done', { held: 21, verified: true }], begun]);
  });

  it('are on record when they are refused', async () => {
    await assert.rejects(write('other', 1), { code: 'PCP_WRITE_REFUSED' });
    const [[outcome, details] = []] = await entries('other');
    assert.equal(outcome, 'refused');
    assert.equal((details as { code: string }).code, 'PCP_WRITE_REFUSED');
  });

  it('whose answer is lost are on record as unknown', async () => {
    const { answer } = device;
    device.answer = (request, socket) => (request.function === 6 ? void socket.destroy() : answer(request, socket));
    assert.equal((await write('holding/10', 5))[0]?.outcome, 'unknown');
    device.answer = answer;
    assert.equal((await entries('holding/10'))[0]?.[0], 'unknown');
  });

  it('are not sent when they cannot be put on record', async () => {
    const before = sent();
    await hub.database.execute('ALTER TABLE integration_audit RENAME TO away');
    try {
      await assert.rejects(write('setpoint', 22), { code: 'PCP_AUDIT_REFUSED', class: 'config' });
    } finally {
      await hub.database.execute('ALTER TABLE away RENAME TO integration_audit');
    }
    assert.equal(sent(), before);
    assert.equal((await hub.audit.verify()).broken_at, null);
  });

  it('are not sent while the store is away, and may be then', async () => {
    const away = Object.create(hub.database) as typeof hub.database;
    away.transaction = () => Promise.reject(new IntegrationError('transient', 'PCP_CONNECT_LOST', 'It is away.'));
    const recorder = new MachineWrites(new AuditLog(away), new ConnectorRegistry(), () => undefined);
    const writing = recorder.tags(await hub.connections.open(connectionId), BY, [{ tag: 'setpoint', value: 1 }], () =>
      assert.fail('It was sent.'),
    );
    await assert.rejects(writing, { code: 'PCP_AUDIT_AWAY', class: 'transient' });
  });

  it('are calls as well, where they move something', async () => {
    const audit = new AuditLog(hub.database);
    const recorder = new MachineWrites(audit, new ConnectorRegistry(), () => undefined);
    const robot = { id: 9, name: 'robot', connector_type: 'iot.opcua', config: {}, credentials: {} };
    const call = (parameters: Record<string, unknown>) =>
      recorder.call(robot, BY, 'service', parameters, async () => 'answer');
    assert.equal(await call({ service: 'history', node: 'ns=2;s=Speed' }), 'answer');
    assert.equal(
      await call({ service: 'method', node: 'ns=2;s=Start', arguments: { speed: 5, password: 'x' } }),
      'answer',
    );
    const { items } = await hub.audit.list({ connection_id: 9 });
    assert.deepEqual(
      items.map(({ outcome, subject }) => [outcome, subject]),
      [
        ['done', 'ns=2;s=Start'],
        ['begun', 'ns=2;s=Start'],
      ],
    );
    assert.deepEqual(items[1]?.details.arguments, { speed: 5, password: '[redacted]' });
  });
});
