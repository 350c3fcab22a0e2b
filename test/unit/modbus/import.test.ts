import assert from 'node:assert/strict';
import { descriptor } from '../../../lib/connectors/iot/modbus/descriptor';
import { importRegisterMap } from '../../../lib/protocols/modbus/register-map';
import { importSunSpecModel } from '../../../lib/protocols/modbus/sunspec';
import { ModbusDevice } from '../../support/modbus-device';
import { failure, never, OpenConnectors, table } from './support';

const DEFAULTS = { unitId: 1, addressing: 'zero_based', byteOrder: 'ABCD' } as const;

/** A model as SunSpec writes them, made up for this test. */
const MODEL = {
  id: 64_001,
  group: {
    name: 'plant',
    points: [
      { name: 'ID', type: 'uint16', size: 1 },
      { name: 'L', type: 'uint16', size: 1 },
      { name: 'Name', type: 'string', size: 4, label: 'Name of the plant' },
      { name: 'W', type: 'int16', size: 1, sf: 'W_SF', units: 'W' },
      { name: 'W_SF', type: 'sunssf', size: 1 },
      { name: 'Pad', type: 'pad', size: 1 },
      { name: 'PF', type: 'int16', size: 1, sf: -2 },
      {
        name: 'Evt',
        type: 'bitfield32',
        size: 2,
        symbols: [
          { name: 'FAULT', value: 0 },
          { name: 'OPEN', value: 17 },
        ],
      },
      { name: 'WH', type: 'acc32', size: 2, sf: 'W_SF' },
      { name: 'Hz', type: 'float32', size: 2 },
    ],
    groups: [
      {
        name: 'module',
        count: 'N',
        points: [
          { name: 'DCW', type: 'uint16', size: 1, sf: 'W_SF' },
          { name: 'St', type: 'enum16', size: 1 },
        ],
      },
    ],
  },
};

describe('Modbus register maps', () => {
  it('become tags from CSV, with comma, semicolon or tab', () => {
    const expected = {
      voltage: { address: '0', table: 'input', type: 'float32', unit: 'V' },
      energy: {
        address: '0x156',
        unit_id: 3,
        type: 'uint32',
        byte_order: 'CDAB',
        scale: '0.01',
        deadband: 0.5,
        not_available: true,
        description: 'Total, all phases',
      },
    };
    const comma = `# meter
name,address,unit_id,table,type,byte_order,scale,deadband,not_available,unit,description
voltage,0,,input,float32,,,,,V,
energy,0x156,3,,UINT32,cdab,0.01,0.5,true,,"Total, all phases"
`;
    assert.deepEqual(importRegisterMap(comma.replace('# meter\n', ''), DEFAULTS), expected);
    assert.deepEqual(
      importRegisterMap(`\uFEFF${comma.replace('# meter\n', '').replaceAll('\n', '\r\n')}`, DEFAULTS),
      expected,
    );
    for (const delimiter of [';', '\t']) {
      const local = [
        [
          'Name',
          'Address',
          'unit_id',
          'table',
          'type',
          'byte_order',
          'scale',
          'deadband',
          'not_available',
          'unit',
          'description',
        ],
        ['voltage', '0', '', 'input', 'float32', '', '', '', '', 'V', ''],
        ['energy', '0x156', '3', '', 'uint32', 'CDAB', '0,01', '0,5', 'yes', '', 'Total, all phases'],
      ];
      assert.deepEqual(importRegisterMap(local.map((row) => row.join(delimiter)).join('\n'), DEFAULTS), expected);
    }
  });

  it('are refused with the line that is wrong', () => {
    for (const [csv, words] of [
      ['name,type\na,int16', /Line 1 .* no column "address"/],
      ['name,address,colour\na,1,red', /"colour" is no column/],
      ['name,address\na,1\na,2', /Line 3 .* "a" is there twice/],
      ['name,address\n,1', /Line 2 .* no name/],
      ['name,address,type\na,1,int99', /Line 2 .* type "int99": not one of/],
      ['name,address,scale\na,1,x', /Line 2 .* scale "x": not a number/],
      ['name,address,type\na,1,string', /Line 2 .* needs "length"/],
      ['name,address\nok,1\na,70000', /Line 3 .*"70000" is no zero-based address/],
      ['', /no column "name"/],
    ] as const) {
      assert.throws(() => importRegisterMap(csv, DEFAULTS), { code: 'PCP_MODBUS_MAP', message: words });
    }
    assert.throws(() => importRegisterMap('name,address\na,1,2', DEFAULTS), { class: 'data' });
  });

  it('become tags from SunSpec models: scale factors, bit fields, groups that repeat', () => {
    const tags = importSunSpecModel(MODEL, { baseAddress: 40_070, unitId: 5, prefix: 'p_', repeats: 2 });
    const own = { addressing: 'zero_based', table: 'holding', unit_id: 5 };
    const number = { ...own, byte_order: 'ABCD' };
    assert.deepEqual(tags, {
      p_Name: { ...own, address: 40_072, type: 'string', length: 4, description: 'Name of the plant' },
      p_W: { ...number, address: 40_076, type: 'int16', not_available: true, scale_factor: 'p_W_SF', unit: 'W' },
      p_W_SF: { ...number, address: 40_077, type: 'int16', not_available: true },
      p_PF: { ...number, address: 40_079, type: 'int16', not_available: true, scale: '1e-2' },
      p_Evt: {
        ...number,
        address: 40_080,
        type: 'uint32',
        not_available: ['0xFFFFFFFF', '0x80000000'],
        bits: { FAULT: 0, OPEN: 17 },
      },
      p_WH: { ...number, address: 40_082, type: 'uint32', scale_factor: 'p_W_SF' },
      p_Hz: { ...number, address: 40_084, type: 'float32' },
      p_module_1_DCW: { ...number, address: 40_086, type: 'uint16', not_available: true, scale_factor: 'p_W_SF' },
      p_module_1_St: { ...number, address: 40_087, type: 'uint16', not_available: true },
      p_module_2_DCW: { ...number, address: 40_088, type: 'uint16', not_available: true, scale_factor: 'p_W_SF' },
      p_module_2_St: { ...number, address: 40_089, type: 'uint16', not_available: true },
    });
    for (const wrong of [null, {}, { id: 1, group: { name: 'x', points: [{ name: 'a', type: 'int16' }] } }]) {
      assert.throws(() => importSunSpecModel(wrong, { baseAddress: 0 }), { code: 'PCP_MODBUS_MAP' });
    }
    const unknown = { id: 1, group: { name: 'x', points: [{ name: 'a', type: 'int16', size: 1, sf: 'none' }] } };
    assert.throws(() => importSunSpecModel(unknown, { baseAddress: 0 }), {
      code: 'PCP_MODBUS_MAP',
      message: /scale factor "none"/,
    });
  });

  describe('by a call', () => {
    const connectors = new OpenConnectors();
    afterEach(() => connectors.close());

    it('give what the setting "tags" takes, and are read then', async () => {
      const device = await new ModbusDevice().start();
      const image = Buffer.alloc(40);
      image.write('Line 1', 4);
      image.writeInt16BE(-2347, 12);
      image.writeInt16BE(-1, 14);
      image.writeInt16BE(99, 18);
      image.writeUInt32BE((1 << 17) + 1, 20);
      image.writeUInt32BE(1_234_567, 24);
      image.writeUInt32BE(0x7fc0_0000, 28);
      image.writeUInt16BE(0xffff, 32);
      device.answer = ({ address, count }) => {
        const at = (address - 40_070) * 2;
        return Buffer.concat([Buffer.from([3, count * 2]), image.subarray(at, at + count * 2)]);
      };
      const answer = await connectors.open({ port: 1 }).call!(
        'import_tags',
        { format: 'sunspec', payload: JSON.stringify(MODEL), base_address: 40_070 },
        never,
      );
      // What the help of the node says.
      assert.deepEqual(Object.keys(answer), ['payload', ...Object.keys(descriptor.call?.outputs ?? {})]);
      const { payload: tags } = answer;
      const values = await connectors.open({ port: device.port, tags }).readTags!(Object.keys(tags as object), never);
      assert.deepEqual(table(values), {
        Name: 'Line 1',
        W: -234.7,
        W_SF: -1,
        PF: 0.99,
        Evt: { FAULT: true, OPEN: true },
        WH: 123_456.7,
        Hz: { value: null, status: 'not available' },
        module_1_DCW: { value: null, status: 'not available' },
        module_1_St: 0,
      });
      await device.stop();
    });

    it('are refused with the parameter that is wrong', async () => {
      const call = (parameters: Record<string, unknown>) =>
        failure(connectors.open({}).call!('import_tags', parameters, never));
      assert.equal((await call({ format: 'xml', content: 'x' })).path, '/format');
      assert.equal((await call({ format: 'csv' })).path, '/content');
      assert.equal((await call({ format: 'sunspec', content: '{' })).path, '/content');
      assert.equal((await call({ format: 'sunspec', content: MODEL })).path, '/base_address');
      assert.equal((await failure(connectors.open({}).call!('x', {}, never))).code, 'PCP_OPERATION_UNKNOWN');
    });
  });
});
