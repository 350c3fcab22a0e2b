import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SeededRandom } from '../../../demo/random';
import type { Connector } from '../../../lib/connectors/contract';
import { openSession } from '../../../lib/connectors/iot/modbus/session';
import { readSettings } from '../../../lib/connectors/iot/modbus/settings';
import { WriteGuard } from '../../../lib/connectors/iot/modbus/write-guard';
import type { ModbusRequest } from '../../../lib/protocols/modbus/pdu';
import { exception, ModbusDevice, registers } from '../../support/modbus-device';
import { withVirtualTime } from '../../support/virtual-time';
import { connectionOf, failure, never, OpenConnectors } from './support';

/** PCP_TEST_MODBUS_REQUESTS=1000000 takes a few minutes. */
const REQUESTS = Number(process.env.PCP_TEST_MODBUS_REQUESTS ?? 50_000);
const TAGS = {
  setpoint: { address: 10, type: 'int16', scale: '0.1' },
  power: { address: 20, type: 'float32' },
  start: { address: 5, table: 'coil' },
  flag: { address: 30, bit: 3 },
  read_only: { address: 40, type: 'uint16' },
} as const;
const WRITABLE = [
  { functions: [6], from: 10, to: 10, min: 15, max: 30 },
  { functions: [16], from: 20, to: 21 },
  { functions: [5], from: 5, to: 5 },
  { functions: [22], from: 30, to: 30 },
];

/** Registers and coils that can be written, as the functions of the specification say. */
class Machine extends ModbusDevice {
  readonly memory = new Uint16Array(65_536);
  readonly coils = new Set<number>();

  override answer: ModbusDevice['answer'] = (request) => {
    const { pdu, address, count, function: code } = request;
    switch (code) {
      case 1:
        return Buffer.from([1, 1, this.coils.has(address) ? 1 : 0]);
      case 3: {
        const answer = registers(request);
        for (let index = 0; index < count; index++)
          answer.writeUInt16BE(this.memory[address + index] as number, 2 + index * 2);
        return answer;
      }
      case 5:
        if (count === 0xff00) this.coils.add(address);
        else this.coils.delete(address);
        return pdu;
      case 6:
        this.memory[address] = count;
        return pdu;
      case 16:
        for (let index = 0; index < count; index++) this.memory[address + index] = pdu.readUInt16BE(6 + index * 2);
        return pdu.subarray(0, 5);
      case 22:
        this.memory[address] = ((this.memory[address] as number) & pdu.readUInt16BE(3)) | pdu.readUInt16BE(5);
        return pdu;
      default:
        return exception(request, 1);
    }
  };

  get writes() {
    return this.requests.filter((request) => request.function > 4);
  }
}

describe('Modbus writes', () => {
  const connectors = new OpenConnectors();
  let machine: Machine;

  beforeEach(async () => {
    machine = new Machine();
    await machine.start();
  });
  afterEach(async () => {
    await connectors.close();
    await machine.stop();
  });

  const open = (config: Record<string, unknown> = {}, id?: number): Connector =>
    connectors.open({ port: machine.port, tags: TAGS, writes_enabled: true, writable: WRITABLE, ...config }, id);
  const write = (connector: Connector, tag: string, value: unknown, signal = never) =>
    connector.writeTags!([{ tag, value }], signal);

  it('are read back, and logged before they leave', async () => {
    const connector = open();
    machine.memory[30] = 0xff00;
    const results = await connector.writeTags!(
      [
        { tag: 'setpoint', value: 23.5 },
        { tag: 'power', value: 1234.5 },
        { tag: 'start', value: true },
        { tag: 'flag', value: true },
      ],
      never,
    );
    assert.deepEqual(results, [
      { tag: 'setpoint', outcome: 'written', verified: true, value: 23.5 },
      { tag: 'power', outcome: 'written', verified: true, value: 1234.5 },
      { tag: 'start', outcome: 'written', verified: true, value: true },
      { tag: 'flag', outcome: 'written', verified: true, value: true },
    ]);
    assert.deepEqual([machine.memory[10], machine.memory[20], machine.memory[30]], [235, 0x449a, 0xff08]);
    assert.deepEqual(
      machine.writes.map((request) => request.function),
      [6, 16, 5, 22],
    );
    assert.equal(connectors.log[0], 'info: Writing 23.5 to setpoint: unit 1, function 6, address 10.');
  });

  it('are refused unless the connection allows them', async () => {
    for (const [config, tag, value, words] of [
      [{ writes_enabled: false }, 'setpoint', 20, /does not allow to write "setpoint"\.$/],
      [{ writable: [] }, 'setpoint', 20, /does not allow to write "setpoint"\.$/],
      [{}, 'read_only', 20, /function 6 or 16 or 23 on unit 1 at holding 40/],
      [{}, 'setpoint', 30.1, /outside its bounds/],
      [{}, 'setpoint', 14.9, /outside its bounds/],
      [{}, '2/holding/10/int16', 20, /on unit 2/],
      [{}, 'holding/19/float32', 20, /function 16 or 23/],
      [{}, 'coil/6', true, /function 5 or 15/],
      [{ unit_id: 0, tags: { t: { address: 10 } } }, 't', 20, /on unit 0/],
    ] as const) {
      const error = await failure(write(open(config), tag, value));
      assert.equal(error.code, 'PCP_WRITE_REFUSED', error.message);
      assert.equal(error.class, 'permission');
      assert.match(error.message, words);
    }
    assert.equal(machine.writes.length, 0);
  });

  it('with bounds go to tags alone: an address lets whoever writes say what the value means', async () => {
    const connector = open();
    for (const address of ['holding/10', 'holding/10/uint16', 'holding/10/int16/BADC']) {
      assert.equal((await failure(write(connector, address, 20))).code, 'PCP_WRITE_REFUSED', address);
    }
    assert.deepEqual(machine.writes, []);
    const [result] = await write(connector, 'holding/20/float32', 1.5);
    assert.equal(result?.outcome, 'written');
  });

  it('are all refused where one is, and where there are too many a minute', async () => {
    const connector = open({ writable: [{ functions: [6], from: 10, to: 10, max_per_minute: 3 }] });
    const both = [
      { tag: 'setpoint', value: 20 },
      { tag: 'read_only', value: 1 },
    ];
    assert.equal((await failure(connector.writeTags!(both, never))).code, 'PCP_WRITE_REFUSED');
    const two = [both[0]!, both[0]!];
    await connector.writeTags!(two, never);
    assert.match((await failure(connector.writeTags!(two, never))).message, /more than 3 times a minute/);
    await write(connector, 'setpoint', 20);
    assert.equal(machine.writes.length, 3);
  });

  it('are too many a minute also when the connection was opened anew meanwhile', async () => {
    const config = { writable: [{ functions: [6], from: 10, to: 10, max_per_minute: 1 }] };
    const id = 4711;
    await write(open(config, id), 'setpoint', 20);
    assert.equal((await failure(write(open(config, id), 'setpoint', 21))).code, 'PCP_WRITE_REFUSED');
    assert.equal(machine.writes.length, 1);
  });

  describe('by the clock', () => {
    withVirtualTime();

    it('tell what became of each', async () => {
      const connector = open({ timeout_ms: 500 });
      const answer = machine.answer;
      const [wrong] = await write(connector, 'setpoint', 20.05);
      assert.equal(wrong?.outcome === 'failed' && wrong.error.code, 'PCP_MODBUS_VALUE');
      machine.answer = (request) => (request.function === 6 ? exception(request, 2) : registers(request));
      const [refused] = await write(connector, 'setpoint', 20);
      assert.equal(refused?.outcome === 'failed' && refused.error.code, 'PCP_MODBUS_EXCEPTION');
      machine.answer = (request) => (request.function === 6 ? exception(request, 5) : registers(request));
      assert.equal((await write(connector, 'setpoint', 20))[0]?.outcome, 'unknown');
      machine.answer = (request) => (request.function === 6 ? request.pdu : registers(request));
      assert.deepEqual(await write(connector, 'setpoint', 20), [
        { tag: 'setpoint', outcome: 'written', verified: false, value: 1 },
      ]);
      machine.answer = () => undefined;
      const [lost] = await write(connector, 'setpoint', 20);
      assert.equal(lost?.outcome === 'unknown' && lost.error.code, 'PCP_MODBUS_TIMEOUT');
      machine.answer = answer;
      assert.equal((await write(connector, 'setpoint', 21))[0]?.outcome, 'written');
      // Each was sent once, the first not at all.
      assert.equal(machine.writes.length, 5);
    });
  });

  it('leave no more when their time is over', async () => {
    const connector = open();
    let release: () => void = () => undefined;
    machine.answer = (request) =>
      new Promise((resolve) => {
        release = () => resolve(registers(request));
      });
    const reading = connector.readTags!(['read_only'], never);
    while (machine.requests.length === 0) await new Promise(setImmediate);
    const abort = new AbortController();
    const writing = write(connector, 'setpoint', 20, abort.signal);
    await new Promise(setImmediate);
    abort.abort();
    const [result] = await writing;
    assert.equal(result?.outcome === 'failed' && result.error.class, 'cancelled');
    release();
    await reading;
    assert.equal(machine.writes.length, 0);
  });

  it('are told and not sent by a dry run, each refused by itself', async () => {
    const tags = {
      ...TAGS,
      limit: { address: 12, type: 'int16', scale_factor: 'sf' },
      sf: { address: 13, type: 'int16' },
    };
    const writable = [...WRITABLE, { functions: [16], from: 12, to: 12, max_per_minute: 1 }];
    const connector = open({ tags, writable });
    const plan = (writes: [string, unknown][], from = connector) =>
      from.planTags!(
        writes.map(([tag, value]) => ({ tag, value })),
        never,
      );
    const [setpoint, start, flag, over, wrong, ...others] = await plan([
      ['setpoint', 23.5],
      ['start', true],
      ['flag', true],
      ['setpoint', 31],
      ['setpoint', 20.05],
    ]);
    const planned = (code: number, table: string, address: number, pdu: string) => ({
      outcome: 'planned',
      request: { unit_id: 1, function: code, table, address, pdu },
    });
    assert.deepEqual(setpoint, { tag: 'setpoint', ...planned(6, 'holding', 10, '06000a00eb') });
    assert.deepEqual(start, { tag: 'start', ...planned(5, 'coil', 5, '050005ff00') });
    assert.deepEqual(flag, { tag: 'flag', ...planned(22, 'holding', 30, '16001efff70008') });
    assert.equal(over?.outcome === 'failed' && over.error.code, 'PCP_WRITE_REFUSED');
    assert.equal(wrong?.outcome === 'failed' && wrong.error.code, 'PCP_MODBUS_VALUE');
    assert.deepEqual(others, []);
    assert.equal(machine.connections, 0);
    machine.memory[13] = 0xfffe;
    for (let again = 0; again < 3; again++) {
      const [limit] = await plan([['limit', 23.47]]);
      assert.deepEqual(limit, { tag: 'limit', ...planned(16, 'holding', 12, '10000c000102092b') });
    }
    assert.equal(machine.writes.length, 0);
    const [refused] = await plan([['setpoint', 20]], open({ writes_enabled: false }));
    assert.equal(refused?.outcome === 'failed' && refused.error.code, 'PCP_WRITE_REFUSED');
  });

  it('take the scale factor that the device has now', async () => {
    const tags = { limit: { address: 10, type: 'int16', scale_factor: 'sf' }, sf: { address: 11, type: 'int16' } };
    const connector = open({ tags });
    machine.memory[11] = 0xfffe;
    assert.deepEqual(await write(connector, 'limit', 23.47), [
      { tag: 'limit', outcome: 'written', verified: true, value: 23.47 },
    ]);
    assert.equal(machine.memory[10], 2347);
  });

  it('never leave outside the list, whatever is asked', async () => {
    const rule = fc.record({
      unit_id: fc.constantFrom(1, 1, 2),
      functions: fc.subarray([5, 6, 15, 16, 22, 23], { minLength: 1 }),
      from: fc.nat(5),
      to: fc.integer({ min: 30, max: 40 }),
    });
    const wanted = fc.record({
      tag: fc
        .tuple(
          fc.constantFrom('0', '1', '1', '2'),
          fc.constantFrom('coil', 'holding'),
          fc.nat(45),
          fc.constantFrom('', '/uint16', '/int32', '/float64', '/uint8', '/bool'),
        )
        .map(([unit, area, address, type]) => `${unit}/${area}/${address}${area === 'coil' ? '' : type}`),
      value: fc.constantFrom<unknown>(0, 1, true, false),
    });
    let left = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.array(wanted, { minLength: 1, maxLength: 12 }),
        async (rules, isEnabled, writes) => {
          machine.requests.length = 0;
          const connector = open({ writable: rules, writes_enabled: isEnabled });
          for (const each of writes) await write(connector, each.tag, each.value).catch(() => undefined);
          await connector.close();
          left += machine.writes.length;
          for (const { unit, function: code, address, count } of machine.writes) {
            const length = code === 15 || code === 16 || code === 23 ? count : 1;
            const allowing = rules.find(
              ({ unit_id, functions, from, to }) =>
                unit_id === unit && functions.includes(code) && from <= address && address + length - 1 <= to,
            );
            assert.ok(isEnabled && allowing, `unit ${unit} function ${code} address ${address}`);
          }
        },
      ),
      { numRuns: 150 },
    );
    assert.ok(left > 20, `${left} writes were allowed`);
  });

  it(`never leave the line outside the list, whoever asks: ${REQUESTS} random requests`, async function () {
    this.timeout(180_000 + REQUESTS);
    const random = new SeededRandom(21);
    const rules = [
      { unit_id: 1, functions: [6, 16], from: 5, to: 34 },
      { unit_id: 2, functions: [5, 15], from: 0, to: 7 },
      { unit_id: 3, functions: [22, 23], from: 30, to: 33 },
    ];
    const settings = readSettings(
      connectionOf({
        port: machine.port,
        max_in_flight: 64,
        timeout_ms: 60_000,
        writes_enabled: true,
        writable: rules,
      }),
    );
    const { client } = await openSession(settings, new WriteGuard(settings.writable, 1), never);
    const ask = (): Promise<unknown> => {
      const address = random.integer(0, 40);
      const count = random.integer(1, 4);
      const code = random.pick([1, 2, 3, 4, 5, 6, 15, 16, 22, 23] as const);
      const requests: Record<number, ModbusRequest> = {
        5: { function: 5, address, value: true },
        6: { function: 6, address, registers: Buffer.alloc(2) },
        15: { function: 15, address, values: Array(count).fill(true) },
        16: { function: 16, address, registers: Buffer.alloc(count * 2) },
        22: { function: 22, address, and: 0, or: 1 },
        23: { function: 23, address, registers: Buffer.alloc(count * 2) },
      };
      const request = requests[code] ?? { function: code as 1, address, count };
      return client.request(random.integer(0, 4), request, never).catch(() => undefined);
    };
    let [came, allowed] = [0, 0];
    for (let round = 0; round < REQUESTS / 1000; round++) {
      machine.requests.length = 0;
      await Promise.all(Array.from({ length: 1000 }, ask));
      const outside = machine.writes.filter(({ unit, function: code, address, count }) => {
        const length = code === 15 || code === 16 || code === 23 ? count : 1;
        const isNamed = rules.some(
          ({ unit_id, functions, from, to }) =>
            unit_id === unit && functions.includes(code) && from <= address && address + length - 1 <= to,
        );
        return !isNamed;
      });
      assert.deepEqual(outside, []);
      came += machine.requests.length;
      allowed += machine.writes.length;
    }
    await client.close();
    assert.ok(allowed > REQUESTS / 50, `${allowed} of them were allowed`);
    assert.ok(came > REQUESTS / 5, `${came} came`);
  });
});
