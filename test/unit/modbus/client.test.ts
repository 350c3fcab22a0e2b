import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ModbusClient } from '../../../lib/protocols/modbus/client';
import { RtuFraming, TcpFraming } from '../../../lib/protocols/modbus/framing';
import { openTcp } from '../../../lib/protocols/modbus/line';
import { type DeviceRequest, exception, ModbusDevice, registers } from '../../support/modbus-device';
import { withVirtualTime } from '../../support/virtual-time';
import { failure, never } from './support';

const READ = { function: 3, address: 100, count: 2 } as const;

describe('Modbus client', () => {
  withVirtualTime();
  let device: ModbusDevice;
  const clients: ModbusClient[] = [];

  const open = async (framing: 'tcp' | 'rtu' = 'tcp', options: { maxInFlight?: number; isReliable?: boolean } = {}) => {
    device = await new ModbusDevice(framing).start();
    const line = await openTcp('127.0.0.1', device.port, 1000, never);
    const client = new ModbusClient(line, framing === 'tcp' ? new TcpFraming() : new RtuFraming(), {
      timeoutMs: 400,
      maxInFlight: 1,
      pauseMs: 0,
      isReliable: true,
      permitWrite: () => undefined,
      ...options,
    });
    clients.push(client);
    return client;
  };

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await device.stop();
  });

  it('asks one request after the other, in the order of their coming, whatever the server would take', async () => {
    for (const framing of ['tcp', 'rtu'] as const) {
      const client = await open(framing, { maxInFlight: framing === 'rtu' ? 8 : 1 });
      const asked = Array.from({ length: 50 }, (_, address) =>
        client.request(1, { ...READ, address, count: 1 }, never),
      );
      const answers = await Promise.all(asked);
      assert.deepEqual(
        answers.map((data) => data.readUInt16BE(0)),
        answers.map((_, address) => address),
      );
      assert.equal(device.mostWaiting, 1, framing);
      await device.stop();
    }
  });

  it('asks as many at once as it is told, and takes answers in any order', async () => {
    const client = await open('tcp', { maxInFlight: 8 });
    const held: { request: DeviceRequest; socket: Socket }[] = [];
    device.answer = (request, socket) => {
      held.push({ request, socket });
      if (held.length === 8) {
        for (const each of held.splice(0).reverse())
          each.socket.write(device.frame(each.request, registers(each.request)));
        device.waiting = 0;
      }
      return new Promise(() => undefined);
    };
    const asked = Array.from({ length: 16 }, (_, address) => client.request(1, { ...READ, address, count: 1 }, never));
    const answers = await Promise.all(asked);
    assert.deepEqual(
      answers.map((data) => data.readUInt16BE(0)),
      answers.map((_, address) => address),
    );
    assert.equal(device.mostWaiting, 8);
  });

  it('takes an answer that comes byte by byte', async () => {
    for (const framing of ['tcp', 'rtu'] as const) {
      const client = await open(framing);
      device.answer = async (request, socket) => {
        for (const byte of device.frame(request, registers(request))) {
          socket.write(Buffer.from([byte]));
          await new Promise(setImmediate);
        }
        return undefined;
      };
      assert.equal((await client.request(1, READ, never)).readUInt16BE(2), 101);
      await device.stop();
    }
  });

  const answered = (request: DeviceRequest, change: (frame: Buffer) => Buffer | undefined) => {
    const frame = device.frame(request, registers(request));
    return { raw: change(frame) ?? frame };
  };
  const hostile: Record<string, (request: DeviceRequest) => { raw: Buffer }> = {
    'another protocol id': (request) => answered(request, (frame) => void frame.writeUInt16BE(7, 2)),
    'a length of 0': (request) => answered(request, (frame) => void frame.writeUInt16BE(0, 4)),
    'a length of 65,535': (request) => answered(request, (frame) => void frame.writeUInt16BE(65_535, 4)),
    'a transaction that nobody began': (request) => answered(request, (frame) => void frame.writeUInt16BE(999, 0)),
    'another unit': (request) => answered(request, (frame) => void frame.writeUInt8(9, 6)),
    'another function': (request) => answered(request, (frame) => void frame.writeUInt8(4, 7)),
    'a byte count that lies': (request) => answered(request, (frame) => void frame.writeUInt8(200, 8)),
    'an exception without a number': (request) => ({ raw: device.frame(request, Buffer.from([0x83])) }),
    'no Modbus at all': () => ({ raw: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') }),
    'a megabyte of noise': () => ({ raw: Buffer.alloc(1_000_000, 0xa5) }),
  };
  for (const [what, answer] of Object.entries(hostile)) {
    it(`ends the connection at ${what}`, async () => {
      const client = await open('tcp', { maxInFlight: 2 });
      device.answer = answer;
      const [first, second] = await Promise.all([
        failure(client.request(1, READ, never)),
        failure(client.request(1, READ, never)),
      ]);
      assert.equal(first.code, 'PCP_MODBUS_PROTOCOL', first.message);
      assert.equal(second.code, 'PCP_MODBUS_PROTOCOL', second.message);
      assert.equal(client.failure?.code, 'PCP_MODBUS_PROTOCOL');
      assert.equal((await failure(client.request(1, READ, never))).code, 'PCP_MODBUS_PROTOCOL');
    });
  }

  it('takes less than was asked for, as some devices send where nothing is, for a refusal of this request', async () => {
    for (const framing of ['tcp', 'rtu'] as const) {
      const client = await open(framing);
      device.answer = (request) => (request.address >= 9000 ? Buffer.from([3, 0]) : registers(request));
      const error = await failure(client.request(1, { ...READ, address: 9000 }, never));
      assert.deepEqual([error.code, error.class], ['PCP_MODBUS_SHORT_ANSWER', 'config']);
      assert.match(error.message, /address 9000/);
      assert.equal((await client.request(1, READ, never)).readUInt16BE(0), 100);
      await device.stop();
    }
  });

  it('ends the connection when a transaction is answered twice', async () => {
    const client = await open();
    device.answer = (request) => answered(request, (frame) => Buffer.concat([frame, frame]));
    await client.request(1, READ, never);
    assert.equal((await failure(client.request(1, READ, never))).code, 'PCP_MODBUS_PROTOCOL');
  });

  const damaged = (request: DeviceRequest) => {
    const frame = device.frame(request, request.function === 3 ? registers(request) : request.pdu);
    frame[frame.length - 1] = ~(frame.at(-1) as number) & 0xff;
    return { raw: frame };
  };

  it('ends the connection at a wrong CRC', async () => {
    const client = await open('rtu');
    device.answer = damaged;
    assert.equal((await failure(client.request(1, READ, never))).code, 'PCP_MODBUS_PROTOCOL');
    assert.equal(client.failure?.code, 'PCP_MODBUS_PROTOCOL');
  });

  it('takes a wrong CRC on a serial line for noise: a read is asked once more, a write is not', async () => {
    const client = await open('rtu', { isReliable: false });
    device.answer = (request) => (device.requests.length === 1 ? damaged(request) : registers(request));
    assert.equal((await client.request(1, READ, never)).readUInt16BE(0), 100);
    device.answer = damaged;
    assert.equal((await failure(client.request(1, READ, never))).code, 'PCP_MODBUS_PROTOCOL');
    const write = { function: 6, address: 1, registers: Buffer.from([0, 1]) } as const;
    const error = await failure(client.request(1, write, never));
    assert.deepEqual([error.code, error.outcomeUnknown], ['PCP_MODBUS_PROTOCOL', true]);
    assert.deepEqual(
      device.requests.map((request) => request.function),
      [3, 3, 3, 3, 6],
    );
    assert.equal(client.failure, undefined);
  });

  it('gives up all that is under way when the other side hangs up', async () => {
    const client = await open();
    device.answer = (_, socket) => void socket.destroy();
    const failures = await Promise.all([1, 2, 3].map(() => failure(client.request(1, READ, never))));
    assert.deepEqual(new Set(failures.map(({ code }) => code)), new Set(['PCP_CONNECT_LOST']));
  });

  it('ignores an answer after its time, and goes on', async () => {
    const client = await open();
    let late: DeviceRequest | undefined;
    device.answer = (request, socket) => {
      if (late === undefined) {
        late = request;
        return undefined;
      }
      socket.write(device.frame(late, registers(late)));
      return registers(request);
    };
    assert.equal((await failure(client.request(1, READ, never))).code, 'PCP_MODBUS_TIMEOUT');
    assert.equal((await client.request(1, { ...READ, address: 7 }, never)).readUInt16BE(0), 7);
  });

  describe('where no answer says what it answers', () => {
    /** Works off one request after the other, as what sits behind a serial gateway does, and the first one slowly. */
    const slowOnce = (milliseconds: number) => {
      let works = Promise.resolve();
      device.answer = (request) => {
        const pause = device.requests.length === 1 ? milliseconds : 20;
        const answer = works.then(() => delay(pause)).then(() => registers(request));
        works = answer.then(() => undefined);
        return answer;
      };
    };
    const read = (client: ModbusClient, address: number) =>
      client.request(1, { ...READ, address, count: 1 }, never).then(
        (data) => data.readUInt16BE(0),
        ({ code }) => code,
      );

    it('one that comes late is not taken for that of the next request', async () => {
      const client = await open('rtu');
      slowOnce(600);
      assert.deepEqual(await Promise.all([7, 8, 9].map((address) => read(client, address))), [
        'PCP_MODBUS_TIMEOUT',
        'PCP_MODBUS_UNIT_SILENT',
        'PCP_MODBUS_UNIT_SILENT',
      ]);
      for (const address of [10, 11, 12]) assert.equal(await read(client, address), address);
    });

    it('nor is one that comes when it was not waited for any more', async () => {
      const client = await open('rtu');
      slowOnce(1000);
      assert.equal(await read(client, 7), 'PCP_MODBUS_TIMEOUT');
      for (const address of [8, 9, 10]) assert.equal(await read(client, address), address);
    });
  });

  it('sends what is written in its order, before what is read', async () => {
    const client = await open();
    device.answer = (request) => (request.function === 6 ? request.pdu : delay(50).then(() => registers(request)));
    const write = (value: number) =>
      client.request(1, { function: 6, address: 5, registers: Buffer.from([0, value]) }, never);
    const asked = [client.request(1, READ, never), client.request(1, READ, never), write(10), write(20), write(30)];
    await Promise.all(asked);
    assert.deepEqual(
      device.requests.map((request) => (request.function === 6 ? request.count : 'read')),
      ['read', 10, 20, 30, 'read'],
    );
  });

  it('takes back a write that nobody waits for any more, as far as it has not left', async () => {
    const client = await open();
    device.answer = () => undefined;
    const asked = client.request(1, READ, never).catch(() => undefined);
    while (device.sockets.size === 0) await delay(5);
    const [socket] = [...device.sockets] as [Socket];
    const reset = new Promise((resolve) => socket.once('error', resolve));
    await asked;
    const request = { function: 6, address: 5, registers: Buffer.alloc(2) } as const;
    const impatient = new AbortController();
    device.answer = () => void impatient.abort();
    const error = await failure(client.request(1, request, impatient.signal));
    assert.deepEqual([error.code, error.outcomeUnknown], ['PCP_CANCELLED', true]);
    assert.equal(((await reset) as NodeJS.ErrnoException).code, 'ECONNRESET');
    assert.equal(client.failure?.code, 'PCP_CONNECT_LOST');
  });

  it('takes a line on which nothing comes for dead', async () => {
    const client = await open();
    device.answer = () => undefined;
    const codes = [];
    for (const unit of [1, 2, 3]) codes.push((await failure(client.request(unit, READ, never))).code);
    assert.deepEqual(codes, ['PCP_MODBUS_TIMEOUT', 'PCP_MODBUS_TIMEOUT', 'PCP_MODBUS_TIMEOUT']);
    assert.equal(client.failure?.code, 'PCP_MODBUS_SILENT');
  });

  it('leaves a unit that stays silent alone, and asks the others meanwhile', async () => {
    const client = await open();
    device.answer = (request) => (request.unit === 2 ? undefined : registers(request));
    const askAll = () =>
      Promise.all(
        [1, 2, 3].flatMap((unit) =>
          [0, 10, 20].map((address) =>
            client.request(unit, { ...READ, address }, never).then(
              () => `${unit} ok`,
              ({ code }) => `${unit} ${code}`,
            ),
          ),
        ),
      );
    const silent = (first: string) => [`2 ${first}`, '2 PCP_MODBUS_UNIT_SILENT', '2 PCP_MODBUS_UNIT_SILENT'];
    const others = [Array(3).fill('1 ok'), Array(3).fill('3 ok')];
    for (const first of ['PCP_MODBUS_TIMEOUT', 'PCP_MODBUS_TIMEOUT', 'PCP_MODBUS_UNIT_SILENT']) {
      assert.deepEqual(await askAll(), [others[0], silent(first), others[1]].flat());
    }
    // One request a round, and none when it is left alone.
    assert.equal(device.requests.filter(({ unit }) => unit === 2).length, 2);
    device.answer = (request) => registers(request);
    while (client.failure === undefined) {
      const again = await client.request(2, READ, never).catch(() => undefined);
      if (again !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(
      await askAll(),
      [1, 2, 3].flatMap((unit) => Array(3).fill(`${unit} ok`)),
    );
  });

  it('takes what times out together for one silence: a pause of the device costs no more than the requests under way', async () => {
    const client = await open('tcp', { maxInFlight: 8 });
    device.answer = (request) => (device.requests.length <= 8 ? undefined : registers(request));
    const asked = Array.from({ length: 8 }, (_, address) => failure(client.request(1, { ...READ, address }, never)));
    assert.deepEqual(new Set((await Promise.all(asked)).map(({ code }) => code)), new Set(['PCP_MODBUS_TIMEOUT']));
    assert.equal((await client.request(1, READ, never)).readUInt16BE(0), 100);
  });

  it('takes a gateway at its word that a unit is silent', async () => {
    const client = await open();
    device.answer = (request) => exception(request, 11);
    const asked = [1, 2, 3].map(() => failure(client.request(5, READ, never)));
    const failures = await Promise.all(asked);
    assert.match(failures[0]!.message, /exception 11/);
    assert.equal(failures[1]!.code, 'PCP_MODBUS_UNIT_SILENT');
    assert.equal(device.requests.length, 1);
  });

  it('gives exceptions with what they mean', async () => {
    const client = await open();
    for (const [number, errorClass] of [
      [1, 'config'],
      [2, 'config'],
      [3, 'config'],
      [4, 'transient'],
      [6, 'transient'],
      [99, 'config'],
    ] as const) {
      device.answer = (request) => exception(request, number);
      const error = await failure(client.request(1, READ, never));
      assert.equal(error.code, 'PCP_MODBUS_EXCEPTION');
      assert.equal(error.class, errorClass, error.message);
      assert.match(error.message, new RegExp(`exception ${number} `));
    }
  });

  it('does not send what was aborted while it waited', async () => {
    const client = await open();
    let release: () => void = () => undefined;
    device.answer = (request) =>
      new Promise((resolve) => {
        release = () => resolve(registers(request));
      });
    const first = client.request(1, READ, never);
    const abort = new AbortController();
    const write = failure(client.request(1, { function: 6, address: 1, registers: Buffer.from([0, 1]) }, abort.signal));
    abort.abort();
    const error = await write;
    assert.equal(error.class, 'cancelled');
    assert.equal(error.outcomeUnknown, false);
    while (device.requests.length === 0) await new Promise(setImmediate);
    release();
    await first;
    assert.deepEqual(
      device.requests.map((request) => request.function),
      [3],
    );
  });

  it('says that nothing is known of a write whose answer was lost', async () => {
    const client = await open();
    device.answer = (_, socket) => void socket.destroy();
    const write = { function: 6, address: 1, registers: Buffer.from([0, 1]) } as const;
    assert.equal((await failure(client.request(1, write, never))).outcomeUnknown, true);
    assert.equal(device.requests.length, 1);
  });
});
