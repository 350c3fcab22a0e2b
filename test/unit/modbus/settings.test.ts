import assert from 'node:assert/strict';
import { readSettings, resolveTag } from '../../../lib/connectors/iot/modbus/settings';
import { connectionOf } from './support';

const settings = (config: Record<string, unknown>) => readSettings(connectionOf(config));

describe('Modbus settings', () => {
  it('are refused where they cannot work, with the reason', () => {
    const rtu = { transport: 'rtu', serial_port: '/dev/x' };
    for (const [config, code, words] of [
      [{ host: '' }, 'PCP_SETTING_MISSING', /"host"/],
      [{ transport: 'rtu' }, 'PCP_SETTING_MISSING', /"serial_port"/],
      [{ tags: { t: { address: 1, colour: 'red' } } }, 'PCP_SETTING_INVALID', /tags\/t".*colour/],
      [{ tags: { t: {} } }, 'PCP_SETTING_INVALID', /address/],
      [{ writable: [{ functions: [3], from: 1, to: 2 }] }, 'PCP_SETTING_INVALID', /writable/],
      [{ writable: [{ functions: [6], from: 1, to: 2, unit_id: 0 }] }, 'PCP_SETTING_INVALID', /unit_id/],
      [{ writable: [{ functions: [6], from: 9, to: 2 }], writes_enabled: true }, 'PCP_MODBUS_ADDRESS', /ends before/],
      [{ ...rtu, tags: { t: { address: 1, unit_id: 0 } } }, 'PCP_MODBUS_TAG', /all units of the bus/],
      [{ tags: { t: { address: 1, type: 'string', length: 20 } }, max_registers: 16 }, 'PCP_MODBUS_TAG', /longer than/],
      [{ tags: { t: { address: 4, type: 'int32' } }, forbidden: [{ from: 5, to: 9 }] }, 'PCP_MODBUS_TAG', /forbidden/],
      [{ tags: { t: { address: 1, scale_factor: 'x' } } }, 'PCP_MODBUS_TAG', /scale factor "x"/],
    ] as const) {
      assert.throws(() => settings(config), { code, message: words }, JSON.stringify(config));
    }
  });

  it('name tags, and places that are no tags', () => {
    const own = settings({ unit_id: 7, tags: { power: { address: 4, type: 'float32' } }, byte_order: 'CDAB' });
    const place = (name: string, of = own) => {
      const { unitId, table, address, count, type } = resolveTag(name, of);
      return [unitId, table, address, count, type];
    };
    assert.deepEqual(place('power'), [7, 'holding', 4, 2, 'float32']);
    assert.deepEqual(place('holding/100'), [7, 'holding', 100, 1, 'uint16']);
    assert.deepEqual(place('3/input/0x28/float64/DCBA'), [3, 'input', 40, 4, 'float64']);
    assert.deepEqual(place('coil/9'), [7, 'coil', 9, 1, 'bool']);
    const modicon = settings({ addressing: 'modicon' });
    assert.deepEqual(place('3/40101/int32', modicon), [3, 'holding', 100, 2, 'int32']);
    assert.deepEqual(place('00001', modicon), [1, 'coil', 0, 1, 'bool']);
    for (const name of ['none', '100', 'holding/100/int99', 'holding/100/string', '300/holding/1', 'holding/70000']) {
      assert.throws(() => resolveTag(name, own), { class: 'config' }, name);
    }
    assert.throws(() => resolveTag('holding/2', settings({ forbidden: [{ from: 1, to: 3 }] })), /forbidden/);
    assert.throws(() => resolveTag('constructor', own), { code: 'PCP_MODBUS_TAG' });
  });
});
