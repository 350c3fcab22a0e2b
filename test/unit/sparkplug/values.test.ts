import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DATA_TYPES, type DataType, dataTypeNumber } from '../../../lib/protocols/sparkplug/codec/data-types';
import { decodePayload, encodePayload, type PropertySet } from '../../../lib/protocols/sparkplug/codec/payload';
import { decodeProperties, decodeValue, encodeValue } from '../../../lib/protocols/sparkplug/codec/values';

/** Through the wire, as the float fields are narrower than numbers. */
function roundTrip(value: unknown, type: DataType): unknown {
  const metric = { datatype: dataTypeNumber(type), ...encodeValue(value, type) };
  return decodeValue(decodePayload(encodePayload({ metrics: [metric] })).metrics![0]!, type);
}

const VALUES: [DataType, unknown[]][] = [
  ['Int8', [-128, -5, 0, 127]],
  ['Int16', [-32768, -5, 32767]],
  ['Int32', [-2147483648, -5, 2147483647]],
  ['Int64', ['-9223372036854775808', -5, 9007199254740991, '9007199254740992', '9223372036854775807']],
  ['UInt8', [0, 255]],
  ['UInt16', [65535]],
  ['UInt32', [4294967295]],
  ['UInt64', [5, '18446744073709551615', '9007199254740993']],
  ['Float', [1.5, -0.25]],
  ['Double', [Math.PI, -1e300]],
  ['Boolean', [true, false]],
  ['String', ['', 'Ação 🙂']],
  ['DateTime', ['2026-11-27T12:34:56.789Z', '1969-12-31T23:59:59.999Z']],
  ['Text', ['long text']],
  ['UUID', ['7c9e6679-7425-40de-944b-e07fc1f90ae7']],
  ['Bytes', ['AAEC/w==']],
  ['File', ['AAEC/w==', '']],
  ['Int8Array', [[], [-23, 123]]],
  ['Int64Array', [['-4270929666821191986', -1]]],
  ['UInt64Array', [[52, '16444743074749521625']]],
  ['FloatArray', [[1.5, -2]]],
  ['DoubleArray', [[12.354213, 1022.9123213]]],
  ['BooleanArray', [[], Array(8).fill(true), [true, false, true, false, true, false, true, false, true]]],
  ['StringArray', [[], [''], ['ABC', '', 'ção']]],
  ['DateTimeArray', [['2009-10-21T05:27:55.335Z']]],
];

describe('Sparkplug values', () => {
  for (const [type, values] of VALUES) {
    it(`of type ${type} come back as they were`, () => {
      for (const value of [...values, null]) assert.deepEqual(roundTrip(value, type), value);
    });
  }

  it('of integer arrays come back as they were', () => {
    for (const [type, min, max] of [
      ['Int16Array', -32768, 32767],
      ['Int32Array', -2147483648, 2147483647],
      ['UInt8Array', 0, 255],
      ['UInt16Array', 0, 65535],
      ['UInt32Array', 0, 4294967295],
    ] as const) {
      fc.assert(
        fc.property(fc.array(fc.integer({ min, max })), (values) => assert.deepEqual(roundTrip(values, type), values)),
      );
    }
  });

  const EXAMPLES: [DataType, unknown[], string][] = [
    // The specification prints ef for -23, which is -17.
    ['Int8Array', [-23, 123], 'e97b'],
    ['Int16Array', [-30000, 30000], 'd08a3075'],
    ['Int32Array', [-1, 315338746], 'fffffffffaafcb12'],
    ['Int64Array', ['-4270929666821191986', '-3601064768563266876'], 'ce0672ac189cbac4c4ba9c18ac7206ce'],
    ['UInt8Array', [23, 250], '17fa'],
    ['UInt16Array', [30, 52360], '1e0088cc'],
    ['UInt32Array', [52, 3293969225], '3400000049fb55c4'],
    ['UInt64Array', [52, '16444743074749521625'], '3400000000000000d99e02d1b27637e4'],
    // The specification prints the floats' bytes the other way round; "packed little endian" is its rule.
    ['DoubleArray', [12.354213, 1022.9123213], 'd7a205685bb528408e171c6f4cf78f40'],
    ['BooleanArray', [false, false, true, true, false, true, false, false, true, true, false, true], '0c00000034d0'],
    ['StringArray', ['ABC', 'hello'], '4142430068656c6c6f00'],
    // The specification leaves out the last two of each 8 bytes.
    ['DateTimeArray', ['2009-10-21T05:27:55.335Z', '2022-06-24T21:57:55.000Z'], 'c7d0907524010000b8bab89781010000'],
  ];
  for (const [type, value, hex] of EXAMPLES) {
    it(`of type ${type} have the bytes of the specification's example`, () => {
      assert.equal(encodeValue(value, type).bytes_value?.toString('hex'), hex);
      assert.deepEqual(decodeValue({ bytes_value: Buffer.from(hex, 'hex') }, type), value);
    });
  }

  it('of signed types are read whatever width their sender used', () => {
    assert.equal(decodeValue({ int_value: 4294967291 }, 'Int8'), -5);
    assert.equal(decodeValue({ int_value: 251 }, 'Int8'), -5);
    assert.equal(decodeValue({ int_value: 4294967291 }, 'Int32'), -5);
    assert.equal(decodeValue({ long_value: 18446744073709551611n }, 'Int32'), -5);
    assert.equal(decodeValue({ long_value: 18446744073709551611n }, 'Int64'), -5);
    assert.equal(decodeValue({ int_value: 4294967291 }, 'UInt32'), 4294967291);
  });

  it('without a type are what the wire says', () => {
    assert.equal(decodeValue({ int_value: 5 }, 'Unknown'), 5);
    assert.equal(decodeValue({ long_value: 2n ** 63n }, 'Unknown'), '9223372036854775808');
    assert.equal(decodeValue({ bytes_value: Buffer.from([1]) }, 'Unknown'), 'AQ==');
    assert.equal(decodeValue({}, 'Unknown'), null);
    assert.equal(decodeValue({ is_null: true, int_value: 5 }, 'Int32'), null);
  });

  it('of DataSets are rows, typed by column', () => {
    const table = {
      columns: [
        { name: 'speed', data_type: 'Int32' as const },
        { name: 'at', data_type: 'DateTime' as const },
        { name: '__proto__', data_type: 'String' as const },
      ],
      rows: [
        [-10, '2026-01-02T03:04:05.000Z', 'x'],
        [null, null, ''],
      ],
    };
    const rows = roundTrip(table, 'DataSet') as Record<string, unknown>[];
    assert.deepEqual(rows.map(Object.entries), [
      [
        ['speed', -10],
        ['at', '2026-01-02T03:04:05.000Z'],
        ['__proto__', 'x'],
      ],
      [
        ['speed', null],
        ['at', null],
        ['__proto__', ''],
      ],
    ]);
    assert.equal(({} as { x?: unknown }).x, undefined);
  });

  it('of Templates are their parameters and metrics', () => {
    const template = {
      template_ref: 'Motor',
      version: '2',
      parameters: [{ name: 'Index', type: dataTypeNumber('Int16'), int_value: 65535 }],
      metrics: [{ name: 'RPM', datatype: dataTypeNumber('Int32'), int_value: 4294967295 }],
    };
    assert.deepEqual(decodeValue({ template_value: template }, 'Template'), {
      template: 'Motor',
      version: '2',
      parameters: { Index: -1 },
      metrics: { RPM: -1 },
    });
  });

  it('of property sets are objects', () => {
    const inner: PropertySet = { keys: ['low'], values: [{ type: dataTypeNumber('Int32'), int_value: 4294967290 }] };
    const properties: PropertySet = {
      keys: ['engUnit', 'range', 'list', 'none'],
      values: [
        { type: dataTypeNumber('String'), string_value: '°C' },
        { type: dataTypeNumber('PropertySet'), propertyset_value: inner },
        { type: dataTypeNumber('PropertySetList'), propertysets_value: { propertyset: [inner] } },
        { type: dataTypeNumber('Int32'), is_null: true },
      ],
    };
    assert.deepEqual(decodeProperties(properties), {
      engUnit: '°C',
      range: { low: -6 },
      list: [{ low: -6 }],
      none: null,
    });
  });

  const UNFIT: [DataType, unknown][] = [
    ['Int8', 128],
    ['UInt8', -1],
    ['Int32', 1.5],
    ['Int32', 'five'],
    ['Int64', '9223372036854775808'],
    ['UInt64', -1],
    ['Float', '1'],
    ['Float', 1e39],
    ['Boolean', 1],
    ['String', 5],
    ['DateTime', 'yesterday'],
    ['DateTime', Number.NaN],
    ['Int8Array', [1, 200]],
    ['BooleanArray', [1]],
    ['StringArray', ['a\0b']],
    ['Int8Array', 'ab'],
    ['PropertySet', {}],
  ];
  for (const [type, value] of UNFIT) {
    it(`refuse ${JSON.stringify(value)} as ${type}`, () => {
      assert.throws(() => encodeValue(value, type), { class: 'data', code: 'PCP_SPARKPLUG_VALUE' });
    });
  }

  it('refuse arrays and tables that are broken', () => {
    const broken: [DataType, string][] = [
      ['Int32Array', '010203'],
      ['BooleanArray', '0c00'],
      ['BooleanArray', 'ffffffff34'],
      ['StringArray', '4142'],
    ];
    for (const [type, hex] of broken) {
      assert.throws(() => decodeValue({ bytes_value: Buffer.from(hex, 'hex') }, type), {
        code: 'PCP_SPARKPLUG_MALFORMED',
      });
    }
    for (const dataset of [
      { columns: ['a', 'a'], rows: [{ elements: [{}, {}] }] },
      { columns: ['a', 'b'], rows: [{ elements: [{}] }] },
      { columns: [], rows: [{ elements: [{}] }] },
    ]) {
      assert.throws(() => decodeValue({ dataset_value: dataset }, 'DataSet'), { code: 'PCP_SPARKPLUG_MALFORMED' });
    }
  });

  it('that would be many times as large as their bytes are refused', () => {
    const columns = Array.from({ length: 60_000 }, (_, index) => index.toString(36));
    const row = { elements: [{ int_value: 1 }] };
    for (const dataset of [
      { columns, rows: Array(150_000).fill({ elements: [] }) },
      { columns: ['x'.repeat(500_000)], rows: Array(100_000).fill(row) },
    ]) {
      assert.throws(() => decodeValue({ dataset_value: dataset }, 'DataSet'), { code: 'PCP_SPARKPLUG_MALFORMED' });
    }
    const booleans = Buffer.alloc(4 + 1_000_000);
    booleans.writeUInt32LE(8_000_000);
    assert.throws(() => decodeValue({ bytes_value: booleans }, 'BooleanArray'), { code: 'PCP_SPARKPLUG_MALFORMED' });
  });

  it('of type Float are told as they come back', () => {
    assert.equal(decodeValue(encodeValue(0.1, 'Float'), 'Float'), roundTrip(0.1, 'Float'));
  });

  it('know every number of the specification', () => {
    assert.equal(DATA_TYPES.length, 35);
    assert.equal(dataTypeNumber('DateTimeArray'), 34);
    assert.equal(dataTypeNumber('Template'), 19);
  });
});
