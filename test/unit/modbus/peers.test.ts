import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { Connector } from '../../../lib/connectors/contract';
import { libmodbusRtu, libmodbusTcp, type ModbusPeer, pymodbus, type SerialPeer } from '../../support/modbus-peers';
import { never, OpenConnectors, table } from './support';

/** Written to a peer, each by its function. */
const WRITES = [
  { tag: 'single', value: -123 },
  { tag: 'double', value: 1234.5 },
  { tag: 'coil', value: true },
  { tag: 'bit', value: true },
  { tag: 'both', value: '9007199254740993' },
  { tag: 'coils', value: false },
];

const TAGS = {
  single: { address: 100, type: 'int16' },
  double: { address: 101, type: 'float32', byte_order: 'CDAB' },
  coil: { address: 101, table: 'coil' },
  coils: { address: 102, table: 'coil' },
  bit: { address: 110, type: 'bool', bit: 15 },
  both: { address: 120, type: 'uint64' },
  first: { address: 0, table: 'input' },
  last: { address: 1999, table: 'input' },
  set: { address: 3, table: 'discrete' },
  unset: { address: 4, table: 'discrete' },
  beyond: { address: 2000, table: 'input' },
};

const writable = (functions: number[]) => ({
  writes_enabled: true,
  writable: [
    { functions, from: 0, to: 109 },
    { functions: [22], from: 110, to: 110 },
    { functions: [23], from: 120, to: 123 },
    { functions: [15], from: 102, to: 102 },
  ],
});

describe('Modbus peers', () => {
  const connectors = new OpenConnectors();
  afterEach(() => connectors.close());

  const readsAndWrites = async (connector: Connector) => {
    const read = async (names: string[]) => table(await connector.readTags!(names, never));
    assert.deepEqual(await read(['first', 'last', 'set', 'unset', 'beyond']), {
      first: 0,
      last: 1999,
      set: true,
      unset: false,
      beyond: { value: null, status: 'exception 2' },
    });
    const results = await connector.writeTags!(WRITES, never);
    assert.deepEqual(
      results,
      WRITES.map(({ tag, value }) => ({ tag, outcome: 'written', verified: true, value })),
    );
    assert.deepEqual(
      await read(WRITES.map(({ tag }) => tag)),
      Object.fromEntries(WRITES.map(({ tag, value }) => [tag, value])),
    );
  };

  describe('libmodbus', () => {
    let tcp: ModbusPeer;
    let rtu: SerialPeer;
    before(async function () {
      tcp = await libmodbusTcp(this);
      rtu = await libmodbusRtu(this);
    });
    after(async () => {
      await tcp.stop();
      await rtu.stop();
    });

    it('is read and written by TCP with every function, one request in flight or several', async () => {
      for (const max_in_flight of [1, 8]) {
        await readsAndWrites(connectors.open({ port: tcp.port, tags: TAGS, max_in_flight, ...writable([5, 6, 16]) }));
      }
    });

    it('is read and written by RTU on a serial line with every function', async () => {
      const serial = { transport: 'rtu', serial_port: rtu.path, baud_rate: 115_200, unit_id: 17 };
      const connector = connectors.open({ ...serial, timeout_ms: 2000, tags: TAGS, ...writable([5, 6, 16]) });
      assert.equal((await connector.test(never)).ok, true);
      await readsAndWrites(connector);
      const values = await connector.readTags!(['18/holding/5', '17/holding/5'], never);
      assert.deepEqual(table(values), { '18/holding/5': { value: null, status: 'no answer' }, '17/holding/5': 5 });
      await connector.close();
    });
  });

  describe('pymodbus', () => {
    let tcp: ModbusPeer;
    let overTcp: ModbusPeer;
    before(async function () {
      tcp = await pymodbus('tcp', this);
      overTcp = await pymodbus('rtu_over_tcp', this);
    });
    after(async () => {
      await tcp.stop();
      await overTcp.stop();
    });

    it('lays numbers out as they are read, in both word orders, by TCP and RTU over TCP', async () => {
      const layout = [
        ['int16', 1, -12345],
        ['uint16', 1, 54321],
        ['int32', 2, -123456789],
        ['uint32', 2, 3123456789],
        ['int64', 4, '-1234567890123456789'],
        ['uint64', 4, '12345678901234567890'],
        ['float16', 1, 1.5],
        ['float32', 2, 1234.5],
        ['float64', 4, -9876.54321],
        ['string', 3, 'Line 1'],
      ] as const;
      const tags: Record<string, unknown> = {};
      const expected: Record<string, unknown> = {};
      for (const [start, order] of [
        [0, 'ABCD'],
        [100, 'CDAB'],
      ] as const) {
        let address = start as number;
        for (const [type, registers, value] of layout) {
          tags[`${type} ${order}`] =
            type === 'string' ? { address, type, length: registers } : { address, type, byte_order: order };
          expected[`${type} ${order}`] = value;
          address += registers;
        }
      }
      for (const [transport, port] of [
        ['tcp', tcp.port],
        ['rtu_over_tcp', overTcp.port],
      ] as const) {
        const connector = connectors.open({ transport, port, tags, timeout_ms: 2000 });
        assert.deepEqual(table(await connector.readTags!(Object.keys(tags), never)), expected);
      }
    });

    it('has a silent unit, which keeps the others from nothing', async () => {
      for (const [transport, port] of [
        ['tcp', tcp.port],
        ['rtu_over_tcp', overTcp.port],
      ] as const) {
        const connector = connectors.open({ transport, port });
        const silent = { value: null, status: 'no answer' };
        const names = ['1/input/5', '3/input/5', '2/holding/7', '1/coil/1'];
        assert.deepEqual(
          Object.values(table(await connector.readTags!(names, never))),
          [5, silent, 2007, true],
          transport,
        );
      }
    });
  });

  it('jsmodbus is read with several requests in flight', async () => {
    const { server: servers } = await import('jsmodbus');
    const socket = createServer();
    const holding = Buffer.alloc(2000);
    for (let register = 0; register < 1000; register++) holding.writeUInt16BE(register * 7, register * 2);
    new servers.TCP(socket, { holding });
    await new Promise<void>((resolve) => socket.listen(0, '127.0.0.1', resolve));
    const { port } = socket.address() as { port: number };
    const connector = connectors.open({ port, max_in_flight: 8, max_gap: 0 });
    const names = Array.from({ length: 300 }, (_, index) => `holding/${index * 3}`);
    const values = await connector.readTags!(names, never);
    assert.deepEqual(
      values.map(({ value }) => value),
      names.map((_, index) => index * 21),
    );
    await connector.close();
    await new Promise((resolve) => socket.close(resolve));
  });
});
