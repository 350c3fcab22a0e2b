import assert from 'node:assert/strict';
import type { Connector } from '../../../lib/connectors/contract';
import { Connections, failureOf, LINE, never } from '../../support/opcua/connections';
import { PlantServer } from '../../support/opcua/plant-server';

const TYPES = {
  Boolean: true,
  SByte: -5,
  Byte: 200,
  Int16: -30000,
  UInt16: 60000,
  Int32: -2_000_000_000,
  UInt32: 4_000_000_000,
  Int64: '9007199254740993',
  UInt64: '18446744073709551615',
  Float: 1.5,
  Double: 0.1,
  String: 'Fundição nº 7',
  DateTime: '2026-11-27T10:00:00.250Z',
  Guid: '72962B91-FA75-4AE6-8D28-B404DC7DAF63',
  ByteString: 'AQID',
  LocalizedText: 'Misturador',
  Array: [1, '9007199254740993'],
  Batch: { Name: 'B-17', Serial: '9007199254740993', Mode: { value: 5, name: 'Cleaning' }, Weights: [1.5, 2.25] },
  Recipe: {
    Name: 'IPA',
    Created: '2026-11-27T10:00:00.250Z',
    Main: { Name: 'Mix', Duration: 1500, Mode: { value: 1, name: 'Producing' } },
    Steps: [
      { Name: 'Mix', Duration: 1500, Mode: { value: 1, name: 'Producing' } },
      { Name: 'Clean', Duration: 1500, Mode: { value: 5, name: 'Cleaning' } },
    ],
    Comment: 'hoppy',
    Extra: 7,
  },
  Setpoint: { SwitchField: 1, Level: 12.5, Text: null },
  Mode: 5,
  Modes: [0, 5, 1],
  Priority: 1,
  Any: 5,
};

describe('OPC UA: values', () => {
  const server = new PlantServer();
  const connections = new Connections();
  let connector: Connector;
  const tags = {
    ...Object.fromEntries(Object.keys(TYPES).map((name) => [name, { node_id: LINE + name }])),
    ReadOnly: { node_id: `${LINE}ReadOnly` },
    scaled: { node_id: `${LINE}Int16`, scale: 0.1, offset: 5, unit: '°C' },
    scaledRow: { node_id: `${LINE}Array`, scale: 0.1, offset: 0.1 },
    wideScaled: { node_id: `${LINE}Int64`, scale: 10 },
  };
  const writable = [...Object.keys(TYPES), 'ReadOnly', 'scaled', 'scaledRow', 'wideScaled'].map((tag) => ({ tag }));
  const read = async (...names: string[]) => (await connector.readTags?.(names, never())) ?? [];
  const write = async (tag: string, value: unknown) => {
    const [result] = (await connector.writeTags?.([{ tag, value }], never())) ?? [];
    assert.ok(result);
    return result;
  };

  // Fewer nodes in a request than there are tags: a request beyond the limit fails whole.
  before(async () => {
    await server.start({ many: 1500, limits: { maxNodesPerRead: 7, maxNodesPerWrite: 3, maxNodesPerBrowse: 5 } });
  });
  beforeEach(() => {
    connector = connections.open(server.url, { tags, writes_enabled: true, writable });
  });
  afterEach(() => connections.close());
  after(async () => {
    await connections.remove();
    await server.stop();
  });

  it('reads every type exactly, with time and quality, within the limits of the server', async () => {
    const values = await read(...Object.keys(TYPES));
    assert.deepEqual(Object.fromEntries(values.map(({ tag, value }) => [tag, value])), TYPES);
    for (const { quality, status, source_timestamp, server_timestamp, received_at } of values) {
      assert.deepEqual([quality, status], ['good', undefined]);
      for (const time of [source_timestamp, server_timestamp, received_at]) assert.match(time ?? '', /^\d{4}-.*Z$/);
    }
    assert.deepEqual(await server.counts(), { sessions: 1, subscriptions: 0, monitoredItems: 0 });
  });

  it('finds nodes by namespace URI, index and browse path, and says what is not there', async () => {
    const index = (await read('i=2255'))[0]?.value as string[];
    const ns = index.indexOf('http://plant.example/line');
    const found = await read(
      `${LINE}Byte`,
      `ns=${ns};s=Line1.Byte`,
      `/${ns}:Line1/${ns}:Byte`,
      '/nsu=http://plant.example/line;Line1/Byte',
      `${LINE}A;B`,
      '/nsu=http://plant.example/line;Line1/A;B',
      '/nsu=http://plant.example/line;Line1/None',
      `${LINE}None`,
    );
    assert.deepEqual(
      found.map(({ value }) => value),
      [200, 200, 200, 200, 8, 8, null, null],
    );
    assert.deepEqual(
      found.slice(6).map(({ quality, status }) => [quality, status]),
      [
        ['bad', 'BadNoMatch'],
        ['bad', 'BadNodeIdUnknown'],
      ],
    );
    assert.equal((await failureOf(read('no such tag'))).code, 'PCP_OPCUA_TAG');
    assert.equal((await failureOf(read('nsu=urn:none;s=x'))).code, 'PCP_OPCUA_NAMESPACE');
    assert.equal((await failureOf(read('i=x'))).code, 'PCP_OPCUA_ADDRESS');
  });

  it('says the quality in three words and the status beside it', async () => {
    await server.ask({ do: 'status', name: 'Double', status: 'UncertainLastUsableValue' });
    await server.ask({ do: 'status', name: 'Float', status: 'BadSensorFailure' });
    const values = await read('Double', 'Float');
    assert.deepEqual(
      values.map(({ quality, status }) => [quality, status]),
      [
        ['uncertain', 'UncertainLastUsableValue'],
        ['bad', 'BadSensorFailure'],
      ],
    );
    await server.ask({ do: 'status', name: 'Double', status: 'Good' });
    await server.ask({ do: 'status', name: 'Float', status: 'Good' });
  });

  it('scales, and keeps large integers exact', async () => {
    const [scaled, wide] = await read('scaled', 'wideScaled');
    assert.deepEqual([scaled?.value, scaled?.unit], [-2995, '°C']);
    assert.equal(wide?.value, '90071992547409930');
    assert.deepEqual(await write('scaled', 17.3), { tag: 'scaled', outcome: 'written', verified: true, value: 17.3 });
    assert.equal((await read('Int16'))[0]?.value, 123);
    await write('Int16', -30000);
    const row = [0.2, '90071992547409931'];
    assert.deepEqual(await write('scaledRow', row), {
      tag: 'scaledRow',
      outcome: 'written',
      verified: true,
      value: row,
    });
    assert.deepEqual((await read('Array'))[0]?.value, [1, '900719925474099309']);
    await write('Array', TYPES.Array);
  });

  it('scales numbers that come as text, to the last digit, and refuses what is no number', async () => {
    assert.deepEqual(await write('scaled', '17.3'), { tag: 'scaled', outcome: 'written', verified: true, value: 17.3 });
    assert.equal((await read('Int16'))[0]?.value, 123);
    assert.deepEqual(await write('wideScaled', '90071992547409950'), {
      ...{ tag: 'wideScaled', outcome: 'written', verified: true, value: '90071992547409950' },
    });
    assert.equal((await read('Int64'))[0]?.value, '9007199254740995');
    for (const value of ['', 'abc', '0x10', null, true, { value: 5 }, [1, 'x']]) {
      assert.match((await failureOf(write('scaled', value))).message, /no number/, JSON.stringify(value));
    }
    await Promise.all([write('Int16', TYPES.Int16), write('Int64', TYPES.Int64)]);
  });

  it('puts bounds to each number that is sent, in the unit of the tag', async () => {
    const bounds = {
      writes_enabled: true,
      writable: [
        { tag: 'scaled', min: 0, max: 20 },
        { tag: 'Array', max: 2 ** 53 },
      ],
    };
    const bounded = connections.open(server.url, { tags, ...bounds });
    const send = (tag: string, value: unknown) => bounded.writeTags?.([{ tag, value }], never()) as Promise<unknown>;
    for (const [tag, value] of [
      ['scaled', '20.1'],
      ['scaled', -0.1],
      ['Array', [1, '9007199254740993']],
    ] as const) {
      assert.equal((await failureOf(send(tag, value))).code, 'PCP_WRITE_REFUSED', JSON.stringify(value));
    }
    assert.match((await failureOf(send('scaled', 'abc'))).message, /no number/);
    assert.deepEqual(
      (await read('Int16', 'Array')).map(({ value }) => value),
      [TYPES.Int16, TYPES.Array],
    );
    assert.deepEqual(await send('Array', [1, '9007199254740992']), [
      { tag: 'Array', outcome: 'written', verified: true, value: [1, '9007199254740992'] },
    ]);
    await write('Array', TYPES.Array);
  });

  it('writes every type that it reads, and reads it back', async () => {
    const others: Record<string, unknown> = {
      Boolean: false,
      SByte: 127,
      Byte: 0,
      Int16: 32767,
      UInt16: 1,
      Int32: 2_147_483_647,
      UInt32: 0,
      Int64: '-9223372036854775808',
      UInt64: '18446744073709551614',
      Float: 0.1,
      Double: 1e300,
      String: '',
      DateTime: '1999-12-31T23:59:59.999Z',
      Guid: '00000000-0000-0000-0000-00000000000F',
      ByteString: '',
      LocalizedText: 'Mixer',
      Array: ['-9223372036854775808', 5],
      Batch: { Name: null, Serial: '-9223372036854775808', Mode: { value: 0, name: 'Stopped' }, Weights: [] },
      Recipe: {
        Name: '',
        Created: '1999-12-31T23:59:59.999Z',
        Main: { Name: 'Boil', Duration: 0.5, Mode: { value: 5, name: 'Cleaning' } },
        Steps: [{ Name: 'Boil', Duration: 0.5, Mode: { value: 1, name: 'Producing' } }],
        Comment: null,
        Extra: ['a', 'b'],
      },
      Setpoint: { SwitchField: 2, Level: null, Text: 'full' },
      Mode: 0,
      Modes: [],
      Priority: 2,
      Any: 65_535,
    };
    for (const [name, value] of Object.entries(others)) {
      const before = (await read(name))[0]?.value;
      const expected = name === 'Float' ? Math.fround(0.1) : value;
      assert.deepEqual(await write(name, value), { tag: name, outcome: 'written', verified: true, value: expected });
      assert.deepEqual((await read(name))[0]?.value, expected);
      await write(name, before);
    }
  });

  it('calls enumerations by their names, however the server tells them', async () => {
    await server.ask({ do: 'set', name: 'Modes', value: [0, 9, 1] });
    const values = await read('Mode', 'Modes', 'Priority', 'i=2259', 'Int32');
    assert.deepEqual(
      values.map(({ value, value_name }) => [value, value_name]),
      [
        [5, 'Cleaning'],
        [
          [0, 9, 1],
          ['Stopped', null, 'Producing'],
        ],
        [1, 'Normal'],
        [0, 'Running'],
        [-2_000_000_000, undefined],
      ],
    );
    for (const [tag, given, held] of [
      ['Mode', 'Producing', 1],
      ['Mode', { value: 5, name: 'Cleaning' }, 5],
      ['Priority', 'High', 2],
      ['Priority', '1', 1],
      ['Modes', ['Stopped', 'Producing', 5], [0, 1, 5]],
      ['Modes', [0, 1], [0, 1]],
    ] as const) {
      assert.deepEqual(await write(tag, given), { tag, outcome: 'written', verified: true, value: held });
    }
  });

  it('takes structures with the names of their enumerations, and without what is optional', async () => {
    const { Comment: _, ...recipe } = TYPES.Recipe;
    const given = { ...recipe, Main: { ...recipe.Main, Mode: 'Stopped' }, Extra: { type: 'UInt16', value: 9 } };
    const expected = {
      ...TYPES.Recipe,
      Main: { ...recipe.Main, Mode: { value: 0, name: 'Stopped' } },
      Comment: null,
      Extra: 9,
    };
    assert.deepEqual(await write('Recipe', given), {
      tag: 'Recipe',
      outcome: 'written',
      verified: true,
      value: expected,
    });
    await write('Recipe', TYPES.Recipe);
    assert.deepEqual((await read('Recipe'))[0]?.value, TYPES.Recipe);
  });

  it('refuses what does not fit the type, and what the server does not allow', async () => {
    const unfit: [string, unknown][] = [
      ['SByte', 128],
      ['UInt16', -1],
      ['Int32', 1.5],
      ['Int32', '12x'],
      ['UInt64', '18446744073709551616'],
      ['Int64', 2 ** 60],
      ['Float', 1e300],
      ['Double', 'NaN'],
      ['Boolean', 1],
      ['DateTime', 'yesterday'],
      ['Guid', 'x'],
      ['Byte', [1]],
      ['Array', 1],
      ['Array', [[1], [2]]],
      ['Mode', 'Sleeping'],
      ['Mode', 2],
      ['Priority', 3],
      ['Any', 65_536],
      ['Batch', { Name: 'x' }],
      ['Batch', { ...TYPES.Batch, Colour: 'red' }],
      ['Batch', { ...TYPES.Batch, Mode: 'Sleeping' }],
      ['Batch', { ...TYPES.Batch, Weights: 1 }],
      ['Batch', [TYPES.Batch]],
      ['Recipe', { ...TYPES.Recipe, Main: null }],
      ['Recipe', { ...TYPES.Recipe, Steps: [{ Name: 'x' }] }],
      ['Setpoint', { Level: 1, Text: 'x' }],
      ['Setpoint', {}],
    ];
    for (const [tag, value] of unfit) {
      const result = await write(tag, value);
      assert.equal(result.outcome === 'failed' && result.error.code, 'PCP_OPCUA_VALUE', `${tag} ${value}`);
    }
    const locked = await write('ReadOnly', 8);
    assert.equal(locked.outcome === 'failed' && locked.error.class, 'permission');
  });

  it('writes nothing unless the connection allows it, tag by tag and within bounds', async () => {
    const refused = (config: Record<string, unknown>, value: unknown) =>
      failureOf(
        connections
          .open(server.url, { tags, ...config })
          .writeTags?.([{ tag: 'Byte', value }], never()) as Promise<unknown>,
      );
    const bounded = { writes_enabled: true, writable: [{ tag: 'Byte', min: 10, max: 20 }] };
    for (const [config, value] of [
      [{}, 15],
      [{ writable: [{ tag: 'Byte' }] }, 15],
      [{ writes_enabled: true, writable: [{ tag: 'Int16' }] }, 15],
      [bounded, 9],
      [bounded, '21'],
    ] as [Record<string, unknown>, unknown][]) {
      const error = await refused(config, value);
      assert.deepEqual([error.class, error.code], ['permission', 'PCP_WRITE_REFUSED']);
    }
    assert.equal((await read('Byte'))[0]?.value, 200);
    const expired = connector.writeTags?.([{ tag: 'Byte', value: 15 }], AbortSignal.abort()) as Promise<unknown>;
    assert.equal((await failureOf(expired)).class, 'cancelled');
    assert.equal((await read('Byte'))[0]?.value, 200);
  });

  it('browses all pages of a folder, with what a pick list shows', async () => {
    const roots = (await connector.browse?.(null, never())) ?? [];
    const line = roots.find(({ name }) => name === 'Line1');
    assert.deepEqual(line, {
      address: 'nsu=http://plant.example/line;s=Line1',
      name: 'Line1',
      kind: 'folder',
      has_children: true,
    });
    const children = (await connector.browse?.(line?.address ?? '', never())) ?? [];
    const child = (name: string) => children.find((each) => each.name === name);
    assert.deepEqual(child('ReadOnly'), {
      address: `${LINE}ReadOnly`,
      name: 'ReadOnly',
      kind: 'tag',
      data_type: 'Int32',
      writable: false,
      has_children: false,
    });
    assert.equal(child('Batch')?.data_type, 'Batch');
    assert.equal(child('Start')?.kind, 'method');
    const many = (await connector.browse?.('/nsu=http://plant.example/line;Many', never())) ?? [];
    assert.equal(new Set(many.map(({ address }) => address)).size, 1500);
    assert.equal(
      (await read(...many.map(({ address }) => address))).filter(({ quality }) => quality === 'good').length,
      1500,
    );
  });
});
