import assert from 'node:assert/strict';
import type { Hub } from '../../lib/model/services';
import { openHub, temporaryDirectory } from '../support/hub';
import { ModbusDevice } from '../support/modbus-device';

describe('a write to a machine', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let hub: Hub;
  let device: ModbusDevice;

  before(async () => {
    directory = await temporaryDirectory();
    hub = await openHub(directory.path);
    device = await new ModbusDevice().start();
  });
  after(async () => {
    await hub?.close();
    await device?.stop();
    await directory?.remove();
  });

  it('is in doubt when the process that sent it is killed before the answer', async () => {
    const came = new Promise<void>((resolve) => {
      device.answer = (request) => {
        if (request.function === 6) resolve();
        return undefined;
      };
    });
    const connection = {
      id: 5,
      name: 'plc',
      connector_type: 'iot.modbus',
      config: {
        host: '127.0.0.1',
        port: device.port,
        timeout_ms: 10_000,
        writes_enabled: true,
        writable: [{ functions: [6], from: 5, to: 5 }],
        tags: { go: { address: 5 } },
      },
      credentials: {},
    };
    const by = { id: 'node:1', name: null, origin: null };
    const written = hub.live.writeTags(connection, [{ tag: 'go', value: 1 }], { by, validForMs: 60_000 });
    const failed = assert.rejects(written, { code: 'PCP_RUNNER_DIED', outcomeUnknown: true });
    await came;
    process.kill((await hub.health()).live.pid as number, 'SIGKILL');
    await failed;
    const { items } = await hub.audit.list({ connection_id: 5 });
    assert.deepEqual(
      items.map(({ outcome }) => outcome),
      ['unknown', 'begun'],
    );
  });
});
