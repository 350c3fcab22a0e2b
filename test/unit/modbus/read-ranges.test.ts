import assert from 'node:assert/strict';
import { ModbusClient } from '../../../lib/protocols/modbus/client';
import { TcpFraming } from '../../../lib/protocols/modbus/framing';
import { openTcp } from '../../../lib/protocols/modbus/line';
import { Holes, type Range } from '../../../lib/protocols/modbus/poll-plan';
import { readRanges } from '../../../lib/protocols/modbus/read-ranges';
import { exception, ModbusDevice, registers } from '../../support/modbus-device';
import { failure, never } from './support';

const LIMITS = { maxGap: 50, maxRegisters: 125, maxBits: 2000, forbidden: [] };
const item = (address: number, count = 1): Range => ({ unitId: 1, table: 'holding', address, count });

describe('Modbus plan that heals itself', () => {
  let device: ModbusDevice;
  let client: ModbusClient;
  let holes: Holes;

  beforeEach(async () => {
    device = await new ModbusDevice().start();
    client = new ModbusClient(await openTcp('127.0.0.1', device.port, 1000, never), new TcpFraming(), {
      timeoutMs: 5000,
      maxInFlight: 4,
      pauseMs: 0,
      isReliable: true,
      permitWrite: () => undefined,
    });
    holes = new Holes();
  });
  afterEach(async () => {
    await client.close();
    await device.stop();
  });

  /** Requests of one reading, and what it gave: a register, or the exception. */
  const read = async (items: Range[]) => {
    device.requests.length = 0;
    const answers = await readRanges(client, items, LIMITS, holes, never);
    const values = items.map((each) => {
      const answer = answers.get(each);
      return Buffer.isBuffer(answer) ? answer.readUInt16BE(0) : /exception \d+/.exec(answer?.message ?? '')?.[0];
    });
    return { values, requests: device.requests.length };
  };

  it('finds the holes of a device once, and asks around them then', async () => {
    const isHole = (address: number) => address >= 20 && address < 30;
    device.answer = (request) => {
      const addresses = Array.from({ length: request.count }, (_, index) => request.address + index);
      return addresses.some(isHole) ? exception(request, 2) : registers(request);
    };
    const items = [0, 3, 8, 15, 19, 30, 33, 40, 41, 50].map((address) => item(address));
    const expected = items.map(({ address }) => address);
    const first = await read(items);
    assert.deepEqual(first.values, expected);
    assert.ok(first.requests > 2);
    const second = await read(items);
    assert.deepEqual(second, { values: expected, requests: 2 });
  });

  it('puts the one tag aside that the device refuses, and takes it back when it is there', async () => {
    let isMissing = true;
    device.answer = (request) => {
      const holds = request.address <= 7 && request.address + request.count > 7;
      return isMissing && holds ? exception(request, 2) : registers(request);
    };
    const items = Array.from({ length: 16 }, (_, address) => item(address));
    const expected = items.map(({ address }) => (address === 7 ? 'exception 2' : address));
    assert.deepEqual((await read(items)).values, expected);
    assert.deepEqual(await read(items), { values: expected, requests: 3 });
    isMissing = false;
    assert.deepEqual((await read(items)).values[7], 7);
    assert.equal((await read(items)).requests, 1);
  });

  it('finds out how many registers a device gives at once', async () => {
    device.answer = (request) => (request.count > 40 ? exception(request, 3) : registers(request));
    const items = Array.from({ length: 100 }, (_, address) => item(address));
    assert.deepEqual(
      (await read(items)).values,
      items.map(({ address }) => address),
    );
    await read(items);
    assert.equal((await read(items)).requests, 4);
    assert.ok(device.requests.every(({ count }) => count <= 40));
  });

  it('asks once for what fails for another reason', async () => {
    device.answer = (request) => exception(request, 4);
    const items = [item(0), item(1)];
    assert.deepEqual(await read(items), { values: ['exception 4', 'exception 4'], requests: 1 });
  });

  it('fails as a whole when the line breaks', async () => {
    device.answer = (request, socket) => (request.address === 100 ? void socket.destroy() : registers(request));
    const work = readRanges(client, [item(0), item(100), item(200)], LIMITS, holes, never);
    assert.equal((await failure(work)).code, 'PCP_CONNECT_LOST');
  });
});
